//! Checks on files: what is there, and what can be written.

use std::collections::BTreeSet;

use jail_plan::{Access, InsideOp, LandlockRule, StartIn};
use jail_registry::names as combinator;

use super::{Judged, names};
use crate::audit::attempts::{EXECUTED, path};
use crate::audit::seen::{Mount, Seen, written};

/// The mount that a place is on: among those that are nearest the one on top.
fn mount_of<'a>(mounts: &'a [Mount], place: &str) -> Option<&'a Mount> {
    let holds = |mount: &&Mount| {
        let below = place.strip_prefix(mount.place.trim_end_matches('/'));
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let on_top = |mount: &&Mount| !mounts.iter().any(|other| mount.is_under(other));
    let holding = mounts.iter().filter(holds).filter(on_top);
    holding.max_by_key(|mount| mount.place.trim_end_matches('/').len())
}

pub(super) fn home(seen: &Seen<'_>) -> Judged {
    let Some(mounts) = seen.mounts() else { return Judged::Failed("no answer".into()) };
    let home = seen.host.home.as_str();
    // The jail makes a complete file system, or the part of its root's that is at the same place
    // there. Any other part of a file system is one of the host's.
    let bottom = mount_of(&mounts, "/");
    let is_of_root = |mount: &Mount| {
        mount.root == mount.place
            && bottom.is_some_and(|root| root.root == "/" && root.device == mount.device)
    };
    let is_own = |mount: &Mount| mount.kind == "tmpfs" && (mount.root == "/" || is_of_root(mount));
    if seen.went_well(&format!("list {home}")) && !mount_of(&mounts, home).is_some_and(is_own) {
        return Judged::Failed(format!("`{home}` is the host's"));
    }
    // What leads to a mount has to be there; everything else came from the host.
    let leads = |name: &&String| {
        let place = format!("/home/{name}");
        let below =
            |mount: &Mount| mount.place == place || mount.place.starts_with(&format!("{place}/"));
        mounts.iter().any(below) || home == place
    };
    let users = seen.list("list /home").unwrap_or_default();
    let others: Vec<&String> = users.iter().filter(|name| !leads(name)).collect();
    if !others.is_empty() {
        return Judged::Failed(format!("home folders of others: {}", names(&others)));
    }
    let entries = seen.list(&format!("list {home}")).unwrap_or_default();
    let granted =
        mounts.iter().filter(|mount| mount.place.starts_with(&format!("{home}/"))).count();
    match entries {
        [] => Judged::Passed("it is empty".into()),
        entries => {
            Judged::Passed(format!("in memory; {granted} grants below it: {}", names(entries)))
        }
    }
}

/// What the minimal /dev has.
const DEVICES: &[&str] = &[
    "console", "fd", "full", "null", "ptmx", "pts", "random", "shm", "stderr", "stdin", "stdout",
    "tty", "urandom", "zero",
];

pub(super) fn devices(seen: &Seen<'_>) -> Judged {
    let entries = seen.list("list /dev").unwrap_or_default();
    let more: Vec<&String> =
        entries.iter().filter(|name| !DEVICES.contains(&name.as_str())).collect();
    if more.is_empty() {
        return Judged::Passed(format!("{} entries", entries.len()));
    }
    let by = seen.plan.inside.iter().find_map(|step| match &step.op {
        InsideOp::Bind(bind) if bind.access == Access::Device => Some(step.by.as_str()),
        _ => None,
    });
    match by {
        Some(by) => Judged::Granted(seen.origin(by), format!("also {}", names(&more))),
        None => Judged::Failed(format!("also {}", names(&more))),
    }
}

pub(super) fn store(seen: &Seen<'_>) -> Judged {
    if !seen.is_refused("create /nix/store/jailgen-audit") {
        return Judged::Failed("a store path can be made".into());
    }
    let Some(mounts) = seen.mounts() else { return Judged::Failed("no answer".into()) };
    let store = format!("{}/", seen.plan.closure.store);
    let open: Vec<&str> = mounts
        .iter()
        .filter(|mount| mount.place.starts_with(&store) && !mount.has("ro"))
        .map(|mount| mount.place.as_str())
        .collect();
    if !open.is_empty() {
        return Judged::Failed(format!("writable: {}", names(&open)));
    }
    let closure: BTreeSet<&str> = seen.plan.closure.names.iter().map(String::as_str).collect();
    let inside = seen.list("list /nix/store").unwrap_or_default();
    let more: Vec<&String> =
        inside.iter().filter(|name| !closure.contains(name.as_str())).collect();
    if more.is_empty() {
        return Judged::Passed(format!(
            "{} store paths, all of the closure, read-only",
            inside.len()
        ));
    }
    let bound = seen.plan.inside.iter().find_map(|step| match &step.op {
        InsideOp::Bind(bind) if meets(&written(&bind.to, &seen.host.home), &store) => {
            Some(seen.origin(&step.by))
        }
        _ => None,
    });
    let bound = bound.filter(|by| by.place.is_some());
    Judged::Failed(format!("{} store paths that are not of the closure", more.len())).unless(bound)
}

