//! A folder of the host that a jail may write, held and locked: placeholders in it stay until the
//! last session has ended.

use std::cell::RefCell;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use super::file;
use super::placeholder::{Made, Placeholder};

/// How often, and how long apart, the lock is asked for: another session that ends holds it for a
/// moment.
const TRIES: u32 = 100;
const APART: Duration = Duration::from_millis(5);

/// A folder that is held open and locked, so that its path leads to no other one.
pub(super) struct Held {
    pub(super) path: PathBuf,
    pub(super) folder: OwnedFd,
    /// The placeholders, and the folders that were made for them.
    placeholders: RefCell<Vec<(PathBuf, Placeholder)>>,
}

impl Held {
    /// Holds it, and locks it against the end of other sessions.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(CWD, path, flags, Mode::empty())?;
        if file::path_of(&folder)? != path {
            return Err(io::Error::other("something else was put in its place during the launch"));
        }
        for attempt in 1.. {
            match flock(&folder, FlockOperation::NonBlockingLockShared) {
                Err(Errno::WOULDBLOCK) if attempt < TRIES => sleep(APART),
                // A file system without locks has no second session to tell apart, either.
                Err(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS) => break,
                other => {
                    other?;
                    break;
                }
            }
        }
        Ok(Self { path: path.to_path_buf(), folder, placeholders: RefCell::default() })
    }

    /// Makes a placeholder where nothing is; whether something is there.
    pub(super) fn make(&self, name: &Path, placeholder: Placeholder) -> io::Result<bool> {
        let made = placeholder.make(&self.folder, name)?;
        // A folder that was there is the user's; what has the form of a placeholder may be what a
        // killed session has left.
        if made == Made::Now || (made == Made::Before && placeholder != Placeholder::Folder) {
            self.placeholders.borrow_mut().push((name.to_path_buf(), placeholder));
        }
        Ok(made != Made::Not)
    }

    /// Whether another jail runs in it, from now to the end of this process. A file system without
    /// locks has none to be seen.
    pub(super) fn is_shared(&self) -> bool {
        flock(&self.folder, FlockOperation::NonBlockingLockExclusive) == Err(Errno::WOULDBLOCK)
    }

    /// Takes the placeholders away, if no other session needs them.
    pub(super) fn clear(&self) {
        let mut placeholders = self.placeholders.take();
        if flock(&self.folder, FlockOperation::NonBlockingLockExclusive).is_err() {
            return;
        }
        // A folder after what lies in it.
        placeholders.reverse();
        for (name, placeholder) in placeholders {
            placeholder.remove(&self.folder, &name);
        }
        let _ = flock(&self.folder, FlockOperation::Unlock);
    }
}
