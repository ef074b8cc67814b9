//! A file of git that a program of the host has replaced, as git does it: the kernel took the
//! jail's mount off it, so the jail can open the new one, and a payload that held the lock file has
//! it open already. That alone is reported. What shows that something writes it ends the jail: a
//! writer that stays, another name of it, or another content in its place.
//!
//! The mount is not put back. That takes setns(2) and move_mount(2), which the kernel refuses to a
//! process under Landlock, as this one is, and a descriptor that is open for writing would outlive
//! the new mount.

use std::fmt;
use std::io;
use std::time::{Duration, Instant};

use rustix::fs::inotify::WatchFlags;
use rustix::io::Errno;

use super::events::Watches;
use crate::handoff::content::hash;
use crate::handoff::place::{Place, content};
use crate::handoff::report::shown;
use crate::sys::lease::ReadLease;

/// No configuration is larger.
const BYTES_MAX: u64 = 1 << 20;
/// A writer that stays longer than this is not the one that has just made the file.
const WRITER: Duration = Duration::from_millis(100);
/// How often it is looked at without an event: a write through a mapping causes no event.
const AGAIN: Duration = Duration::from_secs(1);

const EVENTS: WatchFlags =
    WatchFlags::MODIFY.union(WatchFlags::CLOSE_WRITE).union(WatchFlags::ATTRIB);

/// Why the jail is ended.
#[derive(Debug)]
pub(super) struct Evidence(String);

impl std::error::Error for Evidence {}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an error is of this kind.
pub(super) fn is_evidence(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<Evidence>())
}

/// The file that has come.
pub(super) struct Replaced {
    path: Vec<u8>,
    /// Which file it is, and its content when it was first looked at.
    first: Option<(u64, String)>,
    /// A writer was there then.
    writer: Option<Instant>,
    next: Instant,
}

impl Replaced {
    pub(super) fn new(path: Vec<u8>) -> Self {
        Self { path, first: None, writer: None, next: Instant::now() }
    }

    pub(super) fn is_at(&self, path: &[u8]) -> bool {
        self.path == path
    }

    /// It is looked at again then.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// Something has happened to it.
    pub(super) fn happened(&mut self) {
        self.next = Instant::now();
    }

    /// Looks at it, if it is time.
    ///
    /// # Errors
    /// The jail is to end: the evidence.
    pub(super) fn check(
        &mut self,
        place: &Place,
        by: Option<Instant>,
        watches: &mut Watches,
    ) -> io::Result<()> {
        if by.is_some_and(|by| by < self.next) {
            return Ok(());
        }
        match self.look(place, watches) {
            Some(why) => Err(io::Error::other(Evidence(format!(
                "`{}` was replaced on the host, and {why}: the jail is ended; look at the file before you run git here",
                shown(&self.path)
            )))),
            None => Ok(()),
        }
    }

    fn look(&mut self, place: &Place, watches: &mut Watches) -> Option<&'static str> {
        let now = Instant::now();
        self.next = now + AGAIN;
        // It is gone, or is replaced at this moment: an event.
        let file = place.open_file(&self.path).ok()?;
        let has_writer = ReadLease::take(&file).err() == Some(Errno::AGAIN);
        let (found, bytes) = content(&file, BYTES_MAX).ok()?;
        let Some(bytes) = bytes else { return Some("the new one is no configuration of git") };
        let is = (found.stamp.inode, hash(&bytes));
        match &self.first {
            Some(first) if first.0 == is.0 && *first != is => {
                return Some("the new one was written in its place");
            }
            Some(first) if first.0 == is.0 => {}
            // Git makes a new file each time.
            Some(_) | None => {
                watches.add_if_room(&file, &self.path, EVENTS);
                (self.first, self.writer) = (Some(is), None);
            }
        }
        if found.names > 1 {
            return Some("the new one has another name, by which it can be written");
        }
        if !has_writer {
            self.writer = None;
            return None;
        }
        let since = *self.writer.get_or_insert(now);
        self.next = now + WRITER;
        (now.saturating_duration_since(since) >= WRITER)
            .then_some("a program still has the new one open for writing")
    }
}
