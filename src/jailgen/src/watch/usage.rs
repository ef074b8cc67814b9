//! What the processes of jails use, as /proc shows it.

use std::collections::HashMap;
use std::fs;

use serde::Serialize;

use crate::session::{namespaces, own_namespaces, stat_fields};

/// What a jail uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Its processes.
    pub processes: u64,
    /// The memory in bytes that they do not share with files: their own and what they share with
    /// each other.
    pub memory: u64,
    /// The processor time in milliseconds, of those that have ended too.
    pub cpu_milliseconds: u64,
}

/// A process of this machine.
struct Process {
    parent: u32,
    ticks: u64,
}

/// The processes of the machine, read once for all jails.
pub(super) struct Processes {
    all: HashMap<u32, Process>,
    /// In how many namespaces of processes this one has a number.
    own_depth: usize,
}

impl Processes {
    pub(super) fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = entries.filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            // One that has ended meanwhile is left out; the same below.
            let text = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((number, process(&text)?))
        });
        Self { all: all.collect(), own_depth: own_namespaces().unwrap_or(0) }
    }

    /// What descends from the supervisor and is in the jail. The helpers outside are not counted: a
    /// jail has a namespace of processes in which they are not.
    pub(super) fn usage_of(&self, supervisor: u32) -> Usage {
        let below = self.all.iter().filter(|(number, _)| self.is_below(**number, supervisor));
        let mut counted: Vec<(&Process, Status)> =
            below.map(|(number, process)| (process, Status::read(*number))).collect();
        // A cage has no namespaces.
        if counted.iter().any(|(_, status)| status.depth > self.own_depth) {
            counted.retain(|(_, status)| status.depth > self.own_depth);
        }
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        let mut usage = Usage::default();
        for (process, status) in counted {
            usage.processes += 1;
            usage.memory = usage.memory.saturating_add(status.memory);
            let milliseconds = process.ticks.saturating_mul(1000) / ticks;
            usage.cpu_milliseconds = usage.cpu_milliseconds.saturating_add(milliseconds);
        }
        usage
    }

    fn is_below(&self, mut number: u32, supervisor: u32) -> bool {
        // What is read while processes come and go may have a circle in it.
        for _ in 0..self.all.len() {
            let Some(process) = self.all.get(&number) else { return false };
            if process.parent == supervisor {
                return true;
            }
            number = process.parent;
        }
        false
    }
}

/// A line of /proc/PID/stat (proc_pid_stat(5)).
fn process(text: &str) -> Option<Process> {
    let fields = stat_fields(text)?;
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Its own time, and that of its children that it has waited for.
    let ticks = (11..15).filter_map(number).fold(0_u64, u64::saturating_add);
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

/// What /proc/PID/status says of a process.
struct Status {
    /// In how many namespaces of processes it has a number.
    depth: usize,
    memory: u64,
}

impl Status {
    fn read(number: u32) -> Self {
        let text = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
        let of = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let kilobytes = of("RssAnon:").unwrap_or(0).saturating_add(of("RssShmem:").unwrap_or(0));
        let memory = kilobytes.saturating_mul(1024);
        Self { depth: namespaces(&text).unwrap_or(0), memory }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let read =
            process("7 (a) b (c) S 3 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 9 10 11 12 4711 0").unwrap();
        assert_eq!((read.parent, read.ticks), (3, 5 + 6 + 7 + 8));
        let parent = std::os::unix::process::parent_id();
        let usage = Processes::read().usage_of(parent);
        assert!(usage.processes >= 1 && usage.memory > 0, "{usage:?}");
    }
}
