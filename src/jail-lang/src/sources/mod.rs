//! The one trait through which files are read, so that a spec can reach nothing but its own folder.

mod disk;
mod memory;
mod path;
mod tree;

pub use disk::{FileSources, Query};
pub use memory::MemorySources;
pub(crate) use path::SpecPath;
pub use tree::{Bounds, Tree};

/// The largest file of a spec.
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

    /// What is at a path; `None` if nothing is.
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

/// What an entry of a folder is. The names are those of `builtins.readDir`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    Regular,
    /// A folder, whose entries can be listed.
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
    /// It is outside the spec's folder.
    #[error("`{0}` is outside the spec's folder")]
    Outside(String),
    /// It is a symbolic link, or is behind one.
    #[error("`{0}` is a symbolic link")]
    Link(String),
    /// A symbolic link in what is copied leads out of it.
    #[error("`{path}` is a symbolic link that leads out of what is copied: `{target}`")]
    LeadsOut {
        /// The path of the link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// It is a folder, a pipe, a socket or a device, and a file was expected.
    #[error("`{0}` is not a regular file")]
    NotRegular(String),
    /// What is copied contains too much.
    #[error("`{path}` contains more than {limit}")]
    TooMuch {
        /// The path of the folder.
        path: String,
        /// The bound, in words.
        limit: String,
    },
    /// There is no such file.
    #[error("`{0}` does not exist")]
    Missing(String),
    /// It is larger than [`FILE_BYTES_MAX`].
    #[error("`{path}` is larger than {} MB", FILE_BYTES_MAX >> 20)]
    TooLarge {
        /// The path of the file.
        path: String,
    },
    /// The system says no.
    #[error("`{path}` cannot be read: {message}")]
    Io {
        /// The path of the file.
        path: String,
        /// The message of the error.
        message: String,
    },
}

#[cfg(test)]
mod tests;
