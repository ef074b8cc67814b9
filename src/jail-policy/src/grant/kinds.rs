//! The details of grants: when, how much, which.

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One word of a command line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Argument {
    /// A word that the spec gives.
    Text(Text),
    /// All the arguments that the wrapper was given.
    All,
}

impl Argument {
    pub(super) fn text_mut(&mut self) -> Option<&mut Text> {
        match self {
            Self::Text(text) => Some(text),
            Self::All => None,
        }
    }
}

/// What a jail that may write a git repository can do to its settings: what git on the
/// host executes or trusts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GitSettings {
    /// It changes copies of its own, and the changes are reported.
    Apart,
    /// The same, and harmless changes are copied to the host's settings.
    Merged,
    /// Nothing of a repository can be changed.
    ReadOnly,
    /// It changes the real ones.
    Shared,
}

/// What happens to writes to an overlay.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
pub enum Writes {
    /// Nothing can be written.
    Refused,
    /// They stay in memory, and are gone with the jail.
    Memory,
    /// They are kept in a folder of the host.
    Kept {
        /// The folder for changes.
        upper: Text,
        /// A folder in the same file system that the kernel works in.
        work: Text,
    },
}

impl Writes {
    pub(super) fn texts_mut(&mut self) -> Vec<&mut Text> {
        match self {
            Self::Refused | Self::Memory => Vec::new(),
            Self::Kept { upper, work } => vec![upper, work],
        }
    }
}

/// When a script on the host runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the launch.
    Before,
    /// After the program's end, whatever ended it.
    After,
}

/// How much of the Nix store appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The runtime closure of everything that the other grants name.
    Closure,
    /// All of it.
    Whole,
}

/// Which id of the caller has a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdKind {
    /// The caller's user id.
    User,
    /// The caller's group id.
    Group,
}

/// A time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// UTC, which is the default.
    Utc,
    /// The time zone of the host.
    Host,
}

/// What can be limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limited {
    /// Memory of the whole jail, bytes.
    Memory,
    /// Processes and threads of the whole jail.
    Pids,
    /// Processor time of the whole jail, hundredths of a processor.
    Cpu,
    /// Open files of each process.
    Files,
    /// The size of each file that is written, bytes.
    FileSize,
    /// Time from the launch on, seconds.
    Time,
}

/// How much Landlock checks, in addition to the mounts and independently of them. Either stops the
/// launch if the kernel lacks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wall {
    /// Writing, devices, and what is not files: signals and abstract sockets.
    Writes,
    /// Reading and executing too.
    Full,
}
