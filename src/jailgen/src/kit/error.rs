//! Why there is no kit to use.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::nix::NixError;

/// Why there is no kit to use.
#[derive(Debug)]
pub enum KitError {
    /// Nothing is compiled in, recorded or given.
    Missing {
        /// Where a record would be.
        record: PathBuf,
    },
    /// The record cannot be read.
    Record {
        /// Where it is.
        record: PathBuf,
        /// The error of the operation.
        error: serde_json::Error,
    },
    /// What packaging compiled in cannot be read.
    CompiledIn(serde_json::Error),
    /// The record is that of another version.
    Version {
        /// Where it is.
        record: PathBuf,
        found: String,
    },
    /// The recorded kit is no longer in the store.
    Gone {
        /// Where the record is.
        record: PathBuf,
        /// Where the kit was.
        path: String,
    },
    /// Another user could have written the record, or the kit.
    Foreign {
        /// The path that it is about.
        path: PathBuf,
        /// Why it is not trusted.
        why: &'static str,
    },
    /// A reference that is not a folder.
    Reference(String),
    /// A folder whose name no flake can say.
    Name(PathBuf),
    /// A folder that is not a kit.
    NoKit {
        /// The folder that it is about.
        folder: PathBuf,
        /// What it lacks.
        file: &'static str,
    },
    /// A folder or record that cannot be read or written.
    Folder {
        /// The folder that it is about.
        folder: PathBuf,
        /// The error of the operation.
        error: io::Error,
    },
    /// Nix cannot take it into the store.
    Nix(NixError),
}

impl KitError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing { .. } | Self::Record { .. } | Self::Version { .. } | Self::Gone { .. } => Some(
                "install jailgen again with `make install`, or run `make kit` in its source folder, or name a kit with `--kit path:/FOLDER`".into(),
            ),
            Self::Reference(_) | Self::NoKit { .. } => {
                Some("a kit is a folder that `make kit` made, as in `--kit path:/nix/store/…-source`".into())
            }
            Self::Name(_) => Some(
                "move it to a path of letters, digits and `-._~+=@,`: flakes name it in a URL".into(),
            ),
            Self::Foreign { .. } => Some(
                "install jailgen again, in a folder that only you or root can write, or name a kit with `--kit path:/FOLDER`".into(),
            ),
            Self::Nix(error) => error.help(),
            Self::CompiledIn(_) | Self::Folder { .. } => None,
        }
    }
}

impl fmt::Display for KitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { record } => write!(
                f,
                "jailgen's kit (its Nix library and static tools) was not found: `{}` is missing",
                record.display()
            ),
            Self::Record { record, error } => {
                write!(f, "the record of the kit, `{}`, cannot be read: {error}", record.display())
            }
            Self::CompiledIn(error) => write!(f, "the kit cannot be described: {error}"),
            Self::Version { record, found } => write!(
                f,
                "the kit that `{}` records is of jailgen {found}, and this is jailgen {}",
                record.display(),
                env!("CARGO_PKG_VERSION")
            ),
            Self::Gone { record, path } => {
                write!(f, "the kit `{path}` that `{}` records is no longer there", record.display())
            }
            Self::Name(folder) => {
                write!(f, "no flake can name the kit in `{}`", folder.display())
            }
            Self::Foreign { path, why } => {
                write!(f, "the kit that `{}` names is not used: {why}", path.display())
            }
            Self::Reference(reference) => write!(f, "the kit `{reference}` is not a folder"),
            Self::NoKit { folder, file } => {
                write!(f, "`{}` is not a kit: it has no `{file}`", folder.display())
            }
            Self::Folder { folder, error } => write!(f, "`{}`: {error}", folder.display()),
            Self::Nix(error) => write!(f, "the kit cannot be added to the store: {error}"),
        }
    }
}

impl std::error::Error for KitError {}
