//! The jail's root while it is built: places in it are opened and made so that no symlink leads elsewhere.
//!
//! A tree bound read-write may hold a symlink that an earlier session planted where a later mount belongs; following it
//! would move the mount, and what it protects, to another place (escapes.md C12). So no symlink is followed at all.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ffi::CStr;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, mkdirat, mknodat, symlinkat, unlinkat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::process::{fchdir, pivot_root};

use crate::aside::Aside;
use crate::failure::{About, Problem};
use crate::inside::file;
use crate::inside::tree::{self, Depth, Kind};
use crate::resolve::{self, Scope};
use crate::sys::{self, Attributes};

/// The mode of folders that are made on the way to a mount point.
const FOLDER_MODE: u32 = 0o755;
const FILE_MODE: u32 = 0o644;

/// The root that is being built.
pub(crate) struct Root {
    /// What is mounted at `/` inside.
    top: OwnedFd,
    /// The filesystem that the launch began with, when a mount over `/` hides it.
    hidden: Option<OwnedFd>,
    /// The devices of the filesystems that the launch made itself: what is written there reaches nobody's files.
    own: Vec<u64>,
    /// Mounts that become read-only when everything is in place.
    read_only: Vec<OwnedFd>,
}

/// A folder inside and a name in it.
pub(crate) struct Entry {
    pub(crate) folder: OwnedFd,
    pub(crate) name: CString,
}

impl Root {
    /// A fresh tmpfs, attached over `/`. The process keeps the host's root, and so does every absolute path.
    pub(crate) fn new() -> Result<Self, Problem> {
        let top = tree::tmpfs(FOLDER_MODE, None).about("a new tmpfs")?;
        move_mount(top.as_fd(), c"", CWD, c"/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .about("/")?;
        let mut root = Self { top, hidden: None, own: Vec::new(), read_only: Vec::new() };
        root.own.push(rustix::fs::fstat(&root.top).about("/")?.st_dev);
        Ok(root)
    }

    /// Opens what is there as a place.
    pub(crate) fn open(&self, path: &[u8]) -> Result<OwnedFd, Problem> {
        self.try_open(path).map_err(|error| refused(path, error))
    }

    fn try_open(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        resolve(&self.top, path, OFlags::PATH)
    }

    /// Attaches `tree` at `path`, making the mount point when it is missing.
    pub(crate) fn attach(
        &mut self,
        tree: impl AsFd,
        path: &str,
        kind: Kind,
    ) -> Result<(), Problem> {
        self.attach_at(tree, path.as_bytes(), kind)
    }

    /// The same for a path that is not text.
    pub(crate) fn attach_at(
        &mut self,
        tree: impl AsFd,
        path: &[u8],
        kind: Kind,
    ) -> Result<(), Problem> {
        match self.try_open(path) {
            Err(Errno::NOENT) => {
                let entry = self.entry(path)?;
                make(&entry, kind).map_err(|error| not_made(path, error))?;
                move_to_entry(&tree, &entry)
            }
            other => other.and_then(|place| move_to(&tree, place)),
        }
        .map_err(|error| refused(path, error))?;
        if path.iter().all(|byte| *byte == b'/') {
            let top = fcntl_dupfd_cloexec(tree, 0).about("/")?;
            let covered = core::mem::replace(&mut self.top, top);
            self.hidden.get_or_insert(covered);
        }
        Ok(())
    }

    /// Makes a file with this content that has no name in the end, and gives it to `bind` while it has one: a mount of
    /// it can be attached only then.
    pub(crate) fn with_file(
        &self,
        content: &[u8],
        mode: u32,
        bind: impl FnOnce(&OwnedFd, &CStr) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.with_entry(|folder, name| file::create(folder, name, content, mode), bind)
    }

    /// The same for a symbolic link.
    pub(crate) fn with_link(
        &self,
        target: &str,
        bind: impl FnOnce(&OwnedFd, &CStr) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        self.with_entry(|folder, name| symlinkat(target, folder, name), bind)
    }

    fn with_entry(
        &self,
        make: impl FnOnce(&OwnedFd, &CStr) -> Result<(), Errno>,
        bind: impl FnOnce(&OwnedFd, &CStr) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let folder = self.hidden.as_ref().unwrap_or(&self.top);
        let name = c".jail-stub";
        make(folder, name)?;
        bind(folder, name)?;
        unlinkat(folder, name, AtFlags::empty())
    }

    /// What is at `path`; made, with its parents, when it is missing.
    pub(crate) fn place(&self, path: &[u8], kind: Kind) -> Result<OwnedFd, Problem> {
        match self.try_open(path) {
            Err(Errno::NOENT) => {}
            other => return other.map_err(|error| refused(path, error)),
        }
        let entry = self.entry(path)?;
        make(&entry, kind).map_err(|error| not_made(path, error))?;
        resolve(&entry.folder, entry.name.as_bytes(), OFlags::PATH)
            .map_err(|error| refused(path, error))
    }

    /// The folder that `path` lies in, made with its parents when it is missing, and the name in it.
    pub(crate) fn entry(&self, path: &[u8]) -> Result<Entry, Problem> {
        let split = path.iter().rposition(|byte| *byte == b'/');
        let (parent, name) = match split.map(|at| path.split_at(at)) {
            Some((parent, [_, name @ ..])) if !name.is_empty() => (parent, name),
            Some(_) | None => return Err(Problem::new(path, "the root itself cannot be this")),
        };
        let name = CString::new(name).map_err(|_| Problem::errno(path, Errno::INVAL))?;
        let parent: &[u8] = if parent.is_empty() { b"/" } else { parent };
        let folder = match self.try_open(parent) {
            Err(Errno::NOENT) => self.make_folders(parent)?,
            other => other.map_err(|error| refused(parent, error))?,
        };
        Ok(Entry { folder, name })
    }

    fn make_folders(&self, path: &[u8]) -> Result<OwnedFd, Problem> {
        let mut folder = self.try_open(b"/").about("/")?;
        for name in path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()) {
            folder = match resolve(&folder, name, OFlags::PATH) {
                Err(Errno::NOENT) => {
                    mkdirat(&folder, name, Mode::from_raw_mode(FOLDER_MODE))
                        .or_else(already)
                        .map_err(|error| not_made(path, error))?;
                    resolve(&folder, name, OFlags::PATH)
                }
                other => other,
            }
            .map_err(|error| refused(path, error))?;
        }
        Ok(folder)
    }

