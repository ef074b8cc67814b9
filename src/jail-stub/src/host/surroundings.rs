//! The variables of what runs on the host: the launcher's own, but no list leads programs to where a jail could write.
//!
//! An agent may have left `node_modules/.bin/xdg-open` in the project, or a `libc.so.6` (escapes.md E19). This is decided
//! here, once, for everything that a launch starts outside the jail.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;

use jail_plan::search;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, readlinkat};
use rustix::io::Errno;

use super::Folder;
use super::walk::{Identity, WritableTrees, open};
use crate::caller::Caller;

/// The variables, as the kernel takes them.
pub(crate) fn surroundings(caller: &Caller<'_>, trees: &WritableTrees) -> Vec<CString> {
    let trusted = Trusted { trees, project: project(caller) };
    let mut variables: Vec<CString> = caller
        .environment()
        .iter()
        .filter_map(|entry| variable(entry.to_bytes(), &trusted))
        .collect();
    if let Ok(folder) = Folder::current() {
        let project = [search::PROJECT.as_bytes(), b"=", &folder.path].concat();
        variables.extend(CString::new(project));
    }
    variables
}

fn variable(entry: &[u8], trusted: &Trusted<'_>) -> Option<CString> {
    let equals = entry.iter().position(|byte| *byte == b'=').unwrap_or(entry.len());
    let (name, value) = entry.split_at(equals);
    if name == search::PROJECT.as_bytes() {
        return None;
    }
    if !search::is_list(name) {
        return CString::new(entry).ok();
    }
    let list = search::clean(value.get(1..)?, |entry| trusted.holds(entry))?;
    CString::new([name, b"=", &list].concat()).ok()
}

/// Where no jail writes.
struct Trusted<'a> {
    trees: &'a WritableTrees,
    /// The folder that the wrapper was started in.
    project: Option<Identity>,
}

impl Trusted<'_> {
    /// Whether no jail can change what is found at `path`. What is not there yet may be made by one.
    fn holds(&self, path: &[u8]) -> bool {
        open(path, self.trees).is_ok_and(|place| self.is_outside(&place).unwrap_or(false))
    }

    fn is_outside(&self, place: &OwnedFd) -> Result<bool, Errno> {
        let link = format!("/proc/self/fd/{}", place.as_raw_fd());
        let path = readlinkat(CWD, link, Vec::new())?.into_bytes();
        let mut folders = path.as_slice();
        loop {
            let identity = Identity::at(if folders.is_empty() { b"/" } else { folders })?;
            if self.project == Some(identity) || self.trees.has_top(identity) {
                return Ok(false);
            }
            let Some(slash) = folders.iter().rposition(|byte| *byte == b'/') else {
                return Ok(true);
            };
            folders = folders.get(..slash).unwrap_or_default();
        }
    }
}

/// The working folder, which may be a checkout of somebody else's. One that holds the home folder is no project; where a
/// jail is given that, it is one of its trees.
fn project(caller: &Caller<'_>) -> Option<Identity> {
    let project = Identity::at(".").ok()?;
    let Ok(home) = caller.home_folder() else { return Some(project) };
    let mut folders = home.as_str();
    while !folders.is_empty() {
        if Identity::at(folders) == Ok(project) {
            return None;
        }
        folders = folders.rsplit_once('/').map_or("", |(parent, _)| parent);
    }
    (Identity::at("/") != Ok(project)).then_some(project)
}
