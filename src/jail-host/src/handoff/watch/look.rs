//! Looks through the project for protected names, and watches the folders that hold some, and the files themselves: not all folders,
//! which may be a hundred thousand. What appears elsewhere the ledger finds when the session has ended.

use std::collections::VecDeque;
use std::io;
use std::time::Instant;

use rustix::fs::FileType;
use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;

use super::events::{NAMES, Watches, joined};
use super::guard::{Due, Guard};
use super::known::Content;
use crate::handoff::names::fold;
use crate::handoff::place::{Links, data, entries, split};
use crate::handoff::report::shown;

/// So many names are looked at when the jail is started, and in a folder that appears.
pub(super) const NAMES_AT_START: usize = 300_000;
pub(super) const NAMES_LATER: usize = 10_000;

/// More folders are not looked at once a second.
const POLLED_MAX: usize = 4096;

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
    /// Looks through a folder and all that is in it. Folders that protected names come to are looked at whatever else is there.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn look_through(
        &mut self,
        from: Vec<u8>,
        most: usize,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let mut left = most;
        let mut jobs = VecDeque::from([Job { path: from, is_late: false }]);
        while let Some(job) = jobs.pop_front() {
            match left == 0 && !self.is_of_interest(&job.path) {
                true => self.partly(&job.path),
                false => self.look_into(job, &mut left, &mut jobs, watches)?,
            }
        }
        Ok(())
    }

    /// Looks at the folders that are not watched.
    pub(super) fn poll(&mut self, watches: &mut Watches) -> io::Result<()> {
        for path in self.polled.clone() {
            let mut jobs = VecDeque::from([Job { path, is_late: false }]);
            while let Some(job) = jobs.pop_front() {
                self.look_into(job, &mut NAMES_LATER.clone(), &mut jobs, watches)?;
                jobs.retain(|job| self.is_of_interest(&job.path));
            }
        }
        Ok(())
    }

    /// Not all of a folder is looked at. It is said once.
    fn partly(&mut self, path: &[u8]) {
        if !std::mem::replace(&mut self.is_partial, true) {
            self.lines.push(format!(
                "more names are in `{}` than are looked at at once: what is protected there is compared when the session ends",
                shown(path)
            ));
        }
    }

    fn look_into(
        &mut self,
        mut job: Job,
        left: &mut usize,
        jobs: &mut VecDeque<Job>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let is_root = job.path.is_empty();
        let folder = match self.place.open_folder(&job.path, Links::Refused) {
            Ok(folder) => folder,
            Err(Errno::ACCESS) if self.is_of_interest(&job.path) => {
                self.unreadable(job.path);
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        if !is_root {
            let stamp = data(&folder, b"").map(|found| found.stamp);
            job.is_late |= stamp.is_ok_and(|stamp| stamp.changed >= self.since);
        }
        // First the watch, then the look: what comes in between is an event.
        let is_watched = is_root || self.is_of_interest(&job.path);
        if is_watched {
            self.watch_up(&job.path, watches);
        }
        let most = if is_watched { NAMES_AT_START } else { *left };
        let Ok((mut found, is_all)) = entries(&folder, most) else { return Ok(()) };
        match (is_all, is_watched) {
            (true, _) => {}
            (false, false) => self.partly(&job.path),
            (false, true) => {
                return Err(io::Error::other(format!(
                    "more names are in `{}` than can be looked at, and protected files may be among them: the jail is ended",
                    shown(&job.path)
                )));
            }
        }
        let is_one = |path: &[u8], kind| self.protects(path, kind);
        let has_one = !is_watched
            && found.iter().any(|entry| {
                entry.kind != FileType::Directory
                    && is_one(&joined(&job.path, &entry.name), entry.kind)
            });
        if has_one {
            self.watch_up(&job.path, watches);
            // Opened anew: a descriptor that was read to its end would list nothing.
            let again = self.place.open_folder(&job.path, Links::Refused);
            let again = again.ok().and_then(|folder| entries(&folder, most).ok());
            found = again.map_or(found, |(found, _)| found);
        }
        *left = left.saturating_sub(found.len());
        for entry in found {
            let path = joined(&job.path, &entry.name);
            if entry.kind != FileType::Directory {
                let ends = self.look_at(path, entry.kind, job.is_late, watches);
                jobs.extend(ends.into_iter().map(|path| Job { path, is_late: false }));
            } else if self.is_entered(&path, &entry.name) {
                jobs.push_back(Job { path, is_late: job.is_late });
            }
        }
        Ok(())
    }

    /// A folder that cannot be read is tried again. No program of the same user can read it meanwhile.
    fn unreadable(&mut self, path: Vec<u8>) {
        if self.polled.len() < POLLED_MAX && !self.polled.contains(&path) {
            self.lines.push(format!(
                "`{}` may hold protected files and cannot be looked into: they are judged when it can, or when the session ends",
                shown(&path)
            ));
            self.polled.insert(path);
        }
    }

    /// Takes in what has a protected name; the folders that it leads to, where it is a link.
    fn look_at(
        &mut self,
        path: Vec<u8>,
        kind: FileType,
        is_late: bool,
        watches: &mut Watches,
    ) -> Vec<Vec<u8>> {
        if !self.protects(&path, kind) {
            return Vec::new();
        }
        let found = self.place.parent(&path).and_then(|(folder, name)| data(&folder, name));
        let Ok(found) = found else { return Vec::new() };
        if self.judged.get(&path) == Some(&found.stamp) {
            self.watch_file(&path, watches);
            return Vec::new();
        }
        if is_late {
            self.put_off(&path, Due { at: Instant::now(), is_new: true });
            return Vec::new();
        }
        self.take_in(&path, watches);
        match kind {
            FileType::Symlink if self.judged.contains_key(&path) => self.follow(&path, watches),
            FileType::RegularFile
            | FileType::Symlink
            | FileType::Directory
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Vec::new(),
        }
    }

    /// Takes in what a link leads to that was there before the session.
    fn follow(&mut self, link: &[u8], watches: &mut Watches) -> Vec<Vec<u8>> {
        let mut folders = Vec::new();
        for path in self.aliases.add(self.place, link) {
            let found = self.place.parent(&path).and_then(|(folder, name)| data(&folder, name));
            match found.map(|found| found.kind) {
                Ok(FileType::Directory) => folders.push(path),
                // Where another link leads is of the list, too.
                Ok(_) => {
                    self.watch_up(split(&path).0, watches);
                    self.take_in(&path, watches);
                }
                Err(_) => self.watch_up(split(&path).0, watches),
            }
        }
        folders
    }

    /// What is at a protected path is what was there when the jail was started, unless the session could have changed it.
    fn take_in(&mut self, path: &[u8], watches: &mut Watches) {
        let found = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        let Ok(found) = found else { return };
        if found.stamp.changed >= self.since {
            return self.put_off(path, Due { at: Instant::now(), is_new: true });
        }
        // What is changed while it is read has an event by then.
        self.watch_file(path, watches);
        if let Ok(content) = Content::read(self.place, path, found) {
            match self.patterns.may_mask(path, found.names) {
                true => self.known.add_masked(path, &content),
                false => self.known.add(path, found.mode, content),
            }
            self.judged.insert(path.to_vec(), found.stamp);
        }
    }

    /// Whether a folder is one that protected names come to.
    fn is_of_interest(&self, path: &[u8]) -> bool {
        self.protects(path, FileType::Directory)
            || self.patterns.is_way(path)
            || self.aliases.is_end(path)
    }

    /// Whether a folder is looked into. Git's own has its own protection, and what installs and builds fill has files of others'.
    fn is_entered(&self, path: &[u8], name: &[u8]) -> bool {
        let folded = fold(name);
        let is_filled = || {
            let row = self.names.folder(&[], &folded);
            row.is_some_and(|(row, _)| row.kind == "build-output")
        };
        let is_of_others = || folded == ".git" || is_filled();
        self.protects(path, FileType::Directory) || !is_of_others()
    }

    /// Watches a folder, and those above it: one of them may be renamed.
    fn watch_up(&mut self, path: &[u8], watches: &mut Watches) {
        let mut path = path;
        loop {
            if let Ok(folder) = self.place.open_folder(path, Links::Refused)
                && !watches.add_if_room(&folder, path, IN_FOLDER)
                && self.polled.len() < POLLED_MAX
            {
                self.polled.insert(path.to_vec());
            }
            let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else { return };
            path = path.get(..slash).unwrap_or_default();
        }
    }

    /// Watches a file itself.
    pub(super) fn watch_file(&self, path: &[u8], watches: &mut Watches) {
        if let Ok(file) = self.place.open_path(path) {
            let _ = watches.add_if_room(&file, path, OF_FILE);
        }
    }
}
