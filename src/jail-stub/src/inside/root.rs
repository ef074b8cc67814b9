//! The jail's root while it is built. Places in it are opened and made so that
//! no symlink leads elsewhere.
//!
//! A tree bound read-write may hold a symlink that an earlier session planted where a later mount
//! belongs; following it would move the mount, and what it protects, to another place (escapes.md
//! C12). So no symlink is followed at all.

use alloc::ffi::CString;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::ffi::CStr;

use jail_plan::Access;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::{Errno, fcntl_dupfd_cloexec};
use rustix::mount::{MoveMountFlags, move_mount};
use rustix::process::{fchdir, pivot_root};

use crate::failure::{About, Problem};
use crate::inside::file;
use crate::inside::point::{
    Entry, FOLDER_MODE, enter, make, make_and_enter, make_new, make_way, mode_of_parents, move_to,
    move_to_entry, names, not_made, refused, resolve,
};
use crate::inside::tree::{self, BindKind, Depth};
use crate::resolve::mount_of;
use crate::sys::{self, Attributes};

/// The mode of [`Root::cover`], and its size: records and small flakes have room.
const COVER_MODE: u32 = 0o700;
const COVER_SIZE: u64 = 16 << 20;

/// The root that is being built.
pub(crate) struct Root {
    /// What is mounted at `/` inside.
    top: Rc<OwnedFd>,
    /// The filesystem that the launch began with, when a mount over `/` hides it.
    hidden: Option<Rc<OwnedFd>>,
    /// The devices of the filesystems that the launch made itself: writes to them
    /// reach no files of the host.
    own: Vec<u64>,
    /// The places of trees of the host that the payload may write.
    writable: Vec<Vec<u8>>,
    /// Mounts that become read-only when everything is in place.
    read_only: Vec<Rc<OwnedFd>>,
    /// The folder in which something was made last, and its path: most files of /etc are made one
    /// after the other. It is forgotten when something is mounted at this path or above.
    last: RefCell<Option<(Vec<u8>, Rc<OwnedFd>)>>,
}

impl Root {
    /// A fresh tmpfs, attached over `/`. The process keeps the host's root, and so
    /// does every absolute path.
    pub(crate) fn new() -> Result<Self, Problem> {
        let top = tree::tmpfs(FOLDER_MODE, None).about("a new tmpfs")?;
        move_mount(top.as_fd(), c"", CWD, c"/", MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
            .about("/")?;
        let own = vec![rustix::fs::fstat(&top).about("/")?.st_dev];
        let (writable, read_only) = (Vec::new(), Vec::new());
        let top = Rc::new(top);
        let last = RefCell::new(Some((b"/".to_vec(), top.clone())));
        Ok(Self { top, hidden: None, own, writable, read_only, last })
    }

    /// Opens what is there as a place.
    pub(crate) fn open(&self, path: &[u8]) -> Result<OwnedFd, Problem> {
        self.try_open(path).map_err(|error| refused(path, error))
    }

    /// The same for what may be a symbolic link, which is not followed.
    pub(crate) fn open_itself(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let (folder, name) = split(path).ok_or(Errno::INVAL)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(self.try_open(folder)?, name, flags, Mode::empty())
    }

    fn try_open(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        resolve(&*self.top, path, OFlags::PATH)
    }

    /// Attaches `tree` at `path`, making the mount point when it is missing.
    pub(crate) fn attach(
        &mut self,
        tree: impl AsFd,
        path: &str,
        kind: BindKind,
    ) -> Result<(), Problem> {
        self.attach_at(tree, path.as_bytes(), kind)
    }

    /// The same for a path that is not text.
    pub(crate) fn attach_at(
        &mut self,
        tree: impl AsFd,
        path: &[u8],
        kind: BindKind,
    ) -> Result<(), Problem> {
        self.pin(path)?;
        self.forget(path);
        match self.make_in_last(path, kind).or_else(|| self.make_anew(path, kind)) {
            Some(entry) => move_to_entry(&tree, &entry),
            None => match self.try_open(path) {
                Err(Errno::NOENT) => {
                    let entry = self.entry(path)?;
                    make(&entry, kind).map_err(|error| not_made(path, error))?;
                    move_to_entry(&tree, &entry)
                }
                other => other.and_then(|place| move_to(&tree, place)),
            },
        }
        .map_err(|error| refused(path, error))?;
        if path.iter().all(|byte| *byte == b'/') {
            let top = Rc::new(fcntl_dupfd_cloexec(tree, 0).about("/")?);
            let covered = core::mem::replace(&mut self.top, top);
            self.hidden.get_or_insert(covered);
        }
        Ok(())
    }

    /// The mount point at `path`, made where nothing was, if it belongs in the folder that is known
    /// anyway. Otherwise it is looked up, and faults are found, in the long way.
    fn make_in_last(&self, path: &[u8], kind: BindKind) -> Option<Entry> {
        let (parent, name) = split(path)?;
        let folder = self.known(parent)?;
        let entry = Entry { folder, name: CString::new(name).ok()? };
        make_new(&entry, kind).ok().map(|()| entry)
    }

    /// The same with all folders that contain it, if not even the first of these exists.
    fn make_anew(&self, path: &[u8], kind: BindKind) -> Option<Entry> {
        let (parent, name) = split(path).filter(|(parent, _)| *parent != b"/")?;
        if self.hidden.is_some() {
            // A folder of another user may be at the top.
            return None;
        }
        let folder = make_way(&self.top, names(parent), FOLDER_MODE, path).ok()?;
        let entry = Entry { folder: Rc::new(folder), name: CString::new(name).ok()? };
        make_new(&entry, kind).ok().map(|()| entry)
    }

    fn known(&self, folder: &[u8]) -> Option<Rc<OwnedFd>> {
        self.last.borrow().as_ref().filter(|last| last.0 == folder).map(|last| last.1.clone())
    }

    /// Makes a file with this content that has no name in the end, and passes it to `bind` while it
    /// has one: a mount of it can be attached only then.
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
        unlinkat(&**folder, name, AtFlags::empty())
    }

