//! `fromTOML`.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};
use toml::Value as Toml;

use super::{Builtin, builtin, take};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[builtin("fromTOML", 1, |evaluator, args, at| {
    let [text] = take(args, at)?;
    let text = evaluator.string(text, at)?;
    if !is_portable(&text) {
        return Err(no_portable(at, "carriage returns, or an escape of newer versions"));
    }
    evaluator.charge(text.len().saturating_mul(TREE_COST), at)?;
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let reason = error.message().lines().next().unwrap_or("").to_owned();
        Failure::new(DiagnosticCode::Data, at, format!("the text is not TOML: {reason}"))
            .label("read here")
    })?;
    value(evaluator, Toml::Table(table), at)
})];

/// The bytes that the tree of a text may take for each byte of the text.
const TREE_COST: usize = 64;

/// Versions of Nix disagree on line ends in strings, on newer escapes, and on infinity and NaN.
fn is_portable(text: &str) -> bool {
    !text.contains('\r') && !text.contains("\\e") && !text.contains("\\x")
}

fn no_portable(at: Place, what: &str) -> Box<Failure> {
    Failure::dependent(at, format!("the TOML has {what}"))
        .label("versions of Nix read it differently")
}

fn value(evaluator: &Evaluator<'_>, toml: Toml, at: Place) -> Fallible<Value> {
    Ok(match toml {
        Toml::String(text) if text.contains('\0') => return Err(no_portable(at, "a NUL byte")),
        Toml::String(text) => Value::string(text),
        Toml::Integer(number) => Value::Int(number),
        Toml::Float(number) if !number.is_finite() => {
            return Err(no_portable(at, "a number that is not finite"));
        }
        Toml::Float(number) => Value::Float(number),
        Toml::Boolean(value) => Value::Bool(value),
        Toml::Datetime(_) => {
            return Err(Failure::new(
                DiagnosticCode::Data,
                at,
                "the text holds a date, which Nix has no value for",
            )
            .label("read here")
            .help("put the date into quotes"));
        }
        Toml::Array(items) => {
            let items = items.into_iter().map(|item| value(evaluator, item, at));
            Value::list(items.collect::<Fallible<Vec<_>>>()?)
        }
        Toml::Table(table) => {
            let mut pairs = Vec::with_capacity(table.len());
            for (name, item) in table {
                if name.contains('\0') {
                    return Err(no_portable(at, "a NUL byte"));
                }
                pairs.push((evaluator.symbols.intern(&name), value(evaluator, item, at)?));
            }
            Value::Attrs(Rc::new(Attrs::without_places(pairs)))
        }
    })
}
