//! What an application of a stage has begun, so that one that was killed leaves each file old or
//! new, and the next one finishes.
//!
//! Each line ends with a NUL. Before a temporary file is made, or a file is moved to its name: `I
//! INODE SIZE SECONDS.NANOSECONDS PATH`, with what is expected to be at that name in the end (`0 0
//! 0.0` for nothing). Once the new content is there: `T INODE PATH`. Before a file becomes a lock
//! of git's: `L INODE PATH`.

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, openat, renameat_with, unlinkat};
use rustix::io::Errno;

use super::place::{Found, Time, Tree, split};

const NAME: &str = "journal";
const BYTES_MAX: u64 = 256 << 20;

/// How temporary files are called, with a number behind it that no program can guess.
const TEMPORARY: &str = ".jailgen-apply-";

/// What of a file shows that it is the one that was decided about. A rename changes none of these.
pub(super) type Identity = (u64, u64, Time);

pub(super) fn identity(found: &Found) -> Identity {
    (found.inode, found.size, found.modified)
}

/// The journal that is being written.
pub(super) struct Journal {
    file: std::fs::File,
    random: u64,
}

impl Journal {
    pub(super) fn begin(record: &OwnedFd) -> io::Result<Self> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::APPEND | OFlags::CLOEXEC;
        let mut random = [0; 8];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let file = openat(record, NAME, flags, Mode::RUSR | Mode::WUSR)?;
        Ok(Self { file: file.into(), random: u64::from_le_bytes(random) })
    }

    /// The name of a temporary file of this application.
    pub(super) fn temporary(&self, what: impl std::fmt::Display) -> String {
        format!("{TEMPORARY}{:016x}-{what}", self.random)
    }

    /// The file with this inode is about to get the name of a lock.
    pub(super) fn lock(&mut self, path: &[u8], inode: u64) -> io::Result<()> {
        self.file.write_all(&[format!("L {inode} ").as_bytes(), path, b"\0"].concat())
    }

    /// Something is about to get these names.
    pub(super) fn intend<'p>(
        &mut self,
        names: impl Iterator<Item = (&'p [u8], Option<Identity>)>,
    ) -> io::Result<()> {
        let mut lines = Vec::new();
        for (path, old) in names {
            let (inode, size, (seconds, nanoseconds)) = old.unwrap_or_default();
            lines.extend(format!("I {inode} {size} {seconds}.{nanoseconds} ").as_bytes());
            lines.extend([path, b"\0"].concat());
        }
        self.file.write_all(&lines)
    }

    /// The new content is at these names.
    pub(super) fn ready<'p>(
        &mut self,
        names: impl Iterator<Item = (&'p [u8], u64)>,
    ) -> io::Result<()> {
        let mut lines = Vec::new();
        for (path, inode) in names {
            lines.extend(format!("T {inode} ").as_bytes());
            lines.extend([path, b"\0"].concat());
        }
        self.file.write_all(&lines)
    }
}

/// A line of the journal, and whether its content was there.
struct Begun {
    path: Vec<u8>,
    old: Option<Identity>,
    ready: Option<u64>,
}

/// Finishes with what an application has left that was killed. Says what it could not put where it
/// belongs.
pub(super) fn recover(record: &OwnedFd, project: &Tree) -> io::Result<Vec<Vec<u8>>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = match openat(record, NAME, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Vec::new()),
        other => std::fs::File::from(other?),
    };
    let mut bytes = Vec::new();
    file.take(BYTES_MAX).read_to_end(&mut bytes)?;
    let mut kept = Vec::new();
    for begun in read(&bytes) {
        kept.extend(finish(project, &begun)?);
    }
    for (inode, path) in lines(&bytes).filter_map(|line| numbered(line, b"L ")) {
        release(project, path, inode);
    }
    end(record)?;
    Ok(kept)
}

/// A last line that is not whole was never acted upon.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = bytes.iter().rposition(|byte| *byte == 0).map_or(0, |end| end + 1);
    bytes.get(..whole).unwrap_or_default().split(|byte| *byte == 0)
}

/// Removes a lock that is still ours.
fn release(project: &Tree, path: &[u8], inode: u64) {
    if let Ok((folder, name)) = project.parent(path)
        && let Ok(Some(found)) = super::place::found(&folder, name)
        && found.inode == inode
    {
        let _ = unlinkat(&folder, name, AtFlags::empty());
    }
}

