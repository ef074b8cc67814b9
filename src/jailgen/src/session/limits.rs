//! The limits that a running jail has met, as the kernel counts them in its control group.

use std::fs;
use std::path::{Path, PathBuf};

use super::process::parent;

/// Where the kernel shows control groups (cgroups(7)).
const GROUPS: &str = "/sys/fs/cgroup";

/// The limits that the jail of a supervisor has met; nothing if it has no group of its own.
pub(super) fn met(supervisor: u32) -> Option<Vec<String>> {
    let entries = fs::read_dir("/proc").ok()?.flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let child = numbers.into_iter().find(|number| parent(*number) == Some(supervisor))?;
    let own = group(child)?;
    // Without limits, a jail stays in the group that it was started in.
    if Some(&own) == group(supervisor).as_ref() {
        return None;
    }
    Some(read(&Path::new(GROUPS).join(own.strip_prefix("/").ok()?)))
}

/// The group of a process in the second version of control groups.
fn group(process: u32) -> Option<PathBuf> {
    let text = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(PathBuf::from(path))
}

fn read(folder: &Path) -> Vec<String> {
    let count = |file: &str, event: &str| {
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let number = text.lines().find_map(|line| line.strip_prefix(event)?.strip_prefix(' '));
        number.and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
    };
    let mut met = Vec::new();
    if count("memory.events", "oom_kill") > 0 {
        met.push("the memory limit: the kernel ended processes".to_owned());
    }
    match count("pids.events", "max") {
        0 => {}
        times => met.push(format!("the limit of processes: {times} more were not started")),
    }
    met
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_counts_are_read() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()), [] as [&str; 0]);
        fs::write(folder.path().join("memory.events"), "low 0\noom 3\noom_kill 0\n").unwrap();
        fs::write(folder.path().join("pids.events"), "max 7\n").unwrap();
        assert_eq!(read(folder.path()), ["the limit of processes: 7 more were not started"]);
        fs::write(folder.path().join("memory.events"), "oom 3\noom_kill 1\n").unwrap();
        assert_eq!(read(folder.path()).len(), 2);
    }
}
