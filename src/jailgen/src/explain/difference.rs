//! What changes between two sets of policies, in words: the same words that say what a jail grants.

use jail_policy::{
    Difference, Entry, GitSettings, Grant, NetworkGrant, Policy, Text, diff, given, sentence_among,
};
use serde::Serialize;

/// What changes about one jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JailDifference {
    /// The command's name.
    pub name: String,
    /// Whether the jail itself is new or gone.
    pub change: JailChange,
    /// What only the second one grants.
    pub added: Vec<Changed>,
    /// What only the first one grants.
    pub removed: Vec<Changed>,
    /// The order in which mounts cover each other is not the same.
    pub reordered: bool,
}

/// What became of a jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JailChange {
    /// Only the second has it.
    New,
    /// Only the first has it.
    Gone,
    /// Both have it.
    Kept,
}

/// A grant that was added or removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Changed {
    /// How it is granted, and what.
    pub what: String,
    /// The combinator that it comes from.
    pub combinator: String,
    /// Its place in the spec, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// It takes something away, so that more may be done without it.
    pub restricts: bool,
}

impl JailDifference {
    /// Whether the second may do more: something is added, a restriction is gone, or
    /// another mount is on top.
    #[must_use]
    pub fn widens(&self) -> bool {
        self.change == JailChange::New
            || self.reordered
            || !self.added.is_empty()
            || self
                .removed
                .iter()
                .any(|removed| removed.restricts && self.change == JailChange::Kept)
    }

    fn is_empty(&self) -> bool {
        self.change == JailChange::Kept
            && self.added.is_empty()
            && self.removed.is_empty()
            && !self.reordered
    }
}

/// What changes from one set of jails to another. Jails are known by their names.
#[must_use]
pub fn differences(before: &[Policy], after: &[Policy]) -> Vec<JailDifference> {
    let named = |all: &'_ [Policy], name: &str| all.iter().find(|it| it.name == name).cloned();
    let kept = after.iter().map(|new| difference(named(before, &new.name).as_ref(), Some(new)));
    let gone = before.iter().filter(|old| named(after, &old.name).is_none());
    let all = kept.chain(gone.map(|old| difference(Some(old), None)));
    all.filter(|difference| !difference.is_empty()).collect()
}

/// The two under one name, for two files of one jail each that is called otherwise.
#[must_use]
pub fn difference(before: Option<&Policy>, after: Option<&Policy>) -> JailDifference {
    let grants = |policy: Option<&Policy>| policy.map_or(Vec::new(), |it| it.grants.clone());
    let Difference { added, removed, reordered } = diff(&grants(before), &grants(after));
    let change = match (before, after) {
        (None, _) => JailChange::New,
        (Some(_), None) => JailChange::Gone,
        (Some(_), Some(_)) => JailChange::Kept,
    };
    let others = grants(after);
    let said = |entries: &[Entry], policy: Option<&Policy>| {
        entries.iter().filter_map(|entry| Some(changed(entry, policy?, &others))).collect()
    };
    JailDifference {
        name: after.or(before).map(|policy| policy.name.clone()).unwrap_or_default(),
        change,
        added: said(&added, after),
        removed: said(&removed, before),
        reordered,
    }
}

fn changed(entry: &Entry, policy: &Policy, others: &[Entry]) -> Changed {
    Changed {
        what: sentence_among(&entry.grant, &policy.grants).to_string(),
        combinator: entry.by.combinator.clone(),
        place: policy.places.get(&entry.by).cloned(),
        restricts: restricts(&entry.grant, others),
    }
}

