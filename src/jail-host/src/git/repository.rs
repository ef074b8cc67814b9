//! A folder of git: what in it git on the host executes or believes, and what has to stand there so that a jail cannot make it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use jail_plan::git::How;
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, flock, openat};
use rustix::io::Errno;

use super::file;
use super::placeholder::{Made, Placeholder};

/// What is kept apart in it, how, and what stands for it.
const KEPT: [(&str, How, Placeholder); 6] = [
    ("config", How::Link, Placeholder::Comment),
    ("config.worktree", How::Link, Placeholder::Comment),
    ("hooks", How::Copy, Placeholder::Folder),
    ("commondir", How::ReadOnly, Placeholder::Here),
    ("info/attributes", How::ReadOnly, Placeholder::Comment),
    ("objects/info/alternates", How::ReadOnly, Placeholder::Empty),
];

/// The folders that these lie in. What is not a repository yet may lack them.
const FOLDERS: [&str; 3] = ["info", "objects", "objects/info"];

/// The folders that what counts lies in. Where one is a link, that is kept, and nothing is made behind it.
const WAYS: [&str; 5] = ["info", "objects", "objects/info", "worktrees", "modules"];

/// The same for what the repository keeps of a worktree. What it lacks of these it does not have.
const OF_WORKTREE: [(&str, How); 2] = [("gitdir", How::ReadOnly), ("commondir", How::ReadOnly)];

/// How often, and how long apart, the lock is asked for: another session that ends holds it for a moment.
const TRIES: u32 = 100;
const APART: Duration = Duration::from_millis(5);

/// A folder of git, held and locked: placeholders stay until the last session has ended.
pub(super) struct Repository {
    pub(super) path: PathBuf,
    pub(super) folder: OwnedFd,
    /// The placeholders, and the folders that were made for them.
    placeholders: RefCell<Vec<(PathBuf, Placeholder)>>,
    /// The worktrees and modules that it has.
    pub(super) children: BTreeSet<PathBuf>,
}

/// Whether a folder is one of git's.
pub(super) fn is_repository(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok_and(|found| !found.is_dir())
        && path.join("objects").is_dir()
        && path.join("refs").is_dir()
}

impl Repository {
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
                // A file system without locks has no way to see a second session, either.
                Err(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS) => break,
                other => {
                    other?;
                    break;
                }
            }
        }
        let (placeholders, children) = (RefCell::default(), children(path));
        Ok(Self { path: path.to_path_buf(), folder, placeholders, children })
    }

    /// What is kept apart in it. Where nothing is yet, a placeholder is made.
    pub(super) fn kept(&self) -> io::Result<Vec<(How, PathBuf)>> {
        let links =
            WAYS.map(|name| self.path.join(name)).into_iter().filter(|way| way.is_symlink());
        let mut kept: Vec<_> = links.map(|link| (How::ReadOnly, link)).collect();
        for folder in FOLDERS {
            self.make(Path::new(folder), Placeholder::Folder)?;
        }
        for (name, how, placeholder) in KEPT {
            let path = self.path.join(name);
            // A link may lead to where nothing is made and something is.
            if self.make(Path::new(name), placeholder)? || path.symlink_metadata().is_ok() {
                kept.push((how, path));
            }
        }
        for child in self.children.iter().filter(|child| child.starts_with("worktrees")) {
            for (name, how) in OF_WORKTREE {
                let path = self.path.join(child).join(name);
                if path.symlink_metadata().is_ok() {
                    kept.push((how, path));
                }
            }
            let config = child.join("config.worktree");
            if self.make(&config, Placeholder::Comment)? {
                kept.push((How::Link, self.path.join(config)));
            }
        }
        Ok(kept)
    }

    /// Makes a placeholder where nothing is; whether something is there.
    fn make(&self, name: &Path, placeholder: Placeholder) -> io::Result<bool> {
        let made = placeholder.make(&self.folder, name)?;
        // A folder that was there is the user's; a file may be what a killed session has left.
        if made == Made::Now || (made == Made::Before && placeholder != Placeholder::Folder) {
            self.placeholders.borrow_mut().push((name.to_path_buf(), placeholder));
        }
        Ok(made != Made::Not)
    }

    /// Whether another jail runs in it, from now to the end of this process. On a file system without locks that cannot be known.
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

    /// The worktrees and modules that it has now and did not have before.
    pub(super) fn new_children(&self) -> Vec<PathBuf> {
        children(&self.path).difference(&self.children).cloned().collect()
    }
}

/// `worktrees/NAME` and `modules/NAME`.
fn children(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for kind in ["worktrees", "modules"] {
        if path.join(kind).is_symlink() {
            found.insert(kind.into());
            continue;
        }
        let entries = fs::read_dir(path.join(kind)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        found.extend(
            folders.take(CHILDREN_MAX).map(|entry| Path::new(kind).join(entry.file_name())),
        );
    }
    found
}

/// More than that no repository has.
const CHILDREN_MAX: usize = 1024;
