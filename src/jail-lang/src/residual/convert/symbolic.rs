//! Source for symbolic values and for strings that contain them.

use std::rc::Rc;

use jail_policy::Output;
use jail_registry::Code as DiagnosticCode;

use super::{Converter, file};
use crate::failure::{Failure, Fallible};
use crate::residual::source::{Key, Source, TextSource};
use crate::residual::{Residual, Step};
use crate::value::{MadeBy, TextPart, TextValue, Value};

impl Converter<'_, '_> {
    pub(super) fn text_value(&mut self, text: &TextValue) -> Fallible<Source> {
        if text.made_by == MadeBy::Noescape {
            return Err(Failure::new(
                DiagnosticCode::TypeMismatch,
                self.place,
                "a `noescape` text stands inside a package expression",
            )
            .label("it is expanded at launch, but a package is built long before"));
        }
        if let [TextPart::Package(residual, Output::Program)] = text.parts.as_slice() {
            return self.program(residual);
        }
        let mut parts = Vec::new();
        for part in &text.parts {
            parts.push(match part {
                TextPart::Literal(text) => {
                    self.write(text.len())?;
                    TextSource::Literal(text.to_string())
                }
                TextPart::Package(residual, Output::Out) => {
                    TextSource::Code(self.residual(residual)?)
                }
                TextPart::Package(residual, Output::Program) => {
                    TextSource::Code(self.program(residual)?)
                }
                TextPart::Package(residual, Output::Bin) => {
                    let package = self.residual(residual)?;
                    TextSource::Code(Source::Atom("lib".into()).select("getBin").apply(package))
                }
                TextPart::Entry => {
                    return Err(Failure::new(
                        DiagnosticCode::SymbolicValue,
                        self.place,
                        "the wrapped entry is not known to Nix",
                    )
                    .label("it is inserted when the jail is compiled"));
                }
            });
        }
        Ok(Source::Text(parts))
    }

    fn program(&mut self, residual: &Rc<Residual>) -> Fallible<Source> {
        let package = self.residual(residual)?;
        Ok(Source::Atom("lib".into()).select("getExe").apply(package))
    }

    pub(super) fn residual(&mut self, residual: &Residual) -> Fallible<Source> {
        self.deeper(|this| this.residual_inside(residual))
    }

    fn residual_inside(&mut self, residual: &Residual) -> Fallible<Source> {
        Ok(match residual {
            Residual::Name(name) => Source::Atom(name.to_string()),
            Residual::File(path) => file(path),
            Residual::Select(set, name) => self.residual(set)?.select(self.name(*name)),
            Residual::SelectBy(set, name) => {
                let set = self.residual(set)?;
                let key = self.step(name)?;
                match set {
                    Source::Select(set, mut path, None) => {
                        path.push(key);
                        Source::Select(set, path, None)
                    }
                    set => Source::Select(Box::new(set), vec![key], None),
                }
            }
            Residual::SelectOr(set, path, default) => {
                let path = self.steps(path)?;
                let default = self.value(default)?;
                Source::Select(Box::new(self.residual(set)?), path, Some(Box::new(default)))
            }
            Residual::Has(set, path) => {
                let path = self.steps(path)?;
                Source::Has(Box::new(self.residual(set)?), path)
            }
            Residual::Apply(function, arg) => {
                let function = self.residual(function)?;
                let arg = self.value(arg)?;
                function.apply(arg)
            }
            Residual::Call(name, args) => {
                let (set, function) = name.split_once('.').unwrap_or(("builtins", name));
                let mut source =
                    function.split('.').fold(Source::Atom(set.to_owned()), Source::select);
                for arg in args {
                    source = source.apply(self.value(arg)?);
                }
                source
            }
            Residual::Binary(op, left, right) => {
                let (left, right) = (self.value(left)?, self.value(right)?);
                Source::Binary(*op, Box::new(left), Box::new(right))
            }
            Residual::Not(value) => Source::Not(Box::new(self.value(value)?)),
            Residual::Negate(value) => Source::Negate(Box::new(self.value(value)?)),
        })
    }

    fn steps(&mut self, path: &[Step]) -> Fallible<Vec<Key>> {
        path.iter()
            .map(|step| match step {
                Step::Name(name) => Ok(Key::Name(self.name(*name))),
                Step::Value(value) => self.step(value),
            })
            .collect()
    }

    fn step(&mut self, name: &Value) -> Fallible<Key> {
        Ok(match self.value(name)? {
            Source::Text(parts) => match parts.as_slice() {
                [TextSource::Literal(name)] => Key::Name(name.clone()),
                [TextSource::Code(code)] => Key::Code(code.clone()),
                _ => Key::Code(Source::Text(parts)),
            },
            code => Key::Code(code),
        })
    }
}
