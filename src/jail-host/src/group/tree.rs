//! The place in the tree of control groups where the caller may make one, and its files.
//!
//! A group with processes in it can have no children that are controlled (cgroups(7), "no
//! internal processes"), so it is never made below the caller's own group but next to it;
//! the root alone is exempt.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use jail_plan::helper::Refusal;
use rustix::fs::{AtFlags, CWD, Dir, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};

/// Files of a group, and those of /proc about groups, are short.
const FILE_MAX: u64 = 1024 * 1024;

/// The prefix of the names of groups that are made without systemd; the
/// supervisor's process id follows.
const PREFIX: &str = "jailgen-";

/// A group that can have children with limits, and the name of the one to be made.
pub(super) struct Tree {
    pub(super) folder: OwnedFd,
    pub(super) name: String,
}

/// The groups of version 2, and the process that needs one.
pub(super) struct Hierarchy {
    /// Where they are mounted.
    pub(super) groups: OwnedFd,
    mount: String,
    /// The group at the top of the mount.
    root: String,
    /// The host's /proc, to find processes by their id.
    pub(super) processes: OwnedFd,
    /// The process that supervises the jail.
    pub(super) supervisor: u32,
}

impl Hierarchy {
    pub(super) fn find(supervisor: u32) -> Result<Self, Refusal> {
        let folder = |path: &str| open(CWD, path).map_err(|error| failed(path, error));
        let processes = folder("/proc")?;
        let file = "/proc/self/mountinfo";
        let text = read(CWD, file).map_err(|error| failed(file, error))?;
        let mount = text.lines().find_map(|line| {
            let mut fields = line.split(' ').skip(3);
            let (root, mount) = (fields.next()?, fields.next()?);
            // After some optional fields and a dash comes the type (proc_pid_mountinfo(5)).
            fields.find(|field| *field == "-")?;
            (fields.next()? == "cgroup2").then(|| (root.to_owned(), mount.to_owned()))
        });
        let (root, mount) = mount.ok_or_else(|| none("they are not mounted"))?;
        Ok(Self { groups: folder(&mount)?, mount, root, processes, supervisor })
    }

    /// The supervisor's group, as a path from the root of all groups.
    pub(super) fn of_supervisor(&self) -> Result<String, Refusal> {
        let file = format!("{}/cgroup", self.supervisor);
        let text = read(&self.processes, &file);
        let text = text.map_err(|error| failed(&format!("/proc/{file}"), error))?;
        let own = text.lines().find_map(|line| line.strip_prefix("0::"));
        own.map(str::to_owned).ok_or_else(|| none("this process is in none"))
    }

    /// Opens a group by that path.
    pub(super) fn open(&self, group: &str) -> Result<OwnedFd, Refusal> {
        let below = group.strip_prefix(self.root.trim_end_matches('/')).unwrap_or(group);
        if below.split('/').any(|name| name == "..") {
            return Err(none("this process is in one that cannot be seen from here"));
        }
        open(&self.groups, &format!(".{below}"))
            .map_err(|error| failed(&format!("{}{below}", self.mount), error))
    }
}

/// The group around the supervisor's own. It was delegated if the caller may write it.
pub(super) fn delegated(hierarchy: &Hierarchy) -> Result<Tree, Refusal> {
    let own = hierarchy.of_supervisor()?;
    let parent = own.rsplit_once('/').map_or("", |(parent, _)| parent);
    let folder = hierarchy.open(if parent.is_empty() { "/" } else { parent })?;
    sweep(&folder);
    Ok(Tree { folder, name: format!("{PREFIX}{}", hierarchy.supervisor) })
}

/// Enables controllers for the children of a group.
pub(super) fn enable<'c>(
    folder: &OwnedFd,
    controllers: impl Iterator<Item = &'c str>,
) -> Result<(), Refusal> {
    let has = |file: &str, controller: &str| {
        let text = read(folder, file).unwrap_or_default();
        text.split_whitespace().any(|word| word == controller)
    };
    for controller in controllers {
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

/// Removes groups of launches whose supervisors were killed before they could.
fn sweep(folder: &OwnedFd) {
    let Ok(entries) = Dir::read_from(folder) else { return };
    for entry in entries.map_while(Result::ok) {
        let name = entry.file_name();
        let pid = name.to_str().ok().and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
        let Some(pid) = pid.filter(|pid| *pid > 1).and_then(Pid::from_raw) else { continue };
        if test_kill_process(pid) == Err(Errno::SRCH) {
            // A group with processes in it stays: the kernel does not remove it.
            let _ = unlinkat(folder, name, AtFlags::REMOVEDIR);
        }
    }
}

/// The message that no group can be made, with what would help.
pub(super) fn none(cause: &str) -> Refusal {
    refusal(cause, 0)
}

pub(super) fn failed(object: &str, error: Errno) -> Refusal {
    refusal(&format!("{object}: "), error.raw_os_error())
}

fn refusal(cause: &str, error: i32) -> Refusal {
    let cause = format!("no control group (cgroup v2) can be made for the limits: {cause}");
    let help = "start it from a systemd session, or from a control group that is delegated to you; \
         or let the spec say `best-effort`, and it goes on under weaker limits";
    Refusal { object: String::new(), cause, error, help: help.into() }
}

pub(super) fn open(parent: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    openat(parent, name, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Writes one value into a file of a group.
pub(super) fn write(group: impl AsFd, file: &str, value: &str) -> Result<(), Errno> {
    let file = openat(group, file, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes()).map(drop)
}

/// A file of a group, or of /proc.
fn read(folder: impl AsFd, file: &str) -> Result<String, Errno> {
    let file = openat(folder, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut text = String::new();
    let read = File::from(file).take(FILE_MAX).read_to_string(&mut text);
    read.map(|_| text).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::ILSEQ))
}
