//! Values as `nix-instantiate --eval --strict` shows them. What only the spec
//! language has is shown as `«…»`.

use std::collections::HashSet;
use std::rc::Rc;

use jail_policy::Output;
use jail_registry::Place;

use super::six_digits;
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::Fallible;
use crate::nix_text::{Dollars, escape, is_name};
use crate::value::{JailCall, List, Root, TextPart, TextValue, Value};

/// The text of a value, on one line.
pub(super) fn write(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<String> {
    let mut printer = Printer { evaluator, at, seen: HashSet::new(), text: String::new() };
    printer.value(value)?;
    Ok(printer.text)
}

struct Printer<'a, 's> {
    evaluator: &'a Evaluator<'s>,
    at: Place,
    /// The addresses of the lists and sets that have been written.
    seen: HashSet<usize>,
    text: String,
}

impl Printer<'_, '_> {
    fn value(&mut self, value: &Value) -> Fallible<()> {
        self.evaluator.step(self.at)?;
        self.evaluator.room(self.text.len(), self.at)?;
        let forced = self.evaluator.force(value, self.at)?;
        match &forced {
            Value::Null => self.text.push_str("null"),
            Value::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Value::Int(number) => self.text.push_str(&number.to_string()),
            Value::Float(number) => self.float(*number),
            Value::Str(text) => {
                self.evaluator.charge(text.len(), self.at)?;
                self.evaluator.room(self.text.len() + text.len(), self.at)?;
                self.string(text);
            }
            Value::Text(text) => self.parts(text),
            Value::Path(path) => self.text.push_str(&path.0),
            Value::List(list) => self.list(list, value)?,
            Value::Attrs(attrs) => self.set(attrs)?,
            Value::Lambda(_) | Value::Library(_) => self.text.push_str("<LAMBDA>"),
            Value::Partial(partial) => self.text.push_str(match partial.function {
                Value::Lambda(_) | Value::Library(_) => "<LAMBDA>",
                _ => "<PRIMOP-APP>",
            }),
            Value::Combinator(combinator) if !combinator.args.is_empty() => {
                self.text.push_str("<PRIMOP-APP>");
            }
            Value::Builtin(_) | Value::Root(Root::Jail | Root::Import) | Value::Combinator(_) => {
                self.text.push_str("<PRIMOP>");
            }
            Value::Root(Root::Builtins) => self.text.push_str("«builtins»"),
            Value::Root(Root::Library(_)) => self.text.push_str("«library lib»"),
            Value::Permission(permission) => self.special("permission", permission.name),
            Value::Jail(call) => match &**call {
                JailCall::Plain { .. } => self.text.push_str("«jail»"),
                JailCall::Built { name, .. } => self.special("jail", name),
            },
            Value::Residual(_) => {
                let source = self.evaluator.shown_source(&forced);
                self.special("package", &source);
            }
            // A forced value is not a thunk.
            Value::Thunk(_) => self.text.push_str("«not evaluated»"),
        }
        Ok(())
    }

    fn special(&mut self, kind: &str, name: &str) {
        self.text.push_str(&format!("«{kind} {name}»"));
    }

    fn float(&mut self, number: f64) {
        let text = match number {
            number if number.is_nan() && number.is_sign_negative() => "-nan".into(),
            number if number.is_nan() => "nan".into(),
            f64::INFINITY => "inf".into(),
            f64::NEG_INFINITY => "-inf".into(),
            // A float that is only shown has six digits in every version of Nix.
            number => six_digits(number),
        };
        self.text.push_str(&text);
    }

    /// Nix keeps short lists in the value itself. Such a list is the same one only if it
    /// comes from the same variable.
    fn list(&mut self, list: &Rc<List>, unforced: &Value) -> Fallible<()> {
        let address = Rc::as_ptr(list).addr();
        let is_new = match (list.items.len(), unforced) {
            (0, _) => {
                self.text.push_str("[ ]");
                return Ok(());
            }
            (1 | 2, Value::Thunk(thunk)) => {
                self.seen.insert(address);
                self.seen.insert(Rc::as_ptr(thunk).addr())
            }
            _ => self.seen.insert(address),
        };
        if !is_new {
            self.text.push_str("«repeated»");
            return Ok(());
        }
        self.text.push_str("[ ");
        for item in &list.items {
            self.value(item)?;
            self.text.push(' ');
        }
        self.text.push(']');
        Ok(())
    }

    fn set(&mut self, attrs: &Rc<Attrs>) -> Fallible<()> {
        if attrs.len() > 0 && !self.seen.insert(Rc::as_ptr(attrs).addr()) {
            self.text.push_str("«repeated»");
            return Ok(());
        }
        self.text.push_str("{ ");
        for (name, entry) in attrs.by_name(&self.evaluator.symbols) {
            self.name(&name);
            self.text.push_str(" = ");
            self.value(&entry.value)?;
            self.text.push_str("; ");
        }
        self.text.push('}');
        Ok(())
    }

    fn name(&mut self, name: &str) {
        // Nix prints this keyword without quotes.
        if is_name(name) || name == "or" {
            self.text.push_str(name);
        } else {
            self.string(name);
        }
    }

    fn string(&mut self, text: &str) {
        self.text.push('"');
        self.characters(text);
        self.text.push('"');
    }

    fn characters(&mut self, text: &str) {
        escape(text, Dollars::BeforeBrace, &mut self.text);
    }

    /// A string with packages, which are shown as a spec writes them.
    fn parts(&mut self, text: &TextValue) {
        self.text.push('"');
        for part in &text.parts {
            match part {
                TextPart::Literal(literal) => self.characters(literal),
                TextPart::Entry => self.text.push_str("«entry»"),
                TextPart::Package(residual, output) => {
                    let source = self.evaluator.shown_source(&Value::Residual(Rc::clone(residual)));
                    let shown = match output {
                        Output::Out => source,
                        Output::Bin => format!("lib.getBin ({source})"),
                        Output::Program => format!("lib.getExe ({source})"),
                    };
                    self.text.push_str(&format!("${{{shown}}}"));
                }
            }
        }
        self.text.push('"');
    }
}
