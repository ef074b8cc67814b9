//! Secrets: values that the broker knows and the jail does not.

use std::fmt;

use jail_plan::SecretPlace;
use serde::{Deserialize, Serialize};

use crate::text::Text;

/// A value that the broker inserts into requests. The jail has a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Secret {
    /// Where the placeholder is.
    pub to: SecretTo,
    /// Where the value is at launch.
    pub from: SecretSource,
    /// The hosts that get the value: names, or `*.` and a name.
    pub hosts: Vec<String>,
    /// Where in a request the placeholder is replaced.
    pub places: Vec<SecretPlace>,
    /// The only header that it is replaced in, in lower case; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<String>,
    /// Whether the launch goes on where the value is missing.
    #[serde(default, skip_serializing_if = "super::network::is_false")]
    pub optional: bool,
}

/// Where a placeholder is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretTo {
    /// In a variable of the jail.
    Variable(String),
    /// In a file of the jail.
    File(Text),
}

/// Where the value of a secret is at launch.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// In a file on the host.
    File(Text),
    /// In a variable of the launcher.
    Variable(String),
    /// A command on the host prints it.
    Command(Vec<Text>),
    /// In the desktop's keyring, by attribute and value in turns.
    Keyring(Vec<String>),
}

/// A server inside that adds a secret to requests and speaks TLS outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct SecretSocket {
    /// Where its Unix socket is inside.
    pub socket: String,
    /// Where the value is at launch.
    pub from: SecretSource,
    /// The host, in its canonical form.
    pub host: String,
    /// The host's port.
    pub port: u16,
    /// The prefix of every request's path: empty, or `/v1`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The header, in lower case.
    pub header: String,
    /// The text before the value in the header.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// The port on the jail's loopback.
    pub listen: u16,
}

impl Secret {
    /// What people call it.
    #[must_use]
    pub fn name(&self) -> String {
        self.to.to_string()
    }

    /// Whether one of its hosts is a pattern for many.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.hosts.iter().any(|host| host.starts_with("*."))
    }
}

impl fmt::Display for SecretTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => f.write_str(name),
            Self::File(path) => path.fmt(f),
        }
    }
}

impl SecretTo {
    pub(super) fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            Self::Variable(_) => Vec::new(),
            Self::File(path) => vec![path],
        }
    }
}

impl SecretSource {
    /// The file or the words of the command.
    pub(super) fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            Self::File(path) => vec![path],
            Self::Command(words) => words.iter_mut().collect(),
            Self::Variable(_) | Self::Keyring(_) => Vec::new(),
        }
    }

    /// The file on the host that it is read from.
    #[must_use]
    pub fn file(&self) -> Option<&Text> {
        match self {
            Self::File(path) => Some(path),
            Self::Variable(_) | Self::Command(_) | Self::Keyring(_) => None,
        }
    }
}
