//! What a jail writes, reads and reaches, in three lines: what a reader wants to know first.

use jail_policy::{
    Access, DangerCode, Entry, Exposure, Grant, HostUse, Missing, Namespace, Piece, Reach, Service,
    Text, Writes, cage_state, canonical_place, exposures, is_secret, sentence,
};
use jail_registry::is_every_programs;
use serde::Serialize;

use super::order::rank;

/// The three lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// What of the host it can change.
    pub writes: Vec<String>,
    /// What else of yours it can read.
    pub reads: Vec<String>,
    /// Networks, services and programs outside.
    pub reaches: Vec<String>,
    /// Hosts by name: they come first of what it reaches.
    #[serde(skip)]
    pub(super) hosts: Vec<String>,
    /// Those of what it reaches that are networks: they come next.
    #[serde(skip)]
    pub(super) networks: Vec<String>,
    /// Where a cage keeps what is its own. A cage sees names, sizes and dates of all files.
    #[serde(skip)]
    cage: Option<String>,
}

/// Sums up grants.
pub(super) fn summary(grants: &[&Entry]) -> Summary {
    let mut summary = Summary { cage: cage_state(grants.iter().copied()), ..Summary::default() };
    let mut sorted = grants.to_vec();
    sorted.sort_by_key(|entry| rank(entry));
    sorted.iter().for_each(|entry| summary.add(&entry.grant));
    if summary.networks.is_empty() && summary.hosts.is_empty() {
        summary.networks.push("no network".into());
    }
    summary.reaches.splice(..0, summary.networks.drain(..));
    summary.reaches.splice(..0, summary.hosts.iter().cloned());
    let Summary { writes, reads, .. } = &mut summary;
    reads.retain(|place| !writes.contains(place));
    summary
}

