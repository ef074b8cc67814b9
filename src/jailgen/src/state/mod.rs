//! The state folder (`~/.local/state/jailgen`), where no jail can write: emitted flakes, links to commands, and what was built of what.
//!
//! ```text
//! flakes/opencode-1a2b3c4d/         the flake that the spec amounts to
//! flakes/opencode-1a2b3c4d.failed/  the same, where the last build of it failed
//! flakes/opencode-1a2b3c4d.lock     held by the process that builds it
//! bin/jailed-opencode               the command: a folder for PATH
//! roots/jailed-opencode             what keeps it from being collected
//! builds/opencode-1a2b3c4d.json     what was built, to tell whether it is stale
//! kept/jailed-opencode              what the jail may not write: the files of its spec
//! shells/jailed-opencode            a plan with the same grants and a shell
//! audits/jailed-opencode            a plan with the same grants and the probe
//! traces/jailed-opencode            a plan with the same grants and the default filter
//! buses/jailgen-bus-1-0             the proxy of a message bus while it runs, where there is no XDG_RUNTIME_DIR
//! told/landlock-7                   the stub has said what this version of Landlock lacks
//! told/subfolders/-home-me-x-y      the same about a folder whose repository of git lies above it
//! trust/                            what was approved, and which trees a jail could ever write (see [`trust`])
//! doctor/jail                       the plan of the smallest jail
//! ```

mod audit;
mod build;
mod error;
mod kept;
mod record;
mod shell;
mod trace;
pub mod trust;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

pub use audit::{AuditPlan, audit};
pub use build::{Built, Command, Options, build, due, lock};
pub use error::BuildError;
pub use record::{fresh, sources};
pub use shell::{ShellError, shell};
pub use trace::{TracePlan, trace};

use jail_plan::trust::{TREES, WORKTREES};

use crate::files::check;
use crate::nix::nar::hash_bytes;

/// The state folder.
#[derive(Clone, Debug)]
pub struct State {
    root: PathBuf,
    defaults: Defaults,
}

/// What the user's settings say about builds.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Inputs and what they are pinned to.
    pub inputs: Vec<(String, String)>,
    /// The folder of commands, instead of the one in the state folder.
    pub commands: Option<PathBuf>,
}

impl State {
    /// The state folder at `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), defaults: Defaults::default() }
    }

    /// The same with what the user's settings say.
    ///
    /// # Errors
    /// The folder of commands is somebody else's, or others may write it: which, and why.
    pub fn with(mut self, defaults: Defaults) -> Result<Self, (PathBuf, io::Error)> {
        if let Some(folder) = &defaults.commands {
            check(folder).map_err(|error| (folder.clone(), error))?;
        }
        self.defaults = defaults;
        Ok(self)
    }

    /// The same, where it is one that only the caller can write, or is not there yet: wrappers are run from it, and what it
    /// says was approved is believed.
    ///
    /// # Errors
    /// It, or a folder of it, is somebody else's, or others may write it: which, and why.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, (PathBuf, io::Error)> {
        let state = Self::at(root);
        let folders = FOLDERS.iter().map(|folder| state.root.join(folder));
        for folder in std::iter::once(state.root.clone()).chain(folders) {
            check(&folder).map_err(|error| (folder, error))?;
        }
        Ok(state)
    }

    /// The emitted flake of the spec at a place ([`trust::place`]).
    #[must_use]
    pub fn flake(&self, place: &Path) -> PathBuf {
        self.root.join("flakes").join(name(place))
    }

    /// The folder of commands.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.defaults.commands.clone().unwrap_or_else(|| self.root.join("bin"))
    }

    fn command(&self, jail: &str) -> PathBuf {
        self.bin().join(jail)
    }

    fn root_of(&self, jail: &str) -> PathBuf {
        self.root.join("roots").join(jail)
    }

    fn records(&self) -> PathBuf {
        self.root.join("builds")
    }

    fn record(&self, place: &Path) -> PathBuf {
        self.records().join(Self::record_name(place))
    }

    fn record_name(place: &Path) -> OsString {
        format!("{}.json", name(place)).into()
    }

    fn trust(&self) -> PathBuf {
        self.root.join("trust")
    }

    /// The plan of the smallest jail, with which `doctor` tries the machine.
    #[must_use]
    pub fn doctor_plan(&self) -> PathBuf {
        self.root.join("doctor").join("jail")
    }

    fn audit_plan(&self, jail: &str) -> PathBuf {
        self.root.join("audits").join(jail)
    }

    fn trace_plan(&self, jail: &str) -> PathBuf {
        self.root.join("traces").join(jail)
    }

    fn shell_plan(&self, jail: &str) -> PathBuf {
        self.root.join("shells").join(jail)
    }
}

/// The folders whose content is run or believed. Homes of cages lie beside them, and belong to the cages.
const FOLDERS: &[&str] = &[
    "audits",
    "bin",
    "builds",
    "doctor",
    "flakes",
    "kept",
    "roots",
    "shells",
    "traces",
    "trust",
    "trust/approvals",
    "trust/paths",
    TREES,
    WORKTREES,
];

/// The name of a spec's flake: that of its file, for people, and a part of the hash of its place, since every project may have
/// an `agent.jail`. Whoever reads what stands under it compares the whole place.
fn name(place: &Path) -> String {
    let hash = hash_bytes(place.to_string_lossy().as_bytes());
    let hash: String =
        hash.chars().skip("sha256-".len()).filter(char::is_ascii_alphanumeric).take(8).collect();
    let stem = place.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    format!("{}-{hash}", stem.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests;
