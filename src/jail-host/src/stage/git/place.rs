//! Changes the project's repository as git does: each file is written anew under a lock that git
//! respects, and compared once more under it. The journal says which locks are ours, so that the
//! next application removes those of one that was killed.

use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, renameat,
    renameat_with, unlinkat,
};
use rustix::io::Errno;

use super::super::journal::Journal;
use super::super::place::{Tree, folders_above, join, split};
use super::id::Id;
use super::refs::{self, Refs, Value};

/// The repository, with what writing to it takes.
pub(super) struct Room<'a> {
    pub(super) project: &'a Tree,
    pub(super) path: &'a [u8],
    pub(super) length: usize,
    pub(super) journal: &'a mut Journal,
    pub(super) count: usize,
    /// When, in seconds.
    pub(super) time: u64,
}

/// Why something was not changed.
pub(super) enum Refused {
    /// It is no longer what was decided about.
    Meanwhile,
    Locked,
    Failed(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Errno> for Refused {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Meanwhile => f.write_str("it was changed here meanwhile; look, and apply again"),
            Self::Locked => {
                f.write_str("another git holds its lock; apply again when that has ended")
            }
            Self::Failed(error) => error.fmt(f),
        }
    }
}

/// A lock, and what will stand in the place of the file. It is released where it is not used.
pub(super) struct Lock {
    folder: OwnedFd,
    lock: Vec<u8>,
    name: Vec<u8>,
    is_done: bool,
}

impl Drop for Lock {
    fn drop(&mut self) {
        if !self.is_done {
            let _ = unlinkat(&self.folder, self.lock.as_slice(), AtFlags::empty());
        }
    }
}

impl Lock {
    /// Puts the new file in the place of the old one.
    pub(super) fn commit(mut self) -> io::Result<()> {
        let to = self.name.as_slice();
        let moved = renameat(&self.folder, self.lock.as_slice(), &self.folder, to);
        match moved {
            // Folders that references have left behind.
            Err(Errno::ISDIR) => {
                clear(&self.folder, to, 0)?;
                renameat(&self.folder, self.lock.as_slice(), &self.folder, to)?;
            }
            other => other?,
        }
        self.is_done = true;
        Ok(())
    }

