//! Values are let go of without recursion. A long chain of lists or thunks would otherwise be dropped link inside link,
//! until the stack is full.

use std::cell::{Cell, RefCell};

use crate::value::Value;

/// Drops inside drops that are still done in place.
const DEPTH_MAX: u32 = 500;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static BURIED: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

/// Lets go of what a value of ours held. Deep inside, the values are kept aside, and the outermost call drops them.
pub(crate) fn bury(values: impl IntoIterator<Item = Value>) {
    let depth = DEPTH.get();
    if depth >= DEPTH_MAX {
        BURIED.with_borrow_mut(|buried| buried.extend(values));
        return;
    }
    DEPTH.set(depth + 1);
    values.into_iter().for_each(drop);
    DEPTH.set(depth);
    if depth == 0 {
        // What is dropped here may be put aside again, so one at a time.
        while let Some(value) = BURIED.with_borrow_mut(Vec::pop) {
            DEPTH.set(1);
            drop(value);
            DEPTH.set(0);
        }
    }
}

/// Whether letting go of a value can lead to more.
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
