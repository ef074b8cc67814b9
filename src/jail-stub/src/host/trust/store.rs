//! The record on disk of every tree that a jail could ever write: `trust/trees`
//! in jailgen's state folder.
//!
//! A file exists or does not, so a lookup is one call for each key and needs no lock. If it cannot
//! be read, the answer is never "no".

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{OnceCell, RefCell};

use jail_plan::trust::{Born, Identity as Known, TREES, Tree, WORKTREES};
use jail_plan::trust::{identity_name, path_name, worktree_name};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, StatxFlags, fstat, fstatvfs, openat, statat, statx,
};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

use super::WritableTrees;
use crate::caller::{Caller, StateFolder};
use crate::failure::{About, Problem};
use crate::host::state;
use crate::host::walk::{Identity, Level};
use crate::reading::read_to_end;
use crate::sys;

/// A path and the name of a jail.
const CONTENT_MAX: usize = 8192;

/// Whether a jail could ever write a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recorded {
    Yes,
    No,
    /// The record cannot be read.
    Unknown,
}

/// The record of one caller.
pub(crate) struct Store {
    /// Its place, or why there can be none.
    place: Result<StateFolder, Problem>,
    trees: OnceCell<Opened>,
    /// The results of lookups, because links in one place are often many.
    answers: RefCell<Vec<(Identity, Vec<u8>, Recorded)>>,
    /// The folder in which trees are added, once one was.
    made: OnceCell<OwnedFd>,
}

enum Opened {
    /// No jail was ever started.
    Missing,
    Folder(OwnedFd),
    Unreadable,
}

impl Store {
    /// From the launcher's environment, whatever scripts have left in variables since.
    pub(crate) fn for_caller(caller: &Caller<'_>) -> Self {
        Self {
            place: caller.state_folder(),
            trees: OnceCell::new(),
            answers: RefCell::default(),
            made: OnceCell::new(),
        }
    }

    /// Whether a jail could ever write what is in `folder` because it was given this very folder.
    pub(crate) fn look_up(&self, folder: &Level) -> Recorded {
        let trees = match self.trees.get_or_init(|| self.open()) {
            Opened::Missing => return Recorded::No,
            Opened::Unreadable => return Recorded::Unknown,
            Opened::Folder(trees) => trees,
        };
        let Level { place, identity, path } = folder;
        let mut answers = self.answers.borrow_mut();
        let known = answers.iter().find(|(other, at, _)| other == identity && at == path);
        if let Some((_, _, answer)) = known {
            return *answer;
        }
        let answer = match has(trees, &path_name(path)) {
            Recorded::No => match key(place) {
                Ok(key) => has(trees, &identity_name(&key)),
                Err(_) => Recorded::Unknown,
            },
            other @ (Recorded::Yes | Recorded::Unknown) => other,
        };
        answers.push((*identity, path.clone(), answer));
        answer
    }

    /// The path under which a recorded tree is listed. It may have moved since.
    pub(crate) fn listed(&self, folder: &Level) -> Option<Vec<u8>> {
        let Opened::Folder(trees) = self.trees.get()? else { return None };
        let names = [identity_name(&key(&folder.place).ok()?), path_name(&folder.path)];
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let read = |name| {
            let file = openat(trees, name, flags, Mode::empty()).ok()?;
            Tree::parse(&read_to_end(&file, CONTENT_MAX).ok()?)
        };
        names.iter().find_map(read).map(|tree| tree.path)
    }

    /// Whether this folder was given this repository before, as a linked worktree of it.
    pub(crate) fn knows_worktree(&self, folder: &OwnedFd, repository: &OwnedFd) -> bool {
        let find = || {
            let place = self.place.as_ref().ok()?;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let all = openat(CWD, place.file(WORKTREES), flags, Mode::empty()).ok()?;
            let name = worktree_name(&key(folder).ok()?, &key(repository).ok()?);
            Some(has(&all, &name) == Recorded::Yes)
        };
        find().unwrap_or(false)
    }

