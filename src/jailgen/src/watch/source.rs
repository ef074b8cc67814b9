//! What is looked at, again and again: the processes, the brokers and their logs.

use std::io;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::usage::{Processes, Usage};
use crate::session::{Line, Log, Session, sessions};
use crate::state::State;

/// How often it is looked at most.
const OFTEN: Duration = Duration::from_secs(1);

/// And at least.
const RARELY: Duration = Duration::from_secs(10);

/// Looking takes less than this part of a processor.
const SHARE: u32 = 150;

/// The jails at a moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Those that run, the oldest first, with what they use.
    pub sessions: Vec<(Session, Usage)>,
    /// The lines of their logs that are new.
    pub lines: Vec<Line>,
}

/// Where snapshots come from.
pub struct Source {
    state: State,
    only: Option<String>,
    log: Log,
    rest: Duration,
}

impl Source {
    /// All jails, or those that a word of the command line means.
    #[must_use]
    pub fn new(state: State, only: Option<String>) -> Self {
        let log = Log::for_jails(&state.logs(), &[]);
        Self { state, only, log, rest: OFTEN }
    }

    /// Looks.
    ///
    /// # Errors
    /// The folder of sessions or a log cannot be read.
    pub fn look(&mut self) -> io::Result<Snapshot> {
        let before = processor_time();
        let mut found = sessions(&self.state)?;
        if let Some(word) = &self.only {
            found.retain(|session| session.is_called(word));
        }
        let logs = self.state.logs();
        let has_log =
            |session: &&Session| session.network.is_some() && logs.join(&session.name).is_dir();
        let names: Vec<String> = found.iter().filter(has_log).map(|it| it.name.clone()).collect();
        self.log.add(&logs, &names);
        let mut lines = self.log.new_lines()?;
        lines.retain(|line| found.iter().any(|session| session.id == line.session));
        let processes = if found.is_empty() { None } else { Some(Processes::read()) };
        let with_usage = |session: Session| {
            let usage = processes.as_ref().map(|all| all.usage_of(session.process));
            (session, usage.unwrap_or_default())
        };
        let sessions = found.into_iter().map(with_usage).collect();
        let took = processor_time().saturating_sub(before);
        self.rest = took.saturating_mul(SHARE).clamp(OFTEN, RARELY);
        Ok(Snapshot { sessions, lines })
    }

    /// How long nothing is looked at now.
    #[must_use]
    pub fn rest(&self) -> Duration {
        self.rest
    }

    /// The state folder.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }
}

/// The processor time that this thread has had.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}
