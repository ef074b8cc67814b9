//! The git repository that contains the working folder, and what to report if the working
//! folder is only a part of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{InsideOp, Lookup, Plan, stage};
use rustix::fs::{AtFlags, CWD, statat};

use super::{Folder, WritableTrees, is_first};
use crate::caller::{Caller, StateFolder};
use crate::failure;

/// Makes git look for a repository above a folder that is a mount.
const ACROSS: &str = "GIT_DISCOVERY_ACROSS_FILESYSTEM";

/// The nearest folder with a `.git`, from the working folder upwards. Above the home folder nothing
/// is looked up: it may be a place where each lookup goes over a network.
pub(super) fn top(caller: &Caller<'_>) -> Option<Vec<u8>> {
    let mut folder = Folder::current().ok()?.path;
    let home = caller.home_folder().ok().map(|home| home.as_str().as_bytes());
    loop {
        let base = folder.strip_suffix(b"/").unwrap_or(&folder);
        if statat(CWD, &*[base, b"/.git"].concat(), AtFlags::SYMLINK_NOFOLLOW).is_ok() {
            return Some(folder);
        }
        if Some(base) == home {
            return None;
        }
        let slash = base.iter().rposition(|byte| *byte == b'/')?;
        folder.truncate(slash.max(1));
        if folder == b"/" {
            return None;
        }
    }
}

/// Reports why git finds no repository if the jail is started in a subfolder of one, and what to
/// write: once for each such folder.
pub(crate) fn report(plan: &Plan, caller: &Caller<'_>, trees: &WritableTrees<'_>) {
    let Some(folder) = stage::folder(plan).filter(|_| has_git(plan)) else { return };
    let (Some(top), Ok(Folder { path: here })) = (top(caller), Folder::current()) else { return };
    if top == here || is_shown(plan, caller, &top) {
        return;
    }
    let name = caller.folder().unwrap_or_default();
    let is_first = |state: StateFolder| {
        is_first(&state.base, &state.file(&format!("told/subfolders/{name}")), trees)
    };
    if caller.state_folder().map_or(true, is_first) {
        let top = String::from_utf8_lossy(&top);
        let history = match folder.to {
            None => format!(
                ", or grant all of it with `mount-project`, or, to read the history alone, write `(readonly \"{top}/.git\") (set-env \"{ACROSS}\" \"1\")`"
            ),
            // It is not below the repository inside.
            Some(_) => String::new(),
        };
        let words = format!(
            "git finds no repository in this folder of {top}, because that is not in the jail: start it there{history} (reported once)"
        );
        failure::say(&words, None);
    }
}

/// Whether the program can run git: a jail without git needs no message about it.
fn has_git(plan: &Plan) -> bool {
    let is_git =
        |name: &str| name.split_once('-').is_some_and(|(_, rest)| rest.starts_with("git-"));
    plan.closure.names.iter().any(|name| is_git(name))
}

/// Whether git finds the repository: the plan puts it, or a folder that contains it, in place by
/// name; or `.git` alone, which is then on another file system than the working folder.
fn is_shown(plan: &Plan, caller: &Caller<'_>, top: &[u8]) -> bool {
    let git = [top, b"/.git"].concat();
    let across = plan.env.iter().any(|variable| variable.op.name() == ACROSS);
    plan.inside.iter().any(|step| {
        let InsideOp::Bind(op) = &step.op else { return false };
        let Ok(to) = caller.path(&op.to) else { return false };
        let to = to.as_str().trim_end_matches('/').as_bytes();
        let around = top.strip_prefix(to);
        around.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            || (across && to == git)
    })
}
