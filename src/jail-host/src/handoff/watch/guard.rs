//! Protected paths: what appears at one and is not known goes to where the ledger keeps what it holds, at once and a bounded number
//! of times. The watcher does not know which program made it: the user's own new file goes there, too, and can be brought back.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::inotify::ReadFlags;
use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use super::events::Watches;
use super::known::{Content, Known};
use super::look::{IN_FOLDER, NAMES_AT_START, NAMES_LATER};
use super::objects::Objects;
use crate::handoff::held;
use crate::handoff::names::{Names, fold};
use crate::handoff::patterns::Patterns;
use crate::handoff::place::{Data, Links, Place, Stamp, data};
use crate::handoff::report::shown;
use crate::handoff::store::Store;

/// More often nothing is moved aside: whatever runs there does not stop.
const MOVES_MAX: usize = 20;
/// What appears and is gone before it can be looked at counts, too: a host program may have been quicker.
const GONE_MAX: usize = 200;
/// A file that is being written is given so much time, because git writes what is known, too.
const GRACE: Duration = Duration::from_millis(200);
/// How often what is known is compared by its times alone.
const SWEEP: Duration = Duration::from_secs(1);
/// What is protected, and what is known of it.
pub(super) struct Guard<'a> {
    pub(super) place: &'a Place,
    store: Store,
    pub(super) patterns: Patterns,
    pub(super) names: Names,
    pub(super) known: Known,
    pub(super) since: (i64, u32),
    due: BTreeMap<Vec<u8>, Due>,
    /// What was judged to be known, as it was then.
    pub(super) judged: BTreeMap<Vec<u8>, Stamp>,
    swept: Instant,
    moves: usize,
    gone: usize,
}

/// When something is to be looked at.
#[derive(Clone, Copy)]
pub(super) struct Due {
    pub(super) at: Instant,
    /// It has just got its name.
    pub(super) is_new: bool,
}

