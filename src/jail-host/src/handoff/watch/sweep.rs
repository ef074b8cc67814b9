//! Compares what is known once a second, in parts: what was written through a mapping of a file
//! into memory is no event before that ends, and folders may be without a watch.

use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::time::Instant;

use rustix::fs::FileType;

use super::budget::SLICE;
use super::events::Watches;
use super::guard::Guard;
use super::queue::Due;
use super::verdict::Mark;
use crate::handoff::place::{Data, data};

impl Guard<'_> {
    /// Looks at the folders that are not watched.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn poll(&mut self, by: Option<Instant>, watches: &mut Watches) -> io::Result<()> {
        if !self.polls.is_due(by) {
            return Ok(());
        }
        if by.is_none() {
            self.polls.after = None;
        }
        let began = Instant::now();
        while let Some(path) = next(&self.polled, self.polls.after.as_ref()).cloned() {
            self.look_at_polled(path.clone(), watches)?;
            self.polls.after = Some(path.clone());
            if self.is_late() {
                return Err(unlooked());
            }
            if by.is_some() && began.elapsed() > SLICE {
                return self.polls.pauses(path);
            }
        }
        self.polls.ends(began.elapsed());
        Ok(())
    }

    /// Compares what was judged: by its times, and where these do not show that a file is what it
    /// was, by its content, once for all of its names.
    ///
    /// # Errors
    /// The jail is to end: the reason.
    pub(super) fn sweep(&mut self, by: Option<Instant>) -> io::Result<()> {
        if !self.sweeps.is_due(by) {
            return Ok(());
        }
        if by.is_none() {
            self.sweeps.after = None;
        }
        let began = Instant::now();
        while let Some((path, mark)) = self.next_judged() {
            self.compare(&path, mark);
            self.sweeps.after = Some(path.clone());
            if self.is_late() {
                return Err(unlooked());
            }
            if by.is_some() && (began.elapsed() > SLICE || !self.compares.has_some(Instant::now()))
            {
                return self.sweeps.pauses(path);
            }
        }
        self.sweeps.ends(began.elapsed());
        self.asked.clear();
        self.verdicts.keep_only(self.judged.values());
        Ok(())
    }

    fn next_judged(&self) -> Option<(Vec<u8>, Mark)> {
        let after = self.sweeps.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.judged.range::<Vec<u8>, _>((after, Bound::Unbounded)).next();
        next.map(|(path, mark)| (path.clone(), *mark))
    }

    fn compare(&mut self, path: &[u8], mark: Mark) {
        let now = self.place.parent(path).and_then(|(folder, name)| data(&folder, name));
        let again = Due { at: Instant::now(), is_new: false };
        match now {
            Ok(now) if Mark::from_data(&now) != mark => self.put_off(path, again),
            Ok(now) if self.is_certain(path, &now) => {}
            Ok(now) => {
                if self.asked.insert(mark.key()) {
                    self.compares.take(now.stamp.size);
                    self.put_off(path, again);
                }
            }
            // That is an event, where its folder is watched.
            Err(_) => {
                self.judged.remove(path);
                self.has_gone(path);
            }
        }
    }

    /// Whether its times show that it is what it was.
    fn is_certain(&self, path: &[u8], now: &Data) -> bool {
        if now.kind == FileType::Symlink {
            return true;
        }
        let after = self.ended.unwrap_or(self.sweeps.began);
        let is_old = || {
            let is_read_in_the_end = self.ended.is_some();
            !is_read_in_the_end
                && now.stamp.changed < self.since
                && !self.verdicts.may_be_written(self.place, path)
        };
        self.verdicts.find(self.place, path, now, after).is_some() || is_old()
    }
}

fn next<'a>(all: &'a BTreeSet<Vec<u8>>, after: Option<&Vec<u8>>) -> Option<&'a Vec<u8>> {
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    all.range::<Vec<u8>, _>((after, Bound::Unbounded)).next()
}

fn unlooked() -> io::Error {
    io::Error::other("there is too much at protected paths to be compared when the jail has ended")
}
