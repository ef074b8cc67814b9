//! Why a folder cannot be emitted.

use std::fmt;
use std::io;
use std::path::PathBuf;

use jail_lang::SourceError;

/// Why a folder cannot be emitted.
#[derive(Debug)]
pub enum EmitError {
    /// Two jails of one name.
    Twice {
        /// The name to give it.
        name: String,
        /// The spec that has it first.
        first: String,
        second: String,
    },
    /// A jail's name that cannot be a command's.
    Name {
        /// The name to give it.
        name: String,
        /// The spec that has it.
        spec: String,
    },
    /// There is nothing to emit.
    NoJails { specs: Vec<String> },
    /// Two specs declare an input differently, or one that jailgen has itself.
    Input {
        /// The name that identifies it.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// There is no such input to pin.
    NoInput {
        /// Its name, or the path to it.
        name: String,
        /// What is wrong.
        message: String,
    },
    /// A package part that cannot be written.
    Text(String),
    /// What was rendered does not parse: a bug.
    Syntax {
        /// The name of the file.
        file: String,
        /// What our parser says.
        error: String,
    },
    /// A template fails: a bug.
    Template(String),
    /// The folder's lock, or one that is to be taken over, cannot be read.
    Lock {
        /// The name of the file.
        file: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// What a spec copies cannot be taken over.
    Source(SourceError),
    /// The folder holds things that are not ours.
    Foreign {
        /// The path of the folder.
        folder: PathBuf,
        /// Some of them.
        names: Vec<String>,
    },
    /// Something cannot be read or written.
    Io {
        /// The path that it is about.
        path: PathBuf,
        /// The error of the operation.
        error: io::Error,
    },
}

impl EmitError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Twice { .. } => "a command can only be one jail: give one of them another name",
            Self::Name { .. } => {
                "a jail's name is the name of a command: letters, digits and `+-._?=`, no `.` first, at most 200 characters, and not `flake`"
            }
            Self::NoJails { .. } => "a spec evaluates to a jail, or to a set of jails",
            Self::Input { .. } => {
                "inputs of several specs go into one flake: an input has the same name and the same pin in all of them"
            }
            Self::NoInput { .. } => {
                "an input of an input is named with both names, as in `llm-agents/nixpkgs`"
            }
            Self::Text(_) | Self::Syntax { .. } | Self::Template(_) => {
                "this is a bug in jailgen: please report it with the spec"
            }
            Self::Lock { .. } => {
                "remove the file to start again from the versions that jailgen was released with"
            }
            Self::Source(error) => return source_help(error),
            Self::Foreign { .. } => {
                "choose another folder, or use `--force`: it writes the emitted files and keeps the rest"
            }
            Self::Io { .. } => return None,
        };
        Some(help.into())
    }
}

fn source_help(error: &SourceError) -> Option<String> {
    let help = match error {
        SourceError::LeadsOut { .. } => {
            "the target of a link is not copied, and could change after it was approved: put the file itself there, or name a smaller folder"
        }
        SourceError::TooMuch { .. } | SourceError::TooLarge { .. } => {
            "what a spec names by path becomes part of the emitted folder: name a smaller folder, or bind it at launch instead"
        }
        SourceError::NotRegular(_) => "only files, folders and links among them are copied",
        SourceError::Link(_) => "name what the link leads to",
        SourceError::Outside(_) | SourceError::Missing(_) | SourceError::Io { .. } => return None,
    };
    Some(help.into())
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Twice { name, first, second } if first == second => {
                write!(f, "`{second}` has two jails of the name `{name}`")
            }
            Self::Twice { name, first, second } => {
                write!(f, "`{second}` has a jail `{name}`, and so has `{first}`")
            }
            Self::Name { name, spec } => {
                write!(f, "`{spec}` has a jail `{name}`, which cannot be the name of a command")
            }
            Self::NoJails { specs } => write!(f, "there is no jail in `{}`", specs.join("`, `")),
            Self::Input { name, message } | Self::NoInput { name, message } => {
                write!(f, "the input `{name}` {message}")
            }
            Self::Text(what) => write!(f, "a text of the policy cannot be emitted: {what}"),
            Self::Syntax { file, error } => {
                write!(f, "the emitted `{file}` does not parse: {error}")
            }
            Self::Template(error) => write!(f, "a template cannot be rendered: {error}"),
            Self::Lock { file, message } => {
                write!(f, "the lock `{}` cannot be used: {message}", file.display())
            }
            Self::Source(error) => write!(f, "{error}"),
            Self::Foreign { folder, names } => {
                let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
                write!(f, "`{}` holds other things: {}", folder.display(), names.join(", "))
            }
            Self::Io { path, error } => write!(f, "`{}`: {error}", path.display()),
        }
    }
}

impl std::error::Error for EmitError {}
