//! Which jails work in the project at this moment: a launch names those that were there before it,
//! since what two agents write to one folder gets mixed up.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use super::store::Store;

/// The file with a line for each session, `PROCESS NAME`.
const FILE: &str = "company";

/// As many are named.
const NAMED_MAX: usize = 3;

/// The launcher of this process, as the others call it.
pub(super) struct Launcher(String);

impl Launcher {
    /// Read before this process gives up its rights. The name is that of the wrapper, which the
    /// kernel puts behind the stub in the command line.
    pub(super) fn read() -> Option<Self> {
        let process = rustix::process::getppid()?.as_raw_nonzero();
        let words = std::fs::read(format!("/proc/{process}/cmdline")).ok()?;
        let wrapper = words.split(|byte| *byte == 0).nth(1)?;
        let name = Path::new(OsStr::from_bytes(wrapper)).file_name()?.to_string_lossy();
        Some(Self(format!("{process} {}", jail_plan::one_line(&name))))
    }

    /// Writes itself down; those that were there before.
    pub(super) fn join(&self, store: &Store) -> io::Result<Vec<String>> {
        let _turn = store.turn()?;
        let mut all = all(store)?;
        let others = all.clone();
        all.push(self.0.clone());
        write(store, &all)?;
        Ok(others)
    }

    pub(super) fn leave(&self, store: &Store) -> io::Result<()> {
        let _turn = store.turn()?;
        let mut all = all(store)?;
        all.retain(|one| *one != self.0);
        write(store, &all)
    }
}

/// No session runs, so what is written down is of sessions that were killed.
pub(super) fn forget(store: &Store) -> io::Result<()> {
    store.remove(FILE)
}

/// What is said about the others.
pub(super) fn words(others: &[String]) -> Option<String> {
    let named = |line: &String| {
        let (process, name) = line.split_once(' ')?;
        Some(format!("`{name}` (process {process})"))
    };
    let names: Vec<String> = others.iter().filter_map(named).collect();
    let works = match names.len() {
        0 => return None,
        1 => "works",
        _ => "work",
    };
    let shown: Vec<&str> = names.iter().take(NAMED_MAX).map(String::as_str).collect();
    let more = names.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "{}{more} {works} in this folder, too; `jailgen worktree add` gives a jail a folder of its own",
        shown.join(", ")
    ))
}

fn all(store: &Store) -> io::Result<Vec<String>> {
    let bytes = store.read(FILE)?.unwrap_or_default();
    Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
}

fn write(store: &Store, all: &[String]) -> io::Result<()> {
    match all {
        [] => store.remove(FILE),
        all => store.write(FILE, all.join("\n").as_bytes()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_others_are_named_in_one_line() {
        let of = |lines: &[&str]| {
            words(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(of(&[]), None);
        let one = of(&["7 jailed-a"]).unwrap();
        assert!(one.starts_with("`jailed-a` (process 7) works in this folder, too; "), "{one}");
        let four = of(&["1 a", "2 b", "3 c", "4 d"]).unwrap();
        assert!(
            four.starts_with("`a` (process 1), `b` (process 2), `c` (process 3) and 1 more work ")
        );
    }
}