    /// What is at `path`; made, with its parents, when it is missing.
    pub(crate) fn place(&self, path: &[u8], kind: BindKind) -> Result<OwnedFd, Problem> {
        self.pin(path)?;
        self.forget(path);
        match self.try_open(path) {
            Err(Errno::NOENT) => {}
            other => return other.map_err(|error| refused(path, error)),
        }
        let entry = self.entry(path)?;
        make(&entry, kind).map_err(|error| not_made(path, error))?;
        resolve(&*entry.folder, entry.name.as_bytes(), OFlags::PATH)
            .map_err(|error| refused(path, error))
    }

    /// The folder that contains `path`, made with its parents if it is missing, and the name in it.
    pub(crate) fn entry(&self, path: &[u8]) -> Result<Entry, Problem> {
        self.entry_below(path, FOLDER_MODE)
    }

    /// The same for what something is to be mounted over, also a symbolic link.
    pub(crate) fn entry_of_mount(&self, path: &[u8]) -> Result<Entry, Problem> {
        self.pin(path)?;
        self.forget(path);
        self.entry(path)
    }

    /// The same for what is made there with `mode`.
    pub(crate) fn entry_for(&self, path: &[u8], mode: u32) -> Result<Entry, Problem> {
        self.entry_below(path, mode_of_parents(mode))
    }

    fn entry_below(&self, path: &[u8], parents: u32) -> Result<Entry, Problem> {
        let Some((parent, name)) = split(path) else {
            return Err(Problem::new(path, "the root itself cannot be this"));
        };
        let name = CString::new(name).map_err(|_| Problem::errno(path, Errno::INVAL))?;
        let folder = match self.known(parent) {
            Some(folder) => folder,
            None => Rc::new(match self.try_open(parent) {
                Err(Errno::NOENT) => self.make_folders(parent, parents)?,
                other => other.map_err(|error| refused(parent, error))?,
            }),
        };
        self.last.replace(Some((parent.into(), folder.clone())));
        Ok(Entry { folder, name })
    }

    /// Something is mounted at `path`: what is below it is another place now.
    fn forget(&self, path: &[u8]) {
        self.last.borrow_mut().take_if(|(known, _)| is_in(known, path));
    }

