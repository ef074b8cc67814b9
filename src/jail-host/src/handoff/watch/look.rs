//! Looks through the project for protected names, and watches the folders that hold some, and the
//! files themselves: not all folders, which may be a hundred thousand. What appears elsewhere the
//! ledger finds when the session has ended.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;

use super::budget::SLICE;
use super::events::{NAMES, Watches, joined};
use super::guard::Guard;
use super::judge::WAIT_MAX;
use super::queue::Due;
use super::verdict::Mark;
use crate::handoff::names::fold;
use crate::handoff::place::{Data, Links, data, entries, split};
use crate::handoff::report::shown;

/// At most this many names are looked at when the jail is started, and in a folder that appears.
pub(super) const NAMES_AT_START: usize = 300_000;
pub(super) const NAMES_LATER: usize = 10_000;

/// More folders are not looked at once a second.
const POLLED_MAX: usize = 4096;

/// What happens to a file.
const OF_FILE: WatchFlags =
    WatchFlags::MODIFY.union(WatchFlags::CLOSE_WRITE).union(WatchFlags::ATTRIB);
/// What happens in a folder with protected names.
pub(super) const IN_FOLDER: WatchFlags = NAMES.union(OF_FILE);

/// So long it may take to look through a folder while the jail runs.
const LOOK_MAX: Duration = Duration::from_secs(10);
/// A shorter look is followed by the next one at once.
const SHORT: Duration = Duration::from_millis(20);
/// More is not lost in a row of what the kernel says.
const LOST_MAX: usize = 60;
const LOST_AGAIN: Duration = Duration::from_secs(10);

/// Folders that are to be looked through, each once however often it is asked for. After a long
/// look there is a pause as long as it.
#[derive(Default)]
pub(super) struct Looks {
    asked: BTreeMap<Vec<u8>, Instant>,
    not_before: Option<Instant>,
    lost: usize,
    lost_last: Option<Instant>,
}

impl Looks {
    pub(super) fn ask(&mut self, path: &[u8]) {
        self.asked.entry(path.to_vec()).or_insert_with(Instant::now);
    }

    /// It is not known what has happened: everything is to be looked at.
    ///
    /// # Errors
    /// The jail is to end: that does not stop.
    pub(super) fn lost(&mut self) -> io::Result<()> {
        if self.asked.contains_key(b"".as_slice()) {
            return Ok(());
        }
        let is_again = self.lost_last.is_some_and(|last| last.elapsed() < LOST_AGAIN);
        self.lost = if is_again { self.lost + 1 } else { 0 };
        self.lost_last = Some(Instant::now());
        self.ask(b"");
        match self.lost > LOST_MAX {
            true => Err(more_than_can_be_looked_at()),
            false => Ok(()),
        }
    }

    /// The newest, if it is time.
    fn take(&mut self, by: Option<Instant>) -> Option<Vec<u8>> {
        let is_early = self.not_before.is_some_and(|at| by.is_some_and(|by| by < at));
        if is_early {
            return None;
        }
        let newest = self.asked.iter().max_by_key(|(_, at)| **at).map(|(path, _)| path.clone());
        self.asked.remove_entry(&newest?).map(|(path, _)| path)
    }

    fn took(&mut self, time: Duration) {
        self.not_before = (time > SHORT).then(|| Instant::now() + time);
    }

    fn waits_too_long(&self, by: Instant) -> bool {
        self.asked.values().any(|at| by.saturating_duration_since(*at) > WAIT_MAX)
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let first = self.asked.values().min().copied()?;
        Some(self.not_before.map_or(first, |at| first.max(at)))
    }
}

fn more_than_can_be_looked_at() -> io::Error {
    io::Error::other(
        "more happens in folders that protected names come to than can be looked at: the jail is ended",
    )
}

/// A folder that is to be looked through.
struct Job {
    path: Vec<u8>,
    /// The session may have put it there, and so all that is in it.
    is_late: bool,
}

