//! Detached mounts: clones of what the host has, and new filesystems. They are attached by
//! descriptor, never by name.

use alloc::format;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, StatxAttributes, StatxFlags, fstat, openat, statx,
};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, open_tree,
};
use rustix::process::fchdir;

use crate::failure::{About, Problem};
use crate::sys::{self, Attributes};

/// Whether something is bound as a folder or as anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BindKind {
    Folder,
    File,
}

impl BindKind {
    pub(crate) fn from_file(place: impl AsFd) -> Result<Self, Errno> {
        fstat(place).map(|stat| Self::from(&stat))
    }
}

impl From<&Stat> for BindKind {
    fn from(stat: &Stat) -> Self {
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => Self::Folder,
            FileType::RegularFile
            | FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Self::File,
        }
    }
}

/// Whether something is mounted at `place` itself.
pub(crate) fn is_mount(place: impl AsFd) -> Result<bool, Errno> {
    let stat = statx(place, c"", AtFlags::EMPTY_PATH, StatxFlags::empty())?;
    Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

/// How much of a tree is cloned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// This mount only.
    One,
    /// With everything that is mounted below.
    All,
}

/// A detached clone of the mount at `place`.
pub(crate) fn clone_tree(place: impl AsFd, depth: Depth) -> Result<OwnedFd, Errno> {
    clone_at(place, c"", OpenTreeFlags::AT_EMPTY_PATH, depth)
}

/// A detached clone of `name` in `folder`; a symlink is not followed.
pub(crate) fn clone_child(
    folder: impl AsFd,
    name: impl rustix::path::Arg,
    depth: Depth,
) -> Result<OwnedFd, Errno> {
    clone_at(folder, name, OpenTreeFlags::AT_SYMLINK_NOFOLLOW, depth)
}

fn clone_at(
    folder: impl AsFd,
    name: impl rustix::path::Arg,
    how: OpenTreeFlags,
    depth: Depth,
) -> Result<OwnedFd, Errno> {
    let depth = match depth {
        Depth::One => OpenTreeFlags::empty(),
        Depth::All => OpenTreeFlags::AT_RECURSIVE,
    };
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC | how | depth;
    open_tree(folder, name, flags)
}

/// A new filesystem in memory.
pub(crate) fn tmpfs(mode: u32, size: Option<u64>) -> Result<OwnedFd, Errno> {
    let context = fsopen(c"tmpfs", FsOpenFlags::FSOPEN_CLOEXEC)?;
    fsconfig_set_string(context.as_fd(), c"mode", format!("{mode:o}"))?;
    if let Some(size) = size {
        fsconfig_set_string(context.as_fd(), c"size", format!("{size}"))?;
    }
    finish(&context, MountAttrFlags::MOUNT_ATTR_NOSUID | MountAttrFlags::MOUNT_ATTR_NODEV)
}

/// The message queues of this process's IPC namespace.
pub(crate) fn queues() -> Result<OwnedFd, Errno> {
    let context = fsopen(c"mqueue", FsOpenFlags::FSOPEN_CLOEXEC)?;
    finish(
        &context,
        MountAttrFlags::MOUNT_ATTR_NOSUID
            | MountAttrFlags::MOUNT_ATTR_NODEV
            | MountAttrFlags::MOUNT_ATTR_NOEXEC,
    )
}

/// Makes the filesystem that `context` describes, and a detached mount of it.
pub(crate) fn finish(context: &OwnedFd, attributes: MountAttrFlags) -> Result<OwnedFd, Errno> {
    fsconfig_create(context.as_fd())?;
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

/// What every mount from the host gets: no setuid, no devices, and no mount
/// events from or to the host.
pub(crate) fn confine(tree: impl AsFd, more: u64) -> Result<(), Errno> {
    let set = Attributes::NO_SUID | Attributes::NO_DEVICES | more;
    sys::set_attributes(tree, Attributes { set, clear: 0, recursive: true })
}

/// A detached clone of the working folder, for which `folder` is `CWD`,
/// with everything mounted below.
pub(crate) fn clone_at_folder(folder: impl AsFd) -> Result<OwnedFd, Errno> {
    clone_at(folder, c".", OpenTreeFlags::empty(), Depth::All)
}

/// Does `work` in `folder`, an attached tree: mount(2) takes only names.
///
/// The process may be in a folder that cannot be entered again. Then it stays in `folder`, and the
/// working folder cannot be named later.
pub(crate) fn within<R>(
    folder: &OwnedFd,
    work: impl FnOnce() -> Result<R, Problem>,
) -> Result<R, Problem> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let before = openat(CWD, c".", flags, Mode::empty());
    fchdir(folder).about("a new mount")?;
    let result = work();
    if let Ok(before) = before {
        let _ = fchdir(before);
    }
    result
}