    fn make_folders(&self, path: &[u8], mode: u32) -> Result<OwnedFd, Problem> {
        let mut folder: Option<OwnedFd> = None;
        let mut names = names(path).peekable();
        while let Some(name) = names.peek() {
            let around = folder.as_ref().unwrap_or(&*self.top);
            match resolve(around, name, OFlags::PATH) {
                Ok(found) => folder = Some(found),
                // In what is new there is nothing to be found.
                Err(Errno::NOENT) if self.is_own(around).about(path)? => {
                    return make_way(around, names, mode, path);
                }
                Err(Errno::NOENT) => folder = Some(make_and_enter(around, name, mode, path)?),
                Err(error) => return Err(refused(path, error)),
            }
            names.next();
        }
        folder.map_or_else(|| self.try_open(b"/").about("/"), Ok)
    }

    /// Records that a tree of the host is at `path`, and that the payload may write it.
    pub(crate) fn is_writable(&mut self, path: Vec<u8>) {
        self.writable.push(path);
    }

    /// Binds each folder between a writable tree of the host and `path` in it over itself. The
    /// kernel renames and removes no mount point (rename(2), `EBUSY`), so what will be mounted at
    /// `path` is found there and nothing else (escapes.md E23).
    pub(crate) fn pin(&self, path: &[u8]) -> Result<(), Problem> {
        let around = self.writable.iter().filter_map(|tree| below(path, tree));
        let Some(below) = around.min_by_key(|below| below.len()) else { return Ok(()) };
        self.last.take();
        let mut folder = match path.split_at(path.len() - below.len()) {
            ([], _) => self.open(b"/")?,
            (tree, _) => self.open(tree)?,
        };
        let mut between = names(below).peekable();
        while let (Some(name), Some(_)) = (between.next(), between.peek()) {
            let found = enter(&folder, name, FOLDER_MODE, path)?;
            folder = match tree::is_mount(&found).about(path)? {
                true => found,
                false => {
                    let itself = tree::clone_tree(&found, Depth::All).about(path)?;
                    move_to(&itself, found).about(path)?;
                    itself
                }
            };
        }
        Ok(())
    }

    /// A filesystem in memory at `path`: of its own where it has a size.
    pub(crate) fn tmpfs(
        &mut self,
        path: &str,
        mode: u32,
        size: Option<u64>,
    ) -> Result<(), Problem> {
        if size.is_none() && self.part(path, mode)?.is_some() {
            return Ok(());
        }
        let tree = tree::tmpfs(mode, size).about(path)?;
        self.own.push(rustix::fs::fstat(&tree).about(path)?.st_dev);
        self.attach(tree, path, BindKind::Folder)
    }

    /// A new and empty folder of the launch's own at `path`, as a mount of its own.
    pub(crate) fn own_folder(&mut self, path: &str) -> Result<Rc<OwnedFd>, Problem> {
        let folder = Rc::new(match self.part(path, FOLDER_MODE)? {
            Some(part) => part,
            None => {
                self.tmpfs(path, FOLDER_MODE, None)?;
                self.open(path.as_bytes())?
            }
        });
        // What is made next belongs there.
        self.last.replace(Some((path.into(), folder.clone())));
        Ok(folder)
    }

    /// A new folder of the filesystem that the launch began with, as a mount of its own, where one
    /// can be at `path`. It costs a third of another filesystem.
    fn part(&self, path: &str, mode: u32) -> Result<Option<OwnedFd>, Problem> {
        self.pin(path.as_bytes())?;
        self.forget(path.as_bytes());
        if names(path.as_bytes()).next().is_none() {
            return Ok(None);
        }
        let entry = self.entry(path.as_bytes())?;
        let device = rustix::fs::fstat(&*entry.folder).about(path)?.st_dev;
        if self.own.first() != Some(&device) {
            return Ok(None);
        }
        match mkdirat(&*entry.folder, &entry.name, Mode::from_raw_mode(mode)) {
            // What is there stays unchanged, and another filesystem covers it.
            Err(Errno::EXIST) => return Ok(None),
            other => other.map_err(|error| not_made(path.as_bytes(), error))?,
        }
        let part = tree::clone_child(&*entry.folder, &entry.name, Depth::One).about(path)?;
        move_to_entry(&part, &entry).about(path)?;
        Ok(Some(part))
    }

