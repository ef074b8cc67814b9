//! Versions of packages.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Builtin, builtin, take};
use crate::attrs::Attrs;
use crate::limits::{DELAYED, ELEMENT};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    builtin("compareVersions", 2, |evaluator, args, at| {
        let [a, b] = take(args, at)?;
        let (a, b) = (evaluator.string(a, at)?, evaluator.string(b, at)?);
        evaluator.work((a.len() + b.len()) * ELEMENT, at)?;
        Ok(Value::Int(match compare(&a, &b) {
            Ordering::Less => -1,
            Ordering::Equal => 0,
            Ordering::Greater => 1,
        }))
    }),
    builtin("parseDrvName", 1, |evaluator, args, at| {
        let [name] = take(args, at)?;
        let name = evaluator.string(name, at)?;
        evaluator.charge(name.len(), at)?;
        let (name, version) = parse_name(&name);
        let pairs = [("name", name), ("version", version)];
        let pairs =
            pairs.map(|(field, text)| (evaluator.symbols.intern(field), Value::string(text)));
        Ok(Value::Attrs(Rc::new(Attrs::without_places(pairs))))
    }),
    builtin("splitVersion", 1, |evaluator, args, at| {
        let [version] = take(args, at)?;
        let version = evaluator.string(version, at)?;
        evaluator.charge_elements(version.len(), ELEMENT + DELAYED, at)?;
        Ok(Value::list(components(&version).map(Value::string).collect::<Vec<_>>()))
    }),
];

/// Splits a version into runs of digits and runs of anything else, between dots and hyphens.
fn components(version: &str) -> impl Iterator<Item = &str> {
    let mut rest = version;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['.', '-']);
        let digits = rest.starts_with(|char: char| char.is_ascii_digit());
        let end =
            rest.find(|char: char| char == '.' || char == '-' || char.is_ascii_digit() != digits);
        let (component, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        (!component.is_empty()).then_some(component)
    })
}

fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (components(a), components(b));
    loop {
        let (x, y) = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (x, y) => (x.unwrap_or(""), y.unwrap_or("")),
        };
        if is_before(x, y) {
            return Ordering::Less;
        }
        if is_before(y, x) {
            return Ordering::Greater;
        }
    }
}

/// A component as Nix reads numbers: 32 bits. A component with more digits is compared as text.
fn number(component: &str) -> Option<i32> {
    component.parse().ok()
}

fn is_before(a: &str, b: &str) -> bool {
    let (x, y) = (number(a), number(b));
    match (x, y) {
        (Some(x), Some(y)) => x < y,
        (_, Some(_)) if a.is_empty() => true,
        _ if a == "pre" && b != "pre" => true,
        _ if b == "pre" => false,
        // Letters come before numbers: `2.3a` before `2.3.1`.
        (None, Some(_)) => true,
        (Some(_), None) => false,
        (None, None) => a < b,
    }
}

/// The version starts at the first hyphen that no letter follows.
fn parse_name(full: &str) -> (&str, &str) {
    let hyphens = full.match_indices('-').map(|(at, _)| at);
    for at in hyphens {
        let rest = full.get(at + 1..).unwrap_or("");
        if rest.chars().next().is_some_and(|char| !char.is_ascii_alphabetic()) {
            return (full.get(..at).unwrap_or(full), rest);
        }
    }
    (full, "")
}
