//! Processes that stand for jails, as /proc shows them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::state::started_by_stub;

/// How long a jail may take to end when it is asked to, as under `limit-time`.
const PATIENCE: Duration = Duration::from_secs(5);

/// The supervisor of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// The number of the system call.
    pub number: u32,
    /// What was started.
    pub started: PathBuf,
    parent: u32,
    /// When it began, in the kernel's ticks since the machine did. With its number it is this
    /// process and no later one.
    began: u64,
}

/// How a jail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was asked to, and did.
    Asked,
    /// It was killed.
    Killed,
}

impl Process {
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self { number: 0, started: PathBuf::new(), parent: 0, began: 0 }
    }

    /// The supervisors of the caller's own jails.
    pub(super) fn jails() -> Vec<Self> {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: Vec<Self> = entries
            .filter_map(|entry| Self::read(entry.file_name().to_str()?.parse().ok()?))
            .collect();
        // Init is a child of the supervisor, and has its command line until it has the payload's.
        let is_first = |process: &&Self| {
            !all.iter()
                .any(|other| other.number == process.parent && other.started == process.started)
        };
        all.iter().filter(is_first).cloned().collect()
    }

    fn read(number: u32) -> Option<Self> {
        let folder = PathBuf::from(format!("/proc/{number}"));
        let started = started_by_stub(&fs::read(folder.join("cmdline")).ok()?)?;
        let own = rustix::process::getuid().as_raw();
        let status = fs::read_to_string(folder.join("status")).ok()?;
        // What runs in a jail may call itself as it likes; the supervisor is outside, where this
        // process is.
        if user(&status)? != own || namespaces(&status)? != own_namespaces()? {
            return None;
        }
        let (parent, began) = stat(&fs::read_to_string(folder.join("stat")).ok()?)?;
        Some(Self { number, started, parent, began })
    }

    /// Its working folder. If a process hides its memory, only root sees it.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        fs::read_link(format!("/proc/{}/cwd", self.number)).ok()
    }

    /// How long it has run.
    pub(super) fn seconds(&self) -> u64 {
        let uptime = fs::read_to_string("/proc/uptime").unwrap_or_default();
        let up = uptime.split('.').next().and_then(|seconds| seconds.parse::<u64>().ok());
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        up.unwrap_or_default().saturating_sub(self.began / ticks)
    }

    /// Asks it to end, and kills it if it does not: the jail ends with it.
    pub(super) fn stop(&self) -> io::Result<Stopped> {
        let number = i32::try_from(self.number).ok().and_then(Pid::from_raw);
        let number = number.ok_or(io::ErrorKind::InvalidInput)?;
        let process = pidfd_open(number, PidfdFlags::empty())?;
        // From here on the descriptor is this process. Whether the number was still its own is seen
        // now.
        if Self::read(self.number).as_ref() != Some(self) {
            return Err(io::Error::new(io::ErrorKind::NotFound, "it has ended"));
        }
        pidfd_send_signal(&process, Signal::TERM)?;
        if has_ended(&process, PATIENCE)? {
            return Ok(Stopped::Asked);
        }
        pidfd_send_signal(&process, Signal::KILL)?;
        has_ended(&process, PATIENCE)?;
        Ok(Stopped::Killed)
    }
}

fn has_ended(process: &rustix::fd::OwnedFd, within: Duration) -> io::Result<bool> {
    let seconds = i64::try_from(within.as_secs()).unwrap_or(i64::MAX);
    let time = Timespec { tv_sec: seconds, tv_nsec: 0 };
    let mut ready = [PollFd::new(process, PollFlags::IN)];
    loop {
        match poll(&mut ready, Some(&time)) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other? > 0),
        }
    }
}

/// The process that started another one.
pub(super) fn parent(number: u32) -> Option<u32> {
    let text = fs::read_to_string(Path::new("/proc").join(number.to_string()).join("stat")).ok()?;
    stat(&text).map(|(parent, _)| parent)
}

/// What follows the name in a line of /proc/PID/stat (proc_pid_stat(5)), from the state on. The
/// name may hold anything.
pub(crate) fn stat_fields(text: &str) -> Option<Vec<&str>> {
    Some(text.rsplit_once(')')?.1.split_whitespace().collect())
}

/// The parent and the beginning in such a line.
fn stat(text: &str) -> Option<(u32, u64)> {
    let fields = stat_fields(text)?;
    Some((fields.get(1)?.parse().ok()?, fields.get(19)?.parse().ok()?))
}

/// The real user id in /proc/PID/status.
fn user(text: &str) -> Option<u32> {
    let line = text.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// In how many namespaces of processes it has a number, by /proc/PID/status: one more in each that
/// is made in another.
pub(crate) fn namespaces(text: &str) -> Option<usize> {
    let line = text.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    Some(line.split_whitespace().count())
}

pub(crate) fn own_namespaces() -> Option<usize> {
    namespaces(&fs::read_to_string("/proc/self/status").ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_proc() {
        let own = std::process::id();
        let text = fs::read_to_string(format!("/proc/{own}/stat")).unwrap();
        let (_, began) = stat(&text).unwrap();
        assert!(began > 0);
        assert_eq!(parent(own), stat(&text).map(|(parent, _)| parent));
        let name_with_all = "7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 9 10 11 12 4711 0";
        assert_eq!(stat(name_with_all), Some((3, 4711)));
        assert_eq!(stat("7 (x"), None);
        let status = fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(user(&status), Some(rustix::process::getuid().as_raw()));
        assert_eq!(namespaces(&status), own_namespaces());
        assert_eq!(namespaces("Name:\tx\nNSpid:\t4711\t12\n"), Some(2));
        // A test is not a jail.
        assert!(Process::jails().iter().all(|process| process.number != own));
    }
}
