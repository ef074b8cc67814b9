//! Signals that are meant for the launch, while this process stands between the launcher and the
//! stub.
//!
//! What a terminal sends reaches the whole group, so the stub has it already; what a process sends
//! reaches this one alone.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::sys::{self, SignalSet};

/// The signals that are passed on, held back from this process.
pub(crate) struct Held {
    /// What was held back before: the stub starts with that.
    pub(crate) before: SignalSet,
}

/// A thread that passes them on.
pub(crate) struct Passing {
    before: SignalSet,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Held {
    pub(crate) fn block() -> io::Result<Self> {
        sys::block_signals().map(|before| Self { before })
    }

    pub(crate) fn pass_on_to(self, stub: i32) -> Passing {
        let over = Arc::new(AtomicBool::new(false));
        let is_over = Arc::clone(&over);
        let pass_on = move || {
            while !is_over.load(Ordering::SeqCst) {
                match sys::next_signal() {
                    Some((signal, sys::Sender::Process)) => sys::kill(stub, signal),
                    Some((_, sys::Sender::Kernel)) | None => {}
                }
            }
        };
        // Without the thread such signals stay pending until the end, which is no reason not to
        // trace.
        let thread = std::thread::Builder::new().spawn(pass_on).ok();
        Passing { before: self.before, over, thread }
    }
}

impl Passing {
    pub(crate) fn finish(self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread {
            let _ = thread.join();
        }
        sys::set_signals(&self.before);
    }
}