    /// An empty folder in memory at `path`, over what is there. It may be written if the tree
    /// around it may: a jailgen in the jail keeps its state there, which ends with the jail.
    pub(crate) fn cover(&mut self, path: &[u8], access: Access) -> Result<(), Problem> {
        let empty = tree::tmpfs(COVER_MODE, Some(COVER_SIZE)).about(path)?;
        self.own.push(rustix::fs::fstat(&empty).about(path)?.st_dev);
        self.attach_at(&empty, path, BindKind::Folder)?;
        match access {
            Access::ReadOnly => self.read_only_in_the_end(empty),
            Access::ReadWrite | Access::Device => {}
        }
        Ok(())
    }

    /// Makes the mount read-only when everything is in place, but not what is mounted in it.
    pub(crate) fn read_only_in_the_end(&mut self, mount: impl Into<Rc<OwnedFd>>) {
        self.read_only.push(mount.into());
    }

    /// Makes the mount at `path` read-only now.
    pub(crate) fn read_only(&self, path: &[u8]) -> Result<(), Problem> {
        let attributes = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
        match path {
            b"/" => sys::set_attributes(&*self.top, attributes),
            _ => sys::set_attributes(self.open(path)?, attributes),
        }
        .about(path)
    }

    /// Everything is in place.
    pub(crate) fn complete(&self) -> Result<(), Problem> {
        let attributes = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
        self.read_only
            .iter()
            .try_for_each(|mount| sys::set_attributes(&**mount, attributes))
            .about("/")
    }

    /// A folder at `path`; one that exists stays as it is.
    pub(crate) fn directory(&self, path: &str, mode: u32) -> Result<(), Problem> {
        match self.try_open(path.as_bytes()) {
            Err(Errno::NOENT) => {}
            Ok(place) if BindKind::from_file(&place).about(path)? == BindKind::Folder => {
                return Ok(());
            }
            Ok(_) => return Err(Problem::errno(path, Errno::NOTDIR)),
            Err(error) => return Err(refused(path.as_bytes(), error)),
        }
        let entry = self.entry_for(path.as_bytes(), mode)?;
        mkdirat(&*entry.folder, &entry.name, Mode::from_raw_mode(mode))
            .map_err(|error| not_made(path.as_bytes(), error))
    }

    /// Whether writes to `folder` stay in a filesystem that the launch made itself.
    pub(crate) fn is_own(&self, folder: impl AsFd) -> Result<bool, Errno> {
        rustix::fs::fstat(folder).map(|stat| self.own.contains(&stat.st_dev))
    }

    /// Whether `folder` is in the mount that the launch began with, which is read-only in the end.
    pub(crate) fn is_bottom(&self, folder: impl AsFd) -> Result<bool, Errno> {
        let bottom = self.hidden.as_ref().unwrap_or(&self.top);
        Ok(mount_of(folder)? == mount_of(&**bottom)?)
    }

    /// Makes the new root the only one: nothing of the host can be reached by name afterwards, once
    /// `detach` has it taken off, with everything that the topmost mount at `/` covers.
    pub(crate) fn enter(
        &self,
        detach: impl FnOnce() -> Result<(), Problem>,
    ) -> Result<(), Problem> {
        fchdir(&*self.top).about("/")?;
        // The old root ends up over the new one, from where it is taken
        // off (pivot_root(2), "pivot_root(".", ".")").
        pivot_root(c".", c".").about("/")?;
        detach()
    }
}

/// The folder that `path` lies in, and the name in it; nothing for the root.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    match path.split_at(path.iter().rposition(|byte| *byte == b'/')?) {
        ([], [_, name @ ..]) if !name.is_empty() => Some((b"/", name)),
        (parent, [_, name @ ..]) if !name.is_empty() => Some((parent, name)),
        (_, _) => None,
    }
}

/// Whether `path` is `folder`, or lies in it.
fn is_in(path: &[u8], folder: &[u8]) -> bool {
    let mut of_path = names(path);
    names(folder).all(|name| of_path.next() == Some(name))
}

/// The part of `path` below `tree`, which is another place.
fn below<'a>(path: &'a [u8], tree: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(tree.strip_suffix(b"/").unwrap_or(tree))?;
    (rest.starts_with(b"/") && rest.len() > 1).then_some(rest)
}
