//! Drops values without recursion. A long chain of lists or thunks would otherwise be dropped link inside link,
//! until the stack is full.

use std::cell::{Cell, RefCell};

use crate::value::Value;

/// Drops inside drops that are still done in place.
const DEPTH_MAX: u32 = 500;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static DEFERRED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Drops what a value of ours held. Deep inside, the values are kept for later, and the outermost call drops them.
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
        // What is dropped here may be deferred again, so one at a time.
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
