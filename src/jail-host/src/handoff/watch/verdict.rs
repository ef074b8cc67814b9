//! What was read of files, by device and inode: each is read once, however many names a jail gives
//! it.
//!
//! Times alone do not show that a file is what it was: a page that is mapped and was written once
//! is written again without a new one (mmap(2)). A lease does: it cannot be taken while there is a
//! writer, be it one with a mapping alone. So what was read under a lease is as it was for as long
//! as its times are the same and a lease can be taken. On file systems where that does not hold,
//! what a session could have changed is read again and again.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::fstatfs;
use rustix::io::Errno;

use super::known::Content;
use crate::handoff::held::HELD_MAX;
use crate::handoff::place::{Data, Place, Stamp, content, data};
use crate::sys::lease::ReadLease;

/// File systems that give a file a new time when a page of it is first written through a mapping,
/// and have leases: ext2 to ext4, XFS, Btrfs and F2FS. One in memory does not, and an overlay has
/// leases of another file.
const KEEP_TIMES: [i64; 4] = [0xef53, 0x5846_5342, 0x9123_683e, 0xf2f5_2010];

/// The clock of a file system's times ticks at least so often; one that keeps seconds has a whole
/// one between two times.
const TICK: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(2);

/// Which file it is, and whether it was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    device: (u32, u32),
    modified: (i64, u32),
    pub(super) stamp: Stamp,
}

/// Which file it is.
pub(super) type Key = ((u32, u32), u64);

impl Mark {
    pub(super) fn from_data(found: &Data) -> Self {
        Self { device: found.device, modified: found.modified, stamp: found.stamp }
    }

    pub(super) fn key(&self) -> Key {
        (self.device, self.stamp.inode)
    }
}

/// What was read of a file.
#[derive(Clone, Debug)]
pub(super) struct Verdict {
    mark: Mark,
    /// What the content is known by.
    pub(super) id: String,
    pub(super) is_in_git: bool,
    /// No program could write it meanwhile.
    is_settled: bool,
    read: Instant,
}

/// What was read.
pub(super) struct Verdicts {
    keeps_times: bool,
    files: BTreeMap<Key, Verdict>,
}

/// Whether no program can have changed a file since.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct IsSettled(bool);

impl IsSettled {
    pub(super) const NO: Self = Self(false);
}

impl Verdicts {
    pub(super) fn new(project: &OwnedFd) -> Self {
        let keeps_times = fstatfs(project).is_ok_and(|found| KEEP_TIMES.contains(&found.f_type));
        Self { keeps_times, files: BTreeMap::new() }
    }

    /// What was read of a file, if it is as it was: known for certain, or read after a time.
    pub(super) fn find(
        &self,
        place: &Place,
        path: &[u8],
        found: &Data,
        after: Instant,
    ) -> Option<&Verdict> {
        let mark = Mark::from_data(found);
        let verdict = self.files.get(&mark.key()).filter(|verdict| verdict.mark == mark)?;
        let is_good =
            || verdict.read >= after || verdict.is_settled && has_no_writer(place, path, mark);
        is_good().then_some(verdict)
    }

    /// Whether a file has a writer whom its times do not show.
    pub(super) fn may_be_written(&self, place: &Place, path: &[u8]) -> bool {
        let has_writer =
            |file: OwnedFd| ReadLease::take(&file).is_err_and(|error| error == Errno::AGAIN);
        !self.keeps_times && place.open_file(path).is_ok_and(has_writer)
    }

    pub(super) fn keep(
        &mut self,
        found: &Data,
        id: String,
        is_in_git: bool,
        IsSettled(is_settled): IsSettled,
    ) {
        let mark = Mark::from_data(found);
        let verdict = Verdict { mark, id, is_in_git, is_settled, read: Instant::now() };
        self.files.insert(mark.key(), verdict);
    }

    /// Forgets the files that have none of these marks.
    pub(super) fn keep_only<'m>(&mut self, marks: impl Iterator<Item = &'m Mark>) {
        let keys: BTreeSet<Key> = marks.map(Mark::key).collect();
        self.files.retain(|key, _| keys.contains(key));
    }

    /// Reads a file.
    pub(super) fn read(
        &self,
        place: &Place,
        path: &[u8],
    ) -> io::Result<(Data, Content, IsSettled)> {
        let file = place.open_file(path)?;
        let lease = ReadLease::take(&file);
        let now = SystemTime::now();
        let (found, bytes) = content(&file, HELD_MAX)?;
        let is_held = lease.is_ok_and(|lease| lease.holds());
        let is_settled = self.keeps_times && is_held && is_before(found.stamp.changed, now);
        Ok((found, bytes.map_or(Content::Large, Content::File), IsSettled(is_settled)))
    }
}

/// Whether a change after `now` would have another time.
fn is_before((seconds, nanoseconds): (i64, u32), now: SystemTime) -> bool {
    let at = UNIX_EPOCH + Duration::new(seconds.try_into().unwrap_or_default(), nanoseconds);
    at + if nanoseconds == 0 { SECOND } else { TICK } < now
}

fn has_no_writer(place: &Place, path: &[u8], mark: Mark) -> bool {
    let Ok(file) = place.open_file(path) else { return false };
    let is_it = || data(&file, b"").is_ok_and(|now| Mark::from_data(&now) == mark);
    // The lease comes first: what is changed after the look has a writer by then.
    ReadLease::take(&file).is_ok_and(|lease| is_it() && lease.holds())
}