impl Guard<'_> {
    /// Looks through a folder and all that is in it. Folders that protected names come to are
    /// looked at whatever else is there.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn look_through(
        &mut self,
        from: Vec<u8>,
        most: usize,
        until: Option<Instant>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let mut left = most;
        let mut jobs = VecDeque::from([Job { path: from, is_late: false }]);
        while let Some(job) = jobs.pop_front() {
            if until.is_some_and(|until| until < Instant::now()) {
                return Err(more_than_can_be_looked_at());
            }
            match left == 0 && !self.is_of_interest(&job.path) {
                true => self.partly(&job.path),
                false => self.look_into(job, &mut left, &mut jobs, watches)?,
            }
        }
        Ok(())
    }

    /// Looks at a folder that is not watched.
    pub(super) fn look_at_polled(
        &mut self,
        path: Vec<u8>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let mut jobs = VecDeque::from([Job { path, is_late: false }]);
        while let Some(job) = jobs.pop_front() {
            self.look_into(job, &mut NAMES_LATER.clone(), &mut jobs, watches)?;
            jobs.retain(|job| self.is_of_interest(&job.path));
        }
        Ok(())
    }

    /// Looks through the folders where something has happened.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn look_where_asked(
        &mut self,
        by: Option<Instant>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let first = Instant::now();
        while let Some(path) = self.looks.take(by) {
            let began = Instant::now();
            let most = if path.is_empty() { NAMES_AT_START } else { NAMES_LATER };
            if !path.is_empty() {
                watches.forget_below(&path);
            }
            self.look_through(path, most, Some(began + LOOK_MAX), watches)?;
            self.looks.took(began.elapsed());
            if by.is_some() && first.elapsed() > SLICE {
                break;
            }
        }
        match by.is_some_and(|by| self.looks.waits_too_long(by)) {
            true => Err(more_than_can_be_looked_at()),
            false => Ok(()),
        }
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
        let Some(folder) = self.opened(&job.path)? else { return Ok(()) };
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
                if !self.protects(&path, entry.kind) {
                    continue;
                }
                let found = data(&folder, &entry.name);
                let ends = self.look_at(path, found, job.is_late, watches);
                jobs.extend(ends.into_iter().map(|path| Job { path, is_late: false }));
            } else if self.is_entered(&path, &entry.name) {
                jobs.push_back(Job { path, is_late: job.is_late });
            }
        }
        Ok(())
    }

    /// A folder that cannot be looked into is tried again.
    pub(super) fn unreadable(&mut self, path: Vec<u8>) {
        if self.polled.len() < POLLED_MAX && !self.polled.contains(&path) {
            self.lines.push(format!(
                "`{}` may hold protected files and cannot be looked into: they are judged once it can, or at the end of the session if it changes this folder",
                shown(&path)
            ));
            self.polled.insert(path);
        }
    }

    /// Takes in what has a protected name; the folders that it leads to, where it is a link.
    fn look_at(
        &mut self,
        path: Vec<u8>,
        found: Result<Data, Errno>,
        is_late: bool,
        watches: &mut Watches,
    ) -> Vec<Vec<u8>> {
        let Ok(found) = found else { return Vec::new() };
        let kind = found.kind;
        if self.judged.get(&path) == Some(&Mark::from_data(&found)) {
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

    /// What is at a protected path is what was there when the jail was started, unless the session
    /// could have changed it.
    fn take_in(&mut self, path: &[u8], watches: &mut Watches) {
        let found = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        let Ok(found) = found else { return };
        if found.stamp.changed >= self.since {
            return self.put_off(path, Due { at: Instant::now(), is_new: true });
        }
        // What is changed while it is read has an event by then.
        self.watch_file(path, watches);
        if let Ok((found, content, is_settled)) = self.read(path, found)
            && found.stamp.changed < self.since
        {
            if let (FileType::RegularFile, Some(id)) = (found.kind, content.id()) {
                self.verdicts.keep(&found, id, false, is_settled);
            }
            match self.patterns.may_mask(path, found.names) {
                true => self.known.add_masked(path, &content),
                false => self.known.add(path, found.mode, content),
            }
            self.judged.insert(path.to_vec(), Mark::from_data(&found));
        }
    }

    /// Whether a folder is one that protected names come to.
    pub(super) fn is_of_interest(&self, path: &[u8]) -> bool {
        self.protects(path, FileType::Directory)
            || self.patterns.is_way(path)
            || self.aliases.is_end(path)
    }

    /// Whether a folder is looked into. Git's own has its own protection, and what installs and
    /// builds fill has files of others'.
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
