//! Values as JSON, and back.

use std::collections::HashSet;
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
    let mut writer = Writer { evaluator, at, open: HashSet::new(), text: String::new() };
    writer.value(value)?;
    Ok(writer.text)
}

struct Writer<'a, 's> {
    evaluator: &'a Evaluator<'s>,
    at: Place,
    /// The addresses of the lists and sets that are being written: one that stands inside itself has no end.
    open: HashSet<usize>,
    text: String,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Fallible<()> {
        let (evaluator, at) = (self.evaluator, self.at);
        evaluator.step(at)?;
        match evaluator.force(value, at)? {
            Value::Null => self.text.push_str("null"),
            Value::Bool(value) => self.text.push_str(if value { "true" } else { "false" }),
            Value::Int(number) => self.text.push_str(&number.to_string()),
            Value::Float(number) if number.is_finite() => self.text.push_str(&float(number)),
            Value::Float(_) => self.text.push_str("null"),
            Value::Str(text) => push_string(&text, &mut self.text),
            Value::Path(path) => {
                let mut text = TextValue::new(false);
                evaluator.append(&mut text, &Value::Path(path), at)?;
                push_string(&plain(&text), &mut self.text);
            }
            Value::List(list) => {
                self.inside(Rc::as_ptr(&list).addr(), |this| this.list(&list.items))?;
            }
            Value::Attrs(attrs) => {
                self.inside(Rc::as_ptr(&attrs).addr(), |this| this.set(&attrs))?;
            }
            other @ (Value::Residual(_) | Value::Text(_)) => {
                return Err(Failure::symbolic(at, "the value", &evaluator.shown_source(&other)));
            }
            other => {
                let message = format!("{} has no JSON", other.kind());
                return Err(Failure::new(DiagnosticCode::TypeMismatch, at, message)
                    .label("it cannot be written"));
            }
        }
        Ok(())
    }

    fn inside(
        &mut self,
        address: usize,
        write: impl FnOnce(&mut Self) -> Fallible<()>,
    ) -> Fallible<()> {
        if !self.open.insert(address) {
            let message = "the value holds itself, and so has no JSON";
            return Err(Failure::new(DiagnosticCode::InfiniteRecursion, self.at, message)
                .label("it has no end"));
        }
        write(self)?;
        self.open.remove(&address);
        Ok(())
    }

    fn list(&mut self, items: &[Value]) -> Fallible<()> {
        self.text.push('[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.value(item)?;
        }
        self.text.push(']');
        Ok(())
    }

    fn set(&mut self, attrs: &Rc<Attrs>) -> Fallible<()> {
        let (evaluator, at) = (self.evaluator, self.at);
        if let Some(function) = attrs.get(evaluator.known.to_string) {
            let function = evaluator.force(function, at)?;
            let text = evaluator.apply(&function, &[Value::Attrs(Rc::clone(attrs))], at)?;
            push_string(&evaluator.string(&text, at)?, &mut self.text);
            return Ok(());
        }
        if let Some(path) = attrs.get(evaluator.known.out_path) {
            return self.value(path);
        }
        self.text.push('{');
        for (index, (name, entry)) in attrs.by_name(&evaluator.symbols).into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            push_string(&name, &mut self.text);
            self.text.push(':');
            self.value(&entry.value)?;
        }
        self.text.push('}');
        Ok(())
    }
}

/// The characters of a text that only names files.
fn plain(text: &TextValue) -> String {
    let part = |part: &TextPart| match part {
        TextPart::Literal(text) => text.to_string(),
        TextPart::Package(..) | TextPart::Entry => String::new(),
    };
    text.parts.iter().map(part).collect()
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
