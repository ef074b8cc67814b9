//! What two processes that share memory pass to each other: a number, with which one can wait for
//! the other (`futex(2)`), and a descriptor.

use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use rustix::fd::{FromRawFd, IntoRawFd, OwnedFd};
use rustix::thread::futex::{Flags, wait, wake};

/// The number. The flags say nothing of private memory, because the kernel's own wake at a
/// process's end (`CLONE_CHILD_CLEARTID`) does not either, and the two would not meet.
pub struct Futex(AtomicU32);

impl Futex {
    /// The value that the kernel leaves here when the process that [`super::spawn_sharing_memory`]
    /// has started is gone, however it ended.
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
                // It returns at once if the number has changed in between, and for signals.
                _ => drop(wait(&self.0, Flags::empty(), value, None)),
            }
        }
    }

    /// The address, for the kernel.
    pub(super) fn address(&self) -> usize {
        core::ptr::from_ref(&self.0).expose_provenance()
    }
}

/// A descriptor that one of two processes with common descriptors passes to the other.
pub struct Handover(AtomicI32);

impl Handover {
    const EMPTY: i32 = -1;

    /// A handover that has no descriptor yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self(AtomicI32::new(Self::EMPTY))
    }

    /// Passes `descriptor`. One that was there already is closed.
    pub fn put(&self, descriptor: OwnedFd) {
        drop(Self::own(self.0.swap(descriptor.into_raw_fd(), Ordering::SeqCst)));
    }

    /// Takes what was passed, once.
    pub fn take(&self) -> Option<OwnedFd> {
        Self::own(self.0.swap(Self::EMPTY, Ordering::SeqCst))
    }

    fn own(number: i32) -> Option<OwnedFd> {
        // SAFETY: only `put` stores a number, that of a descriptor which it owned; the swap takes
        // it out, so nothing else can own it now.
        (number != Self::EMPTY).then(|| unsafe { OwnedFd::from_raw_fd(number) })
    }
}
