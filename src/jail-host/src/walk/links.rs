//! Symbolic links that match: their targets in the project match too. Targets outside are
//! not part of the project.

use std::collections::{BTreeMap, BTreeSet};

use rustix::fs::FileType;

use super::globs::Globs;
use super::workers::{self, Sought};
use super::{Limits, Match, Route, Unseen, Walked, Way, Why};
use crate::handoff::place::Place;

/// The most links that match and lead to folders.
const FOLDERS_MAX: usize = 256;

/// Follows them all.
pub(super) fn follow(place: &Place, globs: &Globs, limits: Limits, walked: &mut Walked) {
    let (mut seen, mut folders) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let is_link = |found: &Match| found.kind == FileType::Symlink;
        let links =
            walked.matches.iter().filter(|(path, found)| is_link(found) && !seen.contains(*path));
        let links: Vec<_> = links.map(|(path, found)| (path.clone(), found.glob)).collect();
        if links.is_empty() {
            return;
        }
        for (link, glob) in links {
            let route = place.route(&link);
            seen.insert(link);
            // It leads nowhere, or out of the project.
            let Some(route) = route else { continue };
            let (path, stat) = route.end;
            let kind = FileType::from_raw_mode(stat.st_mode);
            #[expect(clippy::useless_conversion, reason = "it is smaller on some processors")]
            let names = u64::from(stat.st_nlink);
            let identity = (stat.st_dev, stat.st_ino);
            walked.add(path.clone(), Match { glob, kind, identity, names, way: Way::Link });
            let held: BTreeMap<_, _> = route.held.into_iter().collect();
            walked.routes.push(Route { held, end: path.clone() });
            if kind != FileType::Directory || !folders.insert(path.clone()) {
                continue;
            }
            if folders.len() > FOLDERS_MAX {
                return walked.unseen.push(Unseen { path, why: Why::TooManyLinks });
            }
            workers::walk(place, Sought::Globs(globs), path, Some(glob), limits, walked);
        }
    }
}
