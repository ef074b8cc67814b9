//! What is known of the jails that run, from one snapshot to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::source::Snapshot;
use super::usage::Usage;
use crate::session::{Line, Session, Status};

/// As many hosts of a session are kept. The jail chooses them.
const HOSTS_MAX: usize = 500;

/// What happened to a host last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostState {
    /// A connection to it was refused.
    Refused,
    /// It was allowed, and no connection is open.
    Allowed,
    /// The connection failed, for another reason than a rule.
    Failed,
}

/// A host of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// As `jailgen allow` and `jailgen deny` take it.
    pub name: String,
    /// What happened to it last.
    pub state: HostState,
    /// How often something happened to it.
    pub count: u64,
    /// When the last time was, in UTC.
    pub last: String,
    /// Why it was not allowed.
    pub reason: String,
}

/// A session that is watched.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The session.
    pub session: Session,
    /// What it uses.
    pub usage: Usage,
    /// Its hosts, in the order in which they came: a jail cannot move one to where another was.
    pub hosts: Vec<Host>,
    /// How many times something happened to hosts that are not kept.
    pub more: u64,
}

/// What is new, for programs.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A session runs.
    Session {
        /// The session, as `jailgen sessions --json` shows it.
        session: Box<Session>,
    },
    /// What a session uses has changed.
    Usage {
        /// Its id.
        session: String,
        /// The jail's name.
        name: String,
        /// What it uses.
        #[serde(flatten)]
        usage: Usage,
        /// Its connections at this moment.
        connections: usize,
    },
    /// A line of its log, as `jailgen log --json` shows it.
    Network {
        /// The line.
        #[serde(flatten)]
        line: Box<Line>,
    },
    /// A session has ended.
    Ended {
        /// Its id.
        session: String,
        /// The jail's name.
        name: String,
    },
}

/// See the module.
#[derive(Debug, Default)]
pub struct Model {
    /// The sessions, the oldest first.
    pub sessions: Vec<Seen>,
}

impl Model {
    /// Takes over a snapshot, and says what is new in it.
    pub fn update(&mut self, snapshot: Snapshot) -> Vec<Event> {
        let mut before: BTreeMap<String, Seen> = std::mem::take(&mut self.sessions)
            .into_iter()
            .map(|seen| (seen.session.id.clone(), seen))
            .collect();
        let mut events = Vec::new();
        let running: BTreeSet<&String> = snapshot.sessions.iter().map(|(it, _)| &it.id).collect();
        let ended = before.values().filter(|seen| !running.contains(&seen.session.id));
        events.extend(ended.map(|seen| Event::Ended {
            session: seen.session.id.clone(),
            name: seen.session.name.clone(),
        }));
        for (session, usage) in snapshot.sessions {
            let known = before.remove(&session.id);
            if known.is_none() {
                events.push(Event::Session { session: Box::new(session.clone()) });
            }
            let connections = connections(&session);
            let is_same = known.as_ref().is_some_and(|seen| {
                seen.usage == usage && self::connections(&seen.session) == connections
            });
            if !is_same {
                let (id, name) = (session.id.clone(), session.name.clone());
                events.push(Event::Usage { session: id, name, usage, connections });
            }
            let (hosts, more) = known.map(|seen| (seen.hosts, seen.more)).unwrap_or_default();
            self.sessions.push(Seen { session, usage, hosts, more });
        }
        for line in snapshot.lines {
            if let Some(seen) = self.sessions.iter_mut().find(|it| it.session.id == line.session) {
                seen.add(&line);
                events.push(Event::Network { line: Box::new(line) });
            }
        }
        events
    }

    /// The session of this id.
    #[must_use]
    pub fn session(&self, id: &str) -> Option<&Seen> {
        self.sessions.iter().find(|seen| seen.session.id == id)
    }
}

fn connections(session: &Session) -> usize {
    session.network.as_ref().map_or(0, |status| status.connections)
}

impl Seen {
    /// How many connections lead to a host now.
    #[must_use]
    pub fn connections_to(&self, host: &Host) -> usize {
        let Some(Status { hosts, .. }) = &self.session.network else { return 0 };
        let is_it = |place: &&String| {
            place
                .strip_prefix(host.name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        };
        hosts.iter().filter(|(place, _)| is_it(place)).map(|(_, count)| *count).sum()
    }

    /// How many of its hosts were refused last.
    #[must_use]
    pub fn refused(&self) -> usize {
        self.hosts.iter().filter(|host| host.state == HostState::Refused).count()
    }

    fn add(&mut self, line: &Line) {
        let state = match line.verdict.as_str() {
            "refused" => HostState::Refused,
            "allowed" => HostState::Allowed,
            "failed" => HostState::Failed,
            // What a user changed, which secret was used, and trouble of the broker's own.
            _ => return,
        };
        let Some(name) = name(line) else { return };
        let count = line.times.unwrap_or(1);
        let reason = line.reason.clone().unwrap_or_default();
        let is_full = self.hosts.len() >= HOSTS_MAX;
        match self.hosts.iter_mut().find(|host| host.name == name) {
            Some(host) => {
                host.state = state;
                host.count = host.count.saturating_add(count);
                host.last.clone_from(&line.time);
                host.reason = reason;
            }
            None if !is_full => {
                self.hosts.push(Host { name, state, count, last: line.time.clone(), reason });
            }
            None => self.more = self.more.saturating_add(count),
        }
    }
}

/// A host as a spec names it: with its port, if that is not one of the usual ones.
fn name(line: &Line) -> Option<String> {
    let host = line.host.clone().or_else(|| line.address.clone())?;
    let host =
        if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    Some(match line.port {
        None | Some(80 | 443) => host,
        Some(port) => format!("{host}:{port}"),
    })
}
