//! The policy as a whole.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::grant::Grant;

/// The version of the JSON form. A reader refuses every other one.
pub const VERSION: u32 = 1;

/// Everything that one jail may do: an ordered fold of grants, as in jail.nix. Later
/// grants cover earlier ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// [`VERSION`].
    pub version: u32,
    /// The command's name.
    pub name: String,
    /// What is given and taken, in order.
    pub grants: Vec<Entry>,
    /// The place of each origin in the spec (`opencode.jail:4:3`), if that is known. For messages;
    /// it is not part of what is enforced.
    #[serde(default)]
    pub places: BTreeMap<Origin, String>,
}

impl Policy {
    /// A second name of the command, if it has one: a cage also has the
    /// name that a jail would have.
    #[must_use]
    pub fn alias(&self) -> Option<&str> {
        self.grants.iter().find_map(|entry| match &entry.grant {
            Grant::Cage { alias, .. } => Some(alias.as_str()),
            _ => None,
        })
    }
}

/// A grant, and its origin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who wanted it.
    pub by: Origin,
    /// What it is.
    pub grant: Grant,
}

/// The combinator that every jail begins with, before the spec says anything.
pub const BASE: &str = "base";

/// An applied combinator of the term: its name and its index, counted depth first, as in
/// `mount-cwd#3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin {
    /// The combinator's name.
    pub combinator: String,
    /// Its index in the term.
    pub index: u32,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.combinator, self.index)
    }
}

impl From<Origin> for String {
    fn from(origin: Origin) -> Self {
        origin.to_string()
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parsed = text
            .rsplit_once('#')
            .and_then(|(combinator, index)| Some((combinator, index.parse().ok()?)));
        let Some((combinator, index)) = parsed else {
            return Err(format!("`{text}` is not an origin"));
        };
        Ok(Self { combinator: combinator.into(), index })
    }
}
