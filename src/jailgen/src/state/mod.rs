//! The state folder (`~/.local/state/jailgen`), where no jail can write: emitted flakes, links to
//! commands, and what was built of what.
//!
//! What is of a spec is named after its place, so that every project may have a spec and a jail of
//! the same name. A command has one name for all projects; its link says whose it is.
//!
//! ```text
//! flakes/opencode-1a2b3c4d/         the flake that the spec amounts to
//! flakes/opencode-1a2b3c4d.failed/  the same, where the last build of it failed
//! flakes/opencode-1a2b3c4d.lock     held by the process that builds it
//! roots/opencode-1a2b3c4d/jailed-opencode   the build of the jail, kept from being collected
//! bin/jailed-opencode               the command: a link through that root, in a folder for PATH
//! builds/opencode-1a2b3c4d.json     what was built, to know whether it is stale
//! kept/jailed-opencode              what the jail may not write: the files of its spec
//! shells/jailed-opencode-5e6f7a8b   a plan with the same grants as that wrapper, and a shell
//! audits/jailed-opencode-5e6f7a8b   a plan with the same grants, and the probe
//! traces/jailed-opencode-5e6f7a8b   a plan with the same grants, and the default filter
//! many/jailed-opencode-9c0d1e2f/   the runs of a batch: what is done, their logs and plans
//! buses/jailgen-bus-1-0             the proxy of a message bus while it runs, where there is no
//! XDG_RUNTIME_DIR told/landlock-7                   the stub has said what this version of
//! Landlock lacks told/subfolders/-home-me-x-y      the same about a folder whose repository of git
//! lies above it trust/                            what was approved, and which trees a jail could
//! ever write (see [`trust`]) sessions/1a2b3c4d/control         the socket of the broker of a jail
//! that runs handoff/1a2b3c4d…/              what sessions left in a project, and what of it was
//! approved log/jailed-opencode/1a2b3c4d.jsonl what that broker allowed and refused doctor/jail
//! the plan of the smallest jail doctor/build/                     the flake of the smallest build
//! ```

mod audit;
mod build;
mod commands;
mod error;
mod inventory;
mod item;
mod kept;
mod record;
mod removal;
mod running;
mod shell;
mod trace;
pub mod trust;

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

pub use audit::{AuditPlan, audit};
pub use build::{Built, Command, Linking, Options, build, due, lock};
pub use error::BuildError;
pub use inventory::{BuiltJail, Holding, holding_of, holdings};
pub use item::{InFolder, ItemPlan, Sharing, item_plan};
pub use record::{fresh, sources};
pub use removal::{Busy, Mode, Removed, collect, remove};
pub(crate) use running::started as started_by_stub;
pub use shell::{ShellError, shell};
pub use trace::{TracePlan, trace, trace_files};

use jail_plan::trust::{TREES, WORKTREES};

use crate::files::check;
use crate::nix::nar::short_hash;

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
    /// The folder of commands belongs to another user, or others may write it: which, and why.
    pub fn with(mut self, defaults: Defaults) -> Result<Self, (PathBuf, io::Error)> {
        if let Some(folder) = &defaults.commands {
            check(folder).map_err(|error| (folder.clone(), error))?;
        }
        self.defaults = defaults;
        Ok(self)
    }

    /// The same, where it is one that only the caller can write, or is not there yet: wrappers are
    /// run from it, and its approvals are trusted.
    ///
    /// # Errors
    /// It, or a folder of it, belongs to another user, or others may write it: which, and why.
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
        self.flakes().join(name(place))
    }

    fn flakes(&self) -> PathBuf {
        self.root.join("flakes")
    }

    /// The folder of commands.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.defaults.commands.clone().unwrap_or_else(|| self.root.join("bin"))
    }

    fn command(&self, jail: &str) -> PathBuf {
        self.bin().join(jail)
    }

    /// The folder of what keeps builds from being collected; commands are links that lead through
    /// it.
    #[must_use]
    pub fn roots(&self) -> PathBuf {
        self.root.join("roots")
    }

    /// The folder in it for the spec at a place.
    fn roots_of(&self, place: &Path) -> PathBuf {
        self.roots().join(name(place))
    }

    fn root_of(&self, place: &Path, jail: &str) -> PathBuf {
        self.roots_of(place).join(jail)
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

    /// The folder with a folder for each session that has a broker.
    #[must_use]
    pub fn sessions(&self) -> PathBuf {
        self.root.join("sessions")
    }

    /// The folder with a folder of logs for each jail.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The folder with a folder for each project that jails wrote.
    #[must_use]
    pub fn handoff(&self) -> PathBuf {
        self.root.join(jail_plan::handoff::FOLDER)
    }

    /// The folder with a folder for each batch of runs.
    #[must_use]
    pub fn many(&self) -> PathBuf {
        self.root.join("many")
    }

    fn trust(&self) -> PathBuf {
        self.root.join("trust")
    }

    /// The plan of the smallest jail, with which `doctor` tries the machine.
    #[must_use]
    pub fn doctor_plan(&self) -> PathBuf {
        self.root.join("doctor").join("jail")
    }

    /// The flake of one line, with which `doctor` tries to build.
    #[must_use]
    pub fn doctor_flake(&self) -> PathBuf {
        self.root.join("doctor").join("build")
    }

    fn audit_plan(&self, wrapper: &Path) -> PathBuf {
        self.root.join("audits").join(name(wrapper))
    }

    fn trace_plan(&self, wrapper: &Path) -> PathBuf {
        self.root.join("traces").join(name(wrapper))
    }

    fn shell_plan(&self, wrapper: &Path) -> PathBuf {
        self.root.join("shells").join(name(wrapper))
    }
}

/// The folders of plans that are derived from wrappers.
const DERIVED: [&str; 3] = ["audits", "shells", "traces"];

/// The folders whose content is run or trusted. Homes of cages are next to them,
/// and belong to the cages.
const FOLDERS: &[&str] = &[
    "audits",
    "bin",
    "builds",
    "doctor",
    "flakes",
    "handoff",
    "kept",
    "log",
    "many",
    "roots",
    "sessions",
    "shells",
    "traces",
    "trust",
    "trust/approvals",
    "trust/paths",
    TREES,
    WORKTREES,
];

/// The name of what is of a spec, or of a wrapper: that of its file, for people, and a part of the
/// hash of its place, since every project may have an `agent.jail`. The part is so long that no
/// other place can be found that is named alike.
fn name(place: &Path) -> String {
    let hash = short_hash(place.as_os_str().as_bytes(), 24);
    let stem = place.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    format!("{}-{hash}", stem.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests;
