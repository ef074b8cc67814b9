//! The commands: links in `bin`, each through the root of the spec that it is of. So one look at a
//! link says whose it is, and a new build needs no new link.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::record::Record;
use super::{BuildError, State, name};
use crate::files::{create_private, link_atomically};

/// Whose a command is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The name is free.
    Unused,
    /// That of the spec whose files in the state folder have this name.
    Spec(String),
    /// Something else is there, which jailgen has not made.
    Unknown,
}

/// Whose the command of this name is.
pub(super) fn owner(state: &State, command: &str) -> Owner {
    match state.command(command).read_link() {
        Ok(target) => owner_of(state, command, &target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Owner::Unused,
        Err(_) => Owner::Unknown,
    }
}

fn owner_of(state: &State, command: &str, target: &Path) -> Owner {
    // Links of jailgen's first versions led straight to the store, and said nothing about whose
    // they are. In a folder of the user's own such a link may be anybody's.
    let is_old = state.defaults.commands.is_none() && target.starts_with("/nix/store");
    if is_old && target.ends_with(Path::new("bin").join(command)) {
        return Owner::Unused;
    }
    let below = target.strip_prefix(state.roots()).ok();
    let first = below.and_then(|below| below.components().next());
    match first.and_then(|name| name.as_os_str().to_str()) {
        Some(name) => Owner::Spec(name.to_owned()),
        None => Owner::Unknown,
    }
}

impl State {
    /// Whether the command of this name is linked, to a jail of the spec at a place.
    #[must_use]
    pub fn is_linked(&self, place: &Path, command: &str) -> bool {
        owner(self, command) == Owner::Spec(name(place))
    }
}

/// Refuses a name that is another spec's, as long as that spec exists.
pub(super) fn refuse_taken(state: &State, place: &Path, command: &str) -> Result<(), BuildError> {
    match owner(state, command) {
        Owner::Unused => Ok(()),
        Owner::Spec(of) if of == name(place) => Ok(()),
        Owner::Spec(of) => match Record::named(state, &of).map(|record| record.spec) {
            Some(spec) if spec.try_exists().unwrap_or(true) => {
                Err(BuildError::Taken { name: command.into(), spec })
            }
            Some(_) | None => Ok(()),
        },
        Owner::Unknown => {
            let link = state.command(command);
            Err(BuildError::Occupied { to: link.read_link().ok(), link })
        }
    }
}

/// Makes `command` a link to the program of that name in a jail's wrapper.
pub(super) fn link(
    state: &State,
    place: &Path,
    jail: &str,
    command: &str,
) -> Result<PathBuf, BuildError> {
    let link = state.command(command);
    let failed = |error| BuildError::Io { path: link.clone(), error };
    create_private(&state.bin()).map_err(failed)?;
    let target = state.root_of(place, jail).join("bin").join(command);
    link_atomically(&target, &link).map_err(failed)?;
    Ok(link)
}

/// Removes the commands of a spec except those that `keep` accepts, and returns their names.
pub(super) fn unlink(
    state: &State,
    spec: &str,
    keep: impl Fn(&str) -> bool,
) -> io::Result<Vec<PathBuf>> {
    let mut removed = Vec::new();
    for command in of_spec(state, spec)? {
        if !keep(&command) {
            let link = state.command(&command);
            fs::remove_file(&link)?;
            removed.push(link);
        }
    }
    Ok(removed)
}

/// The commands that are linked to jails of a spec, sorted.
pub(super) fn of_spec(state: &State, spec: &str) -> io::Result<Vec<String>> {
    let is_its = |command: &String| owner(state, command) == Owner::Spec(spec.to_owned());
    Ok(names(&state.bin())?.into_iter().filter(is_its).collect())
}

/// The names in a folder that are text, sorted; none where there is no folder.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        // What is being made has a hidden name, and jailgen gives no other names than text.
        let name = entry?.file_name().into_string().ok();
        names.extend(name.filter(|name| !name.starts_with('.')));
    }
    names.sort();
    Ok(names)
}

/// Removes the roots of a spec but for those of `keep`.
pub(super) fn drop_roots(state: &State, spec: &str, keep: &[&str]) -> io::Result<()> {
    let folder = state.roots().join(spec);
    for root in names(&folder)?.iter().filter(|root| !keep.contains(&root.as_str())) {
        fs::remove_file(folder.join(OsStr::new(root)))?;
    }
    Ok(())
}
