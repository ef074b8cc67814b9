//! Values as Nix prints them: what `nix-instantiate --eval --strict` says.

use serde_json::{Number, Value};

use crate::render::sanitise;

/// Words that are no attribute name without quotes.
const KEYWORDS: &[&str] = &["assert", "else", "if", "in", "inherit", "let", "rec", "then", "with"];

/// The text of a value, on one line.
pub(super) fn nix_value(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    sanitise(&text).into_owned()
}

fn write(value: &Value, into: &mut String) {
    match value {
        Value::Null => into.push_str("null"),
        Value::Bool(value) => into.push_str(if *value { "true" } else { "false" }),
        Value::Number(value) => into.push_str(&number(value)),
        Value::String(text) => string(text, into),
        Value::Array(items) => {
            into.push_str("[ ");
            for item in items {
                write(item, into);
                into.push(' ');
            }
            into.push(']');
        }
        Value::Object(fields) => {
            into.push_str("{ ");
            for (name, value) in fields {
                attribute(name, into);
                into.push_str(" = ");
                write(value, into);
                into.push_str("; ");
            }
            into.push('}');
        }
    }
}

fn attribute(name: &str, into: &mut String) {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_';
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_'-".contains(c);
    if name.starts_with(is_start) && name.chars().all(is_part) && !KEYWORDS.contains(&name) {
        into.push_str(name);
    } else {
        string(name, into);
    }
}

fn string(text: &str, into: &mut String) {
    into.push('"');
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '$' if rest.peek() == Some(&'{') => into.push_str("\\$"),
            c => into.push(c),
        }
    }
    into.push('"');
}

/// Nix prints floats as C++ does: six significant digits, the shorter of the two notations.
fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => shortest(float),
        _ => number.to_string(),
    }
}

/// `%g` of printf(3).
fn shortest(float: f64) -> String {
    if float == 0.0 {
        return if float.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    let scientific = format!("{float:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        return trimmed(&format!("{float:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trimmed(digits), exponent.abs())
}

fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}
