//! Looks through the project for protected names, and watches the folders that hold some, and the files themselves: not all folders,
//! which may be a hundred thousand. What appears elsewhere the ledger finds when the session has ended.

use std::collections::VecDeque;
use std::time::Instant;

use rustix::fs::FileType;
use rustix::fs::inotify::WatchFlags;

use super::events::{NAMES, Watches, joined};
use super::guard::{Due, Guard};
use super::known::Content;
use crate::handoff::names::fold;
use crate::handoff::place::{Links, data, entries};

/// So many names are looked at when the jail is started, and in a folder that appears.
pub(super) const NAMES_AT_START: usize = 300_000;
pub(super) const NAMES_LATER: usize = 10_000;

/// What happens to a file.
const OF_FILE: WatchFlags =
    WatchFlags::MODIFY.union(WatchFlags::CLOSE_WRITE).union(WatchFlags::ATTRIB);
/// What happens in a folder with protected names.
pub(super) const IN_FOLDER: WatchFlags = NAMES.union(OF_FILE);

/// A folder that is to be looked through.
struct Job {
    path: Vec<u8>,
    /// The session may have put it there, and so all that is in it.
    is_late: bool,
}

impl Guard<'_> {
    /// Looks through a folder and all that is in it.
    pub(super) fn look_through(&mut self, from: Vec<u8>, most: usize, watches: &mut Watches) {
        let mut left = most;
        let mut jobs = VecDeque::from([Job { path: from, is_late: false }]);
        while let Some(job) = jobs.pop_front() {
            if left == 0 {
                return;
            }
            self.look_into(job, &mut left, &mut jobs, watches);
        }
    }

    fn look_into(
        &mut self,
        mut job: Job,
        left: &mut usize,
        jobs: &mut VecDeque<Job>,
        watches: &mut Watches,
    ) {
        let Ok(folder) = self.place.open_folder(&job.path, Links::Refused) else { return };
        let is_root = job.path.is_empty();
        if !is_root {
            let stamp = data(&folder, b"").map(|found| found.stamp);
            job.is_late |= stamp.is_ok_and(|stamp| stamp.changed >= self.since);
        }
        // First the watch, then the look: what comes in between is an event.
        let is_watched = is_root || self.is_of_interest(&job.path);
        if is_watched {
            self.watch_up(&job.path, watches);
        }
        let Ok((mut found, _)) = entries(&folder, *left) else { return };
        let is_one = |path: &[u8], kind| self.patterns.protects(path, kind);
        let has_one = found.iter().any(|entry| {
            entry.kind != FileType::Directory && is_one(&joined(&job.path, &entry.name), entry.kind)
        });
        if has_one && !is_watched {
            self.watch_up(&job.path, watches);
            // Opened anew: a descriptor that was read to its end would list nothing.
            let again = self.place.open_folder(&job.path, Links::Refused);
            let again = again.ok().and_then(|folder| entries(&folder, *left).ok());
            found = again.map_or(found, |(found, _)| found);
        }
        *left = left.saturating_sub(found.len());
        for entry in found {
            let path = joined(&job.path, &entry.name);
            if entry.kind != FileType::Directory {
                self.look_at(path, entry.kind, job.is_late, watches);
            } else if self.is_entered(&path, &entry.name) {
                jobs.push_back(Job { path, is_late: job.is_late });
            }
        }
    }

    /// Takes in what has a protected name.
    fn look_at(&mut self, path: Vec<u8>, kind: FileType, is_late: bool, watches: &mut Watches) {
        if !self.patterns.protects(&path, kind) {
            return;
        }
        let found = self.place.parent(&path).and_then(|(folder, name)| data(&folder, name));
        let Ok(found) = found else { return };
        if is_late || found.stamp.changed >= self.since {
            return self.put_off(&path, Due { at: Instant::now(), is_new: true });
        }
        // What is changed while it is read has an event by then.
        self.watch_file(&path, watches);
        if let Ok(content) = Content::read(self.place, &path, found) {
            self.known.add(&path, found.mode, content);
            self.judged.insert(path, found.stamp);
        }
    }

    /// Whether a folder is one that protected names come to.
    fn is_of_interest(&self, path: &[u8]) -> bool {
        let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        self.patterns.protects(path, FileType::Directory) || self.patterns.is_way(name)
    }

    /// Whether a folder is looked into. Git's own has its own protection, and what installs and builds fill has files of others'.
    fn is_entered(&self, path: &[u8], name: &[u8]) -> bool {
        let folded = fold(name);
        let is_filled = || {
            let row = self.names.folder(&[], &folded);
            row.is_some_and(|(row, _)| row.kind == "build-output")
        };
        let is_of_others = || folded == ".git" || is_filled();
        self.patterns.protects(path, FileType::Directory) || !is_of_others()
    }

    /// Watches a folder, and those above it: one of them may be renamed.
    fn watch_up(&self, path: &[u8], watches: &mut Watches) {
        let mut path = path;
        loop {
            if let Ok(folder) = self.place.open_folder(path, Links::Refused) {
                watches.add_if_room(&folder, path, IN_FOLDER);
            }
            let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return };
            path = path.get(..slash).unwrap_or_default();
        }
    }

    /// Watches a file itself.
    pub(super) fn watch_file(&self, path: &[u8], watches: &mut Watches) {
        if let Ok(file) = self.place.open_path(path) {
            watches.add_if_room(&file, path, OF_FILE);
        }
    }
}
