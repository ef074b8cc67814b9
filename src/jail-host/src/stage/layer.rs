//! The layer that takes what a jail writes, as the kernel reads it (overlayfs.rst): whiteouts,
//! opaque folders, and marks that an ordinary user's overlay does not know and that somebody must
//! have made by hand.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{fgetxattr, flistxattr};
use rustix::io::Errno;

use super::place::{Entry, Found, Kind, Tree, entries, found, join, sorted};

/// At most this many names are read of one. A stage that has more is one that an agent filled.
pub(super) const NAMES_MAX: usize = 1_000_000;
/// Folders below folders.
pub(super) const DEPTH_MAX: usize = 256;

/// The layer.
pub(super) struct Layer {
    tree: Tree,
}

/// What stands in it, as far as that means something for the folder below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// What the folder below has here is gone.
    Gone,
    /// A folder; what the one below it has shows through, unless it is opaque.
    Folder {
        is_opaque: bool,
    },
    File,
    Link,
    /// It is never applied.
    Dropped(&'static str),
    /// It cannot be read, or somebody made it by hand: it is left alone.
    Refused(&'static str),
}

impl Layer {
    pub(super) fn new(folder: OwnedFd) -> Self {
        Self { tree: Tree::new(folder) }
    }

    pub(super) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The names in one of its folders, with what stands there.
    pub(super) fn list(
        &self,
        path: &[u8],
        most: usize,
    ) -> io::Result<Vec<(Entry, Found, Written)>> {
        let folder = self.tree.folder(path)?;
        let has_marks = attribute(&folder, OPAQUE) == Some(b'x');
        let mut all = Vec::new();
        for entry in sorted(&folder, most)? {
            let Some(found) = found(&folder, &entry.name)? else { continue };
            let written = self.written(&join(path, &entry.name), &found, has_marks);
            all.push((entry, found, written));
        }
        Ok(all)
    }

    fn written(&self, path: &[u8], found: &Found, has_marks: bool) -> Written {
        match found.kind {
            Kind::Whiteout => Written::Gone,
            Kind::Link => Written::Link,
            Kind::Special(what) => Written::Dropped(what),
            Kind::File => match self.tree.file(path) {
                Ok(file) => of_file(&file, found, has_marks),
                Err(_) => Written::Refused("it cannot be read"),
            },
            Kind::Folder => self.folder(path),
        }
    }

    /// What one of its folders is.
    pub(super) fn folder(&self, path: &[u8]) -> Written {
        match self.tree.folder(path) {
            Ok(folder) if attribute(&folder, REDIRECT).is_some() => {
                Written::Refused("it has an attribute of overlayfs that no stage has")
            }
            Ok(folder) => Written::Folder { is_opaque: attribute(&folder, OPAQUE) == Some(b'y') },
            Err(Errno::XDEV) => Written::Refused("another file system is mounted there"),
            Err(Errno::NAMETOOLONG) => Written::Refused("it is too deep"),
            Err(_) => Written::Refused("it cannot be opened"),
        }
    }

    /// How many files it has, and how many bytes they take on the disk.
    pub(super) fn size(&self) -> (u64, u64) {
        let (mut files, mut bytes) = (0, 0);
        let mut queue = vec![(Vec::new(), 0)];
        let mut count = 0;
        while let Some((path, depth)) = queue.pop() {
            let Ok(folder) = self.tree.folder(&path) else { continue };
            let Ok((names, _)) = entries(&folder, NAMES_MAX - count) else { continue };
            count += names.len();
            for entry in names {
                let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
                let Ok(stat) = rustix::fs::statat(&folder, entry.name.as_slice(), flags) else {
                    continue;
                };
                bytes += u64::try_from(stat.st_blocks).unwrap_or_default() * 512;
                match super::place::of_stat(&stat).kind {
                    Kind::Folder if depth < DEPTH_MAX => {
                        queue.push((join(&path, &entry.name), depth + 1));
                    }
                    Kind::Folder => {}
                    Kind::File | Kind::Link | Kind::Whiteout | Kind::Special(_) => files += 1,
                }
            }
        }
        (files, bytes)
    }
}

const OPAQUE: &str = "user.overlay.opaque";
const REDIRECT: &str = "user.overlay.redirect";
const METACOPY: &str = "user.overlay.metacopy";
const WHITEOUT: &str = "user.overlay.whiteout";

/// What the mark of a file means. A file with the mark of a whiteout is one where its folder says
/// that there are such.
fn of_file(file: &OwnedFd, found: &Found, has_marks: bool) -> Written {
    // Most files have no attributes at all, which one call says.
    if flistxattr(file, &mut [0_u8; 64][..]) == Ok(0) {
        return Written::File;
    }
    if attribute(file, METACOPY).is_some() || attribute(file, REDIRECT).is_some() {
        return Written::Refused("it has an attribute of overlayfs that no stage has");
    }
    match (attribute(file, WHITEOUT).is_some(), has_marks && found.size == 0) {
        (false, _) => Written::File,
        (true, true) => Written::Gone,
        (true, false) => Written::Refused("it has an attribute of overlayfs that no stage has"),
    }
}

/// The first byte of an attribute, 0 of an empty one; nothing where it has none.
fn attribute(file: &OwnedFd, name: &str) -> Option<u8> {
    let mut value = [0; 256];
    match fgetxattr(file, name, &mut value[..]) {
        Ok(0) | Err(Errno::RANGE) => Some(0),
        Ok(_) => value.first().copied(),
        Err(_) => None,
    }
}
