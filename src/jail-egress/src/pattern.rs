//! Which names a rule is about.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::{Name, NameError};

/// One name, or all names below one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// `api.example.com`.
    Exactly(Name),
    /// `*.example.com`, which is not `example.com` itself.
    Below(Name),
}

/// Why something is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternError {
    /// `*`: every name.
    Everything,
    /// `*.co.uk`, `*.github.io`: anybody can have a name there.
    PublicSuffix(Name),
    /// A star elsewhere than for the first label.
    Star,
    /// A name that public DNS does not have.
    Local(Name),
    /// What is not a name.
    Name(NameError),
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => {
                f.write_str("`*` is every host: grant `internet` to reach all of them")
            }
            Self::PublicSuffix(name) => {
                write!(f, "anyone can register a name below `{name}`: name the hosts below it")
            }
            Self::Star => f.write_str("a `*` stands for the first part of a name: `*.example.com`"),
            Self::Local(name) => write!(
                f,
                "`{name}` is a name of your own network, which the jail's resolver does not look up: name its address"
            ),
            Self::Name(error) => error.fmt(f),
        }
    }
}

impl Pattern {
    /// Reads a pattern of a spec.
    ///
    /// # Errors
    /// When it is not one, or stands for names that belong to anybody.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text == "*" || text == "*." {
            return Err(PatternError::Everything);
        }
        let (rest, below) = match text.strip_prefix("*.") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        if rest.contains('*') {
            return Err(PatternError::Star);
        }
        let name = Name::from_spec(rest).map_err(PatternError::Name)?;
        if below && is_public_suffix(&name) {
            return Err(PatternError::PublicSuffix(name));
        }
        if name.is_local() {
            return Err(PatternError::Local(name));
        }
        Ok(if below { Self::Below(name) } else { Self::Exactly(name) })
    }

    /// Whether a name is meant.
    #[must_use]
    pub fn matches(&self, name: &Name) -> bool {
        match self {
            Self::Exactly(own) => name == own,
            Self::Below(own) => name.is_below(own),
        }
    }

    /// Whether all that the other one means is meant.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (own, Self::Exactly(name)) => own.matches(name),
            (Self::Exactly(_), Self::Below(_)) => false,
            (Self::Below(own), Self::Below(name)) => name == own || name.is_below(own),
        }
    }

    /// How closely it names a host: a rule of a closer pattern counts before one of a wider.
    pub(crate) fn closeness(&self) -> (bool, usize) {
        match self {
            Self::Exactly(name) => (true, name.as_str().len()),
            Self::Below(name) => (false, name.as_str().len()),
        }
    }
}

/// Whether names below this one can belong to anybody: `com`, `co.uk`, `github.io`.
fn is_public_suffix(name: &Name) -> bool {
    let bytes = name.as_str().as_bytes();
    psl::suffix(bytes).is_some_and(|suffix| suffix.as_bytes() == bytes)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(name) => name.fmt(f),
            Self::Below(name) => write!(f, "*.{name}"),
        }
    }
}
