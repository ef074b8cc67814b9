//! Protected paths: what appears at one and is not known goes to where the ledger keeps what it
//! holds, at once and a bounded number of times ([`judge`](super::judge)). The watcher does not
//! know which program made it: the user's own new file goes there, too, and can be brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::FileType;
use rustix::fs::inotify::ReadFlags;

use super::aliases::Aliases;
use super::budget::{Budget, Round, SLICE};
use super::events::Watches;
use super::had::Objects;
use super::known::Known;
use super::look::{IN_FOLDER, Looks, NAMES_AT_START};
use super::moves::Moves;
use super::queue::{Due, Queue};
use super::verdict::{Key, Mark, Verdicts};
use crate::handoff::names::{Names, fold};
use crate::handoff::patterns::Patterns;
use crate::handoff::place::{Links, Place, data};
use crate::handoff::store::Store;

/// A file that is being written is given so much time, because git writes what is known, too.
pub(super) const GRACE: Duration = Duration::from_millis(200);

/// Bytes that are read a second: of what has changed, and so many at once after a time in which
/// nothing did; and of what is only compared again.
const READ_RATE: u32 = 32 << 20;
const READ_AT_ONCE: i64 = 128 << 20;
const COMPARE_RATE: u32 = 8 << 20;

/// What is protected, and what is known of it.
pub(super) struct Guard<'a> {
    pub(super) place: &'a Place,
    pub(super) store: Store,
    pub(super) patterns: Patterns,
    pub(super) names: Names,
    pub(super) known: Known,
    pub(super) since: (i64, u32),
    pub(super) queue: Queue,
    /// Folders that are to be looked through.
    pub(super) looks: Looks,
    /// What was judged to be known, as it was then.
    pub(super) judged: BTreeMap<Vec<u8>, Mark>,
    pub(super) verdicts: Verdicts,
    pub(super) reads: Budget,
    pub(super) compares: Budget,
    pub(super) aliases: Aliases,
    /// Folders that are not watched, for want of room or of a right to read them.
    pub(super) polled: BTreeSet<Vec<u8>>,
    /// The rounds through those, and through what was judged.
    pub(super) polls: Round,
    pub(super) sweeps: Round,
    /// Which files are read again in this round.
    pub(super) asked: BTreeSet<Key>,
    /// What was removed and is not put back.
    pub(super) removed: BTreeSet<Vec<u8>>,
    /// Lines that are to be printed.
    pub(super) lines: Vec<String>,
    /// Such a line was printed already.
    pub(super) is_partial: bool,
    pub(super) moves: Moves,
    /// When the jail has ended.
    pub(super) ended: Option<Instant>,
}

impl<'a> Guard<'a> {
    /// Looks at what is there. What the session could have put there already is looked at like what
    /// appears later.
    pub(super) fn start(
        place: &'a Place,
        store: Store,
        patterns: Patterns,
        since: (i64, u32),
        watches: &mut Watches,
    ) -> io::Result<Self> {
        let project = place.open_folder(b"", Links::Refused)?;
        let mut guard = Self {
            place,
            store,
            patterns,
            names: Names::new(),
            known: Known::new(Objects::open(place, since)),
            since,
            queue: Queue::default(),
            looks: Looks::default(),
            judged: BTreeMap::new(),
            verdicts: Verdicts::new(&project),
            reads: Budget::new(READ_RATE, READ_AT_ONCE),
            compares: Budget::new(COMPARE_RATE, COMPARE_RATE.into()),
            aliases: Aliases::default(),
            polled: BTreeSet::new(),
            polls: Round::new(),
            sweeps: Round::new(),
            asked: BTreeSet::new(),
            removed: BTreeSet::new(),
            lines: Vec::new(),
            is_partial: false,
            moves: Moves::default(),
            ended: None,
        };
        watches.add(&project, b"", IN_FOLDER)?;
        guard.look_through(Vec::new(), NAMES_AT_START, None, watches)?;
        // What was there is read whatever it is.
        guard.reads = Budget::new(READ_RATE, READ_AT_ONCE);
        Ok(guard)
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> Instant {
        let rounds = self.polls.next().min(self.sweeps.next());
        let others = self.queue.next().into_iter().chain(self.looks.next());
        let others = others.chain(self.queue.is_waiting().then(|| Instant::now() + SLICE));
        others.fold(rounds, Instant::min)
    }

    /// Whether what is at this path is protected, under any of its names. A link may stand for a
    /// folder.
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

    /// Something has happened at a path.
    pub(super) fn happened(&mut self, path: &[u8], what: ReadFlags, watches: &mut Watches) {
        let is_named = what.intersects(ReadFlags::CREATE | ReadFlags::MOVED_TO);
        if what.contains(ReadFlags::ISDIR) {
            if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
                watches.forget_below(path);
                self.has_gone(path);
            } else if is_named || what.contains(ReadFlags::ATTRIB) {
                // A folder that could not be read may be one that can, now.
                self.looks.ask(path);
            }
            return;
        }
        let is_whole = what.intersects(ReadFlags::CLOSE_WRITE | ReadFlags::MOVED_TO);
        if what.intersects(ReadFlags::MOVED_FROM | ReadFlags::DELETE) {
            return self.has_gone(path);
        }
        let is_one = |kind| self.protects(path, kind);
        if what.contains(ReadFlags::IGNORED)
            || !is_one(FileType::RegularFile) && !is_one(FileType::Symlink)
        {
            return;
        }
        let at = Instant::now() + if is_whole { Duration::ZERO } else { GRACE };
        self.put_off(path, Due { at, is_new: is_named });
    }

    pub(super) fn put_off(&mut self, path: &[u8], due: Due) {
        self.queue.put(path, due);
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