/// Whether it takes something away rather than gives. It may cover something that `others` give.
fn restricts(grant: &Grant, others: &[Entry]) -> bool {
    match grant {
        Grant::UnsetEnv { .. }
        | Grant::SystemCalls { .. }
        | Grant::CallRules { .. }
        | Grant::Filter { .. }
        | Grant::Wall { .. }
        | Grant::LandlockAbi { .. }
        | Grant::Cage { .. }
        | Grant::Terminal { .. }
        | Grant::TerminalFilter
        | Grant::Quarantine
        | Grant::Lifetime { .. }
        | Grant::Limit { .. }
        | Grant::DedicatedUser { .. }
        | Grant::Store { .. }
        | Grant::PrivateCopies { .. }
        | Grant::RemountReadOnly { .. } => true,
        // What is lifted is reported no longer.
        Grant::Protect { globs } => !globs.iter().any(|glob| glob.starts_with('!')),
        // One that takes something out again gives it.
        Grant::Mask { globs } => !globs.iter().any(|glob| glob.starts_with('!')),
        Grant::Git { settings } => match settings {
            GitSettings::Apart | GitSettings::ReadOnly => true,
            GitSettings::Merged | GitSettings::Shared => false,
        },
        Grant::Network(grant) => match grant {
            // Without these more is asked, or connected to at once.
            NetworkGrant::Resolvers { .. }
            | NetworkGrant::Upstream { .. }
            | NetworkGrant::Ask { .. } => true,
            NetworkGrant::Host { .. }
            | NetworkGrant::Internet { .. }
            | NetworkGrant::Proxy
            | NetworkGrant::HostPort { .. }
            | NetworkGrant::Exposed { .. }
            | NetworkGrant::Secret(_)
            | NetworkGrant::SecretSocket(_)
            | NetworkGrant::Authorities { .. } => false,
            // The last rule about a host that goes leaves it all requests; another one that comes
            // gives it more.
            NetworkGrant::Requests { host, .. } => !has_requests(host, others),
        },
        Grant::Bind { .. }
        | Grant::Folder { .. }
        | Grant::FolderState { .. }
        | Grant::StateDirectory { .. }
        | Grant::StateFile { .. }
        | Grant::DeepBind { .. }
        | Grant::Tmpfs { .. }
        | Grant::Proc { .. }
        | Grant::Dev { .. }
        | Grant::Directory { .. }
        | Grant::File { .. }
        | Grant::Copy { .. }
        | Grant::Symlink { .. }
        | Grant::GitIdentity { .. }
        | Grant::LoginProfile { .. }
        | Grant::MachineId { .. }
        | Grant::Queues { .. } => covers(grant, others),
        // Without it what lies under it is there for real.
        Grant::Overlay { .. } => covers(grant, others) || others.iter().any(has_unknown_place),
        Grant::Program { .. }
        | Grant::Arguments { .. }
        | Grant::HomeAsFolder
        | Grant::Worktree
        | Grant::FollowLinks
        | Grant::Project
        | Grant::StateLink { .. }
        | Grant::Session { .. }
        | Grant::Bus { .. }
        | Grant::BindArguments { .. }
        | Grant::BindVariable { .. }
        | Grant::Accounts { .. }
        | Grant::HostScript { .. }
        | Grant::Channel { .. }
        | Grant::OpenUrls
        | Grant::StartIn { .. }
        | Grant::SetEnv { .. }
        | Grant::DevShell { .. }
        | Grant::ForwardEnv { .. }
        | Grant::AddPath { .. }
        | Grant::Hostname { .. }
        | Grant::TimeZone { .. }
        | Grant::ShareNamespace { .. }
        | Grant::HostNetwork
        | Grant::Ports { .. }
        | Grant::Reach { .. }
        | Grant::NestedSandbox
        | Grant::BestEffort
        | Grant::ShownId { .. } => false,
    }
}

/// Whether it opens a place that only the launch knows, and that may lie around any other.
fn has_unknown_place(entry: &Entry) -> bool {
    matches!(
        entry.grant,
        Grant::Folder { .. }
            | Grant::HomeAsFolder
            | Grant::Project
            | Grant::Worktree
            | Grant::BindArguments { .. }
            | Grant::BindVariable { .. }
    )
}

/// Whether some rule says which requests the host may get.
fn has_requests(host: &str, others: &[Entry]) -> bool {
    let is_about = |grant: &Grant| matches!(grant, Grant::Network(NetworkGrant::Requests { host: named, .. }) if named == host);
    others.iter().any(|other| is_about(&other.grant))
}

/// Whether its place is one that something else of the host is put at, or above.
fn covers(grant: &Grant, others: &[Entry]) -> bool {
    let Some(place) = grant.target().map(place) else { return false };
    let holds = |other: &Entry| {
        if other.grant == *grant {
            return false;
        }
        let Some(target) = other.grant.target().map(self::place) else { return false };
        let is_above = place.strip_prefix(target.trim_end_matches('/'));
        is_above.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && !given(&other.grant).is_empty()
    };
    others.iter().any(holds)
}

/// A place as it is compared: the home folder has several names.
fn place(text: &Text) -> String {
    let text = text.to_string();
    let text = text.trim_matches('"');
    let below_home = ["$HOME", "${HOME}"].into_iter().find_map(|home| text.strip_prefix(home));
    match below_home.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
        Some(rest) => format!("~{rest}"),
        None => text.to_owned(),
    }
}
