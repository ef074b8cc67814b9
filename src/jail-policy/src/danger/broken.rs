//! Values of PATH and HOME with which a jail does not work: a place is set that is not there.

use super::{Danger, DangerCode};
use crate::exposure::is_below;
use crate::{BASE, Entry, Grant, Severity, Text};

pub(super) fn dangers(grants: &[Entry]) -> Vec<Danger> {
    [path(grants), home(grants)].into_iter().flatten().collect()
}

const PATH: &str = "PATH";
const HOME: &str = "HOME";

/// The last grant that gives a variable its value, or removes it, and its index.
fn last<'a>(grants: &'a [Entry], variable: &str) -> Option<(usize, &'a Entry)> {
    let is_about = |entry: &Entry| match &entry.grant {
        Grant::SetEnv { name, .. } | Grant::ForwardEnv { name, .. } | Grant::UnsetEnv { name } => {
            name == variable
        }
        _ => false,
    };
    let at = grants.iter().rposition(is_about)?;
    grants.get(at).filter(|entry| entry.by.combinator != BASE).map(|entry| (at, entry))
}

/// A new value of PATH replaces all folders that were in it.
fn path(grants: &[Entry]) -> Option<Danger> {
    let (at, entry) = last(grants, PATH)?;
    let (before, after) = (grants.get(..at)?, grants.get(at + 1..)?);
    let adds =
        |entry: &&Entry| matches!(entry.grant, Grant::AddPath { .. } | Grant::DevShell { .. });
    let lost = before.iter().filter(adds).find(|entry| entry.by.combinator != BASE);
    let what = if let Some(lost) = lost {
        format!(
            "`PATH` is replaced: the commands that `{}` added before are not found",
            lost.by.combinator
        )
    } else if after.iter().any(|entry| adds(&entry)) || may_hold_commands(&entry.grant, grants) {
        return None;
    } else {
        "no folder of `PATH` is in the jail, so no command is found".into()
    };
    let fix = "put one folder in front with `add-path`, which keeps the others, or a package with `add-pkg-deps`";
    Some(Danger::from_entry(entry, Severity::Medium, DangerCode::BreaksPath, what, fix))
}

/// Whether a folder of a value may be inside. What only the launch or Nix knows may be.
fn may_hold_commands(grant: &Grant, grants: &[Entry]) -> bool {
    match grant {
        Grant::SetEnv { value, .. } => match value.as_str() {
            Some(folders) if !value.expand => {
                folders.split(':').any(|folder| is_inside(folder, grants))
            }
            Some(_) | None => true,
        },
        // The launcher's folders are the host's.
        Grant::ForwardEnv { .. } => ["/usr/bin", "/bin"].iter().any(|it| has_commands(it, grants)),
        _ => false,
    }
}

/// `/bin` and the store are in every jail.
fn is_inside(folder: &str, grants: &[Entry]) -> bool {
    folder == "/bin" || folder.starts_with("/nix/store/") || has_commands(folder, grants)
}

/// Whether the spec puts something there. What every jail has, such as /usr/bin/env, does not
/// make a folder of commands.
fn has_commands(folder: &str, grants: &[Entry]) -> bool {
    is_granted(folder, grants.iter().filter(|entry| entry.by.combinator != BASE))
}

/// Whether something is put at a place, above or below it.
fn is_granted<'a>(place: &str, grants: impl IntoIterator<Item = &'a Entry>) -> bool {
    let targets = grants.into_iter().filter_map(|entry| entry.grant.target());
    let mut known = targets.filter(|target| !target.expand).filter_map(Text::as_str);
    known.any(|target| is_below(place, target) || is_below(target, place))
}

/// A home folder that is not there, or not the one that state is granted in.
fn home(grants: &[Entry]) -> Option<Danger> {
    let (_, entry) = last(grants, HOME)?;
    let Grant::SetEnv { value, .. } = &entry.grant else { return None };
    let place = value.as_str().filter(|_| !value.expand)?;
    let elsewhere = grants.iter().find_map(|entry| {
        let target = entry.grant.target().filter(|target| target.expand)?.as_str()?;
        target.starts_with("~/").then_some(target)
    });
    let what = if !is_granted(place, grants) {
        format!(
            "`HOME` is `{place}`, where no grant puts a folder: programs cannot write their settings"
        )
    } else if let Some(target) = elsewhere {
        format!("`HOME` is `{place}`, and programs look there for what is granted as `{target}`")
    } else {
        return None;
    };
    let fix = "leave it out: `HOME` is your home folder's path by default, and what is granted below `~` is there";
    Some(Danger::from_entry(entry, Severity::Medium, DangerCode::BreaksHome, what, fix))
}
