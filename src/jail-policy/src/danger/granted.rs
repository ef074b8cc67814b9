//! What a single grant of a jail gives away.

use jail_seccomp::{Answer, Arch, Call, Decision, Policy as CallPolicy, calls};

use super::{Danger, DangerCode};
use crate::exposure::{exposures, given};
use crate::{
    Access, Entry, GitSettings, Grant, HostUse, Namespace, Scope, Service, Severity, Share, Text,
};

pub(super) fn dangers(entry: &Entry) -> Vec<Danger> {
    let of_its_kind = of_its_kind(entry);
    let places = given(&entry.grant).into_iter();
    let of_the_network = match entry.grant.host_use() {
        HostUse::ByName(grant) => super::network::dangers(entry, grant),
        _ => Vec::new(),
    };
    of_its_kind
        .into_iter()
        .chain(of_the_network)
        .chain(places.flat_map(|(from, access)| place(entry, &from, access)))
        .collect()
}

/// What git on the host executes, where the jail may write it.
pub(super) fn git(grants: &[Entry]) -> Option<Danger> {
    let is_writable = |entry: &Entry| {
        matches!(
            entry.grant,
            Grant::Folder { access: Access::ReadWrite, stage: None, .. } | Grant::Worktree
        )
    };
    let last = grants.iter().rfind(|entry| matches!(entry.grant, Grant::Git { .. }))?;
    let is_shared = last.grant == Grant::Git { settings: GitSettings::Shared };
    let danger = || {
        Danger::from_entry(
            last,
            Severity::Medium,
            DangerCode::WritesHostPrograms,
            "the jail can write git's configuration and hooks in the working folder, which git on the host executes",
            "drop `allow-git-config`: git works without it, and what it changes is printed when the jail has ended",
        )
    };
    (is_shared && grants.iter().any(is_writable)).then(danger)
}

/// A place of the host that a grant gives.
pub(super) fn place(entry: &Entry, from: &Text, access: Access) -> Vec<Danger> {
    let may = match access {
        Access::ReadOnly => "read",
        Access::ReadWrite | Access::Device => "write",
    };
    let danger = |exposure: crate::Exposure| {
        let holds = exposure.holds;
        let what = match (exposure.place, exposure.share) {
            (None, _) => format!("the jail can {may} `{from}`, which holds {holds}"),
            (Some(place), Share::Whole) => {
                format!("the jail can {may} `{from}`, which holds {holds} (`{place}`)")
            }
            (Some(place), Share::Part) => {
                format!("the jail can {may} `{from}`, a part of `{place}`, which holds {holds}")
            }
        };
        let from = Some(from.clone());
        Danger {
            from,
            ..Danger::from_entry(entry, exposure.severity, exposure.code, what, exposure.fix)
        }
    };
    exposures(from, access).into_iter().map(danger).collect()
}

fn of_its_kind(entry: &Entry) -> Option<Danger> {
    let note =
        |code, what: &str, fix| Some(Danger::from_entry(entry, Severity::Note, code, what, fix));
    match entry.grant.host_use() {
        HostUse::Session(service) => session(entry, service),
        HostUse::Namespace(namespace) => shared(entry, namespace),
        HostUse::Network => network(entry),
        HostUse::Home => Some(Danger::from_entry(
            entry,
            Severity::High,
            DangerCode::HomeAsFolder,
            "the jail has all of the home folder when it is started there",
            "drop `allow-home-cwd`",
        )),
        HostUse::Script => note(
            DangerCode::HostScripts,
            "a script runs on the host, with your rights",
            "read the script: it must not trust what the jail can write",
        ),
        HostUse::Channel(_) => note(
            DangerCode::HostScripts,
            "the jail can have a handler run on the host, with your rights",
            "read the handler: it must not trust its arguments",
        ),
        HostUse::Terminal => Some(Danger::from_entry(
            entry,
            Severity::High,
            DangerCode::SharesTerminal,
            "the jail can read what is typed to the shell while its job is stopped or in the background",
            "drop `share-terminal`: the jail then has a terminal of its own, with job control",
        )),
        HostUse::Value(name) => passed_on(entry, name),
        HostUse::Calls(allow) => widened(entry, allow),
        HostUse::Store(Scope::Whole) => {
            place(entry, &Text::literal("/nix/store"), Access::ReadOnly).pop()
        }
        HostUse::Store(Scope::Closure)
        | HostUse::Nothing
        // There may be several.
        | HostUse::ByName(_)
        // Places that a grant names are checked in the same way for all kinds.
        | HostUse::Path { .. }
        | HostUse::Tree { .. }
        | HostUse::Copied { .. }
        | HostUse::State(_)
        | HostUse::StateFile(_)
        | HostUse::FolderState(_)
        | HostUse::Link
        | HostUse::Layers { .. }
        | HostUse::Beneath { .. }
        // Which places these are is the launcher's choice.
        | HostUse::Folder { .. }
        | HostUse::Repository
        | HostUse::Arguments(_)
        | HostUse::Variable { .. }
        // What is let through is named, one by one.
        | HostUse::Bus
        | HostUse::Browser
        // It is two values of the file, not the file itself.
        | HostUse::Identity
        | HostUse::Ports { .. }
        | HostUse::Cage { .. } => None,
    }
}

