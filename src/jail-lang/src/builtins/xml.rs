//! `toXML`.

use std::rc::Rc;

use jail_registry::Place;

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::ir::{Lambda, Params};
use crate::print::six_digits;
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[builtin("toXML", 1, |evaluator, args, at| {
    let [value] = take(args, at)?;
    let text = String::from("<?xml version='1.0' encoding='utf-8'?>\n<expr>\n");
    let mut writer = Writer { evaluator, at, text, depth: 1 };
    writer.value(value)?;
    writer.text.push_str("</expr>\n");
    Ok(Value::string(writer.text))
})];

struct Writer<'a, 's> {
    evaluator: &'a Evaluator<'s>,
    at: Place,
    text: String,
    depth: usize,
}

impl Writer<'_, '_> {
    fn value(&mut self, value: &Value) -> Fallible<()> {
        let (evaluator, at) = (self.evaluator, self.at);
        evaluator.step(at)?;
        match evaluator.force(value, at)? {
            Value::Null => self.line("null", &[]),
            Value::Bool(value) => self.line("bool", &[("value", &value.to_string())]),
            Value::Int(number) => self.line("int", &[("value", &number.to_string())]),
            Value::Float(number) => self.line("float", &[("value", &six_digits(number))]),
            Value::Str(text) => self.line("string", &[("value", &text)]),
            Value::Path(path) => Err(evaluator.placed_path(&path, at)),
            Value::List(list) => self.element("list", &[], |this| {
                list.items.iter().try_for_each(|item| this.value(item))
            }),
            Value::Attrs(attrs) => {
                if evaluator.derivation(&attrs, at)?.is_some() {
                    return Err(Failure::dependent(at, "`toXML` of a derivation")
                        .label("what it writes depends on Nix's store"));
                }
                self.element("attrs", &[], |this| {
                    for (name, entry) in attrs.by_name(&evaluator.symbols) {
                        this.element("attr", &[("name", &name)], |this| this.value(&entry.value))?;
                    }
                    Ok(())
                })
            }
            Value::Lambda(closure) => self.function(&closure.lambda, 0),
            Value::Partial(partial) => match &partial.function {
                Value::Lambda(closure) => self.function(&closure.lambda, partial.args.len()),
                function => self.unevaluated(function),
            },
            other @ (Value::Residual(_) | Value::Text(_)) => {
                Err(Failure::symbolic(at, "the value", &evaluator.shown_source(&other)))
            }
            other => self.unevaluated(&other),
        }
    }

    /// What is not a function of the language is shown as what Nix makes of its own functions.
    fn unevaluated(&mut self, value: &Value) -> Fallible<()> {
        if matches!(value, Value::Builtin(builtin) if builtin.home == "builtins") {
            return self.line("unevaluated", &[]);
        }
        Err(Failure::dependent(self.at, format!("`toXML` of {}", value.kind()))
            .label("it is written differently by versions of Nix and nixpkgs"))
    }

    /// A function of this many arguments that has some of them.
    fn function(&mut self, lambda: &Rc<Lambda>, given: usize) -> Fallible<()> {
        let symbols = &self.evaluator.symbols;
        self.element("function", &[], |this| match &lambda.params {
            Params::Names(names) => {
                let name = names.get(given).map(|name| symbols.name(*name));
                this.line("varpat", &[("name", name.as_deref().unwrap_or(""))])
            }
            Params::Pattern(pattern) => {
                let whole = pattern.whole.map(|name| symbols.name(name));
                let open = pattern.open.then_some(("ellipsis", "1"));
                let whole = whole.as_deref().map(|name| ("name", name));
                let fields: Vec<_> = open.into_iter().chain(whole).collect();
                let names = pattern.formals.iter().map(|formal| symbols.name(formal.name));
                let mut names: Vec<_> = names.collect();
                names.sort_unstable();
                this.element("attrspat", &fields, |this| {
                    names.iter().try_for_each(|name| this.line("attr", &[("name", name)]))
                })
            }
        })
    }

    fn element(
        &mut self,
        name: &str,
        fields: &[(&str, &str)],
        inside: impl FnOnce(&mut Self) -> Fallible<()>,
    ) -> Fallible<()> {
        self.tag(name, fields, ">\n")?;
        self.depth += 1;
        inside(self)?;
        self.depth -= 1;
        self.tag(&format!("/{name}"), &[], ">\n")
    }

    /// An element with nothing inside.
    fn line(&mut self, name: &str, fields: &[(&str, &str)]) -> Fallible<()> {
        self.tag(name, fields, " />\n")
    }

    fn tag(&mut self, name: &str, fields: &[(&str, &str)], end: &str) -> Fallible<()> {
        let start = self.text.len();
        self.text.extend(std::iter::repeat_n("  ", self.depth));
        self.text.push('<');
        self.text.push_str(name);
        for (name, value) in fields {
            self.evaluator.charge(value.len(), self.at)?;
            self.text.push_str(&format!(" {name}=\""));
            push_escaped(value, &mut self.text);
            self.text.push('"');
        }
        self.text.push_str(end);
        self.evaluator.work(self.text.len() - start, self.at)?;
        self.evaluator.room(self.text.len(), self.at)
    }
}

fn push_escaped(text: &str, into: &mut String) {
    for char in text.chars() {
        match char {
            '"' => into.push_str("&quot;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '&' => into.push_str("&amp;"),
            '\n' => into.push_str("&#xA;"),
            char => into.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_gives_a_meaning_is_escaped() {
        let mut text = String::new();
        push_escaped("a<b>&\"'\n", &mut text);
        assert_eq!(text, "a&lt;b&gt;&amp;&quot;'&#xA;");
    }
}
