//! Watches the process that started the wrapper.
//!
//! It uses a descriptor of the process, not a signal at the parent's end: that signal comes when
//! the *thread* that started us ends, and some launchers start programs from short-lived threads.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::process::{PidfdFlags, Signal, getppid, pidfd_open, set_parent_process_death_signal};

/// The launcher, if the jail must end with it.
pub(crate) struct Launcher {
    process: Option<OwnedFd>,
}

impl Launcher {
    /// Watches the parent of this process.
    pub(crate) fn watched() -> Result<Self, Errno> {
        let Some(parent) = getppid() else {
            // It is outside our PID namespace and has no number here; then only the signal remains.
            set_parent_process_death_signal(Some(Signal::KILL))?;
            return Ok(Self::ignored());
        };
        let process = pidfd_open(parent, PidfdFlags::empty())?;
        if getppid() != Some(parent) {
            // It ended in between, and the descriptor may be that of another process by now.
            return Err(Errno::SRCH);
        }
        Ok(Self { process: Some(process) })
    }

    /// No process's end matters.
    pub(crate) fn ignored() -> Self {
        Self { process: None }
    }

    /// The descriptor that is ready when it has ended, if it is watched.
    pub(crate) fn source(&self) -> Option<&OwnedFd> {
        self.process.as_ref()
    }
}
