//! Files and links whose content comes from the plan or the host.
//!
//! In a filesystem of the launch's own they are simply made. In a tree of the host nothing is
//! written: there the content is in a filesystem in memory and is bound over the place.

use alloc::vec::Vec;
use core::ffi::CStr;

use jail_plan::{Copy, Missing};
use rustix::fd::AsFd;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, openat, readlinkat, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::inside::point::{Entry, move_to};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root};

/// No spec needs to copy more than this into memory at each launch.
const COPY_MAX: usize = 64 * 1024 * 1024;

/// A file with this content at `path`.
pub(crate) fn write(root: &Root, path: &str, content: &[u8], mode: u32) -> Result<(), Problem> {
    let entry = root.entry_for(path.as_bytes(), mode)?;
    if root.is_own(&*entry.folder).about(path)? {
        match create_again(&entry, content, mode) {
            // Something is mounted there; the file covers it.
            Err(Errno::BUSY) => {}
            other => return other.about(path),
        }
    }
    let place = root.place(path.as_bytes(), BindKind::File)?;
    root.with_file(content, mode, |folder, name| {
        move_to(tree::clone_child(folder, name, Depth::One)?, place)
    })
    .about(path)
}

fn create_again(entry: &Entry, content: &[u8], mode: u32) -> Result<(), Errno> {
    match create(&*entry.folder, &entry.name, content, mode) {
        Err(Errno::EXIST) => {
            unlinkat(&*entry.folder, &entry.name, AtFlags::empty())?;
            create(&*entry.folder, &entry.name, content, mode)
        }
        other => other,
    }
}

/// Makes a file that is not there yet.
pub(crate) fn create(
    folder: impl AsFd,
    name: &CStr,
    content: &[u8],
    mode: u32,
) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::from_raw_mode(mode))?;
    let mut rest = content;
    while !rest.is_empty() {
        match rustix::io::write(&file, rest) {
            Err(Errno::INTR) => {}
            other => rest = rest.get(other?..).unwrap_or_default(),
        }
    }
    Ok(())
}

/// A file with the current content of a file of the host.
pub(crate) fn copy(op: &Copy, launch: &Launch<'_>, root: &mut Root) -> Result<(), Problem> {
    let from = launch.caller.path(&op.from)?;
    let to = launch.caller.path(&op.to)?;
    let mut content = match launch.paths.read(from.as_str().as_bytes(), COPY_MAX) {
        Ok(content) => content,
        Err(problem) if !problem.is(&[Errno::NOENT]) => return Err(problem),
        Err(problem) => match op.missing {
            Missing::Skip => return Ok(()),
            Missing::Fail => return Err(problem),
        },
    };
    if let Some(append) = &op.append {
        if !content.is_empty() && !content.ends_with(b"\n") {
            content.push(b'\n');
        }
        content.extend_from_slice(append.as_bytes());
    }
    write(root, to.as_str(), &content, 0o644)
}

/// A symbolic link at `path`. In a filesystem of the launch's own, one that is there already is
/// replaced; anything else stays and stops the launch.
pub(crate) fn link(root: &Root, path: &str, target: &str) -> Result<(), Problem> {
    let entry = root.entry(path.as_bytes())?;
    if root.is_own(&*entry.folder).about(path)? {
        return link_again(&entry, target).about(path);
    }
    if says(&entry, target).about(path)? {
        return Ok(());
    }
    let place = root.place(path.as_bytes(), BindKind::File)?;
    if BindKind::from_file(&place).about(path)? == BindKind::Folder {
        return Err(Problem::errno(path, Errno::EXIST));
    }
    root.with_link(target, |folder, name| {
        move_to(tree::clone_child(folder, name, Depth::One)?, place)
    })
    .about(path)
}

fn link_again(entry: &Entry, target: &str) -> Result<(), Errno> {
    let (folder, name) = (&*entry.folder, &*entry.name);
    match symlinkat(target, folder, name) {
        Err(Errno::EXIST) => {}
        other => return other,
    }
    if says(entry, target)? {
        return Ok(());
    }
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Symlink {
        return Err(Errno::EXIST);
    }
    unlinkat(folder, name, AtFlags::empty())?;
    symlinkat(target, folder, name)
}

/// Whether there is a link there already. If so, returns its target.
fn says(entry: &Entry, target: &str) -> Result<bool, Errno> {
    match readlinkat(&*entry.folder, &entry.name, Vec::new()) {
        Ok(there) => Ok(there.to_bytes() == target.as_bytes()),
        Err(Errno::NOENT | Errno::INVAL) => Ok(false),
        Err(error) => Err(error),
    }
}
