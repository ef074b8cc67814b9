//! What git knows of the files that were found. Git's index is read here, and git is not run.
//! An earlier jail may have written an index that claims that git has a file, so this is
//! believed only if the index names the very content that the file has now: a program that
//! could write that knew the content.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rustix::fs::FileType;
use rustix::io::Errno;

use super::index::{self, Name};
use super::{Match, Walked};
use crate::handoff::place::{Links, Place};
use crate::objects;

/// The largest index: one of a million files is about as long.
const INDEX_MAX: u64 = 192 << 20;
/// The largest file that is compared.
const FILE_MAX: u64 = 32 << 20;
const POINTER_MAX: u64 = 4096;

/// What git has of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Nothing, or the file is in no repository.
    Untracked,
    /// The content that it has now.
    Tracked,
    /// Another content: it was changed, or is only claimed to be there.
    Differs,
    /// It is in a repository whose index cannot be read.
    Unreadable,
}

/// What git has of each file that was found. `common` is the repository whose linked worktree the
/// project may be. What is not known by the deadline is not read.
pub(crate) fn standings(
    place: &Place,
    common: Option<&Place>,
    walked: &Walked,
    until: Instant,
) -> BTreeMap<Vec<u8>, Standing> {
    let mut by_repository: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    let mut standings = BTreeMap::new();
    for (path, _) in walked.matches.iter().filter(|(_, found)| is_file(found)) {
        match repository_of(path, &walked.repositories) {
            Some(repository) => by_repository.entry(repository).or_default().push(path),
            None => drop(standings.insert(path.clone(), Standing::Untracked)),
        }
    }
    for (repository, paths) in by_repository {
        let wanted: BTreeSet<&[u8]> =
            paths.iter().filter_map(|path| relative(path, repository)).collect();
        let is_late = Instant::now() > until;
        let tracked = (!is_late).then(|| read(place, common, repository, &wanted)).flatten();
        for path in paths {
            let standing = match (&tracked, relative(path, repository)) {
                (Some(tracked), Some(below)) => match tracked.get(below) {
                    Some(names) if has_content(place, path, names) => Standing::Tracked,
                    Some(_) => Standing::Differs,
                    None => Standing::Untracked,
                },
                (None, _) | (Some(_), None) => Standing::Unreadable,
            };
            standings.insert(path.to_vec(), standing);
        }
    }
    standings
}

fn is_file(found: &Match) -> bool {
    !matches!(found.kind, FileType::Directory | FileType::Symlink)
}

/// The nearest folder around a path that has a `.git`.
fn repository_of<'r>(path: &[u8], repositories: &'r BTreeSet<Vec<u8>>) -> Option<&'r [u8]> {
    let mut path = path;
    while !path.is_empty() {
        let slash = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
        path = path.get(..slash).unwrap_or_default();
        if let Some(found) = repositories.get(path) {
            return Some(found);
        }
    }
    None
}

fn relative<'p>(path: &'p [u8], folder: &[u8]) -> Option<&'p [u8]> {
    match folder {
        b"" => Some(path),
        folder => path.strip_prefix(folder)?.strip_prefix(b"/"),
    }
}

/// The content of a repository's index. Nothing if it cannot be read.
fn read(
    place: &Place,
    common: Option<&Place>,
    repository: &[u8],
    wanted: &BTreeSet<&[u8]>,
) -> Option<index::Tracked> {
    let git = join(repository, b".git");
    let (place, git) = match place.read(&git, POINTER_MAX, Links::Within) {
        Ok((_, Some(pointer))) => led_to(place, common, repository, &pointer)?,
        // A folder, or something that git does not track.
        Ok((_, None)) | Err(_) => (place, git),
    };
    let index = match place.read(&join(&git, b"index"), INDEX_MAX, Links::Within) {
        Ok((_, Some(index))) => index,
        // Nothing was ever added to it.
        Err(Errno::NOENT) => return Some(index::Tracked::new()),
        Ok((_, None)) | Err(_) => return None,
    };
    index::look_up(&index, wanted, |name| {
        place.read(&join(&git, name.as_bytes()), INDEX_MAX, Links::Within).ok()?.1
    })
}

/// The folder that the `.git` file of a worktree or a submodule names, if
/// it is in what may be read.
fn led_to<'p>(
    place: &'p Place,
    common: Option<&'p Place>,
    repository: &[u8],
    pointer: &[u8],
) -> Option<(&'p Place, Vec<u8>)> {
    let target = pointer.strip_prefix(b"gitdir: ")?.trim_ascii_end();
    let around = [place.path.as_slice(), b"/", repository].concat();
    let target = match target {
        [b'/', ..] => target.to_vec(),
        _ => join(&around, target),
    };
    let target = plain(&target);
    [Some(place), common].into_iter().flatten().find_map(|place| {
        let below = target.strip_prefix(place.path.as_slice())?.strip_prefix(b"/")?;
        Some((place, below.to_vec()))
    })
}

fn join(folder: &[u8], name: &[u8]) -> Vec<u8> {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

/// An absolute path without dots.
fn plain(path: &[u8]) -> Vec<u8> {
    let mut names = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." => drop(names.pop()),
            name => names.push(name),
        }
    }
    [b"/".as_slice(), &names.join(b"/".as_slice())].concat()
}

/// Whether the content of a file is the object that the index has for it. An index with several
/// could list all possible contents; git has several only during an unfinished merge.
fn has_content(place: &Place, path: &[u8], names: &[Name]) -> bool {
    let [name] = names else { return false };
    let Ok((_, Some(content))) = place.read(path, FILE_MAX, Links::Refused) else { return false };
    objects::name(&content, name.len()) == **name
}

#[cfg(test)]
mod tests;