    fn open(&self) -> Opened {
        if let Some(made) = self.made.get().and_then(|made| fcntl_dupfd_cloexec(made, 3).ok()) {
            return Opened::Folder(made);
        }
        let Ok(place) = &self.place else { return Opened::Unreadable };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, place.file(TREES), flags, Mode::empty()) {
            Ok(folder) => Opened::Folder(folder),
            Err(Errno::NOENT) => Opened::Missing,
            Err(_) => Opened::Unreadable,
        }
    }

    /// Adds a tree: `place`, which is at `path`.
    pub(super) fn add(&self, jail: &str, place: &OwnedFd, path: &[u8]) -> Result<(), Problem> {
        let mode = fstat(place).about(path)?.st_mode;
        let trees = match self.made.get() {
            Some(trees) => trees,
            None => {
                let trees = self.folder(TREES)?;
                self.made.get_or_init(|| trees)
            }
        };
        let content = Tree { jail: jail.into(), path: path.into() }.encode();
        let added = match FileType::from_raw_mode(mode) {
            FileType::Directory => key(place)
                .and_then(|key| put(trees, &identity_name(&key), &content))
                .and_then(|()| put(trees, &path_name(path), &content)),
            // It is replaced as often as it is written, and is another file each time.
            FileType::RegularFile => put(trees, &path_name(path), &content),
            // What is on a device or behind a socket is not a tree.
            FileType::Symlink
            | FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Ok(()),
        };
        added.about(path).map_err(unrecorded)
    }

    /// Adds a linked worktree: `folder`, which is at `path`, and its repository.
    pub(super) fn add_worktree(
        &self,
        jail: &str,
        (folder, path): (&OwnedFd, &[u8]),
        repository: &OwnedFd,
    ) -> Result<(), Problem> {
        let name = worktree_name(&key(folder).about(path)?, &key(repository).about(path)?);
        let content = Tree { jail: jail.into(), path: path.into() }.encode();
        put(&self.folder(WORKTREES)?, &name, &content).about(path).map_err(unrecorded)
    }

    /// The folder, made for the user alone if it is missing. A home folder is not made: if it does
    /// not exist, there is none.
    fn folder(&self, name: &str) -> Result<OwnedFd, Problem> {
        let place = self.place.as_ref().map_err(|problem| unrecorded(problem.clone()))?;
        let path = place.file(name);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        match openat(CWD, path.as_slice(), flags, Mode::empty()) {
            Err(Errno::NOENT) => {}
            other => return other.about(&path).map_err(unrecorded),
        }
        if place.is_home {
            Identity::at(place.base.as_slice()).about(&place.base).map_err(unrecorded)?;
        }
        state::folder(&path, &WritableTrees::default()).map_err(unrecorded)
    }
}

fn has(folder: &OwnedFd, name: &str) -> Recorded {
    match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Recorded::Yes,
        Err(Errno::NOENT) => Recorded::No,
        Err(_) => Recorded::Unknown,
    }
}

fn put(folder: &OwnedFd, name: &str, content: &[u8]) -> Result<(), Errno> {
    if has(folder, name) == Recorded::Yes {
        return Ok(());
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match openat(folder, name, flags, Mode::RUSR | Mode::WUSR) {
        // Another launch was quicker.
        Err(Errno::EXIST) => Ok(()),
        // A short write would lose words for people; the file is there, which is what counts.
        other => rustix::io::write(other?, content).map(drop),
    }
}

/// The identity of a folder, for as long as it exists.
fn key(place: impl AsFd) -> Result<Vec<u8>, Errno> {
    let stat = statx(&place, c"", AtFlags::EMPTY_PATH, StatxFlags::INO | StatxFlags::BTIME)?;
    let has_birth = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::BTIME);
    let born = match has_birth {
        true => Born { seconds: stat.stx_btime.tv_sec, nanoseconds: stat.stx_btime.tv_nsec },
        false => Born::default(),
    };
    let number = |[high, low]: [u32; 2]| u64::from(high) << 32 | u64::from(low);
    let device = number([stat.stx_dev_major, stat.stx_dev_minor]);
    let inode = Known::Inode { device, inode: stat.stx_ino, born };
    // Inside a jail its filter refuses it; and not every file system has handles.
    let Ok(handle) = sys::file_handle(&place) else { return Ok(inode.key()) };
    let file_system = fstatvfs(&place)?.f_fsid;
    let (kind, handle) = (handle.kind(), handle.bytes());
    Ok(Known::Handle { file_system, kind, handle, born }.key())
}

fn unrecorded(problem: Problem) -> Problem {
    let cause = format!(
        "what this launch lets the jail write cannot be written down ({}: {})",
        problem.object, problem.cause
    );
    let help = String::from(
        "later launches follow no link in what a jail could write, so jailgen keeps a record in its state folder: \
         set XDG_STATE_HOME, or HOME, to the absolute path of a folder that you can write",
    );
    Problem::new("the trust store", cause).help(help)
}
