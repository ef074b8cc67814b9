//! Takes out of a layer what was applied or is not wanted. No jail runs in it meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, fchmod, fstat, openat, unlinkat};
use rustix::io::Errno;

use super::decide::Scope;
use super::layer::{DEPTH_MAX, Layer, NAMES_MAX, Written};
use super::place::{Found, Kind, Tree, entries, found, join, sorted, split};
use crate::handoff::report::shown;

/// Removes what was applied, as far as that can be done; says of the rest where it lies and why. In
/// an opaque folder a file that is gone would be one that the jail has deleted, so such a folder
/// goes as a whole or not at all.
pub(super) fn applied(layer: &Layer, done: &[(Vec<u8>, Option<Found>)]) -> Vec<(Vec<u8>, String)> {
    let done: BTreeSet<&[u8]> = done.iter().map(|(path, _)| path.as_slice()).collect();
    let mut left = Vec::new();
    folder(layer, &done, b"", 0, &mut left);
    left
}

fn folder(
    layer: &Layer,
    done: &BTreeSet<&[u8]>,
    path: &[u8],
    depth: usize,
    left: &mut Vec<(Vec<u8>, String)>,
) {
    if depth > DEPTH_MAX {
        return;
    }
    // It is said already that nothing of it was applied.
    let Ok(opened) = layer.tree().folder(path) else { return };
    let Ok(listed) = sorted(&opened, NAMES_MAX) else { return };
    for entry in listed {
        let below = join(path, &entry.name);
        let is_done = done.contains(below.as_slice());
        let is_folder = match found(&opened, &entry.name) {
            Ok(Some(found)) => found.kind == Kind::Folder,
            Ok(None) | Err(_) => continue,
        };
        // What a file is marked as does not matter: it was decided about.
        let pruned = match is_folder.then(|| layer.folder(&below)) {
            Some(Written::Folder { is_opaque: false }) => {
                folder(layer, done, &below, depth + 1, left);
                if is_done { emptied(layer.tree(), &below) } else { Ok(()) }
            }
            Some(Written::Folder { is_opaque: true }) => {
                match is_done.then(|| is_all_done(layer, done, &below, depth + 1)) {
                    Some(Ok(true)) => remove(layer.tree(), &below).map(drop),
                    Some(Ok(false) | Err(_)) | None => Ok(()),
                }
            }
            None if is_done => writable(&opened, || removed(&opened, &entry.name)).map(drop),
            Some(_) | None => Ok(()),
        };
        if let Err(error) = pruned {
            left.push((below, error.to_string()));
        }
    }
}

/// Removes a folder, if nothing is left in it.
fn emptied(tree: &Tree, path: &[u8]) -> io::Result<()> {
    let (parent, name) = tree.parent(path)?;
    match writable(&parent, || Ok(unlinkat(&parent, name, AtFlags::REMOVEDIR)?)) {
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NOTEMPTY) => Ok(()),
        other => other,
    }
}

/// Does something to what is in a folder, also where the jail has forbidden it. What stays there
/// keeps the bits that the stage shows.
fn writable<T>(folder: &OwnedFd, what: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let mode = Mode::from_raw_mode(fstat(folder)?.st_mode & 0o7777);
    if mode.contains(Mode::RWXU) {
        return what();
    }
    fchmod(folder, mode | Mode::RWXU)?;
    let result = what();
    fchmod(folder, mode)?;
    result
}

