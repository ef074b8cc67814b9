//! The jail's own /proc, in which the kernel's switches cannot be turned.
//!
//! An ordinary user's payload could not turn them anyway. A launch by root maps 0 to 0, and then the files below
//! /proc/sys belong to the payload: it could write the host's core_pattern, which runs a program as root (escapes.md D22).

use alloc::vec::Vec;

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, MountAttrFlags, MoveMountFlags, fsopen, mount_bind, move_mount};

use crate::failure::{About, Problem};
use crate::inside::tree::{self, Depth, Kind};
use crate::inside::{Launch, Root, join, quota};
use crate::sys::{self, Attributes};

/// Read-only for everybody.
const SWITCHES: &[&str] = &["sys"];

/// Read-only when the payload is root: whatever its owner may write and is not about a process.
const ROOT_SWITCHES: &[&str] = &[
    "acpi",
    "asound",
    "bus",
    "driver",
    "dynamic_debug",
    "fs",
    "irq",
    "latency_stats",
    "mtrr",
    "pressure",
    "scsi",
    "slabinfo",
    "sysrq-trigger",
    "timer_stats",
];

/// Empty for everybody: how the host was started, and the keys of the user's session.
const SECRETS: &[&str] = &["cmdline", "keys"];

/// What tells one start of a machine from all others, and a number that nothing else has.
const BOOT_ID: &str = "sys/kernel/random/boot_id";
const RANDOM_ID: &str = "sys/kernel/random/uuid";

/// Empty when the payload is root: the kernel's memory, its addresses and its log.
const ROOT_SECRETS: &[&str] = &[
    "kallsyms",
    "kcore",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "sched_debug",
    "timer_list",
    "vmallocinfo",
];

/// Puts a /proc at `path`.
///
/// As root it has some twenty mounts in it. Each is one mount(2) by names in /proc itself, which costs half of what a clone
/// and its attachment do; what all of them have in common is set at once.
pub(crate) fn mount(path: &str, launch: &Launch<'_>, root: &mut Root) -> Result<(), Problem> {
    let tree = new().map_err(|error| problem(path, error))?;
    root.attach(&tree, path, Kind::Folder)?;
    quota::set(&tree, launch.plan)?;
    let (switches, secrets): (&[&str], &[&str]) =
        if launch.payload() == 0 { (ROOT_SWITCHES, ROOT_SECRETS) } else { (&[], &[]) };
    tree::within(&tree, || {
        for name in SWITCHES.iter().chain(switches) {
            match mount_bind(*name, *name) {
                // Kernels have different ones.
                Err(Errno::NOENT) => {}
                other => other.about(&join(path, name))?,
            }
        }
        let secrets: Vec<&str> = SECRETS.iter().chain(secrets).copied().collect();
        cover(&tree, &secrets, root).about(path)?;
        other_boot_id(&tree, root).about(&join(path, BOOT_ID))
    })?;
    // All of it at once, and then the rest of /proc as it was.
    let all = Attributes { set: Attributes::READ_ONLY, clear: 0, recursive: true };
    sys::set_attributes(&tree, all).about(path)?;
    let rest = Attributes { set: 0, clear: Attributes::READ_ONLY, recursive: false };
    sys::set_attributes(&tree, rest).about(path)
}

fn new() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    tree::finish(
        &context,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
}

/// Puts an empty file over these parts of /proc, which is the working folder. Kernels have different ones.
///
/// The file is a new one, not /dev/null, which somebody could have replaced (escapes.md C22). Once it is mounted
/// somewhere, it is bound from there.
fn cover(process: &OwnedFd, names: &[&str], root: &Root) -> Result<(), Errno> {
    root.with_file(b"", 0o444, |folder, empty| {
        let mut covered = None;
        for name in names {
            // Asked first, because afterwards the same error could be about the file.
            match statat(process, *name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) => continue,
                other => other?,
            };
            match covered {
                Some(first) => mount_bind(first, *name)?,
                None => {
                    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
                    let cover = tree::clone_child(folder, empty, Depth::One)?;
                    move_mount(cover, c"", process, *name, flags)?;
                }
            }
            covered = Some(*name);
        }
        Ok(())
    })
}

/// Gives the jail a boot id of its own. It stays the same in a jail, because programs tell from it whether a lock is stale.
fn other_boot_id(process: &OwnedFd, root: &Root) -> Result<(), Errno> {
    let random = openat(process, RANDOM_ID, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let mut id = [0; 64];
    let length = rustix::io::read(random, &mut id)?;
    root.with_file(id.get(..length).unwrap_or_default(), 0o444, |folder, own| {
        let cover = tree::clone_child(folder, own, Depth::One)?;
        move_mount(cover, c"", process, BOOT_ID, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
    })
}

fn problem(path: &str, error: Errno) -> Problem {
    let problem = Problem::errno(path, error);
    if error == Errno::PERM {
        return problem.help(
            "/proc can be mounted only with an own PID namespace, and where the surrounding /proc is not covered: \
             containers cover parts of it; start the container with `--security-opt systempaths=unconfined`",
        );
    }
    problem
}