fn read(bytes: &[u8]) -> Vec<Begun> {
    let mut all: Vec<Begun> = Vec::new();
    let mut places = std::collections::BTreeMap::new();
    for line in lines(bytes) {
        if let Some((old, path)) = intended(line) {
            places.insert(path.to_vec(), all.len());
            all.push(Begun { path: path.to_vec(), old, ready: None });
        } else if let Some((inode, path)) = numbered(line, b"T ")
            && let Some(begun) = places.get(path).and_then(|at| all.get_mut(*at))
        {
            begun.ready = Some(inode);
        }
    }
    all
}

fn intended(line: &[u8]) -> Option<(Option<Identity>, &[u8])> {
    let mut parts = line.strip_prefix(b"I ")?.splitn(4, |byte| *byte == b' ');
    let mut next = || std::str::from_utf8(parts.next()?).ok();
    let inode: u64 = next()?.parse().ok()?;
    let size = next()?.parse().ok()?;
    let (seconds, nanoseconds) = next()?.split_once('.')?;
    let modified = (seconds.parse().ok()?, nanoseconds.parse().ok()?);
    Some(((inode != 0).then_some((inode, size, modified)), parts.next()?))
}

/// The inode and the path of a line of this kind.
fn numbered<'l>(line: &'l [u8], kind: &[u8]) -> Option<(u64, &'l [u8])> {
    let rest = line.strip_prefix(kind)?;
    let space = rest.iter().position(|byte| *byte == b' ')?;
    let (inode, path) = rest.split_at(space);
    Some((std::str::from_utf8(inode).ok()?.parse().ok()?, path.get(1..)?))
}

fn finish(project: &Tree, begun: &Begun) -> io::Result<Option<Vec<u8>>> {
    let (folder, name) = match project.parent(&begun.path) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        other => other?,
    };
    let Some(found) = super::place::found(&folder, name)? else { return Ok(None) };
    let is_new = begun.ready.is_none_or(|inode| inode == found.inode);
    let is_old = begun.old.is_some_and(|old| old == identity(&found));
    if is_new || is_old {
        unlinkat(&folder, name, AtFlags::empty())?;
        return Ok(None);
    }
    // A program of the host has changed it at the last moment, so it is kept, under a name of its
    // own.
    let kept = keep(&folder, name)?;
    let kept = kept.map(|kept| super::place::join(split(&begun.path).0, kept.as_bytes()));
    Ok(Some(kept.unwrap_or_else(|| begun.path.clone())))
}

/// Gives something a name of its own, if one is free.
pub(super) fn keep(folder: &OwnedFd, name: &[u8]) -> io::Result<Option<String>> {
    for number in 0..100 {
        let kept = format!("kept{TEMPORARY}{number}");
        match renameat_with(folder, name, folder, &*kept, RenameFlags::NOREPLACE) {
            Err(Errno::EXIST) => {}
            other => {
                other?;
                return Ok(Some(kept));
            }
        }
    }
    Ok(None)
}

/// Nothing of it is left to be done.
pub(super) fn end(record: &OwnedFd) -> io::Result<()> {
    Ok(remove(record, NAME)?)
}

pub(super) fn remove(record: &OwnedFd, name: &str) -> Result<(), Errno> {
    match unlinkat(record, name, AtFlags::empty()) {
        Err(Errno::NOENT) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_a_torn_line_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let record = super::super::open(folder.path()).unwrap();
        let mut journal = Journal::begin(&record).unwrap();
        let names: [(&[u8], _); 2] = [(b"a b\n/x", Some((5, 6, (7, 8)))), (b"y", None)];
        journal.intend(names.into_iter()).unwrap();
        journal.ready([(b"y".as_slice(), 9)].into_iter()).unwrap();
        let mut bytes = std::fs::read(folder.path().join(NAME)).unwrap();
        bytes.extend(b"I 1 2 3.4 torn");
        let all = read(&bytes);
        let seen: Vec<_> = all.iter().map(|it| (it.path.as_slice(), it.old, it.ready)).collect();
        let expected: [(&[u8], _, _); 2] =
            [(b"a b\n/x", Some((5, 6, (7, 8))), None), (b"y", None, Some(9))];
        assert_eq!(seen, expected);
    }
}
