//! Protected paths: what appears at one and is not known goes to where the ledger keeps what it holds, at once and a bounded number
//! of times. The watcher does not know which program made it: the user's own new file goes there, too, and can be brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::inotify::ReadFlags;
use rustix::fs::{AtFlags, FileType, unlinkat};
use rustix::io::Errno;

use super::aliases::Aliases;
use super::events::Watches;
use super::had::Objects;
use super::known::{Content, Known};
use super::look::{IN_FOLDER, NAMES_AT_START, NAMES_LATER};
use crate::handoff::held;
use crate::handoff::names::{Names, fold};
use crate::handoff::patterns::Patterns;
use crate::handoff::place::{Data, Links, Place, Stamp, data, split};
use crate::handoff::report::shown;
use crate::handoff::store::Store;

/// More often nothing is moved aside: whatever runs there does not stop. What a tool writes into one folder in one go counts once.
const MOVES_MAX: usize = 20;
const IN_ONE_GO: Duration = Duration::from_secs(1);
/// So many files are moved aside in all.
const FILES_MAX: usize = 200;
/// What appears and is gone before it can be looked at counts, too: a host program may have been quicker.
const GONE_MAX: usize = 200;
/// A file that is being written is given so much time, because git writes what is known, too.
const GRACE: Duration = Duration::from_millis(200);
/// How often what is known is compared by its times alone.
const SWEEP: Duration = Duration::from_secs(1);
/// What is protected, and what is known of it.
pub(super) struct Guard<'a> {
    pub(super) place: &'a Place,
    pub(super) store: Store,
    pub(super) patterns: Patterns,
    pub(super) names: Names,
    pub(super) known: Known,
    pub(super) since: (i64, u32),
    due: BTreeMap<Vec<u8>, Due>,
    /// What was judged to be known, as it was then.
    pub(super) judged: BTreeMap<Vec<u8>, Stamp>,
    pub(super) aliases: Aliases,
    /// Folders that are not watched, for want of room or of a right to read them.
    pub(super) polled: BTreeSet<Vec<u8>>,
    /// What was removed and is not put back.
    pub(super) removed: BTreeSet<Vec<u8>>,
    /// Lines that are to be printed.
    pub(super) lines: Vec<String>,
    /// Such a line was printed already.
    pub(super) is_partial: bool,
    swept: Instant,
    moves: Moves,
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
            aliases: Aliases::default(),
            polled: BTreeSet::new(),
            removed: BTreeSet::new(),
            lines: Vec::new(),
            is_partial: false,
            swept: Instant::now(),
            moves: Moves::default(),
            gone: 0,
        };
        watches.add(&place.open_folder(b"", Links::Refused)?, b"", IN_FOLDER)?;
        guard.look_through(Vec::new(), NAMES_AT_START, watches)?;
        Ok(guard)
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Instant {
        let due = self.due.values().map(|due| due.at).min();
        due.map_or(self.swept + SWEEP, |due| due.min(self.swept + SWEEP))
    }

    /// Whether what is at this path is protected, under any of its names. A link may stand for a folder.
    pub(super) fn protects(&self, path: &[u8], kind: FileType) -> bool {
        self.is_protected(path, kind)
            || self.aliases.names(path).any(|name| self.is_protected(&name, kind))
    }

    fn is_protected(&self, path: &[u8], kind: FileType) -> bool {
        let is_for_folder = || {
            let is_way = self.patterns.is_way(path) && !self.patterns.lifts(path);
            is_way || self.patterns.protects(path, FileType::Directory)
        };
        self.patterns.protects(path, kind) || kind == FileType::Symlink && is_for_folder()
    }

    pub(super) fn is_there(&self, path: &[u8]) -> bool {
        let found = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        found.is_ok_and(|found| found.kind != FileType::Directory)
    }

    /// Finds what was written through a mapping of the file into memory, which is no event before that ends: by its times, and where these
    /// are of the session, by its content, because a page that is written already has no new time when it is written again.
    fn sweep(&mut self, by: Option<Instant>, watches: &mut Watches) -> io::Result<()> {
        if by.is_some() && self.swept.elapsed() < SWEEP {
            return Ok(());
        }
        self.swept = Instant::now();
        self.poll(watches)?;
        for (path, stamp) in self.judged.clone() {
            let now = self.place.parent(&path).and_then(|(folder, name)| data(&folder, name));
            match now {
                Ok(now) if now.stamp == stamp && stamp.changed < self.since => {}
                Ok(_) => self.put_off(&path, Due { at: self.swept, is_new: false }),
                // That is an event, where its folder is watched.
                Err(_) => {
                    self.judged.remove(&path);
                    self.has_gone(&path);
                }
            }
        }
        Ok(())
    }

    /// Something has happened at a path.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn happened(
        &mut self,
        path: &[u8],
        what: ReadFlags,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let is_named = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if what.contains(ReadFlags::ISDIR) {
            if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                watches.forget_below(path);
                self.has_gone(path);
            } else if is_named || what.contains(ReadFlags::ATTRIB) {
                // A folder that could not be read may be one that can, now.
                watches.forget_below(path);
                return self.look_through(path.to_vec(), NAMES_LATER, watches);
            }
            return Ok(());
        }
        let is_whole = what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO);
        if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            self.has_gone(path);
            return Ok(());
        }
        let is_one = |kind| self.protects(path, kind);
        if what.contains(ReadFlags::IGNORED)
            || !is_one(FileType::RegularFile) && !is_one(FileType::Symlink)
        {
            return Ok(());
        }
        let at = Instant::now() + if is_whole { Duration::ZERO } else { GRACE };
        self.put_off(path, Due { at, is_new: is_named });
        Ok(())
    }

    /// It is not known what has happened: everything is looked at.
    pub(super) fn lost(&mut self, watches: &mut Watches) -> io::Result<()> {
        self.look_through(Vec::new(), NAMES_AT_START, watches)
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
        self.sweep(by, watches)?;
        let mut lines = std::mem::take(&mut self.lines);
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
            Ok(found) if found.kind == FileType::Directory => {
                if self.known.was_there(path) {
                    self.removed.insert(path.to_vec());
                }
                return Ok(None);
            }
            Ok(found) if !self.protects(path, kind_of(found)) => return Ok(None),
            Ok(found) => found,
            // A folder on the way cannot be read, by any program of the same user; that it can is an event.
            Err(Errno::ACCESS) => return Ok(None),
            Err(_) => return self.missing(path, due),
        };
        let content = match Content::read(self.place, path, found) {
            // No program of the same user can read it, and that it can is an event.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(None),
            Err(_) => return self.missing(path, due),
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
        let is_moved = self.move_aside(path, &content)?;
        let is_back = is_moved && self.put_back(path);
        drop(turn);
        let shown = shown(path);
        self.count_move(path)?;
        if !is_moved {
            self.put_off(path, Due { at: Instant::now(), is_new: true });
            return Ok(None);
        }
        let reason = self.reason_in_brackets(path);
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

    /// Something was moved aside, or put back.
    pub(super) fn count_move(&mut self, path: &[u8]) -> io::Result<()> {
        self.moves.add(path);
        match self.moves.count > MOVES_MAX || self.moves.paths.len() > FILES_MAX {
            false => Ok(()),
            true => Err(io::Error::other(format!(
                "protected files were made, changed or removed more than {MOVES_MAX} times, or more than {FILES_MAX} of them, `{}` last: the jail is ended",
                shown(path)
            ))),
        }
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
    pub(super) fn is_gone(&mut self, path: &[u8], due: Due) -> io::Result<()> {
        self.gone += usize::from(due.is_new);
        match self.gone > GONE_MAX {
            false => Ok(()),
            true => Err(io::Error::other(format!(
                "protected files appeared and went more than {GONE_MAX} times, `{}` last: the jail is ended",
                shown(path)
            ))),
        }
    }

    pub(super) fn reason_in_brackets(&self, path: &[u8]) -> String {
        let other = || self.aliases.names(path).find_map(|name| self.reason(&name));
        let reason = self.reason(path).or_else(other);
        reason.map(|reason| format!(" ({reason})")).unwrap_or_default()
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

/// What was moved aside or put back.
#[derive(Default)]
struct Moves {
    count: usize,
    paths: BTreeSet<Vec<u8>>,
    /// The folder of the last one that counted, and when.
    last: Option<(Vec<u8>, Instant)>,
}

impl Moves {
    fn add(&mut self, path: &[u8]) {
        let folder = split(path).0;
        let is_again = !self.paths.insert(path.to_vec());
        let is_in_one_go = (self.last.as_ref())
            .is_some_and(|(last, at)| last == folder && at.elapsed() < IN_ONE_GO);
        if is_again || !is_in_one_go {
            self.count += 1;
            self.last = Some((folder.to_vec(), Instant::now()));
        }
    }
}

/// What globs are compared with: a pipe is like a file, and a link may be like a folder.
fn kind_of(found: Data) -> FileType {
    match found.kind {
        FileType::Symlink => FileType::Symlink,
        FileType::RegularFile
        | FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => FileType::RegularFile,
    }
}
