//! The paths of the host that a launch uses, each looked up once: what is recorded, locked or
//! shared is what is bound, whatever the path leads to meanwhile (escapes.md E5).
//!
//! A mount can be cloned only in its own namespace. So the jail's init opens what was opened
//! before the clone once more, by its real path and through no link, and stops the launch where
//! that is something else now.

use alloc::ffi::CString;
use alloc::format;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{CWD, FileType, Mode, OFlags, openat, readlinkat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};

use super::trust::WritableTrees;
use super::walk::{self, Identity};
use super::worktree::SharedGit;
use crate::failure::{About, Problem};
use crate::reading::read_to_end;
use crate::resolve::{self, Scope};

/// The targets of the paths of one launch.
pub(crate) struct HostPaths<'a> {
    trees: WritableTrees<'a>,
    known: RefCell<Vec<Known>>,
    /// Whether this process has its own mounts. No descriptor that was opened
    /// before belongs to these.
    moved: Cell<bool>,
    repository: Option<SharedGit>,
}

/// The target of a path when it was first looked up, including that there was nothing.
struct Known {
    path: Vec<u8>,
    found: Result<OpenedPath, Problem>,
}

#[derive(Clone)]
struct OpenedPath {
    place: Rc<OwnedFd>,
    /// Opened after [`HostPaths::enter_mounts`].
    moved: bool,
    /// No link was on the way, so its path is the one that was looked up.
    is_plain: bool,
}

impl<'a> HostPaths<'a> {
    pub(crate) fn new(trees: WritableTrees<'a>) -> Self {
        let known = RefCell::default();
        Self { trees, known, moved: Cell::new(false), repository: None }
    }

