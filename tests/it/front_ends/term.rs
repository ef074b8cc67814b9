//! A term of the `.jail` front end as a Nix expression of its JSON form: its packages are Nix
//! source, so Nix must resolve them.

use jail_policy::{Output, Package, Piece, Text};
use jail_registry::{Applied, Jail, Made, Placed, Value};
use jailgen::backends::nix::value::{NixValue, Part, parenthesised};

/// A file that evaluates to the term.
pub(super) fn file(jail: &Jail) -> String {
    let term = match &jail.made {
        Made::Plain { name, entry, permissions } => set([
            ("name", NixValue::text(name)),
            ("entry", value(entry)),
            ("permissions", NixValue::List(permissions.iter().map(permission).collect())),
        ]),
        Made::Built(built) => set([
            ("builder", NixValue::text(&built.builder)),
            ("arguments", attributes(&built.arguments)),
        ]),
    };
    let names = "{ pkgs, lib, inputs, agents, package }:";
    format!("{names}\n{}\n", term.to_nix(0))
}

fn set<const N: usize>(fields: [(&str, NixValue); N]) -> NixValue {
    NixValue::Set(fields.map(|(name, value)| (name.to_owned(), value)).into())
}

fn permission(applied: &Applied) -> NixValue {
    set([
        ("combinator", NixValue::text(&applied.combinator)),
        ("arguments", NixValue::List(applied.arguments.iter().map(value).collect())),
    ])
}

fn value(placed: &Placed) -> NixValue {
    match &placed.value {
        Value::Null => NixValue::Null,
        Value::Bool(value) => NixValue::Bool(*value),
        Value::Integer(number) => NixValue::Integer(*number),
        Value::Float(number) => NixValue::Code(number.to_string()),
        Value::Text(it) => text(it),
        Value::Package(Package::Symbolic { nix }) => {
            NixValue::Code(format!("package {}", parenthesised(nix)))
        }
        Value::Package(Package::Resolved { .. }) | Value::Path(_) | Value::Function => {
            panic!("a spec's term has no {:?}", placed.value)
        }
        Value::List(elements) => NixValue::List(elements.iter().map(value).collect()),
        Value::Attributes(fields) => attributes(fields),
        Value::Permission(applied) => permission(applied),
    }
}

fn attributes(fields: &std::collections::BTreeMap<String, Placed>) -> NixValue {
    let fields = fields.iter().map(|(name, field)| (name.clone(), value(field))).collect();
    set([("attributes", NixValue::Set(fields))])
}

fn text(text: &Text) -> NixValue {
    let is_entry = |piece: &Piece| matches!(piece, Piece::Entry { .. });
    if text.pieces().iter().any(is_entry) {
        let parts = text.pieces().split(is_entry).map(|pieces| string(pieces.iter()));
        return set([("script", NixValue::List(parts.collect()))]);
    }
    let string = string(text.pieces().iter());
    if text.expand { set([("noescape", string)]) } else { string }
}

fn string<'a>(pieces: impl Iterator<Item = &'a Piece>) -> NixValue {
    NixValue::Text(pieces.map(part).collect())
}

fn part(piece: &Piece) -> Part {
    match piece {
        Piece::Literal(literal) => Part::Literal(literal.clone()),
        Piece::Package { package: Package::Symbolic { nix }, output } => {
            let nix = parenthesised(nix);
            Part::Code(match output {
                Output::Out => nix,
                Output::Bin => format!("lib.getBin {nix}"),
                Output::Program => format!("lib.getExe {nix}"),
            })
        }
        Piece::Package { package: Package::Resolved { .. }, .. } | Piece::Entry { .. } => {
            panic!("no part of a spec's text: {piece:?}")
        }
    }
}
