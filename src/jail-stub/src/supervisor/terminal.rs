//! Who has the terminal: the launcher's process group, or the payload's.

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::sys::{self, Standard};

/// Whether standard input and output are the terminal, and the caller's group has it: only then the payload gets it at
/// once. In `jailed-x | less` it belongs to `less`, until the payload asks.
pub(crate) fn has_terminal() -> bool {
    let Ok(group) = sys::foreground_group(sys::standard(Standard::Input)) else { return false };
    group == sys::own_group() && sys::foreground_group(sys::standard(Standard::Output)) == Ok(group)
}

/// The controlling terminal, as the supervisor sees it.
pub(crate) struct Tty {
    kept: bool,
    given: bool,
    group: i32,
    /// Opened when it is first needed; most launches without a terminal never do.
    terminal: Option<OwnedFd>,
}

impl Tty {
    pub(crate) fn new(kept: bool, given: bool) -> Self {
        Self { kept, given, group: sys::own_group(), terminal: None }
    }

    /// The payload has the launcher's terminal at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// The launcher's group has the terminal now.
    pub(crate) fn is_ours(&mut self) -> bool {
        self.kept && self.owner() == Some(self.group)
    }

    /// Gives it to the payload's group.
    pub(crate) fn hand_over(&mut self, payload: i32) {
        self.given = true;
        self.give(payload);
    }

    /// Gives it to the payload's group if that had it before.
    pub(crate) fn give_again(&mut self, payload: i32) {
        if self.given {
            self.give(payload);
        }
    }

    /// Takes it back from the payload's group, or from a group inside of which nothing is left. Not from anybody else: a
    /// shell that has put this job into the background has the terminal by right.
    pub(crate) fn take_back(&mut self, payload: Option<i32>) {
        if !self.kept || !self.given {
            return;
        }
        let Some(owner) = self.owner() else { return };
        let left_behind = || owner == 0 || sys::kill(-owner, 0) == Err(Errno::SRCH);
        if owner != self.group && (Some(owner) == payload || left_behind()) {
            self.give(self.group);
        }
    }

    fn owner(&mut self) -> Option<i32> {
        sys::foreground_group(self.terminal()?).ok()
    }

    fn give(&mut self, group: i32) {
        if let Some(terminal) = self.terminal() {
            // SIGTTOU is blocked, so the kernel lets a background group do this. It fails when the terminal has gone.
            let _ = sys::set_foreground_group(terminal, group);
        }
    }

    fn terminal(&mut self) -> Option<&OwnedFd> {
        if self.terminal.is_none() {
            let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
            self.terminal = openat(CWD, c"/dev/tty", flags, Mode::empty()).ok();
        }
        self.terminal.as_ref()
    }
}
