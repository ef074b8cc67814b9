//! Symbolic values: what only Nix can know, carried along until it is written out as Nix source.
//!
//! A residual holds ordinary values, which may be thunks; they are turned into
//! source only when the whole is.

mod convert;
mod print;
mod source;

#[cfg(test)]
mod tests;

use std::rc::Rc;

use jail_policy::{Output, Package};
use jail_registry::Place;

use crate::eval::Evaluator;
use crate::failure::Fallible;
use crate::ir::Op;
use crate::symbols::Symbol;
use crate::value::Value;

/// A symbolic value.
pub(crate) enum Residual {
    /// A free name of the emitted file: `pkgs`, `inputs`.
    Name(Rc<str>),
    /// A file of the spec's folder, copied next to the emitted file.
    File(Box<str>),
    Select(Rc<Residual>, Symbol),
    /// `residual.${name}` where the name itself is symbolic.
    SelectBy(Rc<Residual>, Value),
    SelectOr(Rc<Residual>, Vec<Step>, Value),
    Has(Rc<Residual>, Vec<Step>),
    Apply(Rc<Residual>, Value),
    /// A builtin or library function, by its full name.
    Call(String, Vec<Value>),
    Binary(Op, Value, Value),
    Not(Value),
    Negate(Value),
}

/// A step of an attribute path.
pub(crate) enum Step {
    Name(Symbol),
    Value(Value),
}

impl Residual {
    /// `residual.name`, with a default if there is one.
    pub(crate) fn select(residual: &Rc<Self>, name: Symbol, default: Option<Value>) -> Self {
        match default {
            None => Self::Select(Rc::clone(residual), name),
            Some(default) => Self::SelectOr(Rc::clone(residual), vec![Step::Name(name)], default),
        }
    }
}

/// The most parts and characters in a package's source.
const SOURCE_MAX: usize = 1 << 20;

/// The same limit if only the start of the source is shown.
const SKETCH_MAX: usize = 2_000;

/// The longest source that a message shows whole.
const SHOWN_MAX: usize = 60;

impl Evaluator<'_> {
    /// The closed Nix source of a value.
    pub(crate) fn source_of(&self, value: &Value, place: Place) -> Fallible<String> {
        convert::Converter::new(self, place, SOURCE_MAX).closed(value)
    }

    /// The source for a message: short, and never a failure.
    pub(crate) fn shown_source(&self, value: &Value) -> String {
        let place = Place { file: crate::failure::LIBRARY, start: 0, end: 0 };
        let source = convert::Converter::new(self, place, SKETCH_MAX).closed(value);
        let Ok(source) = source else { return value.kind().to_owned() };
        let line = source.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(SHOWN_MAX) {
            Some((at, _)) => format!("{}…", line.get(..at).unwrap_or(&line)),
            None => line,
        }
    }

    /// The package that a symbolic value is, and the path of it that is meant.
    pub(crate) fn package_of(
        &self,
        residual: &Rc<Residual>,
        output: Output,
        place: Place,
    ) -> Fallible<(Package, Output)> {
        let (value, output) = match (&**residual, output) {
            (Residual::Call(name, args), Output::Out) if name == "lib.getBin" => {
                (args.first().cloned(), Output::Bin)
            }
            (_, output) => (None, output),
        };
        let value = value.unwrap_or_else(|| Value::Residual(Rc::clone(residual)));
        let nix = self.source_of(&value, place)?;
        Ok((Package::Symbolic { nix }, output))
    }
}
