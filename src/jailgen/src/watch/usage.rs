//! What the processes of jails use, as /proc shows it.

use std::collections::HashMap;
use std::fs;

use serde::Serialize;

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
pub(super) struct Processes(HashMap<u32, Process>);

impl Processes {
    pub(super) fn read() -> Self {
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = entries.filter_map(|entry| {
            let number = entry.file_name().to_str()?.parse().ok()?;
            // One that has ended meanwhile is left out; the same below.
            let text = fs::read_to_string(entry.path().join("stat")).ok()?;
            Some((number, process(&text)?))
        });
        Self(all.collect())
    }

    /// What descends from the supervisor and is in the jail. The helpers outside are not counted: a
    /// jail has a namespace of processes in which they are not.
    pub(super) fn usage_of(&self, supervisor: u32) -> Usage {
        let own = depth_of("self");
        let below: Vec<u32> =
            self.0.keys().copied().filter(|number| self.is_below(*number, supervisor)).collect();
        let inside: Vec<u32> =
            below.iter().copied().filter(|number| depth_of(&number.to_string()) > own).collect();
        // A cage has no namespaces.
        let counted = if inside.is_empty() { below } else { inside };
        let ticks = rustix::param::clock_ticks_per_second().max(1);
        let mut usage = Usage::default();
        for number in counted {
            let Some(process) = self.0.get(&number) else { continue };
            usage.processes += 1;
            usage.memory = usage.memory.saturating_add(memory_of(number));
            let milliseconds = process.ticks.saturating_mul(1000) / ticks;
            usage.cpu_milliseconds = usage.cpu_milliseconds.saturating_add(milliseconds);
        }
        usage
    }

    fn is_below(&self, mut number: u32, supervisor: u32) -> bool {
        // What is read while processes come and go may have a circle in it.
        for _ in 0..self.0.len() {
            let Some(process) = self.0.get(&number) else { return false };
            if process.parent == supervisor {
                return true;
            }
            number = process.parent;
        }
        false
    }
}

/// A line of /proc/PID/stat (proc_pid_stat(5)). The name in it may hold anything.
fn process(text: &str) -> Option<Process> {
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    // Its own time, and that of its children that it has waited for.
    let ticks = (11..15).filter_map(number).fold(0_u64, u64::saturating_add);
    Some(Process { parent: fields.get(1)?.parse().ok()?, ticks })
}

fn memory_of(number: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{number}/status")).unwrap_or_default();
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let kilobytes = of("RssAnon:").unwrap_or(0).saturating_add(of("RssShmem:").unwrap_or(0));
    kilobytes.saturating_mul(1024)
}

/// In how many namespaces of processes it has a number.
fn depth_of(process: &str) -> usize {
    let text = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("NSpid:"));
    line.map_or(0, |line| line.split_whitespace().count())
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
