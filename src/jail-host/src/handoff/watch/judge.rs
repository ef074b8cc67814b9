//! Judges what is at protected paths: what is not known is moved aside, and what was there before
//! is put back.

use std::io;
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use super::budget::{SLICE, SMALL, SWEEP};
use super::events::Watches;
use super::guard::{GRACE, Guard};
use super::known::Content;
use super::queue::Due;
use super::verdict::{IsSettled, Mark};
use crate::handoff::aside::take_away;
use crate::handoff::held;
use crate::handoff::place::{Data, data, split};
use crate::handoff::report::shown;

/// Nothing waits longer, or the jail is ended.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(20);
/// The stub waits longer for the last look.
const LAST_MAX: Duration = Duration::from_secs(20);
/// At most this many names are printed of what could not be looked at.
const NAMES_MAX: usize = 10;

impl Guard<'_> {
    /// Judges what is due by now, for a short time; everything, where the jail has ended: what
    /// there is to say.
    ///
    /// # Errors
    /// The jail is to end, or not everything could be looked at: the reason.
    pub(super) fn judge(
        &mut self,
        by: Option<Instant>,
        watches: &mut Watches,
    ) -> io::Result<Vec<String>> {
        let began = Instant::now();
        if by.is_none() {
            self.ended.get_or_insert(began);
        }
        self.look_where_asked(by, watches)?;
        self.poll(by, watches)?;
        self.sweep(by)?;
        let mut lines = std::mem::take(&mut self.lines);
        // As long as was looked for it.
        let time = began.elapsed().max(SLICE);
        loop {
            self.judge_small(by, time, &mut lines, watches)?;
            self.judge_large(by, &mut lines, watches)?;
            if by.is_some() || self.queue.is_empty() {
                break;
            }
        }
        match self.queue.oldest() {
            Some((at, path))
                if by.is_some_and(|by| by.saturating_duration_since(at) > WAIT_MAX) =>
            {
                Err(io::Error::other(format!(
                    "more changes at protected paths than can be looked at, `{}` for one: the jail is ended",
                    shown(path)
                )))
            }
            Some(_) | None => {
                lines.append(&mut self.lines);
                Ok(lines)
            }
        }
    }

    fn judge_small(
        &mut self,
        by: Option<Instant>,
        time: Duration,
        lines: &mut Vec<String>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let until = Instant::now() + time;
        while by.is_none() || Instant::now() < until {
            let Some((path, due)) = self.queue.take(by) else { break };
            if self.is_late() {
                return Err(self.closed(path));
            }
            lines.extend(self.judge_one(&path, due, SMALL, watches)?);
        }
        Ok(())
    }

    fn judge_large(
        &mut self,
        by: Option<Instant>,
        lines: &mut Vec<String>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        let until = Instant::now() + SLICE;
        while by.is_none() || Instant::now() < until && self.reads.has_some(Instant::now()) {
            let Some((path, due)) = self.queue.take_large() else { break };
            if self.is_late() {
                return Err(self.closed(path));
            }
            lines.extend(self.judge_one(&path, due, u64::MAX, watches)?);
        }
        Ok(())
    }

    /// The jail has ended, and the last look takes too long.
    pub(super) fn is_late(&self) -> bool {
        self.ended.is_some_and(|ended| ended.elapsed() > LAST_MAX)
    }

    /// What could not be looked at any more loses its rights: no program of this user executes or
    /// reads it before its user has looked at it. Why.
    fn closed(&mut self, first: Vec<u8>) -> io::Error {
        let mut names = Vec::new();
        let mut next = Some(first);
        while let Some(path) = next {
            let _ = self.place.shut(&path);
            names.push(path);
            let others = self.queue.take(None).or_else(|| self.queue.take_large());
            next = others.map(|(path, _)| path);
        }
        let shown: Vec<_> =
            names.iter().take(NAMES_MAX).map(|path| format!("`{}`", shown(path))).collect();
        io::Error::other(format!(
            "{} protected files were changed in the session and are too large or too many to be looked at: they have lost their rights (chmod 0), until you have looked at them: {}{}",
            names.len(),
            shown.join(", "),
            if names.len() > NAMES_MAX { " and more" } else { "" }
        ))
    }

    /// Judges what is at a path, if it is no larger than that; else it waits.
    fn judge_one(
        &mut self,
        path: &[u8],
        due: Due,
        most: u64,
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
            Err(Errno::ACCESS) => {
                if self.open_way(path)? {
                    self.put_off(path, due);
                }
                return Ok(None);
            }
            Err(_) => return self.missing(path, due),
        };
        if self.has_verdict(path, &found) {
            self.accept(path, &found, watches);
            return Ok(None);
        }
        if found.kind == FileType::RegularFile && found.stamp.size > most {
            self.queue.wait(path.to_vec(), due);
            return Ok(None);
        }
        let (found, content, is_settled) = match self.read(path, found) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                if self.make_readable(path, &found)? {
                    self.put_off(path, due);
                }
                return Ok(None);
            }
            Err(_) => return self.missing(path, due),
            Ok(read) => read,
        };
        if self.is_known(path, &content, &found, is_settled)? {
            self.accept(path, &found, watches);
            return Ok(None);
        }
        // The user may be bringing it back at this moment.
        let turn = self.store.turn()?;
        if self.is_known(path, &content, &found, is_settled)? {
            self.accept(path, &found, watches);
            return Ok(None);
        }
        let is_moved = self.move_aside(path, &content)?;
        let is_back = is_moved && self.put_back(path);
        drop(turn);
        self.other_names(path, &found);
        self.moves.add(path)?;
        if !is_moved {
            self.put_off(path, Due { at: Instant::now(), is_new: true });
            return Ok(None);
        }
        Ok(Some(self.moved(path, &content, is_back)))
    }

    fn moved(&self, path: &[u8], content: &Content, is_back: bool) -> String {
        let more = match (content, is_back) {
            (_, true) => "was moved aside; what was there before is there again",
            (Content::Special, _) => "is a socket, a pipe or a device, and was removed",
            (Content::File(_) | Content::Link(_) | Content::Large, _) => {
                "was moved aside; if it is yours, `jailgen handoff restore` brings it back"
            }
        };
        let (shown, reason) = (shown(path), self.reason_in_brackets(path));
        format!(
            "`{shown}` is protected{reason}, was made or changed while the jail runs, and {more}"
        )
    }

    /// Whether it was read by one of its names, and is as it was, and known.
    fn has_verdict(&self, path: &[u8], found: &Data) -> bool {
        let Some(recent) = Instant::now().checked_sub(SWEEP) else { return false };
        let after = self.ended.unwrap_or(recent);
        let verdict = match found.kind {
            FileType::RegularFile => self.verdicts.find(self.place, path, found, after),
            FileType::Symlink
            | FileType::Directory
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => None,
        };
        verdict.is_some_and(|verdict| {
            verdict.is_in_git || self.known.has_id(&self.store, path, &verdict.id)
        })
    }

    /// Reads what is there.
    pub(super) fn read(
        &mut self,
        path: &[u8],
        found: Data,
    ) -> io::Result<(Data, Content, IsSettled)> {
        if found.kind != FileType::RegularFile {
            return Ok((found, Content::read(self.place, path, found)?, IsSettled::NO));
        }
        self.reads.take(found.stamp.size);
        self.verdicts.read(self.place, path)
    }

    /// Whether it is not the session's.
    fn is_known(
        &mut self,
        path: &[u8],
        content: &Content,
        found: &Data,
        is_settled: IsSettled,
    ) -> io::Result<bool> {
        let Some(id) = content.id() else { return Ok(false) };
        let is_there = self.known.has_id(&self.store, path, &id);
        let is_in_git = !is_there && self.known.is_in_git(self.place, content);
        if !is_there && !is_in_git && !self.known.is_approved(&self.store, path, content)? {
            return Ok(false);
        }
        if let Content::File(_) = content {
            self.verdicts.keep(found, id, is_in_git, is_settled);
        }
        Ok(true)
    }

    /// It stays there, and is watched itself: it may be changed by another name.
    fn accept(&mut self, path: &[u8], found: &Data, watches: &mut Watches) {
        let mark = Mark::from_data(found);
        self.watch_file(path, watches);
        self.judged.insert(path.to_vec(), mark);
        let now = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        if now.is_ok_and(|now| Mark::from_data(&now) != mark) {
            self.put_off(path, Due { at: Instant::now() + GRACE, is_new: false });
        }
    }

    /// What is not known has other names, perhaps.
    fn other_names(&mut self, path: &[u8], found: &Data) {
        let key = Mark::from_data(found).key();
        let is_other = |known: &(&Vec<u8>, &Mark)| known.1.key() == key && known.0 != path;
        let others: Vec<_> =
            self.judged.iter().filter(is_other).map(|(path, _)| path.clone()).collect();
        for other in others {
            self.put_off(&other, Due { at: Instant::now(), is_new: false });
        }
    }

    /// Moves it aside; whether it could, or was changed meanwhile.
    fn move_aside(&mut self, path: &[u8], content: &Content) -> io::Result<bool> {
        if *content == Content::Large {
            return Err(self.shut(path, "larger than what can be moved aside"));
        }
        let mut moved = self.remove(path, content);
        let is_refused = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        if moved.as_ref().is_err_and(is_refused)
            && self.place.grant(split(path).0, Mode::RWXU).is_ok()
        {
            moved = self.remove(path, content);
        }
        let Err(error) = moved else { return Ok(true) };
        match Errno::from_io_error(&error) {
            // It was changed, or is gone.
            Some(Errno::AGAIN | Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::FBIG) => {
                Ok(false)
            }
            Some(_) | None => Err(self.shut(path, &format!("cannot be moved aside ({error})"))),
        }
    }

    fn remove(&mut self, path: &[u8], content: &Content) -> io::Result<()> {
        if *content == Content::Special {
            return self.remove_special(path);
        }
        let held = held::hold_one(self.place, &self.store, path)?;
        self.known.moved(path, content, held);
        Ok(())
    }

    /// Removes a pipe, a socket or a device, which has no content.
    fn remove_special(&self, path: &[u8]) -> io::Result<()> {
        let (folder, name) = self.place.parent(path)?;
        let before = data(&folder, name)?;
        match before.kind {
            // By now it is something else.
            FileType::RegularFile | FileType::Symlink | FileType::Directory => {
                Err(Errno::AGAIN.into())
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => take_away(&folder, name, &before, |aside| {
                held::copy(&self.store, path, &folder, aside)
            }),
        }
    }

    /// Puts what was there when the jail was started in the place of what was moved aside, unless
    /// something else stands there by now.
    fn put_back(&self, path: &[u8]) -> bool {
        let Some((mode, bytes)) = self.known.original(path) else { return false };
        held::write_new(self.place, path, mode, bytes).is_ok()
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