impl<'a> Guard<'a> {
    /// Looks at what is there. What the session could have put there already is looked at like what appears later.
    pub(super) fn start(
        place: &'a Place,
        store: Store,
        patterns: Patterns,
        since: (i64, u32),
        watches: &mut Watches,
    ) -> io::Result<Self> {
        let mut guard = Self {
            place,
            store,
            patterns,
            names: Names::new(),
            known: Known::new(Objects::open(place, since)),
            since,
            due: BTreeMap::new(),
            judged: BTreeMap::new(),
            swept: Instant::now(),
            moves: 0,
            gone: 0,
        };
        watches.add(&place.open_folder(b"", Links::Refused)?, b"", IN_FOLDER)?;
        guard.look_through(Vec::new(), NAMES_AT_START, watches);
        Ok(guard)
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Instant {
        let due = self.due.values().map(|due| due.at).min();
        due.map_or(self.swept + SWEEP, |due| due.min(self.swept + SWEEP))
    }

    /// Finds what was written through a mapping of the file into memory, which is no event before that ends.
    fn sweep(&mut self) {
        if self.swept.elapsed() < SWEEP {
            return;
        }
        self.swept = Instant::now();
        for (path, stamp) in self.judged.clone() {
            let now = self.place.parent(&path).and_then(|(folder, name)| data(&folder, name));
            match now {
                Ok(now) if now.stamp == stamp => {}
                Ok(_) => self.put_off(&path, Due { at: self.swept, is_new: false }),
                // That is an event.
                Err(_) => drop(self.judged.remove(&path)),
            }
        }
    }

    /// Something has happened at a path.
    pub(super) fn happened(&mut self, path: &[u8], what: ReadFlags, watches: &mut Watches) {
        let is_named = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if what.contains(ReadFlags::ISDIR) {
            if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                watches.forget_below(path);
            } else if is_named {
                watches.forget_below(path);
                self.look_through(path.to_vec(), NAMES_LATER, watches);
            }
            return;
        }
        let is_whole = what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO);
        if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE | ReadFlags::IGNORED)
            || !self.patterns.protects(path, FileType::RegularFile)
        {
            return;
        }
        let at = Instant::now() + if is_whole { Duration::ZERO } else { GRACE };
        self.put_off(path, Due { at, is_new: is_named });
    }

    /// It is not known what has happened: everything is looked at.
    pub(super) fn lost(&mut self, watches: &mut Watches) {
        self.look_through(Vec::new(), NAMES_AT_START, watches);
    }

    pub(super) fn put_off(&mut self, path: &[u8], due: Due) {
        let known = self.due.entry(path.to_vec()).or_insert(due);
        known.at = known.at.min(due.at);
        known.is_new |= due.is_new;
    }

    /// Judges what is due by now: what there is to say.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn judge(
        &mut self,
        by: Option<Instant>,
        watches: &mut Watches,
    ) -> io::Result<Vec<String>> {
        let mut lines = Vec::new();
        self.sweep();
        loop {
            let is_due = |due: &Due| by.is_none_or(|by| due.at <= by);
            let next = self.due.iter().find(|(_, due)| is_due(due));
            let Some((path, due)) = next.map(|(path, due)| (path.clone(), *due)) else {
                return Ok(lines);
            };
            self.due.remove(&path);
            lines.extend(self.judge_one(&path, due, watches)?);
        }
    }

    fn judge_one(
        &mut self,
        path: &[u8],
        due: Due,
        watches: &mut Watches,
    ) -> io::Result<Option<String>> {
        let found = match self.place.parent(path).and_then(|(folder, name)| data(&folder, name)) {
            Ok(found) if found.kind == FileType::Directory => return Ok(None),
            Ok(found) => found,
            Err(_) => return self.is_gone(path, due).map(|()| None),
        };
        let content = match Content::read(self.place, path, found) {
            // No program of the same user can read it, and that it can is an event.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(_) => return self.is_gone(path, due).map(|()| None),
            Ok(content) => content,
        };
        if self.is_known(path, &content, found, watches)? {
            return Ok(None);
        }
        // The user may be bringing it back at this moment.
        let turn = self.store.turn()?;
        if self.is_known(path, &content, found, watches)? {
            return Ok(None);
        }
        self.moves += 1;
        let is_moved = self.move_aside(path, &content)?;
        let is_back = is_moved && self.put_back(path);
        drop(turn);
        let shown = shown(path);
        if self.moves > MOVES_MAX {
            return Err(io::Error::other(format!(
                "protected files were made or changed more than {MOVES_MAX} times, `{shown}` last: the jail is ended"
            )));
        }
        if !is_moved {
            self.put_off(path, Due { at: Instant::now(), is_new: true });
            return Ok(None);
        }
        let reason = self.reason(path).map(|reason| format!(" ({reason})")).unwrap_or_default();
        let more = match (content, is_back) {
            (_, true) => "was moved aside; what was there before is there again",
            (Content::Special, _) => "is a socket, a pipe or a device, and was removed",
            (Content::File(_) | Content::Link(_) | Content::Large, _) => {
                "was moved aside; if it is yours, `jailgen handoff restore` brings it back"
            }
        };
        Ok(Some(format!(
            "`{shown}` is protected{reason}, was made or changed while the jail runs, and {more}"
        )))
    }

    /// Whether it is not the session's. Then it is watched itself: it may be changed by another name.
    fn is_known(
        &mut self,
        path: &[u8],
        content: &Content,
        found: Data,
        watches: &mut Watches,
    ) -> io::Result<bool> {
        if !self.known.has(self.place, &self.store, path, content)? {
            return Ok(false);
        }
        self.watch_file(path, watches);
        self.judged.insert(path.to_vec(), found.stamp);
        let now = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        if now.is_ok_and(|now| now.stamp != found.stamp) {
            self.put_off(path, Due { at: Instant::now() + GRACE, is_new: false });
        }
        Ok(true)
    }

    /// Moves it aside; whether it could, or was changed meanwhile.
    fn move_aside(&mut self, path: &[u8], content: &Content) -> io::Result<bool> {
        let moved = match content {
            Content::Large => {
                return Err(io::Error::other(format!(
                    "`{}` is protected and larger than what can be moved aside: the jail is ended",
                    shown(path)
                )));
            }
            Content::Special => {
                let (folder, name) = self.place.parent(path)?;
                unlinkat(&folder, name, AtFlags::empty()).map_err(Into::into)
            }
            Content::File(_) | Content::Link(_) => held::hold_one(self.place, &self.store, path)
                .map(|held| self.known.moved(path, content, held)),
        };
        let Err(error) = moved else { return Ok(true) };
        match Errno::from_io_error(&error) {
            // It was changed, or is gone.
            Some(Errno::AGAIN | Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::FBIG) => {
                Ok(false)
            }
            Some(_) | None => Err(io::Error::other(format!(
                "`{}` is protected and cannot be moved aside ({error}): the jail is ended",
                shown(path)
            ))),
        }
    }

    /// Puts what was there when the jail was started in the place of what was moved aside, unless something else stands there by now.
    fn put_back(&self, path: &[u8]) -> bool {
        let Some((mode, bytes)) = self.known.original(path) else { return false };
        held::write_new(self.place, path, mode, bytes).is_ok()
    }

    /// It was there, and is no more.
    fn is_gone(&mut self, path: &[u8], due: Due) -> io::Result<()> {
        self.gone += usize::from(due.is_new);
        match self.gone > GONE_MAX {
            false => Ok(()),
            true => Err(io::Error::other(format!(
                "protected files appeared and went more than {GONE_MAX} times, `{}` last: the jail is ended",
                shown(path)
            ))),
        }
    }

    fn reason(&self, path: &[u8]) -> Option<&'static str> {
        let mut above: Vec<String> = path.split(|byte| *byte == b'/').map(fold).collect();
        let name = above.pop()?;
        if let Some(row) = self.names.file(&above, &name) {
            return Some(row.reason);
        }
        (1..=above.len()).rev().find_map(|end| {
            let (last, before) = above.get(..end)?.split_last()?;
            self.names.folder(before, last).map(|(row, _)| row.reason)
        })
    }
}