/// System calls that are refused to every jail, or some of their arguments: sandboxes have been
/// escaped through these. A rule that allows only what is left in any case is not reported.
fn widened(entry: &Entry, allow: &[String]) -> Option<Danger> {
    if allow.is_empty() {
        return None;
    }
    let is_refused = |call: &Call| match &call.decision {
        Decision::Always(Answer::Allow | Answer::Log) | Decision::If { .. } => false,
        Decision::Always(Answer::Errno(_) | Answer::Kill) => true,
    };
    let mut refused = calls(Arch::X86_64, &CallPolicy::DEFAULT);
    refused.retain(is_refused);
    // A name alone lifts no check of arguments; a condition does.
    let widens =
        |rule: &&String| rule.contains('(') || refused.iter().any(|call| call.name == **rule);
    let found: Vec<&str> = allow.iter().filter(widens).map(String::as_str).collect();
    let what = format!(
        "the jail may make system calls that are refused in every jail by default: {}",
        found.join(", ")
    );
    let fix = "allow single calls, with conditions, and only where the program fails without them";
    let danger = || Danger::from_entry(entry, Severity::Medium, DangerCode::WidensCalls, what, fix);
    (!found.is_empty()).then(danger)
}

/// Services that act for the jail, outside of it.
fn session(entry: &Entry, service: Service) -> Option<Danger> {
    let services = DangerCode::GrantsHostServices;
    let (code, what, fix) = match service {
        Service::SessionBus => (
            services,
            "the jail can start programs outside, through the session's message bus",
            "name what is needed of it with `dbus`",
        ),
        Service::SystemBus => (
            services,
            "the jail has the machine's message bus, unfiltered",
            "name what is needed of it with `dbus-system`",
        ),
        Service::X11 => (
            services,
            "the jail can read every key and every window of the X server, and type",
            "use `wayland` where the program can",
        ),
        Service::NixDaemon => (
            DangerCode::GrantsNixDaemon,
            "the Nix daemon builds and downloads outside of the jail, as the jail asks",
            "drop it if the program can do with what is in its closure",
        ),
        Service::Wayland
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::FilteredSessionBus
        | Service::FilteredSystemBus
        | Service::Gpu
        | Service::Camera => return None,
    };
    Some(Danger::from_entry(entry, Severity::High, code, what, fix))
}

fn shared(entry: &Entry, namespace: Namespace) -> Option<Danger> {
    let (name, severity) = match namespace {
        Namespace::Net => return network(entry),
        Namespace::Cgroup => ("cgroup", Severity::Medium),
        Namespace::Ipc => ("ipc", Severity::High),
        Namespace::Mount => ("mount", Severity::Critical),
        Namespace::Pid => ("pid", Severity::High),
        Namespace::User => ("user", Severity::High),
        Namespace::Uts => ("uts", Severity::Medium),
    };
    let what = format!("the jail shares the host's {name} namespace");
    let fix = "drop the `share-ns` for it";
    Some(Danger::from_entry(entry, severity, DangerCode::SharesNamespace, what, fix))
}

fn network(entry: &Entry) -> Option<Danger> {
    let what = "the jail has the host's network: its loopback and abstract sockets too";
    let fix = "name the hosts that the program needs with `network-allow` instead";
    Some(Danger::from_entry(entry, Severity::Note, DangerCode::WholeNetwork, what, fix))
}

/// Whether a variable of this name is likely to hold a secret.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    const PARTS: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "APIKEY", "CREDENTIAL"];
    const WORDS: &[&str] = &["COOKIE", "KEY", "KEYS", "PASS", "PAT"];
    let name = name.to_ascii_uppercase();
    PARTS.iter().any(|part| name.contains(part)) || name.split('_').any(|it| WORDS.contains(&it))
}

pub(super) fn passed_on(entry: &Entry, name: &str) -> Option<Danger> {
    let what = format!("the jail has the value of `{name}`");
    let fix =
        "every program in the jail can read it, and send it to any host that the jail can reach";
    let danger = || Danger::from_entry(entry, Severity::Note, DangerCode::PassesSecret, what, fix);
    is_secret(name).then(danger)
}
