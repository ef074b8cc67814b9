//! Why a command ends without having done what it was asked for.

use std::process::ExitCode;

use crate::nix::NixError;

/// An error about the outside world, or one that has been reported already.
#[derive(Debug)]
pub(super) enum Failure {
    /// Diagnostics or findings, which have been printed: exit status 1.
    Findings,
    /// The reader of the output has gone away: no error.
    Done,
    /// The program that was run ended with this status, and so does this one.
    Ended(u8),
    /// The arguments make no sense together: exit status 2.
    Usage(String),
    /// Something of the outside world failed: exit status 1.
    Error {
        /// What failed, and where.
        message: String,
        /// What to do.
        help: Option<String>,
    },
}

impl Failure {
    /// An error without a help.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self::Error { message: message.into(), help: None }
    }

    /// An error with a help.
    pub(super) fn with_help(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::from_parts(message, Some(help.into()))
    }

    /// An error that may have a help.
    pub(super) fn from_parts(message: impl Into<String>, help: Option<String>) -> Self {
        Self::Error { message: message.into(), help }
    }

    /// `--jail` names none of the spec's jails.
    pub(super) fn no_such_jail(name: &str, known: &[&str]) -> Self {
        let are = if known.len() == 1 { "is" } else { "are" };
        let known = known.join("`, `");
        Self::Usage(format!("there is no jail `{name}` in the spec; there {are} `{known}`"))
    }

    /// What failed, for a place that shows it and goes on.
    pub(super) fn into_message(self) -> String {
        match self {
            Self::Usage(message) | Self::Error { message, .. } => message,
            Self::Findings | Self::Done | Self::Ended(_) => String::new(),
        }
    }

    /// The exit status of the process.
    pub(super) fn status(&self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Findings | Self::Error { .. } => ExitCode::FAILURE,
            Self::Ended(status) => ExitCode::from(*status),
            Self::Usage(_) => ExitCode::from(2),
        }
    }
}

impl From<NixError> for Failure {
    fn from(error: NixError) -> Self {
        Self::from_parts(error.to_string(), error.help())
    }
}
