//! How an attempt was answered.

use std::fmt;
use std::io;

use serde::{Deserialize, Serialize};

/// How an attempt was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// It went well, with this result.
    Done(i64),
    /// The kernel refused it with this number (errno(3)).
    Refused(i32),
    /// A signal ended the process that tried it.
    Killed(i32),
    /// What was read.
    Text(String),
    /// What was listed.
    List(Vec<String>),
    /// The attempt itself makes no sense.
    Unknown(String),
}

impl Answer {
    /// The result of a call of the standard library.
    pub(crate) fn from_result<T>(result: io::Result<T>, answer: impl FnOnce(T) -> Self) -> Self {
        match result {
            Ok(value) => answer(value),
            Err(error) => Self::failed(&error),
        }
    }

    /// An error of the standard library. One without a number is not an answer of the kernel.
    pub(crate) fn failed(error: &io::Error) -> Self {
        error.raw_os_error().map_or_else(|| Self::Unknown(error.to_string()), Self::Refused)
    }

    /// The result of a system call, as the kernel leaves it in the register.
    pub(crate) fn of_register(register: isize) -> Self {
        match i32::try_from(register) {
            Ok(errno @ -4095..=-1) => Self::Refused(-errno),
            _ => Self::Done(register as i64),
        }
    }

    /// Whether the attempt went well.
    #[must_use]
    pub fn went_well(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Text(_) | Self::List(_))
    }
}

impl Answer {
    /// The answer, for people.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Done(_) => "it went through".into(),
            Self::Refused(errno) => {
                let words = io::Error::from_raw_os_error(*errno).to_string();
                let plain = words.split(" (os error").next().unwrap_or_default();
                format!("refused: {plain}")
            }
            Self::Killed(signal) => format!("ended by signal {signal}"),
            Self::Text(_) | Self::List(_) | Self::Unknown(_) => self.to_string(),
        }
    }
}

/// The answer for shells and tests: `ok 3`, `errno 97`, `signal 31`, or what was read.
impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(value) => write!(f, "ok {value}"),
            Self::Refused(errno) => write!(f, "errno {errno}"),
            Self::Killed(signal) => write!(f, "signal {signal}"),
            Self::Text(text) => f.write_str(text.trim_end()),
            Self::List(lines) => f.write_str(&lines.join("\n")),
            Self::Unknown(why) => write!(f, "no such attempt: {why}"),
        }
    }
}
