//! The owner of the launcher's terminal, if the payload has it too: the launcher's process
//! group, or the payload's.

use jail_plan::Terminal;
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::sys;

/// The controlling terminal, as the supervisor sees it.
pub(crate) struct Tty {
    kept: bool,
    /// Whether the payload may have it.
    is_shared: bool,
    /// Whether the payload had the terminal at some time.
    given: bool,
    /// The payload is the job in the foreground: it, or a group that it made, has the terminal.
    foreground: bool,
    group: i32,
    /// Opened when it is first needed; most launches without a terminal never do.
    terminal: Option<OwnedFd>,
}

impl Tty {
    pub(crate) fn new(terminal: Terminal, given: bool) -> Self {
        let (kept, is_shared) = (terminal != Terminal::NewSession, terminal == Terminal::Shared);
        Self { kept, is_shared, given, foreground: given, group: sys::own_group(), terminal: None }
    }

    /// The payload has the launcher's terminal at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.kept
    }

    /// There is a terminal at all.
    pub(crate) fn exists(&mut self) -> bool {
        self.terminal().is_some()
    }

    /// The launcher's group has the terminal now, and may give it to the payload's.
    pub(crate) fn is_ours(&mut self) -> bool {
        self.is_shared && self.owner() == Some(self.group)
    }

    /// The payload's group has the terminal now.
    pub(crate) fn belongs_to(&mut self, payload: Option<i32>) -> bool {
        self.kept && payload.is_some() && self.owner() == payload
    }

    /// Opens the terminal, to see its end; not if the payload may never ask for it.
    pub(crate) fn watch(&mut self) {
        if self.foreground {
            self.terminal();
        }
    }

    /// The terminal, while its end concerns the payload.
    pub(crate) fn watched(&self) -> Option<&OwnedFd> {
        self.terminal.as_ref().filter(|_| self.foreground)
    }

    /// The terminal is gone: it can no longer be given or taken.
    pub(crate) fn forget(&mut self) {
        self.kept = false;
        self.is_shared = false;
        self.foreground = false;
        self.terminal = None;
    }

    /// Gives it to the payload's group.
    pub(crate) fn hand_over(&mut self, payload: i32) {
        self.given = true;
        self.foreground = true;
        self.give(payload);
    }

    /// Gives it to the payload's group if that had it before.
    pub(crate) fn give_again(&mut self, payload: i32) {
        if self.given {
            self.hand_over(payload);
        }
    }

    /// Takes it back from the payload's group, or from a group of which nothing is left
    /// inside. It is not taken from any other: a shell that has put this job into the
    /// background has the terminal by right.
    pub(crate) fn take_back(&mut self, payload: Option<i32>) {
        self.foreground = false;
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
            // SIGTTOU is blocked, so the kernel lets a background group do this. It fails
            // if the terminal is gone.
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
