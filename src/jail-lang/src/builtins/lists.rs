//! Builtins on lists.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, count, take};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{Thunk, Value};

pub(super) const TABLE: &[Builtin] = &[
    builtin("all", 2, |evaluator, args, at| {
        let [test, list] = take(args, at)?;
        let test = evaluator.force(test, at)?;
        for item in &evaluator.list(list, at)?.items {
            if !holds(evaluator, &test, item, at)? {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    }),
    builtin("any", 2, |evaluator, args, at| {
        let [test, list] = take(args, at)?;
        let test = evaluator.force(test, at)?;
        for item in &evaluator.list(list, at)?.items {
            if holds(evaluator, &test, item, at)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    builtin("concatLists", 1, |evaluator, args, at| {
        let [lists] = take(args, at)?;
        let mut items = Vec::new();
        for list in &evaluator.list(lists, at)?.items {
            items.extend(evaluator.list(list, at)?.items.iter().cloned());
        }
        Ok(Value::list(items))
    }),
    builtin("concatMap", 2, |evaluator, args, at| {
        let [function, list] = take(args, at)?;
        let function = evaluator.force(function, at)?;
        let mut items = Vec::new();
        for item in &evaluator.list(list, at)?.items {
            let part = evaluator.apply(&function, std::slice::from_ref(item), at)?;
            items.extend(evaluator.list(&part, at)?.items.iter().cloned());
        }
        Ok(Value::list(items))
    }),
    builtin("elem", 2, |evaluator, args, at| {
        let [wanted, list] = take(args, at)?;
        for item in &evaluator.list(list, at)?.items {
            if evaluator.equal(wanted, item, at)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }),
    builtin("elemAt", 2, |evaluator, args, at| {
        let [list, index] = take(args, at)?;
        let list = evaluator.list(list, at)?;
        let index = evaluator.integer(index, at)?;
        let item = usize::try_from(index).ok().and_then(|index| list.items.get(index));
        match item {
            Some(item) => evaluator.force(item, at),
            None => Err(out_of_bounds(index, list.items.len(), at)),
        }
    }),
    builtin("filter", 2, |evaluator, args, at| {
        let [test, list] = take(args, at)?;
        let list = evaluator.list(list, at)?;
        if list.items.is_empty() {
            return Ok(Value::List(list));
        }
        let test = evaluator.force(test, at)?;
        let mut items = Vec::new();
        for item in &list.items {
            if holds(evaluator, &test, item, at)? {
                items.push(item.clone());
            }
        }
        Ok(Value::list(items))
    }),
    builtin("foldl'", 3, |evaluator, args, at| {
        let [function, start, list] = take(args, at)?;
        let function = evaluator.force(function, at)?;
        let list = evaluator.list(list, at)?;
        let mut result = start.clone();
        for item in &list.items {
            result = evaluator.apply(&function, &[result, item.clone()], at)?;
        }
        evaluator.force(&result, at)
    }),
    builtin("genList", 2, |evaluator, args, at| {
        let [function, length] = take(args, at)?;
        let length = evaluator.integer(length, at)?;
        let Ok(length) = usize::try_from(length) else {
            return Err(Failure::new(
                DiagnosticCode::TypeMismatch,
                at,
                format!("a list of {length} elements cannot be made"),
            )
            .label("the length is negative"));
        };
        if length > LENGTH_MAX {
            return Err(Failure::new(
                DiagnosticCode::StepLimit,
                at,
                format!("a list of {length} elements is too long"),
            )
            .label("too long"));
        }
        let items = (0..length).map(|index| Thunk::apply(function.clone(), vec![count(index)], at));
        Ok(Value::list(items.collect::<Vec<_>>()))
    }),
    builtin("groupBy", 2, |evaluator, args, at| {
        let [function, list] = take(args, at)?;
        let function = evaluator.force(function, at)?;
        let mut groups: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for item in &evaluator.list(list, at)?.items {
            let name = evaluator.apply(&function, std::slice::from_ref(item), at)?;
            let name = evaluator.symbols.intern(&evaluator.string(&name, at)?);
            groups.entry(name).or_default().push(item.clone());
        }
        let groups = groups.into_iter().map(|(name, items)| (name, Value::list(items)));
        Ok(Value::Attrs(Rc::new(Attrs::of(groups))))
    }),
    builtin("head", 1, |evaluator, args, at| {
        let [list] = take(args, at)?;
        match evaluator.list(list, at)?.items.first() {
            Some(first) => evaluator.force(first, at),
            None => Err(empty("head", at)),
        }
    }),
    builtin("length", 1, |evaluator, args, at| {
        let [list] = take(args, at)?;
        Ok(count(evaluator.list(list, at)?.items.len()))
    }),
    builtin("map", 2, |evaluator, args, at| {
        let [function, list] = take(args, at)?;
        let list = evaluator.list(list, at)?;
        let items = list.items.iter().enumerate().map(|(index, item)| {
            // What fails in the function is shown where the element was written, if that is known.
            let at = list.place_of(index).unwrap_or(at);
            Thunk::apply(function.clone(), vec![item.clone()], at)
        });
        Ok(Value::list(items.collect::<Vec<_>>()))
    }),
    builtin("partition", 2, |evaluator, args, at| {
        let [test, list] = take(args, at)?;
        let test = evaluator.force(test, at)?;
        let (mut right, mut wrong) = (Vec::new(), Vec::new());
        for item in &evaluator.list(list, at)?.items {
            if holds(evaluator, &test, item, at)? {
                right.push(item.clone());
            } else {
                wrong.push(item.clone());
            }
        }
        let pairs = [("right", Value::list(right)), ("wrong", Value::list(wrong))];
        Ok(Value::Attrs(Rc::new(Attrs::of(
            pairs.map(|(name, list)| (evaluator.symbols.intern(name), list)),
        ))))
    }),
    builtin("sort", 2, |evaluator, args, at| {
        let [less, list] = take(args, at)?;
        let less = evaluator.force(less, at)?;
        let mut items = evaluator.list(list, at)?.items.to_vec();
        if items.len() > 1 && matches!(&less, Value::Builtin(builtin) if builtin.name == "lessThan")
        {
            for item in &mut items {
                *item = evaluator.force(item, at)?;
            }
            if let Some(sorted) = sorted_plainly(&items) {
                return Ok(Value::list(sorted));
            }
        }
        let mut less = |a: &Value, b: &Value| is_less(evaluator, &less, a, b, at);
        let sorted = merge_sort(items, &mut less)?;
        if !is_order(&sorted, &mut less)? {
            return Err(Failure::dependent(at, "the function that `sort` is given is no order")
                .label("versions of Nix sort by it differently")
                .help(
                    "it says whether its first argument comes before its second: `a: b: a < b`",
                ));
        }
        Ok(Value::list(sorted))
    }),
    builtin("tail", 1, |evaluator, args, at| {
        let [list] = take(args, at)?;
        match evaluator.list(list, at)?.items.split_first() {
            Some((_, rest)) => Ok(Value::list(rest)),
            None => Err(empty("tail", at)),
        }
    }),
];

/// A longer list would only fill the memory.
const LENGTH_MAX: usize = 50_000_000;

fn holds(evaluator: &Evaluator<'_>, test: &Value, item: &Value, at: Place) -> Fallible<bool> {
    let result = evaluator.apply(test, std::slice::from_ref(item), at)?;
    evaluator.boolean(&result, at)
}

fn empty(name: &str, at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::OutOfBounds, at, format!("`{name}` of an empty list"))
        .label("the list is empty")
}

fn out_of_bounds(index: i64, length: usize, at: Place) -> Box<Failure> {
    let message = format!("the list has {length} elements and no index {index}");
    Failure::new(DiagnosticCode::OutOfBounds, at, message).label("counted from 0")
}

fn is_less(
    evaluator: &Evaluator<'_>,
    less: &Value,
    a: &Value,
    b: &Value,
    at: Place,
) -> Fallible<bool> {
    if let Value::Builtin(builtin) = less
        && builtin.name == "lessThan"
    {
        evaluator.step(at)?;
        let (a, b) = (evaluator.force(a, at)?, evaluator.force(b, at)?);
        return Ok(evaluator.compare(&a, &b, at)? == Some(std::cmp::Ordering::Less));
    }
    let result = evaluator.apply(less, &[a.clone(), b.clone()], at)?;
    evaluator.boolean(&result, at)
}

/// A stable sort by a comparison that may fail, and that need not be an order: the standard library's may panic then.
fn merge_sort(
    items: Vec<Value>,
    less: &mut dyn FnMut(&Value, &Value) -> Fallible<bool>,
) -> Fallible<Vec<Value>> {
    let order = sorted(&items, 0..items.len(), less)?;
    Ok(order.into_iter().filter_map(|index| items.get(index).cloned()).collect())
}

/// Whether a comparison is a strict weak order of these items, which stand in the order that it gave. Only then is there
/// one stable order, which every algorithm finds.
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
    strings.sort();
    Some(strings.into_iter().map(Value::Str).collect())
}
