//! What symbolic links in a program's state lead to. An earlier session may have made any of them,
//! so one is followed only where it gives the jail nothing that other users of the machine cannot
//! read: into the Nix store ([`store`]). What it leads to there is copied, and no
//! file of the copy is executable: a link does not put programs into the jail that the spec left
//! out, though the jail can make its copies executable, as any file that it writes.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use jail_plan::private::FILLED;
use rustix::fs::{CWD, FileType, Mode, OFlags, fchmod, fstat, mkdirat, openat};
use rustix::io::Errno;

use super::copies::{Copier, open_folder};
use super::{file, store};
use crate::sys::name_of;

/// At most this many names of a launch's folders are looked at, to find links; and of one folder.
pub(super) const LOOKS_MAX: usize = NAMES_MAX;
const NAMES_MAX: usize = 4096;
/// Folders of the store are copied no deeper.
const DEPTH_MAX: usize = 8;

/// Where a link leads.
pub(super) enum Target {
    /// To something that the jail may write, or it is not a link.
    Own,
    /// To something in the store, which is open.
    Store(OwnedFd),
    /// Somewhere else.
    Elsewhere(PathBuf),
    /// To nothing.
    Nothing,
}

/// A link that is not followed, and where it leads.
pub(super) type Unfollowed = (PathBuf, PathBuf);

/// Where the name leads. What is decided is decided of what was opened.
pub(super) fn target(folder: impl AsFd, name: impl rustix::path::Arg, roots: &[PathBuf]) -> Target {
    let Ok(name) = name.into_c_str() else { return Target::Nothing };
    let text = store::text(&folder, &*name).unwrap_or_default();
    if let Some(opened) = store::open(Path::new(&text)) {
        return Target::Store(opened);
    }
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let Ok(opened) = openat(folder, &*name, flags, Mode::empty()) else { return Target::Nothing };
    match (file::is_below(&opened, roots), file::path_of(&opened)) {
        (Ok(true), _) => Target::Own,
        (_, Ok(path)) => Target::Elsewhere(path),
        (_, Err(_)) => Target::Nothing,
    }
}

/// The content of a file that is below one of `roots`, or that a link into the store leads to.
pub(super) fn read(path: &Path, roots: &[PathBuf]) -> io::Result<Vec<u8>> {
    match target(CWD, path, roots) {
        Target::Store(opened) => file::read(Path::new(&name_of(&opened))),
        Target::Own | Target::Elsewhere(_) | Target::Nothing => file::read_below(path, roots),
    }
}

