//! What this machine can enforce, and what to do where it cannot. It judges what was tried, and
//! prints nothing.

mod attempts;
mod ids;
mod jail;
mod kernel;
mod network;
mod render;
mod repair;
mod tools;
mod trial;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jail_probe::Answer;
use serde::Serialize;

pub use attempts::{DAEMON, attempts};
pub use jail::{PROBE, plan, stub};
pub use render::{commands, render};
pub use repair::Repair;
pub use trial::{Fault, trial};

/// The AppArmor profile that Ubuntu needs.
pub const APPARMOR: &str = include_str!("../../../../templates/apparmor/jail-stub");

/// What is known of the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Answers of the probe, run outside of any jail, by their words.
    pub answers: BTreeMap<String, Answer>,
    /// What the smallest jail came to: nothing if it ran, else what the stub said. Absent where
    /// none could be tried.
    pub jail: Option<Result<(), String>>,
    /// What a build of one line came to. Absent where none could be tried.
    pub build: Option<Result<(), Fault>>,
    /// The caller's name and number.
    pub user: (String, u32),
    /// The same for the user who needs subordinate ids: the one who became root by sudo.
    pub person: (String, u32),
    /// The caller's files.
    pub own: Own,
    /// The folder of the caller's cgroup below the cgroup file system.
    pub cgroup: Option<String>,
    /// The socket of the Nix daemon.
    pub daemon: String,
    /// Which programs PATH has, of those that matter.
    pub programs: Vec<&'static str>,
    /// The version of Nix, or why there is no Nix.
    pub nix: Result<String, String>,
    /// The kit, or why there is no kit.
    pub kit: Result<String, String>,
    /// Whether that has a broker.
    pub broker: bool,
    /// Whether the folder of commands is in PATH, and which it is.
    pub commands: (bool, String),
}

/// Where the caller's own settings are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Own {
    /// The home folder.
    pub home: Option<PathBuf>,
    pub shell: Option<String>,
    /// The nix.conf of this user.
    pub nix_conf: Option<PathBuf>,
}

/// Programs that matter, if they are there.
pub const PROGRAMS: &[&str] = &["newuidmap", "newgidmap", "apparmor_parser"];

/// What was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Item {
    /// The code, as messages show it.
    pub code: &'static str,
    /// How it is.
    pub state: State,
    /// What was seen.
    pub evidence: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// Commands that do it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// What of it jailgen can do itself.
    #[serde(skip)]
    pub repair: Option<Repair>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Good,
    /// Something that some specs need is missing.
    Less,
    /// Jails cannot be built here; those that are built run.
    NoBuild,
    /// Jails cannot run here.
    NoRun,
}

/// What this machine can do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was looked at.
    pub items: Vec<Item>,
    /// Whether jails run.
    pub runs: bool,
    /// Whether jails can be built.
    pub builds: bool,
}

impl Item {
    fn good(code: &'static str, evidence: impl Into<String>) -> Self {
        let evidence = evidence.into();
        Self { code, state: State::Good, evidence, fix: None, commands: Vec::new(), repair: None }
    }

    fn bad(
        code: &'static str,
        state: State,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { state, fix: Some(fix.into()), ..Self::good(code, evidence) }
    }

    /// The same, with the commands that do it.
    fn by<const N: usize>(self, commands: [impl Into<String>; N]) -> Self {
        Self { commands: commands.map(Into::into).into(), ..self }
    }
}

impl Machine {
    fn answer(&self, words: &str) -> Option<&Answer> {
        self.answers.get(words)
    }

    fn text(&self, words: &str) -> Option<&str> {
        match self.answer(words)? {
            Answer::Text(text) => Some(text.trim()),
            _ => None,
        }
    }

    fn went_well(&self, words: &str) -> bool {
        self.answer(words).is_some_and(Answer::went_well)
    }

    fn is_debian(&self) -> bool {
        self.went_well(attempts::DEBIAN)
    }

    fn answer_in_words(&self, words: &str) -> String {
        self.answer(words).map_or_else(|| "no answer".into(), Answer::in_words)
    }
}

/// Judges a machine.
#[must_use]
pub fn report(machine: &Machine) -> Report {
    let items: Vec<Item> = kernel::items(machine)
        .into_iter()
        .chain([network::item(machine)])
        .chain(tools::items(machine))
        .collect();
    let has = |state| items.iter().any(|item| item.state == state);
    // A jail that ran says more than all that might have been in its way.
    let runs = match machine.jail {
        Some(Ok(())) => true,
        Some(Err(_)) => false,
        None => !has(State::NoRun),
    };
    // In the same way; but the trial needs less of the kit than a build does.
    let builds = match machine.build {
        Some(Ok(())) => machine.kit.is_ok(),
        Some(Err(_)) => false,
        None => !has(State::NoBuild),
    };
    Report { items, runs, builds }
}
