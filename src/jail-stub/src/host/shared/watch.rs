//! When to look whether a shared file has changed: after something was written or renamed in one of the folders, and not more
//! often than a few times a second, however often the payload writes.

use alloc::format;
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

const PAUSE_NANOSECONDS: i64 = 200_000_000;

/// What is waited for: first for a change, then for the end of a pause.
#[derive(Default)]
pub(super) struct Watch {
    /// None where nothing is shared, or where the user has too many of these already: then files are carried over at the end.
    changes: Option<OwnedFd>,
    pause: Option<OwnedFd>,
}

impl Watch {
    pub(super) fn of<'a>(folders: impl Iterator<Item = BorrowedFd<'a>>) -> Self {
        Self { changes: changes(folders).ok().flatten(), pause: None }
    }

    /// What is ready when there is something to attend to.
    pub(super) fn source(&self) -> Option<&OwnedFd> {
        self.pause.as_ref().or(self.changes.as_ref())
    }

    /// After an event: whether it is time to look.
    pub(super) fn is_due(&mut self) -> bool {
        if self.pause.take().is_none() {
            self.pause = pause().ok();
        }
        if self.pause.is_some() {
            return false;
        }
        let mut space = [MaybeUninit::uninit(); 4096];
        if let Some(changes) = &self.changes {
            let mut reader = Reader::new(changes, &mut space);
            while reader.next().is_ok() {}
        }
        true
    }

    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [&self.changes, &self.pause].into_iter().flatten().map(AsFd::as_fd)
    }
}

fn changes<'a>(folders: impl Iterator<Item = BorrowedFd<'a>>) -> Result<Option<OwnedFd>, Errno> {
    let mut changes = None;
    for folder in folders {
        let changes = match &changes {
            Some(changes) => changes,
            None => {
                let flags = CreateFlags::CLOEXEC | CreateFlags::NONBLOCK;
                changes.insert(inotify::init(flags)?)
            }
        };
        let through = format!("/proc/self/fd/{}", folder.as_raw_fd());
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        inotify::add_watch(changes, through.as_str(), flags)?;
    }
    Ok(changes)
}

fn pause() -> Result<OwnedFd, Errno> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC)?;
    let never = Timespec { tv_sec: 0, tv_nsec: 0 };
    let at = Timespec { tv_sec: 0, tv_nsec: PAUSE_NANOSECONDS };
    let spec = Itimerspec { it_interval: never, it_value: at };
    timerfd_settime(&timer, TimerfdTimerFlags::empty(), &spec)?;
    Ok(timer)
}
