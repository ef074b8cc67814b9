//! Builtins that steer evaluation.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, concrete, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible, clipped};
use crate::limits::ELEMENT;
use crate::value::{TextBuilder, Value};

pub(super) const TABLE: &[Builtin] = &[
    concrete("abort", 1, |evaluator, args, at| {
        let [message] = take(args, at)?;
        let message = shown(evaluator, message, at)?;
        Err(Failure::new(DiagnosticCode::Aborted, at, one_line(&message))
            .label("the spec says so: `abort`"))
    }),
    concrete("throw", 1, |evaluator, args, at| {
        let [message] = take(args, at)?;
        let message = shown(evaluator, message, at)?;
        Err(Failure::new(DiagnosticCode::Thrown, at, one_line(&message))
            .label("the spec says so: `throw`"))
    }),
    builtin("addErrorContext", 2, |evaluator, args, at| {
        let [context, value] = take(args, at)?;
        evaluator.force(value, at).map_err(|failure| {
            let context = shown(evaluator, context, at).unwrap_or_default();
            failure.trace(at, || one_line(&context))
        })
    }),
    concrete("seq", 2, |evaluator, args, at| {
        let [first, second] = take(args, at)?;
        evaluator.force(first, at)?;
        evaluator.force(second, at)
    }),
    concrete("deepSeq", 2, |evaluator, args, at| {
        let [first, second] = take(args, at)?;
        evaluator.force_deep(first, at)?;
        evaluator.force(second, at)
    }),
    concrete("trace", 2, |evaluator, args, at| {
        let [message, value] = take(args, at)?;
        let message = match evaluator.force(message, at)? {
            Value::Str(text) => clipped(&text).to_owned(),
            other => evaluator.shown_source(&other),
        };
        evaluator.keep(message.len() * TRACE_COST, at)?;
        evaluator.traces.borrow_mut().push(message);
        evaluator.force(value, at)
    }),
    concrete("traceVerbose", 2, |evaluator, args, at| {
        let [_, value] = take(args, at)?;
        evaluator.force(value, at)
    }),
    concrete("warn", 2, |evaluator, args, at| {
        let [message, value] = take(args, at)?;
        let message = format!("warning: {}", clipped(&evaluator.string(message, at)?));
        evaluator.keep(message.len() * TRACE_COST, at)?;
        evaluator.traces.borrow_mut().push(message);
        evaluator.force(value, at)
    }),
    builtin("break", 1, |evaluator, args, at| {
        let [value] = take(args, at)?;
        evaluator.force(value, at)
    }),
    builtin("genericClosure", 1, generic_closure),
];

/// The cost of a byte that `trace` prints. It is high, because no user reads megabytes of it.
const TRACE_COST: usize = 64;

fn shown(evaluator: &Evaluator<'_>, message: &Value, at: Place) -> Fallible<String> {
    let mut text = TextBuilder::plain();
    evaluator.append(&mut text, &evaluator.force(message, at)?, at)?;
    Ok(match text.into_value() {
        Value::Str(text) => clipped(&text).to_owned(),
        other => evaluator.shown_source(&other),
    })
}

/// A message is one line.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Everything that `operator` reaches from `startSet`, without the elements
/// whose `key` is there already.
fn generic_closure(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<Value> {
    let [arg] = take(args, at)?;
    let attrs = evaluator.attrs(arg, at)?;
    let field = |name: &str| {
        evaluator.attribute(&attrs, name).ok_or_else(|| {
            evaluator.missing(&Value::Attrs(Rc::clone(&attrs)), evaluator.symbols.intern(name), at)
        })
    };
    let operator = evaluator.force(&field("operator")?, at)?;
    let start = evaluator.list(&field("startSet")?, at)?;
    let key_name = evaluator.symbols.intern("key");
    let mut pending: std::collections::VecDeque<Value> = start.items.iter().cloned().collect();
    let (mut keys, mut found): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    while let Some(item) = pending.pop_front() {
        evaluator.step(at)?;
        let item = evaluator.force(&item, at)?;
        let element = evaluator.attrs(&item, at)?;
        let key = element.get(key_name).ok_or_else(|| evaluator.missing(&item, key_name, at))?;
        let key = evaluator.force(key, at)?;
        if !insert_key(evaluator, &mut keys, key, at)? {
            continue;
        }
        let next = evaluator.apply(&operator, std::slice::from_ref(&item), at)?;
        pending.extend(evaluator.list(&next, at)?.items.iter().cloned());
        found.push(item);
    }
    Ok(Value::list(found))
}

/// Keeps the keys sorted; says whether the key is new.
fn insert_key(
    evaluator: &Evaluator<'_>,
    keys: &mut Vec<Value>,
    key: Value,
    at: Place,
) -> Fallible<bool> {
    let (mut low, mut high) = (0, keys.len());
    while low < high {
        let middle = usize::midpoint(low, high);
        let Some(known) = keys.get(middle) else { break };
        match evaluator.compare(known, &key, at)? {
            Some(std::cmp::Ordering::Equal) => return Ok(false),
            Some(std::cmp::Ordering::Less) => low = middle + 1,
            Some(std::cmp::Ordering::Greater) | None => high = middle,
        }
    }
    if keys.is_empty() {
        // Even a single key must be of a type that has an order.
        evaluator.compare(&key, &key, at)?;
    }
    evaluator.work((keys.len() - low) * ELEMENT, at)?;
    keys.insert(low, key);
    Ok(true)
}
