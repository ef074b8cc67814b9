//! A process that is signalled through its descriptor: its number may be reused
//! once it has been waited for.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, WaitOptions, WaitStatus, pidfd_open, waitpid};

use crate::sys;

pub(crate) struct Process {
    number: i32,
    descriptor: OwnedFd,
}

impl Process {
    /// A process that was made with a descriptor of it.
    pub(crate) fn made(number: i32, descriptor: OwnedFd) -> Self {
        Self { number, descriptor }
    }

    /// The process of this number, which is not waited for meanwhile: a child of this process, or
    /// one whose parent has promised not to.
    pub(crate) fn open(number: i32) -> Result<Self, Errno> {
        let process = Pid::from_raw(number).ok_or(Errno::SRCH)?;
        pidfd_open(process, PidfdFlags::empty()).map(|descriptor| Self { number, descriptor })
    }

    /// Its number, by which it is waited for, and by which terminals know its group.
    pub(crate) fn number(&self) -> i32 {
        self.number
    }

    /// Sends it a signal. One that has ended needs none.
    pub(crate) fn signal(&self, signal: i32) -> Result<(), Errno> {
        gone_is_fine(sys::signal_process(&self.descriptor, signal))
    }

    /// Sends a signal to the group that it leads.
    pub(crate) fn signal_group(&self, signal: i32) -> Result<(), Errno> {
        match sys::signal_group(&self.descriptor, signal) {
            // Before Linux 6.9, a group can be signalled only by its number. While its
            // leader exists, even as a process that has ended and was not waited for,
            // the number is not reused.
            Err(Errno::INVAL) => gone_is_fine(
                sys::signal_process(&self.descriptor, 0)
                    .and_then(|()| sys::kill(-self.number, signal)),
            ),
            other => gone_is_fine(other),
        }
    }

    /// Waits until it has ended, or the time is over. Returns whether it has.
    pub(crate) fn ends_within(&self, time: &Timespec) -> bool {
        let mut ready = [PollFd::new(self, PollFlags::IN)];
        loop {
            match poll(&mut ready, Some(time)) {
                Err(Errno::INTR) => {}
                other => return other.is_ok_and(|count| count > 0),
            }
        }
    }

    /// Takes the status of a child that has ended, unless it has been taken already.
    pub(crate) fn reap(&self) -> Option<WaitStatus> {
        loop {
            match waitpid(Pid::from_raw(self.number), WaitOptions::empty()) {
                Err(Errno::INTR) => {}
                other => return other.ok().flatten().map(|(_, status)| status),
            }
        }
    }
}

impl AsFd for Process {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

fn gone_is_fine(result: Result<(), Errno>) -> Result<(), Errno> {
    if result == Err(Errno::SRCH) { Ok(()) } else { result }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "the test kills a program that it starts")]

    extern crate std;

    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, Command};

    use super::*;
    use crate::signal;

    fn sleeping() -> (Child, Process) {
        let child = Command::new("sleep").arg("100").process_group(0).spawn().unwrap();
        let process = Process::open(child.id().cast_signed()).unwrap();
        (child, process)
    }

    #[test]
    fn a_process_and_a_group_are_signalled_and_whoever_has_ended_is_not() {
        for send in [Process::signal, Process::signal_group] {
            let (mut child, process) = sleeping();
            assert_eq!(send(&process, 0), Ok(()));
            assert_eq!(send(&process, signal::TERM), Ok(()));
            assert_eq!(child.wait().unwrap().signal(), Some(signal::TERM));
            // It was waited for: the number may be reused, and nothing is sent to it.
            assert_eq!(send(&process, signal::KILL), Ok(()));
            assert_eq!(sys::signal_process(&process, 0), Err(Errno::SRCH));
        }
        assert!(matches!(Process::open(0), Err(Errno::SRCH)));
    }
}
