//! The working folder. A jail has one, so one grant describes what `mount-cwd`,
//! `mount-cwd-readonly` and `workspace` together ask for. A grant that adds to it
//! replaces the grant before.

use jail_policy::{Access, Entry, GitSettings, Grant, Text};

use super::finish::with_first;
use super::{Granted, Lowering};
use crate::diagnostic::{Code, Diagnostic};
use crate::term::Place;

/// What the spec has said about the working folder so far.
#[derive(Default)]
pub(super) struct Wish {
    access: Option<(Access, Option<Place>)>,
    to: Option<Text>,
}

/// The grant that replaces the one before, now that a combinator has added this. What
/// it takes back is reported.
pub(super) fn wanted(
    state: &mut Lowering<'_>,
    access: Option<Access>,
    to: Option<Text>,
    place: Option<Place>,
) -> Grant {
    state.grants.retain(|granted| !matches!(granted.entry.grant, Grant::Folder { .. }));
    if to.is_some() {
        state.folder.to = to;
    }
    if let Some(access) = access {
        let before = state.folder.access.replace((access, place));
        state.diagnostics.extend(before.and_then(|before| taken_back(before, access, place)));
    }
    let access = state.folder.access.map_or(Access::ReadWrite, |(access, _)| access);
    Grant::Folder { access, to: state.folder.to.clone() }
}

/// Adds what depends on the whole spec to the working folder.
pub(super) fn settle(state: &mut Lowering<'_>) {
    keep_git_apart(state);
    leave_masks_out(state);
}

/// Without a working folder, there is nothing to mask; the builders ask for
/// masks in all of their jails.
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
        matches!(granted.entry.grant, Grant::Folder { access: Access::ReadWrite, .. })
    };
    let Some(at) = state.grants.iter().position(is_writable).filter(|_| !is_said) else { return };
    if let Some(by) = state.grants.get(at).map(|folder| folder.entry.by.clone()) {
        let grant = Grant::Git { settings: GitSettings::Apart };
        state.grants.insert(at + 1, Granted { entry: Entry { by, grant }, named: None });
    }
}

fn taken_back(
    (before, at): (Access, Option<Place>),
    access: Access,
    place: Option<Place>,
) -> Option<Diagnostic> {
    if before == access {
        return None;
    }
    let (first, now) = (words(before), words(access));
    let message = format!("the working folder is granted twice, first {first}, now {now}");
    let warning = Diagnostic::warning(Code::ConflictingGrants, place, message)
        .label("this one counts")
        .help("remove one of them");
    Some(with_first(warning, at))
}

fn words(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::ReadWrite => "read-write",
        Access::Device => "as a device",
    }
}
