//! A minimal /dev: six nodes of the host, an own devpts and shm, and the usual links. No disks, no cameras, no kmsg.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    CWD, FileType, Mode, OFlags, major, makedev, minor, mkdirat, mknodat, openat, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_set_string, fsopen, move_mount,
};

use crate::failure::{About, Problem};
use crate::inside::tree::{self, Depth, Kind};
use crate::inside::{Root, join};
use crate::sys::{self, Attributes};

/// Name, major and minor number (the kernel's devices.txt).
const NODES: &[(&str, u32, u32)] = &[
    ("null", 1, 3),
    ("zero", 1, 5),
    ("full", 1, 7),
    ("random", 1, 8),
    ("urandom", 1, 9),
    ("tty", 5, 0),
];

const LINKS: &[(&str, &str)] = &[
    ("/proc/self/fd", "fd"),
    ("/proc/self/fd/0", "stdin"),
    ("/proc/self/fd/1", "stdout"),
    ("/proc/self/fd/2", "stderr"),
    ("pts/ptmx", "ptmx"),
];

/// Puts a minimal /dev at `path`.
pub(crate) fn mount(path: &str, root: &mut Root) -> Result<(), Problem> {
    root.tmpfs(path, 0o755, None)?;
    let folder = root.open(path.as_bytes())?;
    let host = openat(CWD, c"/dev", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).about("/dev")?;
    for (name, major, minor) in NODES {
        node(&host, &folder, name, (*major, *minor)).about(&join("/dev", name))?;
    }
    // One call for all nodes: no setuid there, and no mount events from the host.
    let attributes = Attributes { set: Attributes::NO_SUID, clear: 0, recursive: true };
    sys::set_attributes(&folder, attributes).about(path)?;
    for (target, name) in LINKS {
        symlinkat(*target, &folder, *name).about(&join(path, name))?;
    }
    mkdirat(&folder, c"pts", Mode::from_raw_mode(0o755)).about(path)?;
    root.attach(terminals().about("devpts")?, &join(path, "pts"), Kind::Folder)?;
    root.tmpfs(&join(path, "shm"), 0o1777, None)
}

/// Binds one node of the host, if it is the device that it should be and not something put in its place.
fn node(host: impl AsFd, folder: impl AsFd, name: &str, number: (u32, u32)) -> Result<(), Errno> {
    let tree = tree::clone_child(host, name, Depth::One)?;
    let stat = rustix::fs::fstat(&tree)?;
    let found = (major(stat.st_rdev), minor(stat.st_rdev));
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice || found != number {
        return Err(Errno::NODEV);
    }
    mknodat(&folder, name, FileType::RegularFile, Mode::from_raw_mode(0o644), makedev(0, 0))?;
    move_mount(tree, c"", folder, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Pseudo-terminals of the jail's own; those of the host have no name inside.
fn terminals() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"devpts", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"ptmxmode", c"0666")?;
    fsconfig_set_string(context.as_fd(), c"mode", c"0620")?;
    tree::finish(&context, MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}
