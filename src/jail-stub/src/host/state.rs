//! Folders and files of an agent's own state, made on the host where they are
//! missing: for the user alone.

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{FileType, Mode, OFlags, mkdirat, openat, symlinkat};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host::trust::WritableTrees;
use crate::host::walk::open;

const FOLDER: Mode = Mode::RWXU;
const FILE: Mode = Mode::RUSR.union(Mode::WUSR);

/// Makes the folder `path` and its missing parents.
pub(crate) fn directory(path: &[u8], trees: &WritableTrees<'_>) -> Result<(), Problem> {
    let place = folder(path, trees)?;
    if FileType::from_raw_mode(rustix::fs::fstat(&place).about(path)?.st_mode)
        == FileType::Directory
    {
        return Ok(());
    }
    Err(Problem::new(path, "it is not a folder").help(
        "a folder is granted here; move away what has its name, or grant a file by `state-file`",
    ))
}

/// Makes the file `path`, empty, and its missing parents.
pub(crate) fn file(path: &[u8], trees: &WritableTrees<'_>) -> Result<(), Problem> {
    if exists(path, trees)?.is_some() {
        return Ok(());
    }
    let (parent, name) = split(path)?;
    let parent = folder(parent, trees)?;
    let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(&parent, name, flags, FILE) {
        // Another launch of the same jail was faster.
        Err(Errno::EXIST) => Ok(()),
        other => other.map(drop).about(path),
    }
}

/// Makes the folder for the file `path`, with its missing parents.
pub(crate) fn folder_of(path: &[u8], trees: &WritableTrees<'_>) -> Result<(), Problem> {
    if exists(path, trees)?.is_some() {
        return Ok(());
    }
    let (parent, _) = split(path)?;
    folder(parent, trees).map(drop)
}

/// Makes the file `path`, below the folder `base`, if it is missing. Returns whether it was, or
/// whether that is unknown. A base that does not exist is not made: a variable may name a home
/// folder that does not exist.
pub(crate) fn is_first(base: &[u8], path: &[u8], trees: &WritableTrees<'_>) -> bool {
    if matches!(exists(path, trees), Ok(Some(_))) {
        return false;
    }
    if matches!(exists(base, trees), Ok(Some(_))) {
        let _ = file(path, trees);
    }
    true
}

/// Makes a symbolic link at `path`, and its missing parents. Whatever is there already stays: an
/// agent may have put a file of its own in its place.
pub(crate) fn link(path: &[u8], target: &str, trees: &WritableTrees<'_>) -> Result<(), Problem> {
    let (parent, name) = split(path)?;
    let parent = folder(parent, trees)?;
    match symlinkat(target, &parent, name) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(error) => Err(Problem::errno(path, error)),
    }
}

/// The folder `path`, made with its missing parents.
pub(super) fn folder(path: &[u8], trees: &WritableTrees<'_>) -> Result<OwnedFd, Problem> {
    if let Some(place) = exists(path, trees)? {
        return Ok(place);
    }
    let (parent, name) = split(path)?;
    let parent = folder(parent, trees)?;
    match mkdirat(&parent, name, FOLDER) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(Problem::errno(path, error)),
    }
    enter(&parent, name).about(path)
}

/// What was just made is opened by its name in the folder in which it was made,
/// never through a symlink.
fn enter(parent: impl AsFd, name: &[u8]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty())
}

fn exists(path: &[u8], trees: &WritableTrees<'_>) -> Result<Option<OwnedFd>, Problem> {
    match open(path, trees) {
        Ok(place) => Ok(Some(place)),
        Err(problem) if problem.is(&[Errno::NOENT]) => Ok(None),
        Err(problem) => Err(problem),
    }
}

fn split(path: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    match slash.map(|at| (path.get(..at), path.get(at + 1..))) {
        Some((Some(b""), Some(name))) => Ok((b"/", name)),
        Some((Some(parent), Some(name))) => Ok((parent, name)),
        Some(_) | None => Err(Problem::errno(path, Errno::INVAL)),
    }
}