    /// A filesystem in memory at `path`.
    pub(crate) fn tmpfs(
        &mut self,
        path: &str,
        mode: u32,
        size: Option<u64>,
    ) -> Result<(), Problem> {
        let tree = tree::tmpfs(mode, size).about(path)?;
        self.own.push(rustix::fs::fstat(&tree).about(path)?.st_dev);
        self.attach(tree, path, Kind::Folder)
    }

    /// A new and empty folder of the launch's own at `path`, as a mount of its own.
    pub(crate) fn own_folder(&mut self, path: &str) -> Result<OwnedFd, Problem> {
        if let Err(Errno::NOENT) = self.try_open(path.as_bytes()) {
            let entry = self.entry(path.as_bytes())?;
            if self.is_own(&entry.folder).about(path)? {
                // A part of the filesystem that is there costs a third of another one.
                make(&entry, Kind::Folder).map_err(|error| not_made(path.as_bytes(), error))?;
                let tree = tree::clone_child(&entry.folder, &entry.name, Depth::One).about(path)?;
                move_to_entry(&tree, &entry).about(path)?;
                return Ok(tree);
            }
        }
        self.tmpfs(path, FOLDER_MODE, None)?;
        self.open(path.as_bytes())
    }

    /// Makes the mount read-only when everything is in place, but not what is mounted in it.
    pub(crate) fn read_only_in_the_end(&mut self, mount: OwnedFd) {
        self.read_only.push(mount);
    }

    /// Everything is in place.
    pub(crate) fn complete(&self) -> Result<(), Problem> {
        let attributes = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
        self.read_only
            .iter()
            .try_for_each(|mount| sys::set_attributes(mount, attributes))
            .about("/")
    }

