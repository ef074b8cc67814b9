//! The functions of `lib` that give a path of a package.

use std::rc::Rc;

use jail_policy::Output;
use jail_registry::Place;

use crate::builtins::Builtin;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::residual::Residual;
use crate::value::{TextBuilder, TextPart, Value};

pub(super) const fn function(
    name: &'static str,
    arity: usize,
    run: fn(&Evaluator<'_>, &[Value], Place) -> Fallible<Value>,
) -> Builtin {
    Builtin { name, home: "lib", arity, run, symbolic: true }
}

pub(super) const TABLE: &[Builtin] = &[
    function("getExe", 1, |evaluator, args, at| {
        let package = package(evaluator, args.first(), at)?;
        let mut text = TextBuilder::plain();
        text.push(TextPart::Package(package, Output::Program));
        Ok(text.into_value())
    }),
    function("getExe'", 2, |evaluator, args, at| {
        let package = package(evaluator, args.first(), at)?;
        let name = evaluator.string(args.get(1).unwrap_or(&Value::Null), at)?;
        let mut text = TextBuilder::plain();
        text.push(TextPart::Package(package, Output::Bin));
        text.push_str(&format!("/bin/{name}"));
        Ok(text.into_value())
    }),
];

fn package(evaluator: &Evaluator<'_>, value: Option<&Value>, at: Place) -> Fallible<Rc<Residual>> {
    match evaluator.force(value.unwrap_or(&Value::Null), at)? {
        Value::Residual(residual) => Ok(residual),
        other => {
            let message = format!("expected a package, got {}", other.kind());
            Err(Failure::new(jail_registry::Code::TypeMismatch, at, message)
                .label(format!("this is {}", other.kind())))
        }
    }
}
