//! Where in the tree of control groups the caller may make one, and its files.
//!
//! A group with processes in it can have no children that are controlled (cgroups(7), "no internal processes"), so it is
//! never made below the caller's own group but beside it; the root alone is exempt.

use alloc::format;
use alloc::string::{String, ToString};
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RawDir, openat, unlinkat};
use rustix::io::Errno;
use rustix::thread::{Timespec, nanosleep};

use crate::caller::Caller;
use crate::cgroup::systemd;
use crate::errno;
use crate::failure::Problem;
use crate::reading::read_to_end;
use crate::sys;

/// Files of a group, and those of /proc that tell of groups, are short.
const FILE_MAX: usize = 1024 * 1024;

/// The names of groups that are made where no systemd makes them; the supervisor's process follows.
const PREFIX: &str = "jailgen-";

/// A group that can have children with limits, and the name of the one to be made.
pub(super) struct Tree {
    pub(super) folder: OwnedFd,
    pub(super) name: String,
}

/// The place for a group with these controllers.
pub(super) fn find<'c, I: Iterator<Item = &'c str>>(
    caller: &Caller<'_>,
    controllers: impl Fn() -> I,
) -> Result<Tree, Problem> {
    let hierarchy = Hierarchy::find()?;
    let tree = match systemd::scope(caller, &hierarchy)? {
        Some(folder) => Tree { folder, name: "jail".into() },
        None => {
            let pid = rustix::process::getpid();
            let folder = hierarchy.delegated()?;
            sweep(&folder);
            Tree { folder, name: format!("{PREFIX}{pid}") }
        }
    };
    enable(&tree.folder, controllers)?;
    Ok(tree)
}

/// Where the groups of version 2 are mounted.
pub(super) struct Hierarchy {
    mount: String,
    /// The group that is the mount's top.
    root: String,
}

impl Hierarchy {
    fn find() -> Result<Self, Problem> {
        let text =
            text("/proc/self/mountinfo").map_err(|error| failed("/proc/self/mountinfo", error))?;
        let mount = text.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(3);
            let (root, mount) = (fields.next()?, fields.next()?);
            // After some optional fields and a dash the type follows (proc_pid_mountinfo(5)).
            fields.find(|field| *field == "-")?;
            let is_of_type = fields.next()? == "cgroup2";
            is_of_type.then(|| Self { mount: mount.into(), root: root.into() })
        });
        mount.ok_or_else(|| none("they are not mounted"))
    }

    /// The caller's own group, as a path from the root of all.
    pub(super) fn own() -> Result<String, Problem> {
        let text = text("/proc/self/cgroup").map_err(|error| failed("/proc/self/cgroup", error))?;
        let own = text.lines().find_map(|line| line.strip_prefix("0::"));
        own.map(ToString::to_string).ok_or_else(|| none("this process is in none"))
    }

    /// Opens a group by that path.
    pub(super) fn open(&self, group: &str) -> Result<OwnedFd, Problem> {
        let below = group.strip_prefix(self.root.trim_end_matches('/')).unwrap_or(group);
        if below.split('/').any(|name| name == "..") {
            return Err(none("this process is in one that cannot be seen from here"));
        }
        let path = format!("{}{below}", self.mount);
        open(CWD, &path).map_err(|error| failed(&path, error))
    }

    /// The group that the caller's own is in: somebody has delegated it, if the caller may write it.
    fn delegated(&self) -> Result<OwnedFd, Problem> {
        let own = Self::own()?;
        let parent = own.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.open(if parent.is_empty() { "/" } else { parent })
    }
}

/// Lets the children of a group have controllers.
fn enable<'c, I: Iterator<Item = &'c str>>(
    folder: &OwnedFd,
    controllers: impl Fn() -> I,
) -> Result<(), Problem> {
    let has = |file: &str, controller: &str| {
        let text = read(folder, file).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    for controller in controllers() {
        if !has("cgroup.controllers", controller) {
            return Err(none(&format!(
                "the controller `{controller}` is not there, or not delegated"
            )));
        }
        if !has("cgroup.subtree_control", controller) {
            let file = "cgroup.subtree_control";
            write(folder, file, &format!("+{controller}")).map_err(|error| failed(file, error))?;
        }
    }
    Ok(())
}

/// Removes what launches have left that could not remove it, because somebody killed their supervisors.
fn sweep(folder: &OwnedFd) {
    let mut space = [MaybeUninit::uninit(); 4096];
    let Ok(listed) = open(folder, ".") else { return };
    let mut entries = RawDir::new(&listed, &mut space);
    while let Some(Ok(entry)) = entries.next() {
        let name = entry.file_name();
        let pid = name.to_str().ok().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid > 1) else { continue };
        if sys::kill(pid, 0) == Err(Errno::SRCH) {
            // One with processes in it stays: the kernel does not remove it.
            let _ = unlinkat(folder, name, AtFlags::REMOVEDIR);
        }
    }
}

/// No group can be made, and what would help.
pub(super) fn none(cause: &str) -> Problem {
    Problem::new("", format!("no control group (cgroup v2) can be made for the limits: {cause}"))
        .help(
            "start it from a systemd session, or from a control group that is delegated to you; \
         or let the spec say `best-effort`, and it goes on under weaker limits",
        )
}

pub(super) fn failed(object: &str, error: Errno) -> Problem {
    none(&format!("{object}: {}", errno::name(error)))
}

pub(super) fn open(parent: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Writes one value into a file of a group.
pub(super) fn write(group: impl AsFd, file: &str, value: &str) -> Result<(), Errno> {
    let file = openat(group, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes()).map(drop)
}

/// A file of a group.
pub(super) fn read(group: impl AsFd, file: &str) -> Result<String, Errno> {
    let file = openat(group, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let bytes = read_to_end(&file, FILE_MAX)?;
    String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)
}

fn text(path: &str) -> Result<String, Errno> {
    read(CWD, path)
}

/// A millisecond.
pub(super) fn pause() {
    let _ = nanosleep(&Timespec { tv_sec: 0, tv_nsec: 1_000_000 });
}