    /// A folder at `path`; one that exists stays as it is.
    pub(crate) fn directory(&self, path: &str, mode: u32) -> Result<(), Problem> {
        match self.try_open(path.as_bytes()) {
            Err(Errno::NOENT) => {}
            Ok(place) if Kind::of(&place).about(path)? == Kind::Folder => return Ok(()),
            Ok(_) => return Err(Problem::errno(path, Errno::NOTDIR)),
            Err(error) => return Err(refused(path.as_bytes(), error)),
        }
        let entry = self.entry(path.as_bytes())?;
        mkdirat(&entry.folder, &entry.name, Mode::from_raw_mode(mode))
            .map_err(|error| not_made(path.as_bytes(), error))
    }

    /// Whether what is written in `folder` stays in a filesystem that the launch made itself.
    pub(crate) fn is_own(&self, folder: impl AsFd) -> Result<bool, Errno> {
        rustix::fs::fstat(folder).map(|stat| self.own.contains(&stat.st_dev))
    }

    /// Whether `folder` is in the filesystem that the launch began with.
    pub(crate) fn is_bottom(&self, folder: impl AsFd) -> Result<bool, Errno> {
        rustix::fs::fstat(folder).map(|stat| self.own.first() == Some(&stat.st_dev))
    }

    /// Makes the new root the only one: nothing of the host can be reached by name afterwards, once [`Aside`] has it taken
    /// off, with everything that the topmost mount at `/` covers.
    pub(crate) fn enter(&self, aside: &Aside<'_>) -> Result<(), Problem> {
        fchdir(&self.top).about("/")?;
        // The old root ends up over the new one, from where it is taken off (pivot_root(2), "pivot_root(".", ".")").
        pivot_root(c".", c".").about("/")?;
        aside.detach()
    }
}

/// Makes a mount point.
fn make(Entry { folder, name }: &Entry, kind: Kind) -> Result<(), Errno> {
    match kind {
        Kind::Folder => mkdirat(folder, name, Mode::from_raw_mode(FOLDER_MODE)),
        Kind::File => {
            let mode = Mode::from_raw_mode(FILE_MODE);
            mknodat(folder, name, FileType::RegularFile, mode, 0)
        }
    }
    .or_else(already)
}

/// Moves a detached tree over what is there. Without a flag that asks for it no link is followed.
fn move_to_entry(tree: impl AsFd, Entry { folder, name }: &Entry) -> Result<(), Errno> {
    move_mount(tree, c"", folder, name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

/// Moves a detached tree over `place`.
pub(crate) fn move_to(tree: impl AsFd, place: impl AsFd) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(tree, c"", place, c"", flags)
}

fn resolve(top: impl AsFd, path: &[u8], flags: OFlags) -> Result<OwnedFd, Errno> {
    resolve::open(top, path, flags, Scope::InRoot)
}

fn already(error: Errno) -> Result<(), Errno> {
    if error == Errno::EXIST { Ok(()) } else { Err(error) }
}

fn refused(path: &[u8], error: Errno) -> Problem {
    let problem = Problem::errno(path, error);
    match error {
        Errno::LOOP => Problem::new(path, "a symbolic link stands in the way").help(
            "mounts follow no symbolic link inside the jail; remove the link, or grant the place that it leads to",
        ),
        Errno::NOTDIR => problem
            .help("a file stands where a folder is needed, or the other way round"),
        _ => problem,
    }
}

fn not_made(path: &[u8], error: Errno) -> Problem {
    let name = String::from_utf8_lossy(path);
    match error {
        Errno::ROFS => {
            Problem::new(path, "the mount point is missing, and the tree around it is read-only")
                .help(format!(
                    "make `{name}` on the host, or put the grant around it after this one"
                ))
        }
        Errno::ACCESS | Errno::PERM => Problem::errno(path, error).help(format!(
            "the mount point `{name}` is missing and cannot be made; make it on the host"
        )),
        _ => Problem::errno(path, error),
    }
}
