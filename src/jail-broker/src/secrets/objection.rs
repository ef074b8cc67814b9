//! Why a request or an answer is not relayed: what its sender and the log get.

use std::fmt;
use std::io;

use hyper::StatusCode;

/// The reason. Names are those of the jail's variables and files, which it knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// The host is not one of the secret's.
    Host {
        /// The name of the secret.
        name: String,
    },
    /// The secret does not belong to this part of a request.
    Place {
        /// The name of the secret.
        name: String,
        /// The part: `the path`.
        place: String,
    },
    /// The placeholder is not as the jail got it.
    Changed {
        /// The name of the secret.
        name: String,
    },
    /// Anybody on the way could read the request.
    Plain {
        /// The name of the secret.
        name: String,
    },
    /// A key that is not the spec's, which could carry data to its owner.
    Credential {
        /// The name of the header.
        header: String,
        /// The secrets that may stand there.
        names: Vec<String>,
    },
    /// Servers read the path in more than one way, and it has to stay below the one that the spec
    /// says.
    Path {
        /// What is wrong with it.
        fault: String,
    },
    /// The server compressed an answer though it was asked not to, so nothing can be looked for in
    /// it.
    Compressed,
    /// The value cannot be handled now.
    Broken {
        /// What the system says.
        error: String,
    },
}

impl Objection {
    pub(super) fn broken(error: &io::Error) -> Self {
        Self::Broken { error: error.to_string() }
    }

    /// The status of the answer that says so.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Host { .. }
            | Self::Place { .. }
            | Self::Changed { .. }
            | Self::Plain { .. }
            | Self::Credential { .. }
            | Self::Path { .. } => StatusCode::FORBIDDEN,
            Self::Compressed | Self::Broken { .. } => StatusCode::BAD_GATEWAY,
        }
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { name } => {
                write!(f, "the placeholder of `{name}` may not go to this host: its `hosts` do not name it")
            }
            Self::Place { name, place } => write!(
                f,
                "the placeholder of `{name}` is in {place}, where it is not replaced: `places` and `header` in the spec say where it is"
            ),
            Self::Changed { name } => write!(
                f,
                "the placeholder of `{name}` was changed (capitals, an encoding, or a part of it): it is replaced only in its exact form"
            ),
            Self::Plain { name } => {
                write!(f, "the placeholder of `{name}` is replaced only in requests over TLS")
            }
            Self::Credential { header, names } => write!(
                f,
                "`{header}` has a credential that the spec does not know: on this host it may hold the placeholder of `{}` and nothing else",
                names.join("` or `")
            ),
            Self::Path { fault } => {
                write!(f, "the path could lead out of the one that the spec says: {fault}")
            }
            Self::Compressed => f.write_str(
                "the server compressed its answer though it was asked not to, so values could not be removed from it",
            ),
            Self::Broken { error } => write!(f, "a secret cannot be handled: {error}"),
        }
    }
}

impl std::error::Error for Objection {}
