//! The jail's own /proc, in which the kernel's switches cannot be turned.
//!
//! An ordinary user's payload could not turn them anyway. A launch by root maps 0 to 0, and then the files below
//! /proc/sys belong to the payload: it could write the host's core_pattern, which runs a program as root (escapes.md D22).

use core::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{FsOpenFlags, MountAttrFlags, MoveMountFlags, fsopen, move_mount};

use crate::failure::{About, Problem};
use crate::inside::root::move_to;
use crate::inside::tree::{self, Depth, Kind};
use crate::inside::{Root, join};
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

/// Empty for everybody: the keys of the user's session.
const SECRETS: &[&str] = &["keys"];

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
pub(crate) fn mount(path: &str, uid: u32, root: &mut Root) -> Result<(), Problem> {
    let tree = new().map_err(|error| problem(path, error))?;
    let place = root.place(path.as_bytes(), Kind::Folder)?;
    move_to(&tree, place).about(path)?;
    let (switches, secrets): (&[&str], &[&str]) =
        if uid == 0 { (ROOT_SWITCHES, ROOT_SECRETS) } else { (&[], &[]) };
    for name in SWITCHES.iter().chain(switches) {
        read_only(&tree, name).about(&join(path, name))?;
    }
    // The file that covers them is a new one, not /dev/null, which somebody could have replaced (escapes.md C22).
    root.with_file(b"", 0o444, |folder, empty| {
        SECRETS.iter().chain(secrets).try_for_each(|name| cover(&tree, name, folder, empty))
    })
    .about(path)
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

/// Binds a part of /proc over itself, read-only. Kernels have different parts; one that is missing needs nothing.
fn read_only(process: &OwnedFd, name: &str) -> Result<(), Errno> {
    let part = match tree::clone_child(process, name, Depth::One) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let attributes = Attributes { set: Attributes::READ_ONLY, clear: 0, recursive: false };
    sys::set_attributes(&part, attributes)?;
    move_mount(part, c"", process, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Puts an empty file over a part of /proc, if this kernel has it.
fn cover(process: &OwnedFd, name: &str, folder: &OwnedFd, empty: &CStr) -> Result<(), Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let place = match openat(process, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    let cover = tree::clone_child(folder, empty, Depth::One)?;
    let attributes = Attributes { set: Attributes::READ_ONLY, clear: 0, recursive: false };
    sys::set_attributes(&cover, attributes)?;
    move_to(cover, place)
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
