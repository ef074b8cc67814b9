//! Drops values without recursion. Otherwise, dropping a long chain of lists or thunks would
//! recurse from link to link until the stack overflows.

use std::cell::{Cell, RefCell};

use crate::value::Value;

/// How many nested drops are still done in place.
const DEPTH_MAX: u32 = 500;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static DEFERRED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Drops the content of a value. Deeply nested content is queued, and the outermost call drops it.
pub(crate) fn defer_drop(values: impl IntoIterator<Item = Value>) {
    let depth = DEPTH.get();
    if depth >= DEPTH_MAX {
        DEFERRED.with_borrow_mut(|deferred| deferred.extend(values));
        return;
    }
    DEPTH.set(depth + 1);
    values.into_iter().for_each(drop);
    DEPTH.set(depth);
    if depth == 0 {
        // Dropping this may queue more, so one value is taken at a time.
        while let Some(value) = DEFERRED.with_borrow_mut(Vec::pop) {
            DEPTH.set(1);
            drop(value);
            DEPTH.set(0);
        }
    }
}

/// Whether dropping a value can drop more values.
pub(crate) fn holds_more(value: &Value) -> bool {
    !matches!(
        value,
        Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_)
            | Value::Str(_)
            | Value::Path(_)
            | Value::Builtin(_)
            | Value::Root(_)
    )
}
