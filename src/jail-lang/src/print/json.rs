//! Values as JSON, and back.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::float;
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{TextPart, TextValue, Value};

/// The JSON of a value, evaluated to its last part.
pub(crate) fn write(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<String> {
    let mut text = String::new();
    write_into(evaluator, value, at, &mut text)?;
    Ok(text)
}

fn write_into(
    evaluator: &Evaluator<'_>,
    value: &Value,
    at: Place,
    into: &mut String,
) -> Fallible<()> {
    evaluator.step(at)?;
    match evaluator.force(value, at)? {
        Value::Null => into.push_str("null"),
        Value::Bool(value) => into.push_str(if value { "true" } else { "false" }),
        Value::Int(number) => into.push_str(&number.to_string()),
        Value::Float(number) => {
            into.push_str(&if number.is_finite() { float(number) } else { "null".into() });
        }
        Value::Str(text) => push_string(&text, into),
        Value::Path(path) => {
            let mut text = TextValue::new(false);
            evaluator.append(&mut text, &Value::Path(path), at)?;
            push_string(&plain(&text), into);
        }
        Value::List(list) => {
            into.push('[');
            for (index, item) in list.items.iter().enumerate() {
                if index > 0 {
                    into.push(',');
                }
                write_into(evaluator, item, at, into)?;
            }
            into.push(']');
        }
        Value::Attrs(attrs) => write_set(evaluator, &attrs, at, into)?,
        other @ (Value::Residual(_) | Value::Text(_)) => {
            return Err(Failure::symbolic(at, "the value", &evaluator.shown_source(&other)));
        }
        other => {
            return Err(Failure::new(
                DiagnosticCode::TypeMismatch,
                at,
                format!("{} has no JSON", other.kind()),
            )
            .label("it cannot be written"));
        }
    }
    Ok(())
}

/// The characters of a text that only names files.
fn plain(text: &TextValue) -> String {
    let part = |part: &TextPart| match part {
        TextPart::Literal(text) => text.to_string(),
        TextPart::Package(..) | TextPart::Entry => String::new(),
    };
    text.parts.iter().map(part).collect()
}

fn write_set(
    evaluator: &Evaluator<'_>,
    attrs: &Rc<Attrs>,
    at: Place,
    into: &mut String,
) -> Fallible<()> {
    let whole = Value::Attrs(Rc::clone(attrs));
    if let Some(function) = attrs.get(evaluator.known.to_string) {
        let function = evaluator.force(function, at)?;
        let text = evaluator.apply(&function, &[whole], at)?;
        push_string(&evaluator.string(&text, at)?, into);
        return Ok(());
    }
    if let Some(path) = attrs.get(evaluator.known.out_path) {
        return write_into(evaluator, path, at, into);
    }
    into.push('{');
    for (index, (name, entry)) in attrs.by_name(&evaluator.symbols).into_iter().enumerate() {
        if index > 0 {
            into.push(',');
        }
        push_string(&name, into);
        into.push(':');
        write_into(evaluator, &entry.value, at, into)?;
    }
    into.push('}');
    Ok(())
}

fn push_string(text: &str, into: &mut String) {
    into.push('"');
    for char in text.chars() {
        match char {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            char if char < ' ' => into.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => into.push(char),
        }
    }
    into.push('"');
}

/// The value of a JSON text.
pub(crate) fn read(evaluator: &Evaluator<'_>, text: &str, at: Place) -> Fallible<Value> {
    if depth(text) > evaluator.stack_left() / FRAME {
        return Err(evaluator.too_deep(at));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let json = Json::deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    let json = json.map_err(|error| {
        Failure::new(DiagnosticCode::Data, at, format!("the text is no JSON: {error}"))
            .label("read here")
    })?;
    Ok(value(evaluator, json))
}

/// More than the reader takes of the stack for each bracket, in any build.
const FRAME: usize = 8 << 10;

/// The brackets that are open at once, at most: those inside strings are counted too.
fn depth(text: &str) -> usize {
    let (mut open, mut most) = (0_usize, 0);
    for byte in text.bytes() {
        match byte {
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        most = most.max(open);
    }
    most
}

fn value(evaluator: &Evaluator<'_>, json: Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match number.as_i64() {
            Some(number) => Value::Int(number),
            None => Value::Float(number.as_f64().unwrap_or(f64::INFINITY)),
        },
        Json::String(text) => Value::string(text),
        Json::Array(items) => {
            let items = items.into_iter().map(|item| value(evaluator, item));
            Value::list(items.collect::<Vec<_>>())
        }
        Json::Object(fields) => {
            let pairs = fields
                .into_iter()
                .map(|(name, item)| (evaluator.symbols.intern(&name), value(evaluator, item)));
            Value::Attrs(Rc::new(Attrs::of(pairs)))
        }
    }
}
