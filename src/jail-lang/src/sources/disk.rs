//! Files on disk below one folder, which is opened once. The disk is read once for each query, and
//! the same query has the same answer afterwards, so what was checked is what is used. No link is
//! followed, and nothing that can block is opened.
//!
//! Folders are entered name by name with O_NOFOLLOW. That is what openat2(2) does with
//! RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS for names without `..`, and it works in jails too, whose
//! filter knows no openat2.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::tree::{Bounds, Reader, Tree};
use super::{EntryKind, FILE_BYTES_MAX, SourceError, Sources};

/// The most names in a folder.
const NAMES_MAX: usize = 1 << 16;

/// Files on disk, below one folder.
#[derive(Debug)]
pub struct FileSources {
    root: String,
    folder: OwnedFd,
    answers: Mutex<BTreeMap<(Query, String), Result<Answer, SourceError>>>,
}

/// A query about a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// The bytes of a file.
    Read,
    /// What stands there.
    Kind,
    /// The entries of a folder.
    List,
}

#[derive(Clone, Debug)]
enum Answer {
    Bytes(Arc<[u8]>),
    Kind(Option<EntryKind>),
    Entries(Vec<(String, EntryKind)>),
}

impl FileSources {
    /// The files below `folder`.
    ///
    /// # Errors
    /// When the folder does not exist, or its path is not UTF-8.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(folder)?.into_os_string().into_string();
        let root = root.map_err(|_| io::Error::other("the path is not UTF-8"))?;
        // If a part of the path becomes a link in between, it is not followed, and
        // the root keeps its name.
        let mut folder = openat(CWD, "/", FOLDER, Mode::empty())?;
        for name in names(&root) {
            folder = openat(&folder, name, FOLDER, Mode::empty())?;
        }
        Ok(Self { root, folder, answers: Mutex::default() })
    }

    /// The queries that could be answered so far: the path, and the answer as bytes. The same files
    /// give the same answers again.
    #[must_use]
    pub fn answered(&self) -> Vec<(Query, String, Vec<u8>)> {
        let answers = self.answers();
        let answered = answers.iter().filter_map(|((query, path), answer)| {
            Some((*query, path.clone(), answer.as_ref().ok()?.to_bytes()))
        });
        answered.collect()
    }

    /// The answer to a query, as bytes.
    ///
    /// # Errors
    /// See [`SourceError`].
    pub fn ask(&self, query: Query, path: &str) -> Result<Vec<u8>, SourceError> {
        self.answer(query, path).map(|answer| answer.to_bytes())
    }

    /// All that is at a path, read once and completely.
    ///
    /// # Errors
    /// See [`SourceError`]. A symbolic link that leads out of the tree is one: what it leads to is
    /// not read, so it could change after everything else was looked at.
    pub fn tree(&self, path: &str, bounds: &mut Bounds) -> Result<Tree, SourceError> {
        let (folder, name) = self.around(path)?;
        Reader { path, bounds }.whole(folder.as_fd(), name)
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<(Query, String), Result<Answer, SourceError>>> {
        // An answer is inserted as a whole, so a thread that ended in between
        // leaves the others consistent.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, query: Query, path: &str) -> Result<Answer, SourceError> {
        let mut answers = self.answers();
        let asked = answers.entry((query, path.to_owned()));
        asked.or_insert_with(|| self.look(query, path)).clone()
    }

    fn look(&self, query: Query, path: &str) -> Result<Answer, SourceError> {
        match query {
            Query::Read => {
                let (folder, name) = self.around(path)?;
                let file = open_file(folder.as_fd(), OsStr::new(name), path)?;
                read(file, FILE_BYTES_MAX, path).map(|bytes| Answer::Bytes(bytes.into()))
            }
            Query::Kind => match self.kind_of(path) {
                Err(SourceError::Missing(_)) => Ok(Answer::Kind(None)),
                kind => kind.map(|kind| Answer::Kind(Some(kind))),
            },
            Query::List => {
                let (folder, name) = self.around(path)?;
                let folder = open_folder(folder.as_fd(), OsStr::new(name), path)?;
                let entries = entries(folder.as_fd(), path)?;
                let text = |name: OsString| name.to_string_lossy().into_owned();
                let entries = entries.into_iter().map(|(name, kind)| (text(name), kind));
                Ok(Answer::Entries(entries.collect()))
            }
        }
    }

    fn kind_of(&self, path: &str) -> Result<EntryKind, SourceError> {
        let (folder, name) = self.around(path)?;
        kind(folder.as_fd(), OsStr::new(name), path)
    }

    /// The folder that contains a path, and the path's last name, which is `.` for the root itself.
    fn around<'a>(&self, path: &'a str) -> Result<(OwnedFd, &'a str), SourceError> {
        let below = path.strip_prefix(self.root.trim_end_matches('/'));
        let below = below.filter(|below| below.is_empty() || below.starts_with('/'));
        let below = below.ok_or_else(|| SourceError::Outside(path.to_owned()))?;
        let (folders, name) = below.rsplit_once('/').unwrap_or(("", "."));
        let mut at = self.folder.try_clone().map_err(|error| fault(path, &error))?;
        for folder in names(folders) {
            at = enter(at.as_fd(), OsStr::new(folder), path)?;
        }
        Ok((at, if name.is_empty() { "." } else { name }))
    }
}

