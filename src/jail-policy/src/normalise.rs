//! The normal form of a policy: what counts, in an order that does not depend on the order in which
//! it was written, except where that order has a meaning.
//!
//! Mounts cover each other, so they keep their order. A setting has one value, so the last one
//! stays. A variable has the value of its last grant; PATH consists of the folders that were put
//! before its last value. The rest is a set.

use std::collections::BTreeMap;

use crate::grant::{Grant, HostUse, IdKind, Limited, NetworkGrant};
use crate::policy::Entry;
use crate::{Missing, Namespace};

/// The normal form. It grants exactly the same, and the normal form of a normal form is itself.
#[must_use]
pub fn normalise(grants: Vec<Entry>) -> Vec<Entry> {
    let mut settings = BTreeMap::new();
    let mut network = BTreeMap::new();
    let mut mounts = Vec::new();
    let mut environment = Environment::default();
    for entry in grants {
        match class(&entry.grant) {
            Class::Setting(setting) => {
                settings.insert(setting, entry);
            }
            Class::Flag(setting) => {
                settings.entry(setting).or_insert(entry);
            }
            Class::Network(key) => {
                network.insert(key, entry);
            }
            Class::Mount => push_mount(&mut mounts, entry),
            Class::Script => mounts.push(entry),
            Class::Folder => push_unique(&mut environment.folders, entry),
            Class::Variable(name) => environment.set(name, entry),
            Class::DevShell => environment.dev_shell(entry),
        }
    }
    let zone = settings.remove(&Setting::TimeZone);
    let mut normal: Vec<Entry> = settings.into_values().chain(network.into_values()).collect();
    normal.extend(mounts);
    // The zone comes before the variables, so a `TZ` of the spec's own takes precedence.
    normal.extend(zone);
    normal.extend(environment.all());
    normal
}

/// Variables, and folders of PATH.
#[derive(Default)]
struct Environment {
    /// Up to and including the last development shell: which variables it has is not known here.
    before: Vec<Entry>,
    variables: BTreeMap<String, Entry>,
    folders: Vec<Entry>,
}

impl Environment {
    fn set(&mut self, name: String, entry: Entry) {
        if name == PATH {
            self.folders.clear();
        }
        self.variables.insert(name, entry);
    }

    /// Everything that it gives is given again later by the same grant.
    fn dev_shell(&mut self, entry: Entry) {
        let mut before = std::mem::take(self).all();
        before.retain(|earlier| earlier.grant != entry.grant);
        before.push(entry);
        self.before = before;
    }

    fn all(self) -> Vec<Entry> {
        let Self { before: mut all, variables, folders } = self;
        all.extend(variables.into_values());
        all.extend(folders);
        all
    }
}

/// One policy after the other, as `compose` does it.
#[must_use]
pub fn compose(first: Vec<Entry>, then: Vec<Entry>) -> Vec<Entry> {
    normalise(first.into_iter().chain(then).collect())
}

const PATH: &str = "PATH";

/// The kind of order that a grant's place in the policy is part of.
enum Class {
    /// The last one counts.
    Setting(Setting),
    /// It is granted or not; its place does not matter.
    Flag(Setting),
    /// A part of the network: a set, in which only the last of some members counts.
    Network(NetworkGrant),
    /// It covers what came before.
    Mount,
    /// It is done at its place among the mounts, as often as it is given.
    Script,
    /// It comes before earlier folders in PATH.
    Folder,
    /// For each name, the last one counts.
    Variable(String),
    /// Variables whose names are not known yet, and folders of PATH.
    DevShell,
}

/// In the order of the normal form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Setting {
    Program,
    Arguments,
    Store,
    HostNetwork,
    Share(Namespace),
    Hostname,
    SystemCalls,
    CallRules,
    NestedSandbox,
    Wall,
    LandlockAbi,
    Cage,
    Ports,
    Terminal,
    Lifetime,
    Limit(Limited),
    BestEffort,
    ShownId(IdKind),
    DedicatedUser,
    HomeAsFolder,
    Project,
    FollowLinks,
    Git,
    StartIn,
    OpenUrls,
    TerminalFilter,
    Quarantine,
    TimeZone,
}