    /// The trees by which links are judged.
    pub(crate) fn trees(&self) -> &WritableTrees<'a> {
        &self.trees
    }

    /// The repository of the working folder, if it is a linked worktree.
    pub(crate) fn repository(&self) -> Option<&SharedGit> {
        self.repository.as_ref()
    }

    /// Sets the repository. Its path leads there from now on.
    pub(crate) fn set_repository(&mut self, repository: SharedGit) {
        let found = OpenedPath { place: repository.place.clone(), moved: false, is_plain: false };
        self.know(&repository.path, Ok(found));
        self.repository = Some(repository);
    }

    /// The process is in its own mount namespace from now on.
    pub(crate) fn enter_mounts(&self) {
        self.moved.set(true);
    }

    /// What `path`, which is absolute, names, as a place (`O_PATH`).
    pub(crate) fn open(&self, path: &[u8]) -> Result<Rc<OwnedFd>, Problem> {
        let moved = self.moved.get();
        let mut is_plain = false;
        let opened = match self.known(path) {
            Some(Ok(found)) if found.moved != moved => again(&found.place, path),
            Some(found) => return found.map(|found| found.place),
            None => match walk::open_plain(path) {
                Err(Errno::LOOP) => walk::follow(path, &self.trees),
                other => {
                    is_plain = true;
                    other.about(path)
                }
            },
        };
        let found = opened.map(|place| OpenedPath { place: Rc::new(place), moved, is_plain });
        self.know(path, found.clone());
        found.map(|found| found.place)
    }

    /// The path of `place` without symbolic links. It was opened as `path`, if that was done here;
    /// then /proc need not be asked, which would take longer than opening it did.
    pub(crate) fn real(&self, path: &[u8], place: impl AsFd) -> Result<Vec<u8>, Errno> {
        let number = place.as_fd().as_raw_fd();
        let is_it = |found: &OpenedPath| found.is_plain && found.place.as_raw_fd() == number;
        match self.known(path) {
            Some(Ok(found)) if is_it(&found) && is_normal(path) => Ok(path.to_vec()),
            Some(_) | None => path_of(place),
        }
    }

    fn known(&self, path: &[u8]) -> Option<Result<OpenedPath, Problem>> {
        let known = self.known.borrow();
        known.iter().find(|known| known.path == path).map(|known| known.found.clone())
    }

    fn know(&self, path: &[u8], found: Result<OpenedPath, Problem>) {
        let mut known = self.known.borrow_mut();
        known.retain(|known| known.path != path);
        known.push(Known { path: path.into(), found });
    }

    /// The folder of a file that others replace, whose identity changes from one moment to the
    /// next, and its name there. Links are followed before. The file itself may be missing.
    pub(crate) fn entry(&self, path: &[u8]) -> Result<(Vec<u8>, OwnedFd, CString), Problem> {
        let last = |path: &[u8]| path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
        let (mut levels, real) = match walk::levels(path, &self.trees) {
            Err(problem) if problem.is(&[Errno::NOENT]) => {
                let parent = path.get(..last(path)).unwrap_or_default();
                (walk::levels(parent, &self.trees)?, path.to_vec())
            }
            other => {
                let mut levels = other?;
                let file = levels.pop().map(|file| file.path).unwrap_or_default();
                (levels, file)
            }
        };
        let Some(folder) = levels.pop() else { return Err(Problem::errno(path, Errno::ISDIR)) };
        let name = real.get(last(&real) + 1..).unwrap_or_default();
        let name = CString::new(name).map_err(|_| Problem::errno(path, Errno::INVAL))?;
        let place = fcntl_dupfd_cloexec(&folder.place, 3).about(path)?;
        let moved = self.moved.get();
        let found = OpenedPath { place: Rc::new(folder.place), moved, is_plain: true };
        self.know(&folder.path, Ok(found));
        Ok((folder.path, place, name))
    }

    /// If no link is on the way, as nearly always, the file is opened at once: /proc costs
    /// more than the rest of this.
    fn open_to_read(&self, path: &[u8]) -> Result<Rc<OwnedFd>, Problem> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        if self.known(path).is_none()
            && let Ok(file) = resolve::open(CWD, path, flags, Scope::Anywhere)
        {
            let (place, moved) = (Rc::new(file), self.moved.get());
            let found = OpenedPath { place, moved, is_plain: true };
            self.know(path, Ok(found.clone()));
            return Ok(found.place);
        }
        let place = self.open(path)?;
        let through = format!("/proc/self/fd/{}", place.as_raw_fd());
        let file = openat(CWD, through.as_str(), flags | OFlags::CLOEXEC, Mode::empty());
        file.map(Rc::new).about(path)
    }

    /// Reads a whole file, at most `bound` bytes.
    pub(crate) fn read(&self, path: &[u8], bound: usize) -> Result<Vec<u8>, Problem> {
        let file = self.open_to_read(path)?;
        let stat = rustix::fs::fstat(&*file).about(path)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(Problem::new(path, "it is not a regular file"));
        }
        read_to_end(&*file, bound).about(path)
    }
}

/// The same in another mount namespace: the same file system may be mounted
/// there, with another descriptor.
fn again(place: &OwnedFd, path: &[u8]) -> Result<OwnedFd, Problem> {
    let real = path_of(place).about(path)?;
    match resolve::open(CWD, &real, OFlags::PATH, Scope::Anywhere) {
        Ok(now)
            if Identity::from_file(&now).about(path)?
                == Identity::from_file(place).about(path)? =>
        {
            Ok(now)
        }
        Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
            Err(Problem::new(path, "something else was put in its place during the launch")
                .help("see what works there, and start again"))
        }
        Err(error) => Err(Problem::errno(path, error)),
    }
}

/// Whether the path is in the kernel's form.
fn is_normal(path: &[u8]) -> bool {
    let is_name = |name: &[u8]| !matches!(name, b"" | b"." | b"..");
    path.strip_prefix(b"/").is_some_and(|rest| rest.split(|byte| *byte == b'/').all(is_name))
}

/// The path of `place` in the kernel, without symbolic links.
pub(crate) fn path_of(place: impl AsFd) -> Result<Vec<u8>, Errno> {
    let link = format!("/proc/self/fd/{}", place.as_fd().as_raw_fd());
    readlinkat(CWD, link.as_str(), Vec::new()).map(CString::into_bytes)
}
