//! Rules of a cage that deserve a second look, and what no Landlock rule can prevent.

use super::granted::{passed_on, place};
use super::{Danger, DangerCode};
use crate::exposure::{canonical_place, given};
use crate::{Access, Entry, Grant, Scope, Severity, Text};

pub(super) fn dangers(entry: &Entry, grants: &[Entry]) -> Vec<Danger> {
    match &entry.grant {
        Grant::Cage { .. } => limits(entry),
        Grant::Ports { connect, .. } => ports(entry, connect).into_iter().collect(),
        Grant::ForwardEnv { name, .. } => passed_on(entry, name).into_iter().collect(),
        Grant::Store { scope: Scope::Whole } => vec![Danger::from_entry(
            entry,
            Severity::Medium,
            DangerCode::WholeStore,
            "the cage can execute all of the store",
            "say `nixStore.exec = \"closure\"`, and name what else is needed as a package",
        )],
        grant => {
            let places = given(grant).into_iter();
            places.flat_map(|(path, access)| ruled(entry, &path, access, grants)).collect()
        }
    }
}

/// A place that a rule opens. What every cage may read, and the cage's own state, are not reported.
fn ruled(entry: &Entry, path: &Text, access: Access, grants: &[Entry]) -> Vec<Danger> {
    // If it may be one of several places, each of them counts.
    let Some(canonical) = canonical_place(path) else { return place(entry, path, access) };
    let note =
        |code, what: String, fix| vec![Danger::from_entry(entry, Severity::Note, code, what, fix)];
    match (canonical.as_str(), access) {
        ("/proc", Access::ReadOnly) => Vec::new(),
        (place, _) if cage_state(grants).is_some_and(|own| place.starts_with(&own)) => Vec::new(),
        ("/nix/store", Access::ReadOnly) => note(
            DangerCode::WholeStore,
            "the cage can read all of the store".into(),
            "say `nixStore.read = false`: the closure can still be read",
        ),
        (place @ ("/tmp" | "/var/tmp"), _) => note(
            DangerCode::SharesTmp,
            format!("the cage has the host's `{place}`"),
            "leave it out: the cage has a folder of its own, and this one holds sockets and files of others",
        ),
        (_, _) => place(entry, path, access),
    }
}

/// The folder below which a cage keeps what is its own; none where the grants are those of a jail.
#[must_use]
pub fn cage_state<'a>(grants: impl IntoIterator<Item = &'a Entry>) -> Option<String> {
    let name = grants.into_iter().find_map(|entry| match &entry.grant {
        Grant::Cage { alias, .. } => alias.strip_prefix("jailed-"),
        _ => None,
    })?;
    Some(format!("~/.local/state/jailgen/{name}/"))
}

const JAIL: &str = "use a jail if this matters";

fn limits(entry: &Entry) -> Vec<Danger> {
    let note = |code, what: &str| Danger::from_entry(entry, Severity::Note, code, what, JAIL);
    vec![
        note(
            DangerCode::CageSees,
            "names, sizes and dates of all files, and the command lines of all processes, can be seen",
        ),
        note(
            DangerCode::CageSockets,
            "before Linux 7.1 sockets can be connected to by their path: with D-Bus or Docker a program can be started outside",
        ),
        note(DangerCode::CageModes, "modes and dates of all your files can be changed"),
    ]
}

fn ports(entry: &Entry, connect: &[u16]) -> Option<Danger> {
    let ports: Vec<String> = connect.iter().map(u16::to_string).collect();
    let what = format!(
        "the cage can reach TCP ports {} of every address, this machine included",
        ports.join(", ")
    );
    let fix = "Landlock knows ports but no names; drop the ports that are not needed";
    let danger = || Danger::from_entry(entry, Severity::Note, DangerCode::CagePorts, what, fix);
    (!connect.is_empty()).then(danger)
}