impl Answer {
    fn to_bytes(&self) -> Vec<u8> {
        let line = |(name, kind): &(String, EntryKind)| format!("{} {name}\0", kind.as_str());
        match self {
            Self::Bytes(bytes) => bytes.to_vec(),
            Self::Kind(kind) => kind.map_or("", EntryKind::as_str).into(),
            Self::Entries(entries) => entries.iter().map(line).collect::<String>().into(),
        }
    }
}

impl Sources for FileSources {
    fn root(&self) -> &str {
        &self.root
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        self.ask(Query::Read, path)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        match self.answer(Query::Kind, path)? {
            Answer::Kind(kind) => Ok(kind),
            Answer::Bytes(_) | Answer::Entries(_) => Ok(None),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        match self.answer(Query::List, path)? {
            Answer::Entries(entries) => Ok(entries),
            Answer::Bytes(_) | Answer::Kind(_) => Ok(Vec::new()),
        }
    }
}

/// Flags to enter a folder; nothing in it can be read with this descriptor.
const FOLDER: OFlags =
    OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Flags to read. Without O_NONBLOCK, a pipe without a writer, or a file under a lease,
/// would block the open itself.
const READING: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// Enters a subfolder.
fn enter(folder: BorrowedFd<'_>, name: &OsStr, path: &str) -> Result<OwnedFd, SourceError> {
    openat(folder, name, FOLDER, Mode::empty()).map_err(|error| match error {
        // A link or a file, which no path leads through.
        Errno::NOTDIR | Errno::LOOP => match kind(folder, name, path) {
            Ok(EntryKind::Symlink) => SourceError::Link(path.to_owned()),
            Ok(_) => SourceError::Missing(path.to_owned()),
            Err(error) => error,
        },
        error => fault(path, &error.into()),
    })
}

/// The type of the entry of a folder with this name. `path` is for messages, as everywhere here.
pub(super) fn kind(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    path: &str,
) -> Result<EntryKind, SourceError> {
    let data = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW);
    let data = data.map_err(|error| fault(path, &error.into()))?;
    Ok(kind_of(FileType::from_raw_mode(data.st_mode)))
}

/// Opens a regular file of a folder. Its type is checked before, because opening a device can have
/// effects, and again after it is open, because it may have been replaced in between.
pub(super) fn open_file(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    path: &str,
) -> Result<File, SourceError> {
    regular(kind(folder, name, path)?, path)?;
    let file = openat(folder, name, READING, Mode::empty());
    let file = file.map_err(|error| match error {
        Errno::LOOP => SourceError::Link(path.to_owned()),
        error => fault(path, &error.into()),
    })?;
    let data = fstat(&file).map_err(|error| fault(path, &error.into()))?;
    regular(kind_of(FileType::from_raw_mode(data.st_mode)), path)?;
    Ok(file.into())
}

fn regular(kind: EntryKind, path: &str) -> Result<(), SourceError> {
    match kind {
        EntryKind::Regular => Ok(()),
        EntryKind::Symlink => Err(SourceError::Link(path.to_owned())),
        EntryKind::Directory | EntryKind::Unknown => Err(SourceError::NotRegular(path.to_owned())),
    }
}

/// The bytes of a file, up to a maximum.
pub(super) fn read(file: File, limit: u64, path: &str) -> Result<Vec<u8>, SourceError> {
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| fault(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(SourceError::TooLarge { path: path.to_owned() });
    }
    Ok(bytes)
}

/// Opens a subfolder to list it.
pub(super) fn open_folder(
    folder: BorrowedFd<'_>,
    name: &OsStr,
    path: &str,
) -> Result<OwnedFd, SourceError> {
    let opened = openat(folder, name, READING | OFlags::DIRECTORY, Mode::empty());
    opened.map_err(|error| match kind(folder, name, path) {
        Ok(EntryKind::Symlink) => SourceError::Link(path.to_owned()),
        _ => fault(path, &error.into()),
    })
}

/// The names in a folder, in byte order.
pub(super) fn entries(
    folder: BorrowedFd<'_>,
    path: &str,
) -> Result<Vec<(OsString, EntryKind)>, SourceError> {
    let failed = |error: Errno| fault(path, &error.into());
    let mut found = Vec::new();
    for entry in Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
        if name == "." || name == ".." {
            continue;
        }
        if found.len() == NAMES_MAX {
            let limit = format!("{NAMES_MAX} names");
            return Err(SourceError::TooMuch { path: path.to_owned(), limit });
        }
        let kind = match entry.file_type() {
            FileType::Unknown => kind(folder, &name, path)?,
            known => kind_of(known),
        };
        found.push((name, kind));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

fn kind_of(kind: FileType) -> EntryKind {
    match kind {
        FileType::RegularFile => EntryKind::Regular,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => EntryKind::Unknown,
    }
}

fn fault(path: &str, error: &io::Error) -> SourceError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path),
        _ => SourceError::Io { path, message: error.to_string() },
    }
}
