//! Takes out of a layer what was applied or is not wanted. No jail runs in it meanwhile.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, chmodat, openat, unlinkat};
use rustix::io::Errno;

use super::decide::Scope;
use super::layer::{DEPTH_MAX, Layer, NAMES_MAX, Written};
use super::place::{Found, Kind, Tree, entries, found, join, sorted, split};

/// Removes what was applied. In an opaque folder a file that is gone would be one that the jail has deleted, so such a folder goes as a
/// whole or not at all.
pub(super) fn applied(layer: &Layer, done: &[(Vec<u8>, Option<Found>)]) -> io::Result<()> {
    let done: BTreeSet<&[u8]> = done.iter().map(|(path, _)| path.as_slice()).collect();
    folder(layer, &done, b"", 0)
}

fn folder(layer: &Layer, done: &BTreeSet<&[u8]>, path: &[u8], depth: usize) -> io::Result<()> {
    if depth > DEPTH_MAX {
        return Ok(());
    }
    for (entry, _, written) in layer.list(path, NAMES_MAX)? {
        let below = join(path, &entry.name);
        let Written::Folder { is_opaque } = written else {
            if done.contains(below.as_slice()) {
                remove(layer.tree(), &below)?;
            }
            continue;
        };
        let is_done = done.contains(below.as_slice());
        if is_opaque {
            if is_done && is_all_done(layer, done, &below, depth + 1)? {
                remove(layer.tree(), &below)?;
            }
            continue;
        }
        folder(layer, done, &below, depth + 1)?;
        let (parent, name) = layer.tree().parent(&below)?;
        if is_done {
            match unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                Err(Errno::NOTEMPTY) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
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
        if layer.tree().found(path)?.is_none() {
            return Err(io::Error::other(format!(
                "`{}` is not in the stage",
                jail_plan::one_line(&String::from_utf8_lossy(path))
            )));
        }
        refuse_in_opaque(layer, project, path)?;
        count += remove(layer.tree(), path)?;
    }
    Ok(count)
}

/// What is taken out of an opaque folder would be deleted in the stage, and not what the project has.
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
                jail_plan::one_line(&String::from_utf8_lossy(above))
            )));
        }
        above = around;
    }
    Ok(())
}

/// Removes something of the layer with all that is in it, however deep: how many names. Each level is held open, so that no path
/// becomes too long.
fn remove(tree: &Tree, path: &[u8]) -> io::Result<usize> {
    let (parent, name) = tree.parent(path)?;
    let Some(what) = found(&parent, name)? else { return Ok(0) };
    if what.kind != Kind::Folder {
        unlinkat(&parent, name, AtFlags::empty())?;
        return Ok(1);
    }
    let mut count = 1;
    // A folder, the name of it in the one before, and what in it was not looked at.
    let mut levels = vec![level(&parent, name)?];
    while let Some(top) = levels.last_mut() {
        let Some(next) = top.names.pop() else {
            let Some(done) = levels.pop() else { break };
            let above = levels.last().map_or(&parent, |level| &level.folder);
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