fn class(grant: &Grant) -> Class {
    match grant {
        Grant::Program { .. } => Class::Setting(Setting::Program),
        Grant::StartIn { .. } => Class::Setting(Setting::StartIn),
        Grant::OpenUrls => Class::Flag(Setting::OpenUrls),
        Grant::TerminalFilter => Class::Flag(Setting::TerminalFilter),
        Grant::Quarantine => Class::Flag(Setting::Quarantine),
        Grant::HostScript { .. } => Class::Script,
        Grant::Arguments { .. } => Class::Setting(Setting::Arguments),
        Grant::Store { .. } => Class::Setting(Setting::Store),
        Grant::Hostname { .. } => Class::Setting(Setting::Hostname),
        Grant::TimeZone { .. } => Class::Setting(Setting::TimeZone),
        Grant::SystemCalls { .. } => Class::Setting(Setting::SystemCalls),
        Grant::CallRules { .. } => Class::Setting(Setting::CallRules),
        Grant::NestedSandbox => Class::Flag(Setting::NestedSandbox),
        Grant::Wall { .. } => Class::Setting(Setting::Wall),
        Grant::LandlockAbi { .. } => Class::Setting(Setting::LandlockAbi),
        Grant::Cage { .. } => Class::Setting(Setting::Cage),
        Grant::Ports { .. } => Class::Setting(Setting::Ports),
        Grant::Terminal { .. } => Class::Setting(Setting::Terminal),
        Grant::Lifetime { .. } => Class::Setting(Setting::Lifetime),
        Grant::Limit { resource, .. } => Class::Setting(Setting::Limit(*resource)),
        Grant::BestEffort => Class::Flag(Setting::BestEffort),
        Grant::ShownId { kind, .. } => Class::Setting(Setting::ShownId(*kind)),
        Grant::DedicatedUser { .. } => Class::Setting(Setting::DedicatedUser),
        Grant::HostNetwork => Class::Flag(Setting::HostNetwork),
        Grant::Network(grant) => Class::Network(grant.key()),
        Grant::ShareNamespace { namespace } => Class::Flag(Setting::Share(*namespace)),
        Grant::HomeAsFolder => Class::Flag(Setting::HomeAsFolder),
        Grant::Project => Class::Flag(Setting::Project),
        Grant::FollowLinks => Class::Flag(Setting::FollowLinks),
        Grant::Git { .. } => Class::Setting(Setting::Git),
        Grant::AddPath { .. } => Class::Folder,
        Grant::DevShell { .. } => Class::DevShell,
        Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } | Grant::UnsetEnv { name } => {
            Class::Variable(name.clone())
        }
        Grant::Bind { .. }
        | Grant::Folder { .. }
        | Grant::Worktree
        // The last glob that matches counts.
        | Grant::Mask { .. }
        | Grant::PrivateCopies { .. }
        | Grant::BindArguments { .. }
        | Grant::BindVariable { .. }
        | Grant::StateDirectory { .. }
        | Grant::StateFile { .. }
        | Grant::FolderState { .. }
        | Grant::DeepBind { .. }
        | Grant::Overlay { .. }
        | Grant::Session { .. }
        | Grant::Bus { .. }
        | Grant::Tmpfs { .. }
        | Grant::Proc { .. }
        | Grant::Dev { .. }
        | Grant::Directory { .. }
        | Grant::File { .. }
        | Grant::Copy { .. }
        | Grant::Symlink { .. }
        // In a cage nothing covers anything, but repetitions are removed there too.
        | Grant::Reach { .. }
        | Grant::StateLink { .. }
        | Grant::RemountReadOnly { .. }
        | Grant::Queues { .. }
        | Grant::Channel { .. }
        | Grant::Accounts { .. }
        | Grant::GitIdentity { .. }
        | Grant::LoginProfile { .. }
        | Grant::MachineId { .. }
        // All of them are one list.
        | Grant::Protect { .. }
        // Filters are loaded in their order, and one that is there twice counts once.
        | Grant::Filter { .. } => Class::Mount,
    }
}

/// Adds a mount. What it certainly covers, and what it repeats, is removed.
fn push_mount(mounts: &mut Vec<Entry>, entry: Entry) {
    mounts.retain(|earlier| earlier.grant != entry.grant && !covers(&entry.grant, &earlier.grant));
    mounts.push(entry);
}

fn push_unique(entries: &mut Vec<Entry>, entry: Entry) {
    entries.retain(|earlier| earlier.grant != entry.grant);
    entries.push(entry);
}

/// Whether nothing of `earlier` is visible any more under `later`: the same place, and
/// `later` is certain to be there.
fn covers(later: &Grant, earlier: &Grant) -> bool {
    let same_place = later.target().is_some() && later.target() == earlier.target();
    same_place && later.is_certain() && is_passive(earlier)
}

/// Whether a grant only puts something at its place. State is made on the host, and a
/// source that must be there stops the launch if it is not: such grants stay, even if a
/// later grant covers the place.
fn is_passive(grant: &Grant) -> bool {
    match grant.host_use() {
        HostUse::Nothing => grant.is_certain(),
        HostUse::Path { missing, .. }
        | HostUse::Tree { missing, .. }
        | HostUse::Copied { missing, .. } => missing == Missing::Skip,
        HostUse::State(_)
        | HostUse::StateFile(_)
        | HostUse::FolderState(_)
        | HostUse::Link
        | HostUse::Layers { .. }
        // The others have no place of their own, or one that only the launch knows.
        | HostUse::Beneath { .. }
        | HostUse::Folder { .. }
        | HostUse::Home
        | HostUse::Repository
        | HostUse::Arguments(_)
        | HostUse::Variable { .. }
        | HostUse::Identity
        | HostUse::Session(_)
        | HostUse::Bus
        | HostUse::Store(_)
        | HostUse::Value(_)
        | HostUse::Namespace(_)
        | HostUse::Network
        | HostUse::ByName(_)
        | HostUse::Ports { .. }
        | HostUse::Cage { .. }
        | HostUse::Calls(_)
        | HostUse::Terminal
        | HostUse::Script
        | HostUse::Channel(_)
        | HostUse::Browser => false,
    }
}
