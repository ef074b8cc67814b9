//! A number in memory that two processes share, on which one can wait for the other: `futex(2)`.

use core::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::futex::{Flags, wait, wake};

/// The number. The flags say nothing of private memory, because the kernel's own wake at a process's end
/// (`CLONE_CHILD_CLEARTID`) does not either, and the two would not meet.
pub struct Futex(AtomicU32);

impl Futex {
    /// What the kernel leaves here when the process that [`super::spawn_sharing_memory`] has started is gone, however it ended.
    pub const ENDED: u32 = 0;

    /// With this number in it.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(AtomicU32::new(value))
    }

    /// What it is now.
    pub fn get(&self) -> u32 {
        self.0.load(Ordering::SeqCst)
    }

    /// Changes it, and wakes the process that waits.
    pub fn set(&self, value: u32) {
        self.0.store(value, Ordering::SeqCst);
        // The call fails only for an invalid address.
        let _ = wake(&self.0, Flags::empty(), 1);
    }

    /// Waits until it is something else, and returns that.
    pub fn wait_while(&self, value: u32) -> u32 {
        loop {
            match self.get() {
                now if now != value => return now,
                // It returns at once when the number has changed in between, and for signals.
                _ => drop(wait(&self.0, Flags::empty(), value, None)),
            }
        }
    }

    /// The address, for the kernel.
    pub(super) fn address(&self) -> usize {
        core::ptr::from_ref(&self.0).expose_provenance()
    }
}
