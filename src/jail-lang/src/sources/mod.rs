//! The one trait through which files are read, so that a spec can reach nothing but its own folder.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A file of the spec may not be larger.
pub const FILE_BYTES_MAX: u64 = 4 << 20;

/// Where files come from. Paths are absolute and normalised.
pub trait Sources: Sync {
    /// The folder of the spec; nothing outside it is read.
    fn root(&self) -> &str;

    /// The bytes of a file.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError>;

    /// What stands at a path; `None` when nothing does.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError>;

    /// The entries of a folder, sorted by name.
    ///
    /// # Errors
    /// See [`SourceError`].
    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError>;
}

/// What a folder entry is; the names are those of `builtins.readDir`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A socket, a device, a pipe.
    Unknown,
}

impl EntryKind {
    /// The name in `builtins.readDir`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Directory => "directory",
            Self::Symlink => "symlink",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// It stands outside the spec's folder, perhaps behind a symbolic link.
    #[error("`{0}` is outside the spec's folder")]
    Outside(String),
    /// There is no such file.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It is larger than [`FILE_BYTES_MAX`].
    #[error("`{path}` is larger than {} MB", FILE_BYTES_MAX >> 20)]
    TooLarge {
        /// The file.
        path: String,
    },
    /// The system says no.
    #[error("`{path}` cannot be read: {message}")]
    Io {
        /// The file.
        path: String,
        /// Its words.
        message: String,
    },
}

/// An absolute path without `.`, `..` and double slashes, as Nix keeps path values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SpecPath(pub(crate) Box<str>);

impl SpecPath {
    /// `path`, normalised; a relative one stands in `base`.
    pub(crate) fn new(base: &str, path: &str) -> Self {
        let joined = if path.starts_with('/') { path.to_owned() } else { format!("{base}/{path}") };
        let mut parts: Vec<&str> = Vec::new();
        for part in joined.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                part => parts.push(part),
            }
        }
        Self(format!("/{}", parts.join("/")).into())
    }

    /// The folder around it.
    pub(crate) fn parent(&self) -> &str {
        match self.0.rfind('/') {
            Some(0) | None => "/",
            Some(at) => self.0.get(..at).unwrap_or("/"),
        }
    }

    /// The path below `root`, which is `.` for the root itself; `None` outside.
    pub(crate) fn below<'a>(&'a self, root: &str) -> Option<&'a str> {
        let rest = self.0.strip_prefix(root.trim_end_matches('/'))?;
        match rest.strip_prefix('/') {
            Some(rest) => Some(rest),
            None if rest.is_empty() => Some("."),
            None => None,
        }
    }
}

/// Files on disk, below one folder.
pub struct FileSources {
    root: String,
}

impl FileSources {
    /// The files below `folder`.
    ///
    /// # Errors
    /// When the folder does not exist, or its path is not UTF-8.
    pub fn new(folder: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(folder)?.into_os_string().into_string();
        let root = root.map_err(|_| io::Error::other("the path is not UTF-8"))?;
        Ok(Self { root })
    }

    /// The path with its links resolved, when it is below the folder.
    fn resolve(&self, path: &str) -> Result<PathBuf, SourceError> {
        let resolved = fs::canonicalize(path).map_err(|error| fault(path, &error))?;
        if resolved.starts_with(&self.root) {
            Ok(resolved)
        } else {
            Err(SourceError::Outside(path.to_owned()))
        }
    }

    fn parent_inside(&self, path: &str) -> Result<(), SourceError> {
        match Path::new(path).parent() {
            Some(parent) if path != self.root => {
                self.resolve(&parent.to_string_lossy()).map(|_| ())
            }
            _ => Ok(()),
        }
    }
}

impl Sources for FileSources {
    fn root(&self) -> &str {
        &self.root
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let resolved = self.resolve(path)?;
        let file = File::open(resolved).map_err(|error| fault(path, &error))?;
        let mut bytes = Vec::new();
        let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| fault(path, &error))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        Ok(bytes)
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        match self.parent_inside(path) {
            Ok(()) => {}
            Err(SourceError::Missing(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        match fs::symlink_metadata(path) {
            Ok(metadata) => Ok(Some(kind_of(metadata.file_type()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault(path, &error)),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        let resolved = self.resolve(path)?;
        let mut entries = Vec::new();
        for entry in fs::read_dir(resolved).map_err(|error| fault(path, &error))? {
            let entry = entry.map_err(|error| fault(path, &error))?;
            let kind = entry.file_type().map_err(|error| fault(path, &error))?;
            entries.push((entry.file_name().to_string_lossy().into_owned(), kind_of(kind)));
        }
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(entries)
    }
}

fn kind_of(kind: fs::FileType) -> EntryKind {
    if kind.is_symlink() {
        EntryKind::Symlink
    } else if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_file() {
        EntryKind::Regular
    } else {
        EntryKind::Unknown
    }
}

fn fault(path: &str, error: &io::Error) -> SourceError {
    let path = path.to_owned();
    match error.kind() {
        io::ErrorKind::NotFound => SourceError::Missing(path),
        _ => SourceError::Io { path, message: error.to_string() },
    }
}

/// Files in memory, for tests and for text that an editor has not saved.
#[derive(Clone, Debug, Default)]
pub struct MemorySources {
    files: BTreeMap<String, Vec<u8>>,
}

impl MemorySources {
    const ROOT: &str = "/spec";

    /// Files by their paths below the spec's folder.
    pub fn new<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut sources = Self::default();
        for (path, text) in files {
            sources.insert(path, text.as_bytes());
        }
        sources
    }

    /// Adds or replaces a file.
    pub fn insert(&mut self, path: &str, bytes: &[u8]) {
        self.files.insert(SpecPath::new(Self::ROOT, path).0.into(), bytes.to_vec());
    }

    fn inside(path: &str) -> Result<(), SourceError> {
        match SpecPath(path.into()).below(Self::ROOT) {
            Some(_) => Ok(()),
            None => Err(SourceError::Outside(path.to_owned())),
        }
    }
}

impl Sources for MemorySources {
    fn root(&self) -> &str {
        Self::ROOT
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        Self::inside(path)?;
        let bytes = self.files.get(path).ok_or_else(|| SourceError::Missing(path.to_owned()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(SourceError::TooLarge { path: path.to_owned() });
        }
        Ok(bytes.clone())
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        Self::inside(path)?;
        if self.files.contains_key(path) {
            return Ok(Some(EntryKind::Regular));
        }
        let folder = format!("{}/", path.trim_end_matches('/'));
        let any = self.files.keys().any(|file| file.starts_with(&folder));
        Ok(any.then_some(EntryKind::Directory))
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        Self::inside(path)?;
        let folder = format!("{}/", path.trim_end_matches('/'));
        let mut entries = BTreeMap::new();
        for rest in self.files.keys().filter_map(|file| file.strip_prefix(&folder)) {
            match rest.split_once('/') {
                Some((name, _)) => entries.insert(name.to_owned(), EntryKind::Directory),
                None => entries.insert(rest.to_owned(), EntryKind::Regular),
            };
        }
        if entries.is_empty() {
            return Err(SourceError::Missing(path.to_owned()));
        }
        Ok(entries.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
