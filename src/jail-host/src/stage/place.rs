//! A folder that is held by its descriptor, and what stands below it: no link is followed, no other
//! file system entered, and nothing is opened that is not a file or a folder (openat2(2)).

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, fstat, openat2, statat};
use rustix::io::Errno;

pub(super) use crate::handoff::place::{Entry, entries, folders_above, split, target};

/// What stands somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: Kind,
    /// The permission bits, all twelve.
    pub(super) mode: u32,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: Time,
    /// No program can set it.
    pub(super) changed: Time,
    pub(super) owner: (u32, u32),
}

/// Seconds and nanoseconds.
pub(super) type Time = (i64, u64);

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    /// A device with the numbers 0, 0: in a layer it stands for nothing.
    Whiteout,
    Special(&'static str),
}

/// The folder.
pub(super) struct Tree {
    folder: OwnedFd,
}

const BELOW: ResolveFlags = ResolveFlags::BENEATH
    .union(ResolveFlags::NO_SYMLINKS)
    .union(ResolveFlags::NO_MAGICLINKS)
    .union(ResolveFlags::NO_XDEV);

/// A pipe does not stop it.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// What is larger is not held in memory.
pub(super) const TEXT_MAX: u64 = 4 << 20;

impl Tree {
    pub(super) fn new(folder: OwnedFd) -> Self {
        Self { folder }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "without this call nothing is applied: it says that no link is followed"
    )]
    fn open(&self, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
        let path = if path.is_empty() { b"." } else { path };
        // It may be changed meanwhile by programs of the host (EAGAIN).
        for _ in 0..3 {
            match openat2(&self.folder, path, flags | OFlags::CLOEXEC, Mode::empty(), BELOW) {
                Err(Errno::AGAIN | Errno::INTR) => {}
                other => return other,
            }
        }
        Err(Errno::AGAIN)
    }

    pub(super) fn root(&self) -> &OwnedFd {
        &self.folder
    }

    pub(super) fn folder(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        self.open(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    /// The folder that something is in, and its name there.
    pub(super) fn parent<'p>(&self, path: &'p [u8]) -> Result<(OwnedFd, &'p [u8]), Errno> {
        let (above, name) = split(path);
        Ok((self.folder(above)?, name))
    }

    /// A file for reading, if it is one.
    pub(super) fn file(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let file = self.open(path, FILE | OFlags::NOFOLLOW)?;
        match FileType::from_raw_mode(fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }

    /// What stands there; nothing where nothing does.
    pub(super) fn found(&self, path: &[u8]) -> Result<Option<Found>, Errno> {
        let (folder, name) = match self.parent(path) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            other => other?,
        };
        found(&folder, name)
    }

    /// Where the link at a path leads.
    pub(super) fn target(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let (folder, name) = self.parent(path)?;
        target(&folder, name)
    }

    /// All that a file holds; nothing of one that is larger than [`TEXT_MAX`].
    pub(super) fn text(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        let file = std::fs::File::from(self.file(path)?);
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::Read::take(file, TEXT_MAX + 1), &mut bytes)?;
        let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= TEXT_MAX);
        Ok(is_whole.then_some(bytes))
    }
}

/// What stands at a name of a folder.
pub(super) fn found(folder: impl AsFd, name: &[u8]) -> Result<Option<Found>, Errno> {
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    let flags = AtFlags::SYMLINK_NOFOLLOW | AtFlags::NO_AUTOMOUNT | AtFlags::EMPTY_PATH;
    match statat(folder, &name, flags) {
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        other => other.map(|stat| Some(of_stat(&stat))),
    }
}

pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Found {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Folder,
        FileType::Symlink => Kind::Link,
        FileType::CharacterDevice if stat.st_rdev == 0 => Kind::Whiteout,
        FileType::CharacterDevice | FileType::BlockDevice => Kind::Special("a device"),
        FileType::Fifo => Kind::Special("a pipe"),
        FileType::Socket => Kind::Special("a socket"),
        FileType::Unknown => Kind::Special("something unknown"),
    };
    let time = |seconds, nanoseconds| (seconds, nanoseconds);
    Found {
        kind,
        mode: stat.st_mode & 0o7777,
        inode: stat.st_ino,
        size: u64::try_from(stat.st_size).unwrap_or_default(),
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        changed: time(stat.st_ctime, stat.st_ctime_nsec),
        owner: (stat.st_uid, stat.st_gid),
    }
}

/// A path and a name in it.
pub(super) fn join(path: &[u8], name: &[u8]) -> Vec<u8> {
    if path.is_empty() { name.to_vec() } else { [path, b"/", name].concat() }
}

/// The names of a folder, in order.
pub(super) fn sorted(folder: &OwnedFd, most: usize) -> io::Result<Vec<Entry>> {
    let (mut found, is_all) = entries(folder, most)?;
    if !is_all {
        return Err(io::Error::other("there are too many files"));
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}
