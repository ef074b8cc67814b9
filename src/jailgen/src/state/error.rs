//! Why a spec cannot be built.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::backends::EmitError;
use crate::backends::nix::lock::PinError;
use crate::nix::NixError;

/// Why a spec cannot be built.
#[derive(Debug)]
pub enum BuildError {
    /// The flake cannot be emitted.
    Emit(EmitError),
    /// An input cannot be pinned.
    Pin(PinError),
    /// Nix is not there, or too old.
    Nix(NixError),
    /// Nix could not build the flake.
    Failed {
        /// What Nix says.
        error: Box<NixError>,
        /// Where the flake was kept.
        folder: PathBuf,
        /// The place in the spec that Nix's message leads back to.
        place: Option<String>,
        /// The inputs that were given, which the next build takes again.
        pinned: Vec<String>,
    },
    /// Another spec has a command of this name.
    Taken {
        /// The name to give it.
        name: String,
        spec: PathBuf,
    },
    /// Something that jailgen has not made is at the place where a command is to be linked.
    Occupied {
        /// The path of the link.
        link: PathBuf,
        /// Where it leads, if it is a link.
        to: Option<PathBuf>,
    },
    /// Nix built less than was asked for.
    Incomplete,
    /// The state folder cannot be written.
    Io {
        /// The path that it is about.
        path: PathBuf,
        /// The error of the operation.
        error: io::Error,
    },
}

impl BuildError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Emit(error) => error.help(),
            Self::Nix(error) | Self::Pin(PinError::Nix(error)) => error.help(),
            Self::Failed { error, folder, place, pinned } => {
                let mut kept = format!("the flake is kept in `{}`", folder.display());
                if !pinned.is_empty() {
                    let inputs = pinned.join("`, `");
                    kept.push_str(&format!(", and the next build takes `{inputs}` from there"));
                }
                Some(match (place, error.help()) {
                    (Some(place), _) => format!("this comes from {place}; {kept}"),
                    (None, Some(help)) => format!("{help}; {kept}"),
                    (None, None) => kept,
                })
            }
            Self::Taken { .. } => Some(
                "give one of the two jails another name, or take the command over with `--force`"
                    .into(),
            ),
            Self::Occupied { .. } => {
                Some("move it away; `--force` replaces a link, and nothing else".into())
            }
            Self::Pin(_) | Self::Incomplete | Self::Io { .. } => None,
        }
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Emit(error) => write!(f, "{error}"),
            Self::Pin(error) => write!(f, "{error}"),
            Self::Nix(error) => write!(f, "{error}"),
            Self::Failed { error, .. } => write!(f, "{error}"),
            Self::Taken { name, spec } => {
                write!(f, "the command `{name}` belongs to another spec, `{}`", spec.display())
            }
            Self::Occupied { link, to: Some(to) } => {
                let (link, to) = (link.display(), to.display());
                write!(f, "`{link}` leads to `{to}`, which jailgen did not build")
            }
            Self::Occupied { link, to: None } => {
                write!(f, "`{}` exists already, and jailgen did not make it", link.display())
            }
            Self::Incomplete => f.write_str("Nix did not say what it built"),
            Self::Io { path, error } => write!(f, "`{}`: {error}", path.display()),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<EmitError> for BuildError {
    fn from(error: EmitError) -> Self {
        Self::Emit(error)
    }
}
