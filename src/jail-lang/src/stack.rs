//! Evaluation recurses on the stack of its thread. This makes threads with a large stack, and
//! says how much of it is left.

use std::cell::Cell;
use std::thread;

/// The stack of an evaluation. Pages that are never touched cost nothing.
const STACK: usize = 192 << 20;
/// What is kept free for the deepest single step.
const MARGIN: usize = 16 << 20;
/// The stack that a thread surely has, if no larger one can be had.
const STACK_SMALL: usize = 1 << 20;

thread_local! {
    /// The address down to which the stack may grow, on a thread that was made here.
    static END: Cell<Option<usize>> = const { Cell::new(None) };
}

/// Runs `work` on a thread with a large stack. What is evaluated and parsed inside it needs no
/// further thread: making one costs as much as a small spec.
pub fn on_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    with_large_stack(|_| work())
}

/// Runs `work` on a large stack, and passes it the size.
pub(crate) fn with_large_stack<T: Send>(work: impl FnOnce(usize) -> T + Send) -> T {
    match END.get().and_then(|end| address().checked_sub(end)) {
        Some(left) if left > STACK / 2 => work(left),
        _ => on_new_thread(work),
    }
}

/// Runs `work` on a large stack: a parser recurses without checking how much is left. `None` if
/// there can be no thread with such a stack.
pub(crate) fn if_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    with_large_stack(|left| (left > STACK_SMALL).then(work))
}

fn on_new_thread<T: Send>(work: impl FnOnce(usize) -> T + Send) -> T {
    let slot = std::sync::Mutex::new(Some(work));
    let take = || slot.lock().ok().and_then(|mut work| work.take());
    let spawned = thread::scope(|scope| {
        let run = || {
            END.set(Some(address().saturating_sub(STACK - MARGIN)));
            take().map(|work| work(STACK - MARGIN))
        };
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, run);
        thread.ok().map(|thread| thread.join())
    });
    match spawned {
        Some(Ok(Some(result))) => result,
        // A panic is passed on unchanged.
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        Some(Ok(None)) | None => match take() {
            Some(work) => work(STACK_SMALL / 2),
            None => std::panic::resume_unwind(Box::new("the evaluation was lost")),
        },
    }
}

/// The approximate address of the stack pointer.
#[inline]
pub(crate) fn address() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(&here).addr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_inside_stays_on_the_same_thread() {
        let threads = on_large_stack(|| {
            let here = thread::current().id();
            [here, on_large_stack(|| thread::current().id())]
        });
        assert_eq!(threads[0], threads[1]);
        assert_ne!(threads[0], thread::current().id());
    }
}
