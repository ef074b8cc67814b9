//! Mount points: opened and made by descriptor, one name after the other, so
//! no symlink leads elsewhere.
//!
//! A parent is only looked up, never read: it may have the mode 0711, and belong to another user.

use alloc::ffi::CString;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, mkdirat, mknodat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};

use crate::failure::Problem;
use crate::inside::tree::BindKind;
use crate::resolve::{self, Scope};

/// The mode of folders that are made on the way to a mount point.
pub(super) const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// A folder inside and a name in it.
pub(crate) struct Entry {
    pub(crate) folder: Rc<OwnedFd>,
    pub(crate) name: CString,
}

/// The names in a path.
pub(super) fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
}

/// The mode of the missing parents of something with `mode`: they exclude the same
/// users, as in bubblewrap.
pub(super) fn mode_of_parents(mode: u32) -> u32 {
    let group = if mode & 0o070 == 0 { 0o050 } else { 0 };
    let others = if mode & 0o007 == 0 { 0o005 } else { 0 };
    FOLDER_MODE & !group & !others
}

/// Opens the folder `name` in `folder`, making it with `mode` if it is missing. `path` is the
/// path that it is part of.
pub(super) fn enter(
    folder: &OwnedFd,
    name: &[u8],
    mode: u32,
    path: &[u8],
) -> Result<OwnedFd, Problem> {
    match resolve(folder, name, OFlags::PATH) {
        Err(Errno::NOENT) => make_and_enter(folder, name, mode, path),
        other => other.map_err(|error| refused(path, error)),
    }
}

/// The same where it is missing.
pub(super) fn make_and_enter(
    folder: &OwnedFd,
    name: &[u8],
    mode: u32,
    path: &[u8],
) -> Result<OwnedFd, Problem> {
    mkdirat(folder, name, Mode::from_raw_mode(mode))
        .or_else(already)
        .map_err(|error| not_made(path, error))?;
    resolve(folder, name, OFlags::PATH).map_err(|error| refused(path, error))
}

/// The same for a path of several names, each in the one before, all missing. Only this process
/// can write in `folder`: what it has just made is not a link, and need not be opened before
/// something is made in it.
pub(super) fn make_way<'a>(
    folder: &OwnedFd,
    names: impl Iterator<Item = &'a [u8]>,
    mode: u32,
    path: &[u8],
) -> Result<OwnedFd, Problem> {
    let mut way = Vec::with_capacity(path.len());
    for name in names {
        if !way.is_empty() {
            way.push(b'/');
        }
        way.extend_from_slice(name);
        mkdirat(folder, way.as_slice(), Mode::from_raw_mode(mode))
            .map_err(|error| not_made(path, error))?;
    }
    resolve(folder, &way, OFlags::PATH).map_err(|error| refused(path, error))
}

/// Makes a mount point, if there is nothing.
pub(super) fn make(entry: &Entry, kind: BindKind) -> Result<(), Errno> {
    make_new(entry, kind).or_else(already)
}

/// Makes a mount point where nothing is.
pub(super) fn make_new(entry: &Entry, kind: BindKind) -> Result<(), Errno> {
    let (folder, name) = (&*entry.folder, &entry.name);
    match kind {
        BindKind::Folder => mkdirat(folder, name, Mode::from_raw_mode(FOLDER_MODE)),
        BindKind::File => {
            let mode = Mode::from_raw_mode(FILE_MODE);
            mknodat(folder, name, FileType::RegularFile, mode, 0)
        }
    }
}

/// Moves a detached tree over what is there. Without a flag that asks for it, no link is followed.
pub(super) fn move_to_entry(tree: impl AsFd, entry: &Entry) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    move_mount(tree, c"", &*entry.folder, &entry.name, flags)
}

/// Moves a detached tree over `place`.
pub(crate) fn move_to(tree: impl AsFd, place: impl AsFd) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, c"", place, c"", flags)
}

pub(super) fn resolve(top: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    resolve::open(top, path, flags, Scope::InRoot)
}

fn already(error: Errno) -> Result<(), Errno> {
    if error == Errno::EXIST { Ok(()) } else { Err(error) }
}

pub(super) fn refused(path: &[u8], error: Errno) -> Problem {
    let problem = Problem::errno(path, error);
    match error {
        Errno::LOOP => Problem::new(path, "a symbolic link stands in the way").help(
            "mounts follow no symbolic link inside the jail; remove the link, or grant the place that it leads to",
        ),
        Errno::NOTDIR => problem
            .help("a file stands where a folder is needed, or the other way round"),
        _ => problem,
    }
}

pub(super) fn not_made(path: &[u8], error: Errno) -> Problem {
    let name = String::from_utf8_lossy(path);
    match error {
        Errno::ROFS => {
            Problem::new(path, "the mount point is missing, and the tree around it is read-only")
                .help(format!(
                    "make `{name}` on the host, or put the grant around it after this one"
                ))
        }
        Errno::ACCESS | Errno::PERM => Problem::errno(path, error).help(format!(
            "the mount point `{name}` is missing and cannot be made; make it on the host"
        )),
        _ => Problem::errno(path, error),
    }
}
