//! The time that a jail may take: first its program is asked to end, then everything is ended.

use jail_plan::Plan;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// What a program gets to put the terminal and its files in order.
const GRACE: u64 = 5;

/// A clock that rings when the time is over, if there is a limit.
pub(crate) struct Clock {
    timer: Option<OwnedFd>,
    /// It has rung.
    pub(crate) is_over: bool,
}

impl Clock {
    /// Starts the clock.
    pub(crate) fn start(plan: &Plan) -> Result<Self, Errno> {
        let timer = plan.time.as_ref().map(|limit| timer(limit.seconds)).transpose()?;
        Ok(Self { timer, is_over: false })
    }

    /// What is ready when it rings, where there is a limit.
    pub(crate) fn source(&self) -> Option<&OwnedFd> {
        self.timer.as_ref()
    }

    /// After an event: whether this is the first time that it rings; it rings again when the grace is over.
    pub(crate) fn ring(&mut self) -> Result<bool, Errno> {
        let first = !self.is_over;
        self.is_over = true;
        self.timer = Some(timer(GRACE)?);
        Ok(first)
    }

    pub(crate) fn descriptor(&self) -> Option<i32> {
        self.timer.as_ref().map(AsRawFd::as_raw_fd)
    }
}

fn timer(seconds: u64) -> Result<OwnedFd, Errno> {
    // Not the clock of the wall, which can be set; it stands still while the machine sleeps.
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    let at = Timespec { tv_sec: i64::try_from(seconds).unwrap_or(i64::MAX), tv_nsec: 0 };
    let spec = Itimerspec { it_interval: never, it_value: at };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    Ok(timer)
}
