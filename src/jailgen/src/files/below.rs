//! Folders below which no link is followed: a jail that can write there cannot make jailgen read,
//! write or remove anything in another place.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, fstat, mkdirat, openat, readlinkat, renameat,
    statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

/// Nothing that is read is larger.
const BYTES_MAX: u64 = 64 << 20;

/// An open folder.
#[derive(Debug)]
pub struct Below {
    folder: OwnedFd,
}

/// The type of an entry of a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file, and whether its owner may execute it.
    File {
        executable: bool,
    },
    Folder,
    /// A symbolic link.
    Link,
    /// A pipe, a socket or a device.
    Other,
}

impl Below {
    /// Opens a folder, which is not a link itself; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        // A slash at the end would have a link followed.
        let plain: PathBuf = path.components().collect();
        let plain = if plain.as_os_str().is_empty() { Path::new(".") } else { &plain };
        open(CWD, plain.as_os_str())
    }

    /// Enters a folder of this one; `None` if it does not exist.
    ///
    /// # Errors
    /// It cannot be opened, or is not a folder.
    pub fn enter(&self, name: &OsStr) -> io::Result<Option<Self>> {
        open(self.folder.as_fd(), name)
    }

    /// Enters a folder of this one, and makes it first where it is missing.
    ///
    /// # Errors
    /// It cannot be made or opened, or is not a folder.
    pub fn make(&self, name: &OsStr) -> io::Result<Self> {
        match mkdirat(&self.folder, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.enter(name)?.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// The same folder once more.
    ///
    /// # Errors
    /// There are too many open files.
    pub fn again(&self) -> io::Result<Self> {
        Ok(Self { folder: self.folder.try_clone()? })
    }

    /// The type of an entry of a folder.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub fn kind(&self, name: &OsStr) -> io::Result<Option<EntryKind>> {
        match statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            data => Ok(Some(kind_of(&data?))),
        }
    }

    /// The content of a regular file, and what the kernel reports about it; `None` if it does not
    /// exist.
    ///
    /// # Errors
    /// It cannot be read, or is not a regular file.
    pub fn read(&self, name: &OsStr) -> io::Result<Option<(Vec<u8>, Stat)>> {
        // Without O_NONBLOCK a pipe would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match openat(&self.folder, name, flags | OFlags::CLOEXEC, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(io::Error::other("it is a symbolic link")),
            file => file?,
        };
        let data = fstat(&file)?;
        regular(&data)?;
        let mut bytes = Vec::new();
        File::from(file).take(BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > BYTES_MAX {
            return Err(io::Error::other("it is too large"));
        }
        Ok(Some((bytes, data)))
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// It is not a link.
    pub fn read_link(&self, name: &OsStr) -> io::Result<PathBuf> {
        let target = readlinkat(&self.folder, name, Vec::new())?;
        Ok(OsString::from_vec(target.into_bytes()).into())
    }

    /// Writes a file, whole or not at all. The caller's umask takes from the permissions what it
    /// takes from everything.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&self, name: &OsStr, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.put(name, |aside| {
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(mode);
            File::from(openat(&self.folder, aside, flags, mode)?).write_all(bytes)
        })
    }

    /// Makes a link.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn link(&self, name: &OsStr, target: &Path) -> io::Result<()> {
        self.put(name, |aside| Ok(symlinkat(target, &self.folder, aside)?))
    }

    /// Makes something under another name and renames it: readers see what was there or what is
    /// new.
    fn put(&self, name: &OsStr, make: impl FnOnce(&OsStr) -> io::Result<()>) -> io::Result<()> {
        let mut aside = OsString::from(".");
        aside.push(name);
        aside.push(format!(".{}.new", std::process::id()));
        self.remove(&aside)?;
        let made =
            make(&aside).and_then(|()| Ok(renameat(&self.folder, &aside, &self.folder, name)?));
        if made.is_err() {
            // The error that is reported is the first one.
            let _ = self.remove(&aside);
        }
        made
    }

    /// Removes what is not a folder. What is gone is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn remove(&self, name: &OsStr) -> io::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            removed => Ok(removed?),
        }
    }

    /// Its names, in the order of their bytes.
    ///
    /// # Errors
    /// It cannot be listed.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.folder)? {
            let name = OsString::from_vec(entry?.file_name().to_bytes().to_vec());
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The kernel's information about the folder itself.
    ///
    /// # Errors
    /// It cannot be asked.
    pub fn data(&self) -> io::Result<Stat> {
        Ok(fstat(&self.folder)?)
    }
}

/// The content of a regular file that the user names. A link is followed, and a pipe is not a file.
///
/// # Errors
/// It cannot be read, or is not a regular file.
pub fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::empty())?;
    regular(&fstat(&file)?)?;
    let mut bytes = Vec::new();
    File::from(file).take(BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file that the user names. A jail may have put a link in its place, so a link is not
/// followed.
///
/// # Errors
/// It cannot be written, or is a link.
pub fn write_plain(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, bytes, OFlags::TRUNC)
}

/// Adds to the end of a file that the user names, which is made where it is missing. A link is not
/// followed.
///
/// # Errors
/// As [`write_plain`].
pub fn append_plain(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, bytes, OFlags::APPEND)
}

fn write_with(path: &Path, bytes: &[u8], how: OFlags) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | how | OFlags::NOFOLLOW;
    let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match openat(CWD, path, flags, Mode::from_raw_mode(0o666)) {
        Err(Errno::LOOP) => Err(io::Error::other("it is a symbolic link")),
        file => File::from(file?).write_all(bytes),
    }
}

fn open(around: BorrowedFd<'_>, name: &OsStr) -> io::Result<Option<Below>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(around, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            let shown = Path::new(name).display().to_string();
            Err(io::Error::other(format!("`{shown}` is a link or a file, not a folder")))
        }
        folder => Ok(Some(Below { folder: folder? })),
    }
}

fn regular(data: &Stat) -> io::Result<()> {
    match kind_of(data) {
        EntryKind::File { .. } => Ok(()),
        EntryKind::Folder | EntryKind::Link | EntryKind::Other => {
            Err(io::Error::other("it is not a regular file"))
        }
    }
}

fn kind_of(data: &Stat) -> EntryKind {
    match FileType::from_raw_mode(data.st_mode) {
        FileType::RegularFile => EntryKind::File { executable: data.st_mode & 0o100 != 0 },
        FileType::Directory => EntryKind::Folder,
        FileType::Symlink => EntryKind::Link,
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => EntryKind::Other,
    }
}
