//! The stub's record of what a jail could write, as far as it is about folders that are gone with a launch.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jail_plan::trust::{TREES, Tree};

/// The variables that say where the record is.
pub(crate) fn variables() -> impl Iterator<Item = (&'static str, OsString)> {
    let value = |name| Some((name, std::env::var_os(name)?));
    ["XDG_STATE_HOME", "HOME"].into_iter().filter_map(value)
}

/// Takes a folder out that will not be there again, so that the record does not grow with each launch. What cannot be taken
/// out stays, and makes later launches only stricter.
pub(crate) fn forget(folder: &Path) {
    let Some(files) = trees().and_then(|trees| std::fs::read_dir(trees).ok()) else { return };
    for file in files.filter_map(Result::ok) {
        let tree = std::fs::read(file.path()).ok().and_then(|content| Tree::parse(&content));
        if tree.is_some_and(|tree| tree.path == folder.as_os_str().as_bytes()) {
            let _ = std::fs::remove_file(file.path());
        }
    }
}

/// By the stub's own rule.
fn trees() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("jailgen").join(TREES))
}