/// Whether one of two places is in the other. The store's ends with a slash.
fn meets(place: &str, store: &str) -> bool {
    let place = format!("{}/", place.trim_end_matches('/'));
    place.starts_with(store) || store.starts_with(&place)
}

pub(super) fn commands(seen: &Seen<'_>) -> Judged {
    let folders = path(seen.plan);
    if folders.is_empty() {
        return Judged::Failed("PATH is not known before the launch".into());
    }
    let is_own = |folder: &&String| folder.starts_with("/nix/store/") || *folder == "/bin";
    let foreign: Vec<&String> = folders.iter().filter(|folder| !is_own(folder)).collect();
    let writable: Vec<&String> = folders
        .iter()
        .filter(|folder| seen.went_well(&format!("create {folder}/jailgen-audit")))
        .collect();
    let commands: BTreeSet<&String> = folders
        .iter()
        .filter_map(|folder| seen.list(&format!("list {folder}")))
        .flatten()
        .collect();
    match (foreign.as_slice(), writable.as_slice()) {
        ([], []) => Judged::Passed(format!("{} commands, all of the store", commands.len())),
        (_, [_, ..]) => Judged::Failed(format!("can be added to: {}", names(&writable))),
        (foreign, []) => Judged::Failed(format!("PATH has {}", names(foreign)))
            .unless_applied(seen, &[combinator::ADD_PATH, combinator::SET_ENV]),
    }
}

pub(super) fn root(seen: &Seen<'_>) -> Judged {
    let entries = seen.list("list /").unwrap_or_default();
    let words = "create /jailgen-audit";
    Judged::when(
        seen.is_refused(words),
        format!("{} ({})", names(entries), seen.answer_in_words(words)),
    )
}

/// The combinator by which the working folder can be written.
fn folder_by<'a>(seen: &Seen<'a>) -> Option<&'a str> {
    seen.plan.inside.iter().find_map(|step| match &step.op {
        InsideOp::Folder(folder) if folder.access != Access::ReadOnly => Some(step.by.as_str()),
        _ => None,
    })
}

/// The same in a cage, by its rules.
pub(super) fn ruled_folder_by<'a>(seen: &Seen<'a>) -> Option<&'a str> {
    let home = seen.host.home.as_str();
    let start = match &seen.plan.start {
        StartIn::Path(path) => Some(written(path, home)),
        StartIn::Folder => None,
    };
    seen.plan.landlock.rules.iter().find_map(|rule| match rule {
        LandlockRule::Folder(found) if found.reach.writes() => Some(found.by.as_str()),
        LandlockRule::Path(place)
            if place.reach.writes() && Some(written(&place.path, home)) == start =>
        {
            Some(place.by.as_str())
        }
        LandlockRule::Path(_)
        | LandlockRule::Folder(_)
        | LandlockRule::Bound(_)
        | LandlockRule::Closure(_)
        | LandlockRule::Standard(_) => None,
    })
}

pub(super) fn host_executes(seen: &Seen<'_>) -> Judged {
    if jail_plan::stage::staged(seen.plan).is_some() {
        return Judged::Passed("what is written to the folder is kept apart, in a stage".into());
    }
    writable_in_folder(seen, folder_by(seen))
}

/// Whether what is at a place in the working folder is the jail's own: it is in
/// memory, over the host's.
fn is_copy(seen: &Seen<'_>, place: &str) -> bool {
    let own = |mount: &Mount| mount.place == place && mount.kind == "tmpfs";
    seen.mounts().is_some_and(|mounts| mounts.iter().any(own))
}

/// What of the folder can be written, and by whose leave.
pub(super) fn writable_in_folder(seen: &Seen<'_>, by: Option<&str>) -> Judged {
    let folder = &seen.host.folder;
    let mut open: Vec<&str> = EXECUTED
        .iter()
        .copied()
        .filter(|file| seen.went_well(&format!("open-write {folder}/{file}")))
        .filter(|file| !is_copy(seen, &format!("{folder}/{file}")))
        .collect();
    let hooks = format!("{folder}/.git/hooks");
    if seen.went_well(&format!("create {hooks}/jailgen-audit")) && !is_copy(seen, &hooks) {
        open.push(".git/hooks");
    }
    match (open.as_slice(), by) {
        ([], None) => Judged::Passed("the folder cannot be written".into()),
        ([], Some(by)) => {
            Judged::Granted(seen.origin(by), "none exists now, and all can be created".into())
        }
        (open, Some(by)) => Judged::Granted(seen.origin(by), names(open)),
        (open, None) => Judged::Failed(names(open)),
    }
}

pub(super) fn deciding(seen: &Seen<'_>) -> Judged {
    let open: Vec<String> = seen
        .host
        .deciding
        .iter()
        .map(|file| file.display().to_string())
        .filter(|file| {
            seen.went_well(&format!("open-write {file}"))
                || seen.went_well(&format!("create {file}/jailgen-audit"))
        })
        .collect();
    if open.is_empty() {
        let tried = seen.host.deciding.len();
        return Judged::Passed(format!(
            "{tried} tried: the spec and what it is made of, the flake, the commands"
        ));
    }
    Judged::Failed(format!("can be written: {}", names(&open)))
}
