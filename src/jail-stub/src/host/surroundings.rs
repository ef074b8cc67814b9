//! The variables of what runs on the host: the launcher's own, without entries of lists that lead
//! programs to where a jail could write.
//!
//! An agent may have left `node_modules/.bin/xdg-open` in the project, or a `libc.so.6` (escapes.md
//! E19). This is decided here, once, for everything that a launch starts outside the jail.

use alloc::ffi::CString;
use alloc::vec::Vec;

use jail_plan::search;

use super::Folder;
use super::trust::WritableTrees;
use super::walk::{Identity, Level, passed};
use crate::caller::Caller;

/// The variables, in the kernel's form.
pub(crate) fn surroundings(caller: &Caller<'_>, trees: &WritableTrees<'_>) -> Vec<CString> {
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
    trees: &'a WritableTrees<'a>,
    /// The folder that the wrapper was started in.
    project: Option<Identity>,
}

impl Trusted<'_> {
    /// Whether no jail can change what is at `path`, and none ever could. A jail may make
    /// what does not exist yet.
    fn holds(&self, path: &[u8]) -> bool {
        let Ok(passed) = passed(path, self.trees) else { return false };
        let is_project = |level: &Level| self.project == Some(level.identity);
        !passed.iter().any(is_project) && self.trees.first_in(&passed).is_none()
    }
}

/// The working folder, which may be a checkout of another person's project. One that contains the
/// home folder is not a project; if a jail is given that, it is one of its trees.
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
