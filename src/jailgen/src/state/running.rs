//! Which jails run at this moment: what they need is not removed.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use super::{DERIVED, State, name};

/// What every wrapper's first line names.
const STUB: &str = "jail-stub";

/// The jails that run.
#[derive(Debug, Default)]
pub(super) struct Running {
    jails: Vec<Jail>,
}

#[derive(Debug)]
struct Jail {
    process: u32,
    /// What was started: a wrapper, a link to one, or a plan that was derived from one.
    started: PathBuf,
}

impl Running {
    /// Those of this machine, as far as their processes are shown to the caller. The supervisor of
    /// a jail keeps the command line that it was started with.
    pub(super) fn read() -> Self {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let jails = processes.filter_map(|entry| {
            let process = entry.file_name().to_str()?.parse().ok()?;
            let words = fs::read(entry.path().join("cmdline")).ok()?;
            Some(Jail { process, started: started(&words)? })
        });
        Self { jails: jails.collect() }
    }

    /// A process whose jail is that of this wrapper.
    pub(super) fn process_of(&self, state: &State, wrapper: &Path) -> Option<u32> {
        let derived = name(wrapper);
        let derived = DERIVED.map(|folder| state.root.join(folder).join(&derived));
        let is = |jail: &&Jail| {
            is_of(&jail.started, wrapper)
                || derived.contains(&jail.started)
                || state.is_item_of(&jail.started, wrapper)
        };
        self.jails.iter().find(is).map(|jail| jail.process)
    }

    /// Whether this file was started.
    pub(super) fn has(&self, file: &Path) -> bool {
        self.jails.iter().any(|jail| jail.started == file)
    }
}

/// A relative path is meant from a folder that is not known, and a link may be gone: then the name
/// decides, in favour of the jail.
fn is_of(started: &Path, wrapper: &Path) -> bool {
    let real = started.is_absolute().then(|| started.canonicalize().ok()).flatten();
    match real {
        Some(real) => real == wrapper || real.parent() == wrapper.parent(),
        None => started.file_name() == wrapper.file_name(),
    }
}

/// What the stub was started with, if a process is one: the kernel puts the script after its
/// interpreter.
pub(crate) fn started(words: &[u8]) -> Option<PathBuf> {
    let mut words = words.split(|byte| *byte == 0);
    let program = OsString::from_vec(words.next()?.to_vec());
    let wrapper = OsString::from_vec(words.next()?.to_vec());
    (Path::new(&program).file_name() == Some(OsStr::new(STUB))).then(|| wrapper.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn running(started: &str) -> Running {
        Running { jails: vec![Jail { process: 7, started: started.into() }] }
    }

    #[test]
    fn the_command_line_of_a_stub_names_its_wrapper() {
        let stub = b"/nix/store/x-jail-stub/bin/jail-stub\0/nix/store/y/bin/jailed-sh\0-c\0x\0";
        assert_eq!(started(stub), Some("/nix/store/y/bin/jailed-sh".into()));
        for other in [&b"/bin/cat\0/nix/store/y/bin/jailed-sh\0"[..], b"/x/jail-stub", b""] {
            assert_eq!(started(other), None);
        }
    }

    #[test]
    fn a_jail_is_known_by_its_wrapper_and_by_plans_that_were_derived_from_it() {
        let state = State::at("/state");
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("1/jailed-sh"), folder.path().join("2/jailed-sh"));
        for file in [&one, &two] {
            fs::create_dir(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        let (one, two) = (one.canonicalize().unwrap(), two.canonicalize().unwrap());
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&one, &link).unwrap();
        for started in [one.as_path(), &link, &state.shell_plan(&one), &state.trace_plan(&one)] {
            let running = running(started.to_str().unwrap());
            assert_eq!(running.process_of(&state, &one), Some(7), "{started:?}");
            assert_eq!(running.process_of(&state, &two), None, "{started:?}");
        }
        // What cannot be looked up is taken for either.
        for started in ["bin/jailed-sh", "/gone/jailed-sh"] {
            assert!(running(started).process_of(&state, &two).is_some(), "{started}");
            assert!(
                running(started).process_of(&state, Path::new("/x/other")).is_none(),
                "{started}"
            );
        }
    }
}
