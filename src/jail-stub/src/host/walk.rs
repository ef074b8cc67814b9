//! Opens paths of the host so that no symlink which a jail may have planted is followed.
//!
//! An earlier session of the same jail can leave `cache -> ~/.ssh` in a folder that it may write; bound read-write at the
//! next launch, that would be the user's keys (escapes.md C11). Symlinks elsewhere are the user's own and are followed.

use alloc::collections::VecDeque;
use alloc::ffi::CString;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::OnceCell;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::path::Arg;

use crate::failure::{About, Problem};
use crate::resolve::{self, Scope};

/// As many as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// Which file or folder something is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn of(file: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::fstat(file).map(|stat| Self { device: stat.st_dev, inode: stat.st_ino })
    }

    /// Of what `path` names; symlinks are followed.
    pub(crate) fn at(path: impl Arg) -> Result<Self, Errno> {
        let stat = rustix::fs::statat(CWD, path, AtFlags::empty())?;
        Ok(Self { device: stat.st_dev, inode: stat.st_ino })
    }
}

/// The trees of the host that the jail may write.
#[derive(Default)]
pub(crate) struct WritableTrees {
    paths: Vec<Vec<u8>>,
    identities: OnceCell<Vec<Identity>>,
}

impl WritableTrees {
    pub(crate) fn add(&mut self, path: Vec<u8>) {
        self.paths.push(path);
    }

    /// Whether one of the folders is the top of a writable tree. Looked up only when a symlink was met.
    fn contains_any(&self, folders: &[(OwnedFd, Identity)]) -> bool {
        folders.iter().any(|(_, identity)| self.has_top(*identity))
    }

    /// Whether this is the top of a writable tree.
    pub(crate) fn has_top(&self, folder: Identity) -> bool {
        let tops = self.identities.get_or_init(|| {
            self.paths.iter().filter_map(|path| Identity::at(path.as_slice()).ok()).collect()
        });
        tops.contains(&folder)
    }
}

/// Opens `path`, absolute, as a place (`O_PATH`).
pub(crate) fn open(path: &[u8], trees: &WritableTrees) -> Result<OwnedFd, Problem> {
    match resolve::open(CWD, path, OFlags::PATH, Scope::Anywhere) {
        Err(Errno::LOOP) => Walk::new(trees).and_then(|walk| walk.to(path)).about(path)?,
        other => other.about(path),
    }
}

/// A walk along a path, from the root and one name at a time.
struct Walk<'a> {
    trees: &'a WritableTrees,
    /// From the root to where the walk stands.
    folders: Vec<(OwnedFd, Identity)>,
    links: usize,
}

impl<'a> Walk<'a> {
    fn new(trees: &'a WritableTrees) -> Result<Self, Errno> {
        let mut walk = Self { trees, folders: Vec::new(), links: 0 };
        walk.restart()?;
        Ok(walk)
    }

    fn restart(&mut self) -> Result<(), Errno> {
        self.folders.clear();
        let root =
            openat(CWD, c"/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        self.push(root)
    }

    fn push(&mut self, folder: OwnedFd) -> Result<(), Errno> {
        let identity = Identity::of(&folder)?;
        self.folders.push((folder, identity));
        Ok(())
    }

    fn to(mut self, path: &[u8]) -> Result<Result<OwnedFd, Problem>, Errno> {
        let mut names: VecDeque<Vec<u8>> = names(path).collect();
        while let Some(name) = names.pop_front() {
            if name == b".." {
                if self.folders.len() > 1 {
                    self.folders.pop();
                }
                continue;
            }
            let next = self.child(&name)?;
            if FileType::from_raw_mode(rustix::fs::fstat(&next)?.st_mode) != FileType::Symlink {
                self.push(next)?;
                continue;
            }
            if self.trees.contains_any(&self.folders) {
                return Ok(Err(planted(path, &name)));
            }
            self.links += 1;
            if self.links > LINKS_MAX {
                return Err(Errno::LOOP);
            }
            let target = rustix::fs::readlinkat(&next, c"", Vec::new())?.into_bytes();
            if target.starts_with(b"/") {
                self.restart()?;
            }
            // What is left of the path follows what the link says.
            names = self::names(&target).chain(names).collect();
        }
        self.folders.pop().map(|(place, _)| Ok(place)).ok_or(Errno::NOENT)
    }

    fn child(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        let (folder, _) = self.folders.last().ok_or(Errno::NOENT)?;
        let name = CString::new(name).map_err(|_| Errno::INVAL)?;
        openat(
            folder,
            name.as_c_str(),
            OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC,
            Mode::empty(),
        )
    }
}

fn names(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
}

fn planted(path: &[u8], name: &[u8]) -> Problem {
    let name = String::from_utf8_lossy(name);
    Problem::new(
        path,
        alloc::format!("`{name}` is a symbolic link in a folder that the jail can write"),
    )
    .help("an earlier session may have made it; look where it leads, then remove it")
}

/// Reads a whole file of the host, at most `bound` bytes; symlinks are followed as in [`open`].
pub(crate) fn read(path: &[u8], trees: &WritableTrees, bound: usize) -> Result<Vec<u8>, Problem> {
    let place = open(path, trees)?;
    let through = alloc::format!("/proc/self/fd/{}", rustix::fd::AsRawFd::as_raw_fd(&place));
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(CWD, through.as_str(), flags, Mode::empty()).about(path)?;
    let stat = rustix::fs::fstat(&file).about(path)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(Problem::new(path, "it is not a regular file"));
    }
    read_to_end(&file, bound).about(path)
}

/// Reads what is left in `file`.
///
/// # Errors
/// Those of `read(2)`; `EFBIG` when there are more than `bound` bytes.
pub(crate) fn read_to_end(file: impl AsFd, bound: usize) -> Result<Vec<u8>, Errno> {
    let size = rustix::fs::fstat(&file).ok().and_then(|stat| usize::try_from(stat.st_size).ok());
    // Files of /proc say that they are empty, and what is below /proc/sys has to be read at once.
    let size = size.filter(|size| *size > 0).unwrap_or(4095);
    let mut bytes = Vec::with_capacity(size.min(bound) + 1);
    loop {
        if bytes.len() > bound {
            return Err(Errno::FBIG);
        }
        if bytes.len() == bytes.capacity() {
            bytes.reserve(4096);
        }
        match rustix::io::read(&file, rustix::buffer::spare_capacity(&mut bytes)) {
            Ok(0) => return Ok(bytes),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
