//! What inotify(7) says of a few folders and files, by paths below the project.
//!
//! The kernel counts watches for each user, and a jail may use up half of them; this process takes
//! few, whatever a project holds.

use std::collections::BTreeMap;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::sys::name_of;

/// More are not made.
const WATCHES_MAX: usize = 512;
/// A file that is watched itself is known by no more of its names: a jail can give it as many as it
/// likes.
const NAMES_MAX: usize = 8;
/// At most this many events are taken at once, so that the end of the jail is seen whatever it
/// does.
const EVENTS_MAX: usize = 4096;

/// Names that come to a folder, or leave it.
pub(super) const NAMES: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::DELETE)
    .union(WatchFlags::MOVED_FROM)
    .union(WatchFlags::MOVED_TO)
    .union(WatchFlags::ONLYDIR);

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// Something at this path.
    At { path: Vec<u8>, what: ReadFlags },
    /// More than the kernel keeps: nothing is known of it.
    Lost,
}

/// The watches.
pub(super) struct Watches {
    inotify: OwnedFd,
    /// By the kernel's number. One file may have several names.
    paths: BTreeMap<i32, Vec<Vec<u8>>>,
    /// Something was not watched for want of room.
    is_full: bool,
    is_full_said: bool,
}

impl Watches {
    pub(super) fn new() -> Result<Self, Errno> {
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        Ok(Self { inotify, paths: BTreeMap::new(), is_full: false, is_full_said: false })
    }

    /// What is ready when something has happened.
    pub(super) fn source(&self) -> &OwnedFd {
        &self.inotify
    }

    /// Watches what was opened, which is at `path`.
    pub(super) fn add(
        &mut self,
        opened: &OwnedFd,
        path: &[u8],
        events: WatchFlags,
    ) -> Result<(), Errno> {
        let number = inotify::add_watch(&self.inotify, name_of(opened), events)?;
        // What is watched already has the same number again.
        if self.paths.len() >= WATCHES_MAX && !self.paths.contains_key(&number) {
            let _ = inotify::remove_watch(&self.inotify, number);
            return Err(Errno::NOSPC);
        }
        let paths = self.paths.entry(number).or_default();
        if paths.len() < NAMES_MAX && !paths.iter().any(|known| known == path) {
            paths.push(path.to_vec());
        }
        Ok(())
    }

    /// The same, where there is room for more watches: whether there is.
    pub(super) fn add_if_room(
        &mut self,
        opened: &OwnedFd,
        path: &[u8],
        events: WatchFlags,
    ) -> bool {
        let is_watched = self.add(opened, path, events).is_ok();
        self.is_full |= !is_watched;
        is_watched
    }

    /// Whether something is not watched for want of room. It is said once.
    pub(super) fn was_full(&mut self) -> bool {
        let is_new = self.is_full && !self.is_full_said;
        self.is_full_said |= self.is_full;
        is_new
    }

    /// Forgets what is watched at a path and below: something else is there, or nothing.
    pub(super) fn forget_below(&mut self, path: &[u8]) {
        let is_below = |known: &[u8]| {
            let rest = known.strip_prefix(path);
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        };
        for (number, paths) in &mut self.paths {
            paths.retain(|known| !is_below(known));
            if paths.is_empty() {
                // It may be gone already, and the kernel has taken it away.
                let _ = inotify::remove_watch(&self.inotify, *number);
            }
        }
        self.paths.retain(|_, paths| !paths.is_empty());
    }

    /// The next events: all that are there, up to a bound.
    pub(super) fn read(&mut self) -> Result<Vec<Event>, Errno> {
        let mut space = [MaybeUninit::uninit(); 16 * 1024];
        let mut reader = Reader::new(&self.inotify, &mut space);
        let mut events = Vec::new();
        while events.len() < EVENTS_MAX {
            let event = match reader.next() {
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => continue,
                other => other?,
            };
            let what = event.events();
            if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                events.push(Event::Lost);
                continue;
            }
            let name = event.file_name().map(std::ffi::CStr::to_bytes).unwrap_or_default();
            let paths = self.paths.get(&event.wd()).into_iter().flatten();
            events.extend(paths.map(|path| Event::At { path: joined(path, name), what }));
            // The kernel has taken the watch away, and may give its number to another one.
            if what.contains(ReadFlags::IGNORED) {
                self.paths.remove(&event.wd());
            }
        }
        events.dedup();
        Ok(events)
    }
}

/// A name in a folder; what is watched itself, where the name is empty.
pub(super) fn joined(folder: &[u8], name: &[u8]) -> Vec<u8> {
    match (folder, name) {
        (folder, b"") => folder.to_vec(),
        (b"", name) => name.to_vec(),
        (folder, name) => [folder, b"/", name].concat(),
    }
}
