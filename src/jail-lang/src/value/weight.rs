//! The memory that values take, counted where they are made and where they are dropped.
//!
//! The values of an evaluation never leave its thread, and neither does the count.

use std::cell::Cell;

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
}

/// The bytes that all values of this thread take.
pub(crate) fn live() -> usize {
    LIVE.get()
}

/// This many bytes, counted as long as it lives.
pub(crate) struct Weight(usize);

impl Weight {
    pub(crate) fn new(bytes: usize) -> Self {
        LIVE.set(LIVE.get() + bytes);
        Self(bytes)
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(self.0));
    }
}

/// The same for a constant size, which itself takes no memory.
pub(crate) struct FixedWeight<const BYTES: usize>(());

impl<const BYTES: usize> FixedWeight<BYTES> {
    pub(crate) fn new() -> Self {
        LIVE.set(LIVE.get() + BYTES);
        Self(())
    }
}

impl<const BYTES: usize> Drop for FixedWeight<BYTES> {
    fn drop(&mut self) {
        LIVE.set(LIVE.get().saturating_sub(BYTES));
    }
}
