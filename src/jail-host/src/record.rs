//! jailgen's own state folder, and the part of the stub's record in it about folders
//! that are gone with a launch.

#![expect(
    clippy::disallowed_methods,
    reason = "variables of the caller name the folder of its state"
)]

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jail_plan::OWN_STATE;
use jail_plan::trust::{TREES, Tree};

/// The variables that say where the record is.
pub(crate) fn variables() -> impl Iterator<Item = (&'static str, OsString)> {
    OWN_STATE.into_iter().filter_map(|(name, _)| Some((name, std::env::var_os(name)?)))
}

/// Removes a folder from the record that will not be there again, so the record does not grow with
/// each launch. What cannot be removed stays, and only makes later launches stricter.
pub(crate) fn forget(folder: &Path) {
    let Some(trees) = own_state().map(|state| state.join(TREES)) else { return };
    let Ok(files) = std::fs::read_dir(trees) else { return };
    for file in files.filter_map(Result::ok) {
        let tree = std::fs::read(file.path()).ok().and_then(|content| Tree::parse(&content));
        if tree.is_some_and(|tree| tree.path == folder.as_os_str().as_bytes()) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// jailgen's state folder.
pub(crate) fn own_state() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    OWN_STATE.iter().find_map(|(name, below)| Some(absolute(name)?.join(below)))
}
