//! Builtins on numbers.

use jail_registry::Place;

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::ir::Op;
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    builtin("add", 2, |evaluator, args, at| arithmetic(evaluator, Op::Add, args, at)),
    builtin("sub", 2, |evaluator, args, at| arithmetic(evaluator, Op::Subtract, args, at)),
    builtin("mul", 2, |evaluator, args, at| arithmetic(evaluator, Op::Multiply, args, at)),
    builtin("div", 2, |evaluator, args, at| arithmetic(evaluator, Op::Divide, args, at)),
    builtin("bitAnd", 2, |evaluator, args, at| bits(evaluator, args, at, |a, b| a & b)),
    builtin("bitOr", 2, |evaluator, args, at| bits(evaluator, args, at, |a, b| a | b)),
    builtin("bitXor", 2, |evaluator, args, at| bits(evaluator, args, at, |a, b| a ^ b)),
    builtin("ceil", 1, |evaluator, args, at| rounded(evaluator, args, at, f64::ceil)),
    builtin("floor", 1, |evaluator, args, at| rounded(evaluator, args, at, f64::floor)),
    builtin("lessThan", 2, |evaluator, args, at| {
        let [a, b] = take(args, at)?;
        let (a, b) = (evaluator.force(a, at)?, evaluator.force(b, at)?);
        Ok(Value::Bool(evaluator.compare(&a, &b, at)? == Some(std::cmp::Ordering::Less)))
    }),
];

fn arithmetic(evaluator: &Evaluator<'_>, op: Op, args: &[Value], at: Place) -> Fallible<Value> {
    let [a, b] = take(args, at)?;
    let (a, b) = (evaluator.force(a, at)?, evaluator.force(b, at)?);
    evaluator.arithmetic(op, a, b, (at, at), at)
}

fn bits(
    evaluator: &Evaluator<'_>,
    args: &[Value],
    at: Place,
    op: fn(i64, i64) -> i64,
) -> Fallible<Value> {
    let [a, b] = take(args, at)?;
    Ok(Value::Int(op(evaluator.integer(a, at)?, evaluator.integer(b, at)?)))
}

/// Integers up to this one have an exact float. Beyond it, versions of Nix round
/// differently, or not at all.
const EXACT_MAX: i64 = 1 << 53;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "what would be lost is refused"
)]
fn rounded(
    evaluator: &Evaluator<'_>,
    args: &[Value],
    at: Place,
    round: fn(f64) -> f64,
) -> Fallible<Value> {
    let [number] = take(args, at)?;
    match evaluator.force(number, at)? {
        Value::Int(number) if number.abs_diff(0) <= EXACT_MAX.unsigned_abs() => {
            Ok(Value::Int(number))
        }
        Value::Float(number) if number.abs() <= EXACT_MAX as f64 => {
            Ok(Value::Int(round(number) as i64))
        }
        Value::Int(_) | Value::Float(_) => {
            Err(Failure::dependent(at, "the number is too large to be rounded")
                .label("versions of Nix round it differently"))
        }
        other => Err(evaluator.mismatch("a number", &other, at)),
    }
}
