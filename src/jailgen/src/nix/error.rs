//! What can go wrong with Nix, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use super::Version;
use super::remedies::{last_line, remedy};

/// What went wrong with Nix.
#[derive(Debug)]
pub enum NixError {
    /// There is no `nix` in PATH.
    Missing,
    /// The only one in PATH is where a jail could write.
    Distrusted {
        /// Where it is.
        program: PathBuf,
        /// The recorded tree that it is in; none where it is in the folder that jailgen was started
        /// in.
        tree: Option<PathBuf>,
    },
    /// The folders that a jail could write are not known.
    Trees(std::io::Error),
    /// It would run git in a repository that a jail could write.
    Repository {
        /// The flake reference that names it.
        reference: String,
    },
    /// It is older than [`Version::LEAST`].
    TooOld {
        /// Where it is.
        program: PathBuf,
        /// What it is.
        version: Version,
    },
    /// Its version cannot be read.
    Strange {
        /// Where it is.
        program: PathBuf,
        /// What it says.
        text: String,
    },
    /// It cannot be started, or talked to.
    Start {
        /// Where it is.
        program: PathBuf,
        /// The error of the operation.
        error: std::io::Error,
    },
    /// Nix ended with an error.
    Failed {
        /// What was run.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// Its own message.
        stderr: String,
    },
    /// It took too long, and was ended.
    TimedOut {
        /// What was run.
        command: String,
        /// How long it had.
        limit: Duration,
        /// What it had said.
        stderr: String,
    },
    /// Its answer cannot be read.
    Answer {
        /// What was run.
        command: String,
        version: Version,
        /// What is wrong with the answer.
        error: serde_json::Error,
    },
}

impl NixError {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Missing => Some(
                "install it: `apt-get install nix-bin` on Debian and Ubuntu, or https://nixos.org/download; \
                 `jailgen emit` works without Nix"
                    .into(),
            ),
            Self::Distrusted { tree, .. } => Some(distrusted(tree.as_deref())),
            Self::Trees(_) => Some(
                "programs in such a folder are not run; `trust/trees` in jailgen's state folder must be yours, and readable"
                    .into(),
            ),
            Self::Repository { .. } => Some(
                "write it as `path:FOLDER`: what lies in the folder is taken as it is, and git, which runs what a repository's \
                 configuration says, is not needed"
                    .into(),
            ),
            Self::TooOld { .. } => Some(format!("jailgen works with Nix {} and newer", Version::LEAST)),
            Self::Failed { stderr, .. } => remedy(stderr).map(str::to_owned),
            Self::TimedOut { .. } => Some(
                "Nix waits for something: for a lock that another build holds, for its daemon, or for a network; \
                 its last lines may say for what"
                    .into(),
            ),
            Self::Strange { .. } | Self::Start { .. } | Self::Answer { .. } => None,
        }
    }

    /// Why it failed, in one line.
    #[must_use]
    pub fn in_a_line(&self) -> String {
        let own = || self.to_string().lines().next().unwrap_or_default().to_owned();
        match self {
            Self::Failed { stderr, .. } => last_line(stderr).unwrap_or_else(own),
            _ => own(),
        }
    }

    /// Nix's own message, if it is Nix that failed.
    #[must_use]
    pub fn stderr(&self) -> &str {
        match self {
            Self::Failed { stderr, .. } | Self::TimedOut { stderr, .. } => stderr,
            Self::Missing
            | Self::Distrusted { .. }
            | Self::Trees(_)
            | Self::Repository { .. }
            | Self::TooOld { .. }
            | Self::Strange { .. }
            | Self::Start { .. }
            | Self::Answer { .. } => "",
        }
    }
}

impl fmt::Display for NixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("Nix is not installed: there is no `nix` in PATH"),
            Self::Distrusted { program, .. } => {
                write!(f, "`{}` is not run, because a jail could write it", program.display())
            }
            Self::Trees(error) => {
                write!(f, "the record of folders that a jail could write cannot be read: {error}")
            }
            Self::Repository { reference } => {
                write!(f, "Nix would run git in `{reference}`, where a jail could write")
            }
            Self::TooOld { program, version } => {
                write!(f, "`{}` is Nix {version}, which is too old", program.display())
            }
            Self::Strange { program, text } => {
                write!(
                    f,
                    "`{} --version` says `{text}`, which is not a version of Nix",
                    program.display()
                )
            }
            Self::Start { program, error } => {
                write!(f, "`{}` cannot be run: {error}", program.display())
            }
            Self::Failed { command, status, stderr } => {
                write!(f, "`{command}` failed ({status})")?;
                let message = stderr.trim_end();
                if message.is_empty() { Ok(()) } else { write!(f, ":\n{message}") }
            }
            Self::TimedOut { command, limit, stderr } => {
                write!(f, "`{command}` was ended after {} seconds", limit.as_secs())?;
                let message = stderr.trim_end();
                if message.is_empty() { Ok(()) } else { write!(f, ":\n{message}") }
            }
            Self::Answer { command, version, error } => {
                write!(f, "the answer of `{command}` (Nix {version}) cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for NixError {}

/// What to do where the only Nix is in a folder that a jail could write.
fn distrusted(tree: Option<&Path>) -> String {
    let another = "put the folder of another Nix into PATH, by its full path";
    match tree {
        Some(tree) => format!(
            "a jail was given `{0}`; if you know that it changed nothing there, `jailgen trust forget {0}` allows it again; \
             otherwise {another}",
            tree.display()
        ),
        None => format!(
            "the folder that you are in counts as one: start jailgen elsewhere, or {another}"
        ),
    }
}