fn is_all_done(
    layer: &Layer,
    done: &BTreeSet<&[u8]>,
    path: &[u8],
    depth: usize,
) -> io::Result<bool> {
    if depth > DEPTH_MAX {
        return Ok(false);
    }
    for (entry, _, written) in layer.list(path, NAMES_MAX)? {
        let below = join(path, &entry.name);
        if !done.contains(below.as_slice()) {
            return Ok(false);
        }
        let is_folder = matches!(written, Written::Folder { .. });
        if is_folder && !is_all_done(layer, done, &below, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes what is meant, unapplied: how many names of the layer's.
pub(super) fn dropped(layer: &Layer, project: &Tree, scope: &Scope) -> io::Result<usize> {
    let mut count = 0;
    if scope.is_all() {
        for entry in sorted(&layer.tree().folder(b"")?, NAMES_MAX)? {
            count += remove(layer.tree(), &entry.name)?;
        }
        return Ok(count);
    }
    for path in scope.paths() {
        if path.is_empty() {
            return dropped(layer, project, &Scope::new(Vec::new()));
        }
        let is_there = layer.tree().found(path).map_err(|error| about(path, error.into()))?;
        if is_there.is_none() {
            return Err(io::Error::other(format!("`{}` is not in the stage", shown(path))));
        }
        refuse_in_opaque(layer, project, path).map_err(|error| about(path, error))?;
        count += remove(layer.tree(), path)?;
    }
    Ok(count)
}

/// An error that says what it is about.
fn about(path: &[u8], error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("`{}`: {error}", shown(path)))
}

/// What is taken out of an opaque folder would be deleted in the stage, and not what the project
/// has.
fn refuse_in_opaque(layer: &Layer, project: &Tree, path: &[u8]) -> io::Result<()> {
    if project.found(path)?.is_none() {
        return Ok(());
    }
    let mut above = split(path).0;
    while !above.is_empty() {
        let (around, name) = split(above);
        let listed = layer.list(around, NAMES_MAX)?;
        let is_opaque = listed.iter().any(|(entry, _, written)| {
            entry.name == name && *written == Written::Folder { is_opaque: true }
        });
        if is_opaque {
            return Err(io::Error::other(format!(
                "the jail has made the folder `{}` anew: drop it as a whole",
                shown(above)
            )));
        }
        above = around;
    }
    Ok(())
}

/// Removes something of the layer with all that is in it, however deep: how many names. Each level
/// is held open, so that no path becomes too long.
pub(super) fn remove(tree: &Tree, path: &[u8]) -> io::Result<usize> {
    let (parent, name) = tree.parent(path)?;
    writable(&parent, || removed(&parent, name))
}

fn removed(parent: &OwnedFd, name: &[u8]) -> io::Result<usize> {
    let Some(what) = found(parent, name)? else { return Ok(0) };
    if what.kind != Kind::Folder {
        unlinkat(parent, name, AtFlags::empty())?;
        return Ok(1);
    }
    let mut count = 1;
    // A folder, the name of it in the one before, and what in it was not looked at.
    let mut levels = vec![level(parent, name)?];
    while let Some(top) = levels.last_mut() {
        let Some(next) = top.names.pop() else {
            let Some(done) = levels.pop() else { break };
            let above = levels.last().map_or(parent, |level| &level.folder);
            unlinkat(above, done.name.as_slice(), AtFlags::REMOVEDIR)?;
            continue;
        };
        count += 1;
        match unlinkat(&top.folder, next.as_slice(), AtFlags::empty()) {
            Err(Errno::ISDIR | Errno::PERM) => {
                let deeper = level(&top.folder, &next)?;
                levels.push(deeper);
            }
            other => other?,
        }
    }
    Ok(count)
}

struct Level {
    folder: OwnedFd,
    name: Vec<u8>,
    names: Vec<Vec<u8>>,
}

fn level(parent: &OwnedFd, name: &[u8]) -> io::Result<Level> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = found(parent, name)?.map_or(0, |found| found.mode);
    if mode & 0o700 != 0o700 {
        chmodat(parent, name, Mode::RWXU, AtFlags::empty())?;
    }
    let folder = openat(parent, name, flags, Mode::empty())?;
    let (listed, is_all) = entries(&folder, NAMES_MAX)?;
    if !is_all {
        return Err(io::Error::other("a folder of it has too many files; remove it by hand"));
    }
    let names = listed.into_iter().map(|entry| entry.name).collect();
    Ok(Level { folder, name: name.to_vec(), names })
}
