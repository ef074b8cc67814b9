//! The time that a jail may take: first its program is asked to end, then everything is ended.
//!
//! It runs inside, where the payload cannot stop it; the supervisor stops with its job.

use jail_plan::Plan;
use rustix::time::{ClockId, Timespec, clock_gettime};

/// How long a program has to put the terminal and its files in order.
const GRACE: i64 = 5;

/// A clock that rings when the time is over, if there is a limit, and again when the grace is.
pub(super) struct Clock {
    rings: Option<Timespec>,
    has_rung: bool,
}

/// What is to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ring {
    /// The time is over.
    First,
    /// And the grace is.
    Last,
}

impl Clock {
    /// Starts the clock.
    pub(super) fn start(plan: &Plan) -> Self {
        let seconds = plan.time.as_ref().map(|limit| i64::try_from(limit.seconds));
        Self { rings: seconds.map(|seconds| after(seconds.unwrap_or(i64::MAX))), has_rung: false }
    }

    /// The time until it rings.
    pub(super) fn left(&self) -> Option<Timespec> {
        let rings = self.rings?;
        let none = Timespec { tv_sec: 0, tv_nsec: 0 };
        Some(rings.checked_sub(now()).filter(|left| *left > none).unwrap_or(none))
    }

    /// Whether it rings.
    pub(super) fn ring(&mut self) -> Option<Ring> {
        let left = self.left()?;
        if left.tv_sec > 0 || left.tv_nsec > 0 {
            return None;
        }
        self.rings = Some(after(GRACE));
        let ring = if self.has_rung { Ring::Last } else { Ring::First };
        self.has_rung = true;
        Some(ring)
    }
}

/// Not the wall clock, which can be set. This one stands still while the machine sleeps.
fn now() -> Timespec {
    clock_gettime(ClockId::Monotonic)
}

fn after(seconds: i64) -> Timespec {
    let now = now();
    Timespec { tv_sec: now.tv_sec.saturating_add(seconds), ..now }
}
