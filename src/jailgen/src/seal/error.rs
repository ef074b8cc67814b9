//! Why a policy cannot be sealed.

use std::fmt;

use jail_policy::{Entry, Policy};

/// Why a policy cannot be sealed: what, which grant of which line of the spec, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealError {
    message: String,
    origin: Option<String>,
    help: Option<String>,
}

impl SealError {
    /// An error about the policy as a whole, or about the build.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), origin: None, help: None }
    }

    /// An error about one grant.
    pub fn at(policy: &Policy, entry: &Entry, message: impl Into<String>) -> Self {
        let combinator = &entry.by.combinator;
        let origin = match policy.places.get(&entry.by) {
            Some(place) => format!("{place}: `{combinator}`"),
            None => format!("`{combinator}`"),
        };
        Self { message: message.into(), origin: Some(origin), help: None }
    }

    /// The same with a help.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SealError {}
