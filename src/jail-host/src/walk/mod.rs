//! Finds the files of a project that globs match: in parallel, by descriptors below the project's
//! folder, without following a link out of it and without entering another mount. Only folders are
//! opened. [`tracked`] finds what git knows of a match.
//!
//! An earlier jail may have written everything here. Whatever cannot be read is
//! reported, and the caller decides.

pub(crate) mod globs;
pub(crate) mod index;
mod links;
pub(crate) mod tracked;
mod workers;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rustix::fs::FileType;
use rustix::io::Errno;

use self::globs::Globs;
use self::workers::Sought;
use crate::handoff::place::Place;

/// The most names. A project that has more is one that an agent filled, or not a project.
pub(crate) const NAMES_MAX: usize = 2_000_000;

/// The bounds of a walk.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// The number of matches after which it stops.
    pub(crate) matches: usize,
    /// When it stops.
    pub(crate) until: Instant,
}

/// What is found.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// Everything that matches, by its path below the project. What is in a folder
    /// that matches, matches too.
    pub(crate) matches: BTreeMap<Vec<u8>, Match>,
    /// How links that match lead to what matches.
    pub(crate) routes: Vec<Route>,
    /// The folders that contain something named `.git`.
    pub(crate) repositories: BTreeSet<Vec<u8>>,
    /// How many names were read.
    pub(crate) names: usize,
    /// What was not read.
    pub(crate) unseen: Vec<Unseen>,
}

/// How a link that matches leads to something that matches by it.
#[derive(Debug)]
pub(crate) struct Route {
    /// The links on the way, and the folders that it passes through, with device and inode.
    pub(crate) held: BTreeMap<Vec<u8>, (u64, u64)>,
    pub(crate) end: Vec<u8>,
}

/// Something that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Match {
    /// The number of the glob.
    pub(crate) glob: usize,
    pub(crate) kind: FileType,
    /// Device and inode.
    pub(crate) identity: (u64, u64),
    /// How many names it has.
    pub(crate) names: u64,
    /// How it came to match.
    pub(crate) way: Way,
}

/// How something came to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// By its own path.
    Itself,
    /// It is in a folder that matches.
    Folder,
    /// A symbolic link that matches leads to it.
    Link,
    /// It is another name of a file that matches.
    Name,
}

/// Something that was not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unseen {
    /// Below the project.
    pub(crate) path: Vec<u8>,
    pub(crate) why: Why,
}

/// Why it was not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Another file system, or a part of one, is mounted there.
    Mount,
    /// The caller may not list it, even as its owner.
    Closed { is_own: bool },
    /// There are more names than [`NAMES_MAX`].
    TooMany,
    /// There are more matches than asked for.
    TooManyMatches,
    /// It takes longer than it may.
    TooLong,
    /// Its path is longer than the kernel accepts.
    TooDeep,
    /// Too many links that match lead to folders.
    TooManyLinks,
    /// The kernel refuses it.
    Failed(Errno),
}

/// Looks through the project.
pub(crate) fn walk(place: &Place, globs: &Globs, limits: Limits) -> Walked {
    let mut walked = Walked::default();
    workers::walk(place, Sought::Globs(globs), Vec::new(), None, limits, &mut walked);
    links::follow(place, globs, limits, &mut walked);
    other_names(place, limits, &mut walked);
    let held: usize = walked.routes.iter().map(|route| route.held.len()).sum();
    if walked.matches.len().max(held) > limits.matches {
        walked.unseen.push(Unseen { path: Vec::new(), why: Why::TooManyMatches });
    }
    walked
}

/// A file that matches may have further names that do not.
fn other_names(place: &Place, limits: Limits, walked: &mut Walked) {
    let has_more = |found: &&Match| found.names > 1 && found.kind == FileType::RegularFile;
    let inodes = walked.matches.values().filter(has_more);
    let inodes: BTreeMap<_, _> = inodes.map(|found| (found.identity.1, *found)).collect();
    if !inodes.is_empty() {
        workers::walk(place, Sought::Inodes(&inodes), Vec::new(), None, limits, walked);
    }
}

impl Walked {
    fn add(&mut self, path: Vec<u8>, found: Match) {
        let before = self.matches.entry(path).or_insert(found);
        if found.way < before.way {
            *before = found;
        }
    }

    /// The files that have a name which was not found.
    pub(crate) fn named_elsewhere(&self) -> impl Iterator<Item = &[u8]> {
        let mut seen: BTreeMap<(u64, u64), u64> = BTreeMap::new();
        for found in self.matches.values() {
            *seen.entry(found.identity).or_default() += 1;
        }
        self.matches.iter().filter_map(move |(path, found)| {
            let is_file = found.kind == FileType::RegularFile;
            let is_short = seen.get(&found.identity).is_some_and(|seen| *seen < found.names);
            (is_file && is_short).then_some(path.as_slice())
        })
    }
}
