//! The working folder. There is one, so there is one grant of it, which says what `mount-cwd`,
//! `mount-cwd-readonly`, `stage-cwd` and `workspace` together want. A grant that says more about it
//! replaces the grant before.

use jail_policy::{Access, Entry, GitSettings, Grant, Text};

use super::finish::with_first;
use super::{Granted, Lowering};
use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

/// How the jail has the working folder.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Way {
    ReadOnly,
    ReadWrite,
    /// What is written is kept in the stage of this name.
    Staged(String),
}

/// What has been said about the working folder so far.
#[derive(Default)]
pub(super) struct Wish {
    way: Option<(Way, Option<Place>)>,
    to: Option<Text>,
}

/// The grant that replaces the one before, now that a combinator has added this. What
/// it takes back is reported.
pub(super) fn wanted(
    state: &mut Lowering<'_>,
    way: Option<Way>,
    to: Option<Text>,
    place: Option<Place>,
) -> Grant {
    state.grants.retain(|granted| !matches!(granted.entry.grant, Grant::Folder { .. }));
    if to.is_some() {
        state.folder.to = to;
    }
    if let Some(way) = way {
        let before = state.folder.way.replace((way.clone(), place));
        state.diagnostics.extend(before.and_then(|before| taken_back(before, &way, place)));
    }
    let (access, stage) = match &state.folder.way {
        Some((Way::ReadOnly, _)) => (Access::ReadOnly, None),
        Some((Way::ReadWrite, _)) | None => (Access::ReadWrite, None),
        Some((Way::Staged(name), _)) => (Access::ReadWrite, Some(name.clone())),
    };
    Grant::Folder { access, to: state.folder.to.clone(), stage }
}

/// Adds what depends on the whole spec to the working folder.
pub(super) fn settle(state: &mut Lowering<'_>) {
    refuse_beside_a_stage(state);
    keep_git_apart(state);
    leave_masks_out(state);
}

/// Under a stage nothing of the folder is written, so what says how it is written contradicts that
/// or means nothing.
fn refuse_beside_a_stage(state: &mut Lowering<'_>) {
    let is_staged =
        |granted: &Granted| matches!(granted.entry.grant, Grant::Folder { stage: Some(_), .. });
    let Some(staged) = state.grants.iter().find(|granted| is_staged(granted)) else { return };
    let stage = staged.entry.by.clone();
    for granted in &state.grants {
        let (why, help) = match &granted.entry.grant {
            Grant::Worktree => (
                "gives the real repository for writing, and under a stage nothing is written",
                "stage the main worktree, or clone the repository: `git clone --shared` makes a folder that can be staged",
            ),
            Grant::Git { .. } => (
                "is about the real `.git`, and under a stage the jail writes none",
                "drop it: all of `.git` is in the stage",
            ),
            Grant::Protect { .. } | Grant::Quarantine => (
                "is about what a session leaves in the folder, and under a stage it leaves nothing there",
                "drop it: `jailgen apply` asks about what host programs execute",
            ),
            Grant::DedicatedUser { .. } => (
                "has no stages yet: what another user writes there could not be applied",
                "use `mount-cwd`, or drop the user",
            ),
            _ => continue,
        };
        let by = &granted.entry.by;
        let message = format!("`{}` {why}", by.combinator);
        let place = state.places.get(by).copied();
        let error = Diagnostic::error(Code::Contradiction, place, message)
            .label("not together with a stage")
            .help(help);
        let error = match state.places.get(&stage) {
            Some(staged) => error.secondary(*staged, "the stage"),
            None => error,
        };
        state.diagnostics.push(error);
    }
}

/// Without a working folder there is nothing to mask, and the builders mask something in all of
/// their jails.
fn leave_masks_out(state: &mut Lowering<'_>) {
    let is_folder = |granted: &Granted| matches!(granted.entry.grant, Grant::Folder { .. });
    if !state.grants.iter().any(is_folder) {
        state.grants.retain(|granted| !matches!(granted.entry.grant, Grant::Mask { .. }));
    }
}

/// If the working folder is writable, git's settings there are kept apart, unless the
/// spec has decided otherwise.
fn keep_git_apart(state: &mut Lowering<'_>) {
    let is_said =
        state.grants.iter().any(|granted| matches!(granted.entry.grant, Grant::Git { .. }));
    let is_writable = |granted: &Granted| {
        matches!(granted.entry.grant, Grant::Folder { access: Access::ReadWrite, stage: None, .. })
    };
    let Some(at) = state.grants.iter().position(is_writable).filter(|_| !is_said) else { return };
    if let Some(by) = state.grants.get(at).map(|folder| folder.entry.by.clone()) {
        let grant = Grant::Git { settings: GitSettings::Apart };
        state.grants.insert(at + 1, Granted { entry: Entry { by, grant }, named: None });
    }
}

fn taken_back(
    (before, at): (Way, Option<Place>),
    way: &Way,
    place: Option<Place>,
) -> Option<Diagnostic> {
    if before == *way {
        return None;
    }
    let (first, now) = (words(&before), words(way));
    let message = format!("the working folder is granted twice, first {first}, now {now}");
    let warning = Diagnostic::warning(Code::ConflictingGrants, place, message)
        .label("this one counts")
        .help("remove one of them");
    Some(with_first(warning, at))
}

fn words(way: &Way) -> String {
    match way {
        Way::ReadOnly => "read-only".into(),
        Way::ReadWrite => "read-write".into(),
        Way::Staged(name) => format!("in the stage `{name}`"),
    }
}
