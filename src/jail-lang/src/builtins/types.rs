//! Builtins that ask what a value is.

use jail_registry::Place;

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    builtin("isAttrs", 1, |evaluator, args, at| is(evaluator, args, at, "set")),
    builtin("isBool", 1, |evaluator, args, at| is(evaluator, args, at, "bool")),
    builtin("isFloat", 1, |evaluator, args, at| is(evaluator, args, at, "float")),
    builtin("isFunction", 1, |evaluator, args, at| is(evaluator, args, at, "lambda")),
    builtin("isInt", 1, |evaluator, args, at| is(evaluator, args, at, "int")),
    builtin("isList", 1, |evaluator, args, at| is(evaluator, args, at, "list")),
    builtin("isNull", 1, |evaluator, args, at| is(evaluator, args, at, "null")),
    builtin("isPath", 1, |evaluator, args, at| is(evaluator, args, at, "path")),
    builtin("isString", 1, |evaluator, args, at| is(evaluator, args, at, "string")),
    builtin("typeOf", 1, |evaluator, args, at| {
        let [value] = take(args, at)?;
        let value = evaluator.force(value, at)?;
        type_of(evaluator, &value, at).map(Value::string)
    }),
];

fn is(evaluator: &Evaluator<'_>, args: &[Value], at: Place, kind: &str) -> Fallible<Value> {
    let [value] = take(args, at)?;
    let value = evaluator.force(value, at)?;
    Ok(Value::Bool(type_of(evaluator, &value, at)? == kind))
}

fn type_of(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<&'static str> {
    Ok(match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) | Value::Text(_) => "string",
        Value::Path(_) => "path",
        Value::List(_) => "list",
        Value::Attrs(_) | Value::Root(crate::value::Root::Library(_)) => "set",
        Value::Lambda(_)
        | Value::Partial(_)
        | Value::Builtin(_)
        | Value::Library(_)
        | Value::Root(_)
        | Value::Combinator(_)
        | Value::Permission(_) => "lambda",
        Value::Jail(_) => "set",
        Value::Residual(_) | Value::Thunk(_) => {
            return Err(Failure::symbolic(at, "the type", &evaluator.shown_source(value)));
        }
    })
}
