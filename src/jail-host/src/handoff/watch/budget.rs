//! What the watcher may take of the machine's time, whatever a jail does: bytes that are read a
//! second, and rounds that are made in parts.

use std::io;
use std::time::{Duration, Instant};

/// What is larger is read only where the budget has something left.
pub(super) const SMALL: u64 = 64 * 1024;

/// How often what is known is compared.
pub(super) const SWEEP: Duration = Duration::from_secs(1);
/// No longer at a time, so that what happens meanwhile is seen.
pub(super) const SLICE: Duration = Duration::from_millis(100);
/// So long a round may last. What a program of the host reads meanwhile was not compared.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// At most this many bytes a second. One file may take more than is left; the next one waits for
/// it, and not longer than twice `most` takes.
pub(super) struct Budget {
    left: i64,
    most: i64,
    rate: u32,
    filled: Instant,
}

impl Budget {
    /// As many as `most` where nothing was read for some time.
    pub(super) fn new(rate: u32, most: i64) -> Self {
        Self { left: most, most, rate, filled: Instant::now() }
    }

    pub(super) fn has_some(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.filled);
        let more = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        let more = more.saturating_mul(self.rate.into()) / 1000;
        if more > 0 {
            self.left = self.left.saturating_add(more).min(self.most);
            self.filled = now;
        }
        self.left > 0
    }

    pub(super) fn take(&mut self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(bytes).max(-self.most);
    }
}

/// A pass over all of something, in parts: half of the time it does nothing.
pub(super) struct Round {
    /// The last one that was looked at.
    pub(super) after: Option<Vec<u8>>,
    pub(super) began: Instant,
    next: Instant,
}

impl Round {
    pub(super) fn new() -> Self {
        let next = Instant::now() + SWEEP;
        Self { after: None, began: next, next }
    }

    pub(super) fn next(&self) -> Instant {
        self.next
    }

    pub(super) fn is_due(&self, by: Option<Instant>) -> bool {
        by.is_none_or(|by| self.next <= by)
    }

    /// All have been looked at, in the end for so long.
    pub(super) fn ends(&mut self, took: Duration) {
        let next = Instant::now() + took.max(SWEEP);
        *self = Self { after: None, began: next, next };
    }

    /// The rest is for later.
    ///
    /// # Errors
    /// The jail is to end: it takes too long.
    pub(super) fn pauses(&mut self, after: Vec<u8>) -> io::Result<()> {
        let now = Instant::now();
        if now.saturating_duration_since(self.began) > ROUND_MAX {
            return Err(io::Error::other(
                "more is protected and was changed than can be compared once a minute: the jail is ended",
            ));
        }
        (self.after, self.next) = (Some(after), now + SLICE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_waited_for() {
        let now = Instant::now();
        let mut budget = Budget::new(1000, 500);
        let at = |milliseconds| now + Duration::from_millis(milliseconds);
        assert!(budget.has_some(now));
        // All of a file, though it is more than what is left.
        budget.take(900);
        assert!(!budget.has_some(at(300)));
        assert!(budget.has_some(at(600)));
        // Neither what is left nor what is owed grows without end.
        assert!(budget.has_some(at(1_000_000)));
        budget.take(500);
        assert!(!budget.has_some(at(1_000_000)));
        budget.take(1_000_000);
        assert!(budget.has_some(at(1_000_600)));
    }
}
