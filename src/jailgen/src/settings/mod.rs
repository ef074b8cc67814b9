//! The user's settings, `~/.config/jailgen/config.toml`: defaults for options that are not given.
//! They are read and changed here, and trusted only where no jail can have written them. This
//! module knows nothing of the command line.

mod edit;
mod place;
mod read;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use edit::{set, unset};
pub use place::{FILE, read};
pub use read::{Fault, parse};

/// The settings of a file; without the file nothing is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Whether output is coloured.
    pub color: Option<Setting<Color>>,
    /// The kit: `path:/FOLDER`.
    pub kit: Option<Setting<String>>,
    /// Where commands are linked.
    pub commands: Option<Setting<PathBuf>>,
    /// Inputs, and the references that they are pinned to.
    pub inputs: BTreeMap<String, Setting<String>>,
    /// Settings of Nix, in the form of nix.conf(5).
    pub nix: BTreeMap<String, Setting<String>>,
}

/// A value, and its line in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value itself, without its place.
    pub value: T,
    /// The line, from 1.
    pub line: usize,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Also where the output is a file or a pipe.
    Always,
    /// Also not on a terminal.
    Never,
}

impl Color {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// In the file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// The keys that take a value.
pub const KEYS: [&str; 3] = ["color", "commands", "kit"];

/// The tables: their keys are names of inputs, and of settings of Nix.
pub const TABLES: [&str; 2] = [INPUTS, NIX];

const INPUTS: &str = "override-input";
const NIX: &str = "nix";

impl Settings {
    /// Nothing is set.
    #[must_use]
    pub const fn none() -> Self {
        Self {
            color: None,
            kit: None,
            commands: None,
            inputs: BTreeMap::new(),
            nix: BTreeMap::new(),
        }
    }

    /// The settings of Nix as its variable NIX_CONFIG takes them.
    #[must_use]
    pub fn nix_config(&self) -> String {
        let lines = self.nix.iter().map(|(name, setting)| format!("{name} = {}\n", setting.value));
        lines.collect()
    }

    /// The inputs and what they are pinned to.
    #[must_use]
    pub fn overrides(&self) -> Vec<(String, String)> {
        let inputs = self.inputs.iter();
        inputs.map(|(name, setting)| (name.clone(), setting.value.clone())).collect()
    }
}

#[cfg(test)]
mod tests;