    /// Removes the file.
    fn remove(self) -> io::Result<()> {
        match unlinkat(&self.folder, self.name.as_slice(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Room<'_> {
    /// Takes the lock of a file, with new content for it.
    pub(super) fn lock(
        &mut self,
        name: &[u8],
        write: impl FnOnce(std::fs::File) -> io::Result<()>,
    ) -> Result<Lock, Refused> {
        let path = join(self.path, name);
        self.folders(&path)?;
        let (folder, last) = self.project.parent(&path)?;
        let temporary = self.journal.temporary(format_args!("git{}", self.count));
        self.count += 1;
        let lock = [last, b".lock"].concat();
        let beside = |name: &[u8]| join(split(&path).0, name);
        let first = beside(temporary.as_bytes());
        self.journal.intend([(first.as_slice(), None)].into_iter())?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&folder, temporary.as_str(), flags, Mode::RUSR | Mode::WUSR)?;
        let made = (|| {
            own(&folder, &file)?;
            fchmod(&file, Mode::from_raw_mode(mode(&folder)? & 0o666))?;
            let inode = fstat(&file)?.st_ino;
            write(file.into())?;
            self.journal.lock(&beside(&lock), inode)
        })();
        let moved = made.map_err(Refused::from).and_then(|()| {
            let (from, to) = (temporary.as_str(), lock.as_slice());
            match renameat_with(&folder, from, &folder, to, RenameFlags::NOREPLACE) {
                Err(Errno::EXIST) => Err(Refused::Locked),
                other => Ok(other?),
            }
        });
        if let Err(refused) = moved {
            let _ = unlinkat(&folder, temporary.as_str(), AtFlags::empty());
            return Err(refused);
        }
        Ok(Lock { folder, lock, name: last.to_vec(), is_done: false })
    }

    /// Makes a folder of the repository.
    pub(super) fn make(&self, path: &[u8]) -> io::Result<()> {
        self.folders(&join(path, b"-")).map_err(|refused| io::Error::other(refused.to_string()))
    }

    /// Makes the folders above a path.
    fn folders(&self, path: &[u8]) -> Result<(), Refused> {
        let above = split(path).0;
        for folder in folders_above(above).chain([above]) {
            if folder.len() <= self.path.len() || self.project.folder(folder).is_ok() {
                continue;
            }
            let (parent, name) = self.project.parent(folder)?;
            match mkdirat(&parent, name, Mode::RWXU) {
                Ok(()) => {
                    let made = self.project.folder(folder)?;
                    own(&parent, &made)?;
                    fchmod(&made, Mode::from_raw_mode(mode(&parent)?))?;
                }
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// What the project has for a reference now.
    pub(super) fn now(&self, name: &[u8]) -> io::Result<Option<Value>> {
        let path = join(self.path, name);
        match refs::read(self.project, &path, 4096) {
            Ok(Some((text, _))) => return Ok(Some(refs::value(&text, self.length))),
            // A folder of that name is none.
            Ok(None) => {}
            Err(error) => match Errno::from_io_error(&error) {
                Some(Errno::INVAL | Errno::ISDIR | Errno::NOTDIR) => {}
                _ => return Err(error),
            },
        }
        Ok(Refs::packed_of(self.project, self.path, self.length)?.get(name).copied().map(Value::Is))
    }

    /// Moves a reference, if it is still what was decided about.
    pub(super) fn swap(
        &mut self,
        name: &[u8],
        before: Option<Id>,
        after: Id,
        is_head: bool,
        between: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let text = format!("{}\n", after.text());
        let lock = self.lock(name, |mut file| file.write_all(text.as_bytes()))?;
        if self.now(name)? != before.map(Value::Is) {
            return Err(Refused::Meanwhile);
        }
        between(self)?;
        self.log(name, before, after)?;
        if is_head {
            self.log(b"HEAD", before, after)?;
        }
        Ok(lock.commit()?)
    }

    /// Lets `HEAD` say something else.
    pub(super) fn head(
        &mut self,
        before: &Value,
        after: &Value,
        commits: (Option<Id>, Option<Id>),
        between: impl FnOnce(&mut Self) -> Result<(), Refused>,
    ) -> Result<(), Refused> {
        let text = match after {
            Value::Is(id) => format!("{}\n", id.text()).into_bytes(),
            Value::Symbolic(target) => [b"ref: ", target.as_slice(), b"\n"].concat(),
            Value::Unreadable => return Err(Refused::Meanwhile),
        };
        let lock = self.lock(b"HEAD", |mut file| file.write_all(&text))?;
        if self.now(b"HEAD")?.as_ref() != Some(before) {
            return Err(Refused::Meanwhile);
        }
        between(self)?;
        if let (before, Some(after)) = commits {
            self.log(b"HEAD", before, after)?;
        }
        Ok(lock.commit()?)
    }

    /// Removes a reference, if it is still what was decided about.
    pub(super) fn delete(&mut self, name: &[u8], before: Id) -> Result<(), Refused> {
        let lock = self.lock(name, |_| Ok(()))?;
        if self.now(name)? != Some(Value::Is(before)) {
            return Err(Refused::Meanwhile);
        }
        let path = join(self.path, b"packed-refs");
        let packed = refs::read(self.project, &path, refs::PACKED_MAX)?;
        if let Some((text, _)) = packed
            && let Some(without) = without(&text, name)
        {
            let packed = self.lock(b"packed-refs", |mut file| file.write_all(&without))?;
            let now = refs::read(self.project, &path, refs::PACKED_MAX)?.map(|(text, _)| text);
            if now.as_deref() != Some(&text) {
                return Err(Refused::Meanwhile);
            }
            packed.commit()?;
        }
        // Its history goes with it, as with git.
        if let Ok((folder, last)) = self.project.parent(&join(self.path, &join(b"logs", name))) {
            let _ = unlinkat(folder, last, AtFlags::empty());
        }
        Ok(lock.remove()?)
    }

    /// Notes that a reference was moved. What another reference has left in the place of the note
    /// does not stop it.
    fn log(&self, name: &[u8], before: Option<Id>, after: Id) -> Result<(), Refused> {
        match self.note(name, before, after) {
            Err(Refused::Failed(error)) if is_in_the_way(&error) => Ok(()),
            other => other,
        }
    }

    fn note(&self, name: &[u8], before: Option<Id>, after: Id) -> Result<(), Refused> {
        let path = join(self.path, &join(b"logs", name));
        self.folders(&path)?;
        let (folder, last) = self.project.parent(&path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::APPEND | OFlags::NOFOLLOW;
        let file = openat(
            &folder,
            last,
            flags | OFlags::NONBLOCK | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        )?;
        let stat = fstat(&file)?;
        if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
            return Ok(());
        }
        if stat.st_size == 0 {
            own(&folder, &file)?;
            fchmod(&file, Mode::from_raw_mode(mode(&folder)? & 0o666))?;
        }
        let zeros = "0".repeat(self.length * 2);
        let before = before.map_or(zeros, |id| id.text());
        let line = format!(
            "{before} {} jailgen <jailgen@localhost> {} +0000\tjailgen apply: from the stage\n",
            after.text(),
            self.time
        );
        Ok(std::fs::File::from(file).write_all(line.as_bytes())?)
    }
}

fn is_in_the_way(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(errno, Some(Errno::ISDIR | Errno::NOTDIR | Errno::LOOP))
}

/// What is made by root belongs to whom the folder belongs to.
pub(super) fn own(folder: impl AsFd, file: impl AsFd) -> io::Result<()> {
    if rustix::process::geteuid().is_root() {
        let stat = fstat(folder)?;
        fchown(file, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))?;
    }
    Ok(())
}

/// The bits of the folder that something is made in: what is in it is open to the same users.
pub(super) fn mode(folder: impl AsFd) -> io::Result<u32> {
    Ok(fstat(folder)?.st_mode & 0o777 | 0o600)
}

/// `packed-refs` without a reference; nothing where it has none of that name.
fn without(text: &[u8], name: &[u8]) -> Option<Vec<u8>> {
    let end = [b" ", name].concat();
    let (mut kept, mut is_found, mut is_its) = (Vec::new(), false, false);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        is_its = match line.first() {
            Some(b'^') => is_its,
            _ => line.trim_ascii_end().ends_with(&end),
        };
        is_found |= is_its;
        if !is_its {
            kept.extend_from_slice(line);
        }
    }
    is_found.then_some(kept)
}

/// Removes folders that have nothing in them.
fn clear(folder: &OwnedFd, name: &[u8], depth: usize) -> io::Result<()> {
    const DEPTH_MAX: usize = 40;
    if depth > DEPTH_MAX {
        return Err(Errno::NOTEMPTY.into());
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let inner = openat(folder, name, flags, Mode::empty())?;
    let (listed, _) = super::super::place::entries(&inner, 1000)?;
    for entry in listed {
        clear(&inner, &entry.name, depth + 1)?;
    }
    Ok(unlinkat(folder, name, AtFlags::REMOVEDIR)?)
}