impl Copier<'_> {
    /// The copy of a file of a program's; nothing where its name is a link to a folder of the
    /// store, which is copied.
    pub(super) fn private(
        &mut self,
        from: &Path,
        to: &OwnedFd,
        name: &str,
    ) -> io::Result<Option<Vec<u8>>> {
        match target(CWD, from, self.roots) {
            Target::Store(opened) if is_folder(&opened) => {
                self.stored(&opened, to, OsStr::new(name), DEPTH_MAX)?;
                Ok(None)
            }
            // A file that is too large for a copy is an empty one: the link must not stop the
            // launch.
            Target::Store(opened) => {
                let content = file::read(Path::new(&name_of(&opened))).ok();
                let content = content.filter(|it| self.room.take(it.len() as u64).is_some());
                self.is_cut |= content.is_none();
                let content = content.unwrap_or_default();
                self.create(to, OsStr::new(name), 0o644)?.write_all(&content)?;
                Ok(Some(content))
            }
            Target::Own | Target::Elsewhere(_) | Target::Nothing => {
                self.file(from, to, name).map(Some)
            }
        }
    }

    /// Copies what is in the store, a file or a folder, as far as there is room.
    fn stored(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &OsStr,
        depth: usize,
    ) -> io::Result<()> {
        let stat = fstat(from)?;
        let depth = depth.checked_sub(1);
        match (FileType::from_raw_mode(stat.st_mode), depth) {
            (FileType::Directory, Some(depth)) => self.stored_folder(from, to, name, depth),
            (FileType::RegularFile, _) => {
                let bytes = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
                if self.room.take(bytes).is_none() {
                    self.is_cut = true;
                    return Ok(());
                }
                let mut from = File::open(name_of(from))?.take(bytes);
                io::copy(&mut from, &mut self.create(to, name, 0o444)?)?;
                Ok(())
            }
            (FileType::Directory, None) => {
                self.is_cut = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn stored_folder(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &OsStr,
        depth: usize,
    ) -> io::Result<()> {
        mkdirat(to, name, Mode::from_raw_mode(0o755))?;
        let to = open_folder(to, name)?;
        for (entry, _) in names(Path::new(&name_of(from)))? {
            if self.room.take(0).is_none() {
                self.is_cut = true;
                break;
            }
            // A link in the store may lead out of it.
            if let Some(opened) = store::open_in(from, &entry) {
                self.stored(&opened, &to, &entry, depth)?;
            }
        }
        fchmod(&to, Mode::from_raw_mode(0o555))?;
        Ok(())
    }

    /// Puts what links in a folder lead to in front of them, into what takes the jail's changes.
    pub(super) fn follow(&mut self, folder: &Path, changes: &OwnedFd) -> io::Result<()> {
        if folder.file_name().is_some_and(is_filled) {
            return Ok(());
        }
        // What the caller may not list has no link that the jail could follow, either.
        let Ok(root) = open_folder(CWD, folder.as_os_str()) else { return Ok(()) };
        let mode = Mode::from_raw_mode(if self.other_user { 0o777 } else { 0o755 });
        self.follow_in(&root, folder, &Above { changes, mode, path: &[] }, DEPTH_MAX)
    }

    fn follow_in(
        &mut self,
        folder: &OwnedFd,
        path: &Path,
        above: &Above<'_>,
        depth: usize,
    ) -> io::Result<()> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        for (name, kind) in names(Path::new(&name_of(folder)))? {
            let Some(left) = self.looks.checked_sub(1) else { return Ok(()) };
            self.looks = left;
            if kind.is_dir() && !is_filled(&name) {
                // Another session may have put something else there.
                let Ok(inner) = open_folder(folder, &name) else { continue };
                let way = [above.path, std::slice::from_ref(&name)].concat();
                let above = Above { path: &way, ..*above };
                self.follow_in(&inner, &path.join(&name), &above, depth)?;
            } else if kind.is_symlink() {
                match target(folder, &*name, self.roots) {
                    Target::Store(opened) => {
                        self.stored(&opened, &above.make()?, &name, DEPTH_MAX)?;
                    }
                    Target::Elsewhere(to) => self.unfollowed.push((path.join(&name), to)),
                    Target::Own | Target::Nothing => {}
                }
            }
        }
        Ok(())
    }
}

/// A folder in what takes the jail's changes, which is made if it is needed.
#[derive(Clone, Copy)]
struct Above<'a> {
    changes: &'a OwnedFd,
    mode: Mode,
    /// The folders on the way.
    path: &'a [OsString],
}

impl Above<'_> {
    fn make(&self) -> io::Result<OwnedFd> {
        let mut folder = open_folder(self.changes, OsStr::new("."))?;
        for name in self.path {
            match mkdirat(&folder, name, self.mode) {
                Ok(()) => {
                    folder = open_folder(&folder, name)?;
                    fchmod(&folder, self.mode)?;
                }
                Err(Errno::EXIST) => folder = open_folder(&folder, name)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(folder)
    }
}

/// So much lies there that looking for links would take long.
pub(super) fn is_filled(name: &OsStr) -> bool {
    FILLED.iter().any(|filled| name == *filled)
}

fn is_folder(opened: impl AsFd) -> bool {
    fstat(opened).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory)
}

/// The names in a folder, in order, and what is there.
pub(super) fn names(folder: &Path) -> io::Result<Vec<(OsString, fs::FileType)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)?.take(NAMES_MAX) {
        let entry = entry?;
        names.push((entry.file_name(), entry.file_type()?));
    }
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(names)
}