impl Summary {
    /// The lines, each with the word that it begins with.
    #[must_use]
    pub fn lines(&self) -> [(&'static str, String); 3] {
        [("Writes", self.written()), ("Reads", self.read()), ("Reaches", self.reached())]
    }

    fn written(&self) -> String {
        if self.writes.is_empty() { "nothing of yours".into() } else { self.writes.join(", ") }
    }

    /// Some hosts are enough to see what they are; the grants have all of them.
    fn reached(&self) -> String {
        const NAMED: usize = 3;
        let (hosts, others) = self.reaches.split_at_checked(self.hosts.len()).unwrap_or_default();
        match hosts.len().saturating_sub(NAMED) {
            0 | 1 => self.reaches.join(", "),
            more => {
                let named = hosts.iter().take(NAMED).cloned();
                let more = std::iter::once(format!("{more} more hosts"));
                named.chain(more).chain(others.iter().cloned()).collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn read(&self) -> String {
        if self.reads.iter().chain(&self.writes).any(|place| place == EVERYTHING) {
            return EVERYTHING.into();
        }
        let all = self.reads.join(", ");
        let nothing = if self.writes.is_empty() && self.reads.is_empty() {
            "nothing of yours"
        } else {
            "nothing else of yours"
        };
        let seen =
            if self.cage.is_some() { ", but names, sizes and dates of all files" } else { "" };
        let end = format!("{nothing}{seen}");
        if all.is_empty() { end } else { format!("{all}; {end}") }
    }

    fn writes(&mut self, what: impl Into<String>) {
        push(&mut self.writes, what.into());
    }

    fn reads(&mut self, what: impl Into<String>) {
        push(&mut self.reads, what.into());
    }

    pub(super) fn reaches(&mut self, what: impl Into<String>) {
        push(&mut self.reaches, what.into());
    }

    fn gives(&mut self, access: Access, what: impl Into<String>) {
        match access {
            Access::ReadOnly => self.reads(what),
            Access::ReadWrite | Access::Device => self.writes(what),
        }
    }

    fn add(&mut self, grant: &Grant) {
        match grant.host_use() {
            HostUse::Path { from, access, .. } if is_service(from, access) => {
                self.reaches(format!("the server at {}", shown(from)));
            }
            HostUse::Beneath { path, .. } if path.as_str() == Some("$SSH_AUTH_SOCK") => {
                self.reaches(sentence(&Grant::Session { service: Service::SshAgent }).what);
            }
            HostUse::Path { from, access, .. } if is_yours(from) => self.gives(access, shown(from)),
            HostUse::Tree { from, .. } if is_yours(from) => {
                self.reads(format!("{}, with what its links lead to", shown(from)));
            }
            HostUse::Copied { from, .. } if !is_the_machines(from, Reach::Ro) => self.reads(shown(from)),
            HostUse::Folder { access, to } => match to {
                Some(to) if self.cage.is_some() => self.gives(access, shown(to)),
                Some(_) | None => self.gives(access, "this folder"),
            },
            HostUse::Home => {
                self.writes("all of your home folder where it is started there");
            }
            HostUse::Repository => self.writes("the `.git` of this worktree's repository"),
            HostUse::Arguments(access) => {
                self.gives(access, "every path among its arguments");
            }
            HostUse::Variable { variable, access } => {
                self.gives(access, format!("every path in ${variable}"));
            }
            HostUse::State(path) if self.is_own(path) => {
                self.writes("a folder of its own below ~/.local/state/jailgen");
            }
            HostUse::State(path) | HostUse::StateFile(path) => {
                self.writes(shown(path));
            }
            HostUse::FolderState(path) => {
                self.writes(format!("a folder in {} for each folder", shown(path)));
            }
            HostUse::Layers { lower, writes } => {
                lower.iter().filter(|lower| is_yours(lower)).for_each(|it| self.reads(shown(it)));
                match writes {
                    Writes::Kept { upper, .. } => self.writes(shown(upper)),
                    Writes::Refused | Writes::Memory => {}
                }
            }
            HostUse::Beneath { path, reach, missing } => {
                let is_usual = missing == Missing::Skip && is_the_machines(path, reach);
                if is_usual || !is_yours(path) {
                    return;
                }
                self.gives(if reach.writes() { Access::ReadWrite } else { Access::ReadOnly }, shown(path));
            }
            HostUse::Value(name) if is_secret(name) => self.reads(format!("${name}")),
            HostUse::Identity => self.reads("your name and e-mail address from git's configuration"),
            HostUse::Network => push(&mut self.networks, "all networks".into()),
            HostUse::ByName(grant) => super::network::add(self, grant),
            HostUse::Namespace(namespace) => self.shares(namespace),
            HostUse::Ports { connect, bind } => {
                let listed = |ports: &[u16]| {
                    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ")
                };
                if !connect.is_empty() {
                    let ports = listed(connect);
                    push(&mut self.networks, format!("TCP ports {ports} of all networks"));
                }
                // The jail answers every client there.
                if !bind.is_empty() {
                    let ports = listed(bind);
                    push(&mut self.networks, format!("clients of its TCP ports {ports}"));
                }
            }
            HostUse::Cage { datagrams: true } => {
                push(&mut self.networks, "all networks by UDP".into());
            }
            HostUse::Session(_) | HostUse::Bus => self.reaches(sentence(grant).what),
            HostUse::Channel(name) => {
                self.reaches(format!("a script on the host (`{name}`)"));
            }
            HostUse::Browser => self.reaches("your browser"),
            HostUse::Terminal => {
                self.reads("what you type while it is stopped or in the background");
            }
            HostUse::Script => self.reaches("the host, by scripts of the spec"),
            HostUse::Path { .. }
            | HostUse::Tree { .. }
            | HostUse::Copied { .. }
            | HostUse::Value(_)
            | HostUse::Store(_)
            | HostUse::Cage { datagrams: false }
            // It leads to state, which is shown.
            | HostUse::Link
            | HostUse::Calls(_)
            | HostUse::Nothing => {}
        }
    }

    /// Whether it is a folder that a cage has made for itself, and not one of another cage or of
    /// jailgen.
    fn is_own(&self, place: &Text) -> bool {
        let below = |own: &String| place.as_str().is_some_and(|place| place.starts_with(own));
        self.cage.as_ref().is_some_and(below)
    }

    fn shares(&mut self, namespace: Namespace) {
        match namespace {
            Namespace::Net => push(&mut self.networks, "all networks".into()),
            Namespace::Pid => self.reaches("your other processes"),
            Namespace::Ipc => self.reaches("the host's shared memory"),
            Namespace::Mount => self.writes(EVERYTHING),
            Namespace::Cgroup | Namespace::User | Namespace::Uts => {}
        }
    }
}

const EVERYTHING: &str = "everything on this machine";

fn push(all: &mut Vec<String>, what: String) {
    if !all.contains(&what) {
        all.push(what);
    }
}

/// A place as one calls it.
fn shown(place: &Text) -> String {
    let plain = place.to_string();
    let place = if place.expand { canonical_place(place).unwrap_or(plain) } else { plain };
    match place.as_str() {
        "/" => EVERYTHING.into(),
        "~" => "all of your home folder".into(),
        _ => place.replace('\r', "\\r").replace('\n', "\\n"),
    }
}

/// Whether it is something of the user's: what the store has, anybody may read. A package behind a
/// variable or the home folder makes a place of those.
fn is_yours(place: &Text) -> bool {
    match place.pieces().first() {
        Some(Piece::Package { .. } | Piece::Entry { .. }) => false,
        Some(Piece::Literal(first)) => !first.starts_with("/nix/store/") && first != "/nix/store",
        None => true,
    }
}

/// Whether it is a socket of the host's that is known for what answers there.
fn is_service(place: &Text, access: Access) -> bool {
    let is_known = |exposure: &Exposure| {
        let services = [DangerCode::GrantsHostServices, DangerCode::GrantsNixDaemon];
        services.contains(&exposure.code) && exposure.place.is_none()
    };
    let is_socket = place.as_str().is_some_and(|place| place.ends_with("sock"));
    is_socket && exposures(place, access).iter().any(is_known)
}

/// What the machine has for every program.
fn is_the_machines(place: &Text, reach: Reach) -> bool {
    place.as_str().is_some_and(|place| is_every_programs(place, reach))
}
