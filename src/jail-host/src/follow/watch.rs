//! Reports when to check whether a file has changed: after something was written or renamed
//! in one of the two folders.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::sys::name_of;

/// `None` if the user has too many of these already. Then files are carried over at the end.
pub(super) struct Watch(Option<OwnedFd>);

impl Watch {
    pub(super) fn for_folders(folders: [&OwnedFd; 2]) -> Self {
        Self(changes(folders).ok())
    }

    /// What is ready when something has changed.
    pub(super) fn source(&self) -> Option<&OwnedFd> {
        self.0.as_ref()
    }

    /// Forgets what has changed until now.
    pub(super) fn drain(&self) {
        let mut space = [MaybeUninit::uninit(); 4096];
        if let Some(changes) = &self.0 {
            let mut reader = Reader::new(changes, &mut space);
            while reader.next().is_ok() {}
        }
    }
}

fn changes(folders: [&OwnedFd; 2]) -> Result<OwnedFd, Errno> {
    let changes = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    for folder in folders {
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::ONLYDIR;
        inotify::add_watch(&changes, name_of(folder), flags)?;
    }
    Ok(changes)
}
