//! Jails that run at this moment: what the kernel shows of their processes, and what their brokers
//! say.
//!
//! A session with a broker has a folder in the state folder, `sessions/SESSION`, with the broker's
//! control socket. A jail without one is known by its process alone.

mod control;
mod limits;
mod log;
mod process;
mod uses;

use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use control::{Answer, ControlError, Order, SecretStatus, SecretUse, Status};
pub use log::{Line, Log, lines_of_item, names as log_names};
pub use process::{Process, Stopped};
pub(crate) use process::{namespaces, own_namespaces, stat_fields};
pub use uses::{secret_uses, to_the_second};

use crate::state::{State, holdings};

/// A jail that runs.
#[derive(Clone, Debug, Serialize)]
pub struct Session {
    /// What it is called on the command line: the session's name, or the number of its process.
    pub id: String,
    /// The jail's name.
    pub name: String,
    /// Its supervisor, which is the process outside.
    pub process: u32,
    /// What was started.
    pub wrapper: PathBuf,
    /// The spec that it was built of, where jailgen knows it.
    pub spec: Option<PathBuf>,
    /// The folder that it was started in, where the system shows it.
    pub folder: Option<PathBuf>,
    /// How long it has run, in seconds.
    pub seconds: u64,
    /// The information from its broker, if it has one.
    pub network: Option<Status>,
    #[serde(skip)]
    identity: Process,
}

/// The jails that run, the oldest first.
///
/// # Errors
/// The folder of sessions cannot be read.
pub fn sessions(state: &State) -> io::Result<Vec<Session>> {
    let brokers = control::brokers(&state.sessions())?;
    let specs = holdings(state).unwrap_or_default();
    let mut all: Vec<Session> = Process::jails()
        .into_iter()
        .map(|process| {
            let broker = brokers.iter().find(|broker| broker.supervisor == Some(process.number));
            let wrapper = process.started.clone();
            let name = wrapper.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Session {
                id: broker.map_or_else(|| process.number.to_string(), |it| it.session.clone()),
                // The name of a plan that was derived from the wrapper has a part of a hash.
                name: broker.map_or(name, |it| it.status.name.clone()),
                process: process.number,
                spec: spec_of(&specs, &wrapper),
                folder: process.folder(),
                seconds: process.seconds(),
                network: broker.map(|it| it.status.clone()),
                wrapper,
                identity: process,
            }
        })
        .collect();
    all.sort_by(|a, b| b.seconds.cmp(&a.seconds).then_with(|| a.id.cmp(&b.id)));
    Ok(all)
}

fn spec_of(specs: &[crate::state::Holding], wrapper: &Path) -> Option<PathBuf> {
    let real = wrapper.canonicalize().ok()?;
    let is_of = |holding: &&crate::state::Holding| {
        holding.jails.iter().any(|jail| real.starts_with(&jail.store_path))
    };
    specs.iter().find(is_of)?.spec.clone()
}

impl Session {
    /// One that no process stands for.
    #[cfg(test)]
    pub(crate) fn for_tests(id: &str, name: &str, network: Option<Status>) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            process: 0,
            wrapper: PathBuf::from(name),
            spec: None,
            folder: None,
            seconds: 0,
            network,
            identity: Process::for_tests(),
        }
    }

    /// Whether a word of the command line means it: its id, the number of its process, or its
    /// jail's name.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        self.id == word || self.process.to_string() == word || self.name == word
    }

    /// The limits that it has met; nothing if the kernel does not count for it alone.
    #[must_use]
    pub fn limits_met(&self) -> Option<Vec<String>> {
        limits::met(self.process)
    }

    /// Has it end, as the signal of a terminal's closing would; after a while whatever it does.
    ///
    /// # Errors
    /// It belongs to another user.
    pub fn stop(&self) -> io::Result<Stopped> {
        self.identity.stop()
    }
}

/// The session whose broker this supervisor has started, if it answers already.
#[must_use]
pub fn session_of(state: &State, supervisor: u32) -> Option<String> {
    let brokers = control::brokers(&state.sessions()).ok()?;
    let own = brokers.into_iter().find(|broker| broker.supervisor == Some(supervisor));
    own.map(|broker| broker.session)
}

/// Gives an order to the broker of a session.
///
/// # Errors
/// It cannot be reached, or does not answer as one does.
pub fn order(state: &State, session: &str, order: &Order) -> Result<Answer, ControlError> {
    control::order(&state.sessions(), session, order)
}

#[cfg(test)]
mod tests;
