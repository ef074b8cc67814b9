//! `sort`: only by a strict weak order. With any other comparison, each algorithm gives another
//! list, and versions of Nix use several.

use std::rc::Rc;

use jail_registry::Place;

use super::take;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::ir::{Expr, Op, Params};
use crate::limits::ELEMENT;
use crate::value::Value;

/// The cost of an element, in bytes copied. The sort compares it about as many times as the
/// length has binary digits.
const COST: usize = ELEMENT * 16;

/// How two elements are compared.
enum Comparison<'a> {
    /// `a < b`
    Ascending,
    /// `a > b`
    Descending,
    Function(&'a Value),
}

pub(super) fn sort(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<Value> {
    let [less, list] = take(args, at)?;
    let less = evaluator.function(less, at)?;
    let list = evaluator.list(list, at)?;
    evaluator.work(list.items.len() * COST, at)?;
    let mut items = list.items.to_vec();
    let comparison = comparison(&less);
    if items.len() > 1 && !matches!(comparison, Comparison::Function(_)) {
        for item in &mut items {
            *item = evaluator.force(item, at)?;
        }
        if let Some(mut sorted) = sorted_plainly(&items) {
            if matches!(comparison, Comparison::Descending) {
                sorted.reverse();
            }
            return Ok(Value::list(sorted));
        }
    }
    let mut less = |a: &Value, b: &Value| is_less(evaluator, &comparison, (a, b), at);
    let sorted = merge_sort(items, &mut less)?;
    if is_order(&sorted, &mut less)? {
        return Ok(Value::list(sorted));
    }
    Err(Failure::dependent(at, "the function given to `sort` is not an order")
        .label("versions of Nix sort by it differently")
        .help("it must return whether its first argument comes before its second: `a: b: a < b`"))
}

/// `lessThan`, `a: b: a < b` and `a: b: a > b` are recognised by their form.
fn comparison(less: &Value) -> Comparison<'_> {
    let op = match less {
        Value::Builtin(builtin) if builtin.name == "lessThan" => Some(Op::Less),
        Value::Lambda(closure) => match (&closure.lambda.params, &closure.lambda.body.expr) {
            (Params::Names(names), Expr::Binary { op, left, right }) if names.len() == 2 => {
                (is_argument(&left.expr, 0) && is_argument(&right.expr, 1)).then_some(*op)
            }
            _ => None,
        },
        _ => None,
    };
    match op {
        Some(Op::Less) => Comparison::Ascending,
        Some(Op::Greater) => Comparison::Descending,
        _ => Comparison::Function(less),
    }
}

fn is_argument(expr: &Expr, index: u32) -> bool {
    matches!(expr, Expr::Local { up: 0, slot, .. } if *slot == index)
}

fn is_less(
    evaluator: &Evaluator<'_>,
    comparison: &Comparison<'_>,
    (a, b): (&Value, &Value),
    at: Place,
) -> Fallible<bool> {
    let wanted = match comparison {
        Comparison::Ascending => std::cmp::Ordering::Less,
        Comparison::Descending => std::cmp::Ordering::Greater,
        Comparison::Function(less) => {
            let result = evaluator.apply(less, &[a.clone(), b.clone()], at)?;
            return evaluator.boolean(&result, at);
        }
    };
    evaluator.step(at)?;
    let (a, b) = (evaluator.force(a, at)?, evaluator.force(b, at)?);
    Ok(evaluator.compare(&a, &b, at)? == Some(wanted))
}

/// A stable sort by a comparison that may fail and may not be an order. The standard
/// library's sort may panic then.
fn merge_sort(
    items: Vec<Value>,
    less: &mut dyn FnMut(&Value, &Value) -> Fallible<bool>,
) -> Fallible<Vec<Value>> {
    let order = sorted(&items, 0..items.len(), less)?;
    Ok(order.into_iter().filter_map(|index| items.get(index).cloned()).collect())
}

/// Whether the comparison is a strict weak order of these items, which are in the order that it
/// gave. Only then is there exactly one stable order, which every algorithm finds.
fn is_order(
    items: &[Value],
    less: &mut dyn FnMut(&Value, &Value) -> Fallible<bool>,
) -> Fallible<bool> {
    if items.len() < 2 {
        return Ok(true);
    }
    // The items from here on are equal to the one at hand.
    let mut equals = 0;
    for (index, item) in items.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|index| items.get(index));
        if let Some(before) = before
            && less(before, item)?
        {
            equals = index;
        }
        for (earlier, other) in items.iter().enumerate().take(index + 1) {
            if less(item, other)? || less(other, item)? != (earlier < equals) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// The indices of `range` in the order of their items.
fn sorted(
    items: &[Value],
    range: std::ops::Range<usize>,
    less: &mut dyn FnMut(&Value, &Value) -> Fallible<bool>,
) -> Fallible<Vec<usize>> {
    if range.len() < 2 {
        return Ok(range.collect());
    }
    let middle = usize::midpoint(range.start, range.end);
    let left = sorted(items, range.start..middle, less)?;
    let right = sorted(items, middle..range.end, less)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        let (Some(first), Some(second)) = (items.get(*a), items.get(*b)) else { break };
        let next = if less(second, first)? { right.next() } else { left.next() };
        merged.extend(next);
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}

/// Strings in the order of their bytes, or integers, when all items are such.
fn sorted_plainly(items: &[Value]) -> Option<Vec<Value>> {
    let integers = items.iter().map(|item| match item {
        Value::Int(number) => Some(*number),
        _ => None,
    });
    if let Some(mut integers) = integers.collect::<Option<Vec<_>>>() {
        integers.sort_unstable();
        return Some(integers.into_iter().map(Value::Int).collect());
    }
    let strings = items.iter().map(|item| match item {
        Value::Str(text) => Some(Rc::clone(text)),
        _ => None,
    });
    let mut strings = strings.collect::<Option<Vec<_>>>()?;
    strings.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Some(strings.into_iter().map(Value::Str).collect())
}
