//! Offers, once, to put an agent's file where all its sessions have the same one: into the folder
//! that its jails are given.
//!
//! A file next to that folder is a copy in each jail (`state-file`), and a lock on it is another
//! one in each. It is moved and not named by a variable (`CLAUDE_CONFIG_DIR`), because a session
//! outside, which has no such variable, would keep to the old one.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use jail_policy::{Grant, Policy, Text};
use jail_registry::{MOVABLE, Movable};
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::Context;
use crate::files::Private;

/// Below the state folder: what was reported to the user or answered by them, a file for each.
const REPORTED: &str = "told";

/// For each jail that has such a file and the folder.
pub(super) fn offer(policies: &[Policy], context: Context) {
    let home = std::env::var_os("HOME").map(PathBuf::from).filter(|home| home.is_absolute());
    let Some(home) = home else { return };
    for movable in MOVABLE {
        if policies.iter().any(|policy| has_both(policy, movable)) {
            offer_one(movable, &home, context);
        }
    }
}

fn has_both(policy: &Policy, movable: &Movable) -> bool {
    let is = |text: &Text, path: &str| text.expand && text.as_str() == Some(path);
    let grants = || policy.grants.iter().map(|entry| &entry.grant);
    grants().any(|grant| matches!(grant, Grant::StateFile { path, .. } if is(path, movable.file)))
        && grants().any(
            |grant| matches!(grant, Grant::StateDirectory { path, .. } if is(path, movable.folder)),
        )
}

/// What is there now.
enum StateFile {
    /// The file in the folder, or something that is not ours to move.
    Settled,
    /// The file is next to the folder.
    NextToFolder,
    Nothing,
}

fn offer_one(movable: &Movable, home: &Path, context: Context) {
    let Movable { agent, file, inside, .. } = movable;
    let found = found(movable, home);
    let (question, command) = match found {
        StateFile::Settled => return,
        StateFile::NextToFolder => {
            ("Move it there now? End its sessions first.", format!("mv {file} {inside}"))
        }
        StateFile::Nothing => {
            ("Make it there now?", format!("echo '{}' >{inside}", movable.first.trim()))
        }
    };
    let advice = format!(
        "{agent} keeps `{file}` next to its folder. Each jail has a copy of that file, so of two sessions that change it at the same time \
         one loses its changes. It takes `{inside}` instead where that is there: in the folder that all sessions share, outside too.",
    );
    let marker = format!("{}-in-its-folder", movable.folder.trim_start_matches("~/."));
    let kept = context.state_folder().map(|state| state.join(REPORTED));
    let was_declined = || {
        let kept = Private::open(kept.as_deref()?).ok()??;
        kept.read(marker.as_ref()).ok()?
    };
    if was_declined().is_some() {
        return;
    }
    match context.console.ask(&advice, question) {
        None => context.console.note("hint", &format!("{advice} `{command}`")),
        Some(true) => match settle(movable, &found, home) {
            Ok(()) => context
                .console
                .note("moved", &format!("{agent}'s `{file}` is `{inside}` from now on")),
            Err(error) => {
                context.console.error(&format!("`{inside}` cannot be made: {error}"), None);
            }
        },
        // It is not asked again; the page of `state-file` has the advice.
        Some(false) => {
            let kept = kept.and_then(|kept| Private::create(&kept).ok());
            let _ = kept.map(|kept| kept.write(marker.as_ref(), b""));
        }
    }
}

fn found(movable: &Movable, home: &Path) -> StateFile {
    let at = |path| match in_home(home, path).symlink_metadata() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    };
    match (at(movable.inside), at(movable.file)) {
        (Ok(None), Ok(None)) => StateFile::Nothing,
        (Ok(None), Ok(Some(file))) if file.is_file() && file.nlink() == 1 => {
            StateFile::NextToFolder
        }
        (Ok(_) | Err(_), Ok(_) | Err(_)) => StateFile::Settled,
    }
}

/// No link is followed at the end of either path: what is in the folder may be a jail's doing.
fn settle(movable: &Movable, found: &StateFile, home: &Path) -> io::Result<()> {
    let (folder, inside) = (in_home(home, movable.folder), in_home(home, movable.inside));
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        other => other?,
    }
    match found {
        StateFile::Settled => Ok(()),
        StateFile::NextToFolder => {
            let file = in_home(home, movable.file);
            Ok(renameat_with(CWD, file, CWD, inside, RenameFlags::NOREPLACE)?)
        }
        StateFile::Nothing => {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(inside)?;
            file.write_all(movable.first.as_bytes())
        }
    }
}

fn in_home(home: &Path, path: &str) -> PathBuf {
    home.join(path.trim_start_matches("~/"))
}
