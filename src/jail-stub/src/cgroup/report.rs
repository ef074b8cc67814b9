//! The limits of its control group that a jail has reached, as the kernel counted them.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use jail_plan::{Bytes, CgroupLimit, Controlled};
use rustix::fd::OwnedFd;

use crate::cgroup::read;

/// A limit that was reached.
pub(crate) struct Reached<'a> {
    pub(crate) limit: &'a CgroupLimit,
    times: u64,
}

/// The limits of `folder` that were reached.
pub(super) fn reached<'a>(limits: &'a [CgroupLimit], folder: &OwnedFd) -> Vec<Reached<'a>> {
    let times = |limit: &CgroupLimit| match limit.resource {
        Controlled::Memory => count(folder, "memory.events", "oom_kill"),
        Controlled::Pids => count(folder, "pids.events", "max"),
        // What wants more waits, and nothing happens to it.
        Controlled::Cpu => 0,
    };
    let reached = limits.iter().map(|limit| Reached { limit, times: times(limit) });
    reached.filter(|reached| reached.times > 0).collect()
}

fn count(folder: &OwnedFd, file: &str, event: &str) -> u64 {
    let text = read(folder, file).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(event)?.strip_prefix(' '));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

impl Reached<'_> {
    /// The kernel ended the jail for it.
    pub(crate) fn ended_the_jail(&self) -> bool {
        self.limit.resource == Controlled::Memory
    }

    /// The limit that was reached, in words.
    pub(crate) fn words(&self) -> String {
        alloc::format!("{self}")
    }
}

impl fmt::Display for Reached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.limit.value;
        match self.limit.resource {
            Controlled::Memory => {
                write!(
                    f,
                    "the memory limit ({}) was reached, and the kernel ended the jail",
                    Bytes(value)
                )
            }
            Controlled::Pids => {
                write!(
                    f,
                    "the limit of processes ({value}) was reached: {} more were not started",
                    self.times
                )
            }
            Controlled::Cpu => write!(f, "the limit of processor time ({value} %) was reached"),
        }
    }
}
