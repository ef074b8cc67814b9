//! Values as JSON, and back.

use std::collections::HashSet;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};
use serde::Deserialize as _;
use serde_json::Value as Json;

use super::{float, six_digits};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{TextBuilder, TextPart, TextValue, Value};

/// The JSON of a value, which is evaluated completely.
pub(crate) fn write(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<String> {
    written(evaluator, value, at, Digits::Any)
}

/// The JSON as `builtins.toJSON` gives it. What versions of Nix write differently is refused.
pub(crate) fn write_portably(
    evaluator: &Evaluator<'_>,
    value: &Value,
    at: Place,
) -> Fallible<String> {
    written(evaluator, value, at, Digits::Portable)
}

fn written(
    evaluator: &Evaluator<'_>,
    value: &Value,
    at: Place,
    digits: Digits,
) -> Fallible<String> {
    let mut writer = Writer { evaluator, at, digits, open: HashSet::new(), text: String::new() };
    writer.value(value)?;
    Ok(writer.text)
}

/// Which floats and control characters may be written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Digits {
    Any,
    /// The floats that all versions of Nix write alike.
    Portable,
}

struct Writer<'a, 's> {
    evaluator: &'a Evaluator<'s>,
    at: Place,
    digits: Digits,
    /// The addresses of the lists and sets that are being written, to find
    /// one that contains itself.
    open: HashSet<usize>,
    text: String,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Fallible<()> {
        let (evaluator, at) = (self.evaluator, self.at);
        evaluator.step(at)?;
        evaluator.room(self.text.len(), at)?;
        match evaluator.force(value, at)? {
            Value::Null => self.text.push_str("null"),
            Value::Bool(value) => self.text.push_str(if value { "true" } else { "false" }),
            Value::Int(number) => self.text.push_str(&number.to_string()),
            Value::Float(number) if number.is_finite() => self.float(number)?,
            Value::Float(_) => self.text.push_str("null"),
            Value::Str(text) => self.string(&text)?,
            // It is copied into the store, and only Nix knows its name there.
            other @ Value::Path(_) if self.digits == Digits::Portable => {
                let mut text = TextBuilder::plain();
                evaluator.append(&mut text, &other, at)?;
                return Err(Failure::symbolic(at, "the value", &evaluator.shown_source(&other)));
            }
            Value::Path(path) => {
                let mut text = TextBuilder::plain();
                evaluator.append(&mut text, &Value::Path(path), at)?;
                self.string(&plain(&text.finish()))?;
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
                let message = format!("{} has no JSON form", other.kind());
                return Err(Failure::new(DiagnosticCode::TypeMismatch, at, message)
                    .label("it cannot be written"));
            }
        }
        Ok(())
    }

    fn string(&mut self, text: &str) -> Fallible<()> {
        let is_odd = |char: char| char < ' ' && !matches!(char, '\n' | '\r' | '\t');
        if self.digits == Digits::Portable && text.contains(is_odd) {
            return Err(Failure::dependent(self.at, "the text holds a control character")
                .label("versions of Nix write it differently as JSON"));
        }
        // A control character takes six.
        self.evaluator.charge(text.len(), self.at)?;
        self.evaluator.room(self.text.len() + text.len(), self.at)?;
        push_string(text, &mut self.text);
        Ok(())
    }

    fn float(&mut self, number: f64) -> Fallible<()> {
        let text = float(number);
        // Nix 2.8 writes six digits and no point; newer versions write all digits,
        // and the exponent elsewhere.
        let is_portable = text == six_digits(number) && text.contains('.') && !text.contains('e');
        if self.digits == Digits::Portable && !is_portable {
            return Err(Failure::dependent(self.at, format!("the float {text} in JSON"))
                .label("versions of Nix write it differently")
                .help("write an integer, or the number as a string"));
        }
        self.text.push_str(&text);
        Ok(())
    }

    fn inside(
        &mut self,
        address: usize,
        write: impl FnOnce(&mut Self) -> Fallible<()>,
    ) -> Fallible<()> {
        if !self.open.insert(address) {
            let message = "the value contains itself, so it has no JSON form";
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
            // The result may again be such a set.
            return self.string(&evaluator.plain_text(&text, at)?);
        }
        if let Some(path) = attrs.get(evaluator.known.out_path) {
            return self.value(path);
        }
        self.text.push('{');
        for (index, (name, entry)) in attrs.by_name(&evaluator.symbols).into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            self.string(&name)?;
            self.text.push(':');
            self.value(&entry.value)?;
        }
        self.text.push('}');
        Ok(())
    }
}

/// The characters of a text, if its only other parts are names of files.
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
    evaluator.charge(text.len().saturating_mul(TREE_COST), at)?;
    if depth(text) > evaluator.stack_left() / FRAME {
        return Err(evaluator.too_deep(at));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    reader.disable_recursion_limit();
    let json = Json::deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    let json = json.map_err(|error| no_json(&error.to_string(), at))?;
    value(evaluator, json).map_err(|reason| no_json(reason, at))
}

fn no_json(reason: &str, at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::Data, at, format!("the text is not JSON: {reason}"))
        .label("read here")
}

/// The memory that the tree of a text may take for each of its bytes: in `[0,0`,
/// every other one is a number.
const TREE_COST: usize = 32;

/// More than the reader uses of the stack for each bracket, in any build.
const FRAME: usize = 8 << 10;

/// The most brackets that are open at once. Those inside strings count too.
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

/// The value, or what versions of Nix do not read alike.
fn value(evaluator: &Evaluator<'_>, json: Json) -> Result<Value, &'static str> {
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Int(number),
            (None, _) if number.is_u64() => return Err(TOO_LARGE),
            // `-0` is an integer for Nix, and a float here.
            (None, Some(number)) if number == 0.0 && number.is_sign_negative() => {
                return Err("a negative zero");
            }
            (None, Some(number)) if number.abs() >= TOO_LARGE_FROM => return Err(TOO_LARGE),
            (None, number) => Value::Float(number.ok_or(TOO_LARGE)?),
        },
        Json::String(text) if text.contains('\0') => return Err("a NUL byte"),
        Json::String(text) => Value::string(text),
        Json::Array(items) => {
            let items = items.into_iter().map(|item| value(evaluator, item));
            Value::list(items.collect::<Result<Vec<_>, _>>()?)
        }
        Json::Object(fields) => {
            let mut pairs = Vec::with_capacity(fields.len());
            for (name, item) in fields {
                if name.contains('\0') {
                    return Err("a NUL byte");
                }
                pairs.push((evaluator.symbols.intern(&name), value(evaluator, item)?));
            }
            Value::Attrs(Rc::new(Attrs::without_places(pairs)))
        }
    })
}

const TOO_LARGE: &str = "a number that does not fit into 64 bits";

/// From here on, a number may have been an integer in the text.
const TOO_LARGE_FROM: f64 = 9.223_372_036_854_775e18;
