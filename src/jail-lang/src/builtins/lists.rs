//! Builtins on lists.

use std::collections::BTreeMap;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, count, sort, take};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::limits::{DELAYED, ELEMENT};
use crate::value::{Mapping, Thunk, Value};

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
            extend(evaluator, &mut items, list, at)?;
        }
        Ok(Value::list(items))
    }),
    builtin("concatMap", 2, |evaluator, args, at| {
        let [function, list] = take(args, at)?;
        let function = evaluator.force(function, at)?;
        let mut items = Vec::new();
        for item in &evaluator.list(list, at)?.items {
            let part = evaluator.apply(&function, std::slice::from_ref(item), at)?;
            extend(evaluator, &mut items, &part, at)?;
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
        evaluator.charge_elements(length, ELEMENT + DELAYED, at)?;
        let mapping = Rc::new(Mapping { function: function.clone(), place: at });
        let items = (0..length).map(|index| Thunk::element(&mapping, count(index)));
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
        Ok(Value::Attrs(Rc::new(Attrs::without_places(groups))))
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
        evaluator.charge_elements(list.items.len(), ELEMENT + DELAYED, at)?;
        let mapping = Rc::new(Mapping { function: function.clone(), place: at });
        // What fails in the function is shown where the element was written, if that is known.
        let items = list.items.iter().enumerate().map(|(index, item)| match list.place_of(index) {
            Some(at) => Thunk::apply(function.clone(), [item.clone()], at),
            None => Thunk::element(&mapping, item.clone()),
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
        Ok(Value::Attrs(Rc::new(Attrs::without_places(
            pairs.map(|(name, list)| (evaluator.symbols.intern(name), list)),
        ))))
    }),
    builtin("sort", 2, sort::sort),
    builtin("tail", 1, |evaluator, args, at| {
        let [list] = take(args, at)?;
        match evaluator.list(list, at)?.items.split_first() {
            Some((_, rest)) => {
                evaluator.charge_elements(rest.len(), ELEMENT, at)?;
                Ok(Value::list(rest))
            }
            None => Err(empty("tail", at)),
        }
    }),
];

fn extend(
    evaluator: &Evaluator<'_>,
    items: &mut Vec<Value>,
    more: &Value,
    at: Place,
) -> Fallible<()> {
    evaluator.step(at)?;
    let more = evaluator.list(more, at)?;
    evaluator.charge_elements(more.items.len(), ELEMENT, at)?;
    evaluator.room((items.len() + more.items.len()) * ELEMENT, at)?;
    items.extend(more.items.iter().cloned());
    Ok(())
}

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
