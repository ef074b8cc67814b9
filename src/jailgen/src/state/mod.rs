//! The state folder (`~/.local/state/jailgen`), where no jail can write: emitted flakes, links to commands, and what was built of what.
//!
//! ```text
//! flakes/opencode-1a2b3c4d/         the flake that the spec amounts to
//! flakes/opencode-1a2b3c4d.failed/  the same, where the last build of it failed
//! flakes/opencode-1a2b3c4d.lock     held by the process that builds it
//! bin/jailed-opencode               the command: a folder for PATH
//! roots/jailed-opencode             what keeps it from being collected
//! builds/opencode-1a2b3c4d.json     what was built, to tell whether it is stale, and whether its grants have changed
//! paths/opencode-5e6f7a8b           which of these a path of a spec stood for
//! shells/jailed-opencode            a plan with the same grants and a shell
//! audits/jailed-opencode            a plan with the same grants and the probe
//! traces/jailed-opencode            a plan with the same grants and the default filter
//! buses/jailgen-bus-1-0             the proxy of a message bus while it runs, where there is no XDG_RUNTIME_DIR
//! told/landlock-7                   the stub has said what this version of Landlock lacks
//! doctor/jail                       the plan of the smallest jail
//! ```

mod approval;
mod audit;
mod build;
mod error;
mod record;
mod shell;
mod trace;

use std::path::{Path, PathBuf};

pub use approval::changes;
pub use audit::{AuditPlan, audit};
pub use build::{Built, Command, Options, build, lock};
pub use error::BuildError;
pub use record::{fresh, sources};
pub use shell::{ShellError, shell};
pub use trace::{TracePlan, trace};

use crate::nix::nar::hash_bytes;

/// The state folder.
#[derive(Clone, Debug)]
pub struct State {
    root: PathBuf,
}

impl State {
    /// The state folder at `root`.
    #[must_use]
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The emitted flake of a spec.
    #[must_use]
    pub fn flake(&self, spec: &Path) -> PathBuf {
        self.root.join("flakes").join(name(spec))
    }

    /// The folder of commands.
    #[must_use]
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
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

    fn record(&self, spec: &Path) -> PathBuf {
        self.record_of(&name(spec))
    }

    fn record_of(&self, name: &str) -> PathBuf {
        self.records().join(format!("{name}.json"))
    }

    /// What a path stands for, by the path as it is written: links in it are not followed.
    fn path_record(&self, spec: &Path) -> PathBuf {
        let written = std::path::absolute(spec).unwrap_or_else(|_| spec.into());
        self.root.join("paths").join(named(&written))
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

/// The name of a spec's flake: that of its file, for people, and a part of the hash of its path, since every project may have an
/// `agent.jail`.
fn name(spec: &Path) -> String {
    named(&std::fs::canonicalize(spec).unwrap_or_else(|_| spec.into()))
}

fn named(real: &Path) -> String {
    let hash = hash_bytes(real.to_string_lossy().as_bytes());
    let hash: String =
        hash.chars().skip("sha256-".len()).filter(char::is_ascii_alphanumeric).take(8).collect();
    let stem = real.file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
    format!("{}-{hash}", stem.chars().map(plain).collect::<String>())
}

#[cfg(test)]
mod tests;
