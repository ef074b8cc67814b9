//! A minimal /dev: six nodes of the host, an own devpts and shm, and the usual links. No disks, no
//! cameras, no kmsg.

use alloc::format;
use alloc::vec::Vec;

use jail_plan::Terminal;
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, major, makedev, minor, mknodat, openat, readlinkat,
    statat, symlinkat,
};
use rustix::io::Errno;
use rustix::mount::{
    FsOpenFlags, MountAttrFlags, MoveMountFlags, fsconfig_set_string, fsopen, mount_bind,
    move_mount,
};

use crate::failure::{About, Problem};
use crate::host::Identity;
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Root, join};
use crate::sys::{self, Attributes, Standard};

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

/// Puts a minimal /dev at `path`. It is read-only once the root is complete; what is
/// mounted in it stays the same.
pub(crate) fn mount(path: &str, terminal: Terminal, root: &mut Root) -> Result<(), Problem> {
    let shared = root.own_folder(path)?;
    let folder = &*shared;
    tree::within(folder, || {
        for (name, major, minor) in NODES {
            node(folder, name, (*major, *minor)).about(&join("/dev", name))?;
        }
        Ok(())
    })?;
    match terminal {
        Terminal::Shared => console(folder).about(&join(path, "console"))?,
        // The jail's own terminal is among the pseudo-terminals.
        Terminal::Keep | Terminal::NewSession => {}
    }
    // One call for all nodes: no setuid there, no mount events from the host, and no process
    // can change their mode or owner, which root would do for every user. Writing to a
    // device does not change it.
    let set = Attributes::NO_SUID | Attributes::READ_ONLY;
    sys::set_attributes(folder, Attributes { set, clear: 0, recursive: true }).about(path)?;
    let clear = Attributes::READ_ONLY;
    sys::set_attributes(folder, Attributes { set: 0, clear, recursive: false }).about(path)?;
    for (target, name) in LINKS {
        symlinkat(*target, folder, *name).about(&join(path, name))?;
    }
    root.attach(terminals().about("devpts")?, &join(path, "pts"), BindKind::Folder)?;
    root.tmpfs(&join(path, "shm"), 0o1777, None)?;
    root.read_only_in_the_end(shared);
    Ok(())
}

/// Binds one node of the host into `folder`, the working folder, if it is the expected device and
/// not something put in its place.
fn node(folder: &OwnedFd, name: &str, number: (u32, u32)) -> Result<(), Errno> {
    mknodat(folder, name, FileType::RegularFile, Mode::from_raw_mode(0o644), makedev(0, 0))?;
    mount_bind(join("/dev", name), name)?;
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let found = (major(stat.st_rdev), minor(stat.st_rdev));
    if FileType::from_raw_mode(stat.st_mode) != FileType::CharacterDevice || found != number {
        return Err(Errno::NODEV);
    }
    Ok(())
}

fn attach(tree: OwnedFd, folder: impl AsFd, name: &str) -> Result<(), Errno> {
    mknodat(&folder, name, FileType::RegularFile, Mode::from_raw_mode(0o644), makedev(0, 0))?;
    move_mount(tree, c"", folder, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// The launcher's terminal, if it is a standard descriptor, as `console`: programs ask for
/// its name (ttyname(3)), and its own one belongs to the host's devpts. It grants nothing
/// that the descriptor does not.
fn console(folder: &OwnedFd) -> Result<(), Errno> {
    let all = Standard::ALL.map(sys::standard);
    let Some(own) = all.into_iter().find(|fd| sys::foreground_group(fd).is_ok()) else {
        return Ok(());
    };
    let link = format!("/proc/self/fd/{}", own.as_raw_fd());
    let name = readlinkat(CWD, link, Vec::new())?;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // A terminal of another container has no name here, or another one has its name.
    let Ok(node) = openat(CWD, name, flags, Mode::empty()) else { return Ok(()) };
    if Identity::from_file(&node)? != Identity::from_file(own)? {
        return Ok(());
    }
    attach(tree::clone_tree(node, Depth::One)?, folder, "console")
}

/// Pseudo-terminals of the jail's own; those of the host have no name inside.
pub(crate) fn terminals() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"devpts", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"ptmxmode", c"0666")?;
    fsconfig_set_string(context.as_fd(), c"mode", c"0620")?;
    tree::finish(&context, MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NOEXEC)
}
