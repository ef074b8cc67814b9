//! Builtins that ask what a value is.

use jail_registry::Place;

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{Root, Value};

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
    // Nix represents what belongs to the spec language as sets and functions,
    // and its strings as sets.
    let is_library = matches!(value, Value::Root(Root::Library(_) | Root::Builtins));
    if value.is_opaque() && !is_library && !matches!(kind, "set" | "lambda" | "string") {
        return Ok(Value::Bool(false));
    }
    Ok(Value::Bool(type_of(evaluator, &value, at)? == kind))
}

fn opaque(value: &Value, at: Place) -> Box<Failure> {
    Failure::dependent(at, format!("the type of {} is another one in Nix", value.kind()))
        .label("it belongs to the spec language")
}

fn type_of(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<&'static str> {
    Ok(match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Int(_) => "int",
        Value::Float(_) => "float",
        Value::Str(_) => "string",
        Value::Text(_) if value.is_opaque() => return Err(opaque(value, at)),
        Value::Text(_) => "string",
        Value::Path(_) => "path",
        Value::List(_) => "list",
        Value::Attrs(_) | Value::Root(Root::Library(_) | Root::Builtins) => "set",
        Value::Lambda(_) | Value::Partial(_) | Value::Builtin(_) | Value::Library(_) => "lambda",
        Value::Root(_) | Value::Combinator(_) | Value::Permission(_) | Value::Jail(_) => {
            return Err(opaque(value, at));
        }
        Value::Residual(_) | Value::Thunk(_) => {
            return Err(Failure::symbolic(at, "the type", &evaluator.shown_source(value)));
        }
    })
}
