//! A file or folder that a spec copies. It is read into memory once, and this copy is what is
//! compared, approved and built.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{fstat, readlinkat};

use super::disk::{entries, kind, open_file, open_folder, read};
use super::{EntryKind, SourceError};

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A regular file, with its content.
    File {
        /// The bytes of the file.
        bytes: Vec<u8>,
        /// Whether its owner may execute it.
        executable: bool,
    },
    /// A symbolic link, and its target, which is in the same tree.
    Link(PathBuf),
    /// A folder. Its names are in byte order, as in a Nix archive.
    Folder(BTreeMap<OsString, Tree>),
}

/// How much may still be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    bytes: u64,
    entries: usize,
}

impl Bounds {
    /// The most that one spec may copy. A spec that names your home folder by mistake
    /// must not fill the store.
    #[must_use]
    pub const fn of_a_spec() -> Self {
        Self { bytes: BYTES_MAX, entries: ENTRIES_MAX }
    }
}

const BYTES_MAX: u64 = 32 << 20;
const ENTRIES_MAX: usize = 1 << 16;
const DEPTH_MAX: usize = 128;

/// How many links the kernel follows for one path (path_resolution(7)).
const LINKS_MAX: u32 = 40;

impl Tree {
    /// Everything but folders, with its path below this one. The path of the top itself is empty.
    pub fn walk(&self, visit: &mut dyn FnMut(&Path, &Self)) {
        self.walk_at(&mut PathBuf::new(), visit);
    }

    fn walk_at(&self, at: &mut PathBuf, visit: &mut dyn FnMut(&Path, &Self)) {
        match self {
            Self::File { .. } | Self::Link(_) => visit(at, self),
            Self::Folder(entries) => {
                for (name, entry) in entries {
                    at.push(name);
                    entry.walk_at(at, visit);
                    at.pop();
                }
            }
        }
    }

    fn at(&self, names: &[OsString]) -> Option<&Self> {
        names.iter().try_fold(self, |tree, name| match tree {
            Self::Folder(entries) => entries.get(name),
            Self::File { .. } | Self::Link(_) => None,
        })
    }

    /// A link that leads out of the tree, and its target.
    fn leads_out(&self) -> Option<(PathBuf, PathBuf)> {
        let mut found = None;
        self.walk(&mut |path, entry| {
            if let Self::Link(target) = entry
                && found.is_none()
                && !self.stays(path, target)
            {
                found = Some((path.to_path_buf(), target.clone()));
            }
        });
        found
    }

    /// Whether the link at a path leads to a place in the tree. The links that its target passes
    /// through count too: `a/../b` is another place if `a` is one.
    fn stays(&self, link: &Path, target: &Path) -> bool {
        let mut at: Vec<OsString> = link.iter().map(OsStr::to_owned).collect();
        if at.pop().is_none() {
            return false;
        }
        let mut left = LINKS_MAX;
        self.follow(&mut at, target, &mut left)
    }

    fn follow(&self, at: &mut Vec<OsString>, target: &Path, left: &mut u32) -> bool {
        let Some(fewer) = left.checked_sub(1) else { return false };
        *left = fewer;
        target.components().all(|part| match part {
            Component::Prefix(_) | Component::RootDir => false,
            Component::CurDir => true,
            Component::ParentDir => at.pop().is_some(),
            Component::Normal(name) => {
                at.push(name.to_owned());
                match self.at(at) {
                    Some(Self::Link(next)) => {
                        at.pop();
                        self.follow(at, next, left)
                    }
                    Some(Self::File { .. } | Self::Folder(_)) | None => true,
                }
            }
        })
    }
}

/// Reads a tree within bounds.
pub(super) struct Reader<'a> {
    /// The path of what is copied, for messages.
    pub(super) path: &'a str,
    pub(super) bounds: &'a mut Bounds,
}

impl Reader<'_> {
    /// The tree at a name of a folder.
    pub(super) fn whole(mut self, folder: BorrowedFd<'_>, name: &str) -> Result<Tree, SourceError> {
        let path = PathBuf::from(self.path);
        let tree = self.entry(folder, OsStr::new(name), &path, 0)?;
        match tree.leads_out() {
            None => Ok(tree),
            Some((link, target)) => {
                let path = path.join(link).display().to_string();
                let path = path.trim_end_matches('/').to_owned();
                Err(SourceError::LeadsOut { path, target: target.display().to_string() })
            }
        }
    }

    fn entry(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        path: &Path,
        depth: usize,
    ) -> Result<Tree, SourceError> {
        let shown = path.to_string_lossy();
        self.bounds.entries = match self.bounds.entries.checked_sub(1) {
            Some(fewer) if depth <= DEPTH_MAX => fewer,
            Some(_) => return Err(self.too_much(format!("{DEPTH_MAX} nested folders"))),
            None => return Err(self.too_much(format!("{ENTRIES_MAX} files"))),
        };
        match kind(folder, name, &shown)? {
            EntryKind::Regular => self.file(folder, name, &shown),
            EntryKind::Symlink => link(folder, name, &shown),
            EntryKind::Directory => {
                let opened = open_folder(folder, name, &shown)?;
                self.folder(&opened, path, depth)
            }
            EntryKind::Unknown => Err(SourceError::NotRegular(shown.into_owned())),
        }
    }

    fn folder(&mut self, folder: &OwnedFd, path: &Path, depth: usize) -> Result<Tree, SourceError> {
        let mut tree = BTreeMap::new();
        for (name, _) in entries(folder.as_fd(), &path.to_string_lossy())? {
            let entry = self.entry(folder.as_fd(), &name, &path.join(&name), depth + 1)?;
            tree.insert(name, entry);
        }
        Ok(Tree::Folder(tree))
    }

    fn file(
        &mut self,
        folder: BorrowedFd<'_>,
        name: &OsStr,
        path: &str,
    ) -> Result<Tree, SourceError> {
        let file = open_file(folder, name, path)?;
        let data = fstat(&file).map_err(|error| SourceError::Io {
            path: path.to_owned(),
            message: error.to_string(),
        })?;
        let bytes = read(file, self.bounds.bytes, path).map_err(|error| match error {
            SourceError::TooLarge { .. } => self.too_much(format!("{} MiB", BYTES_MAX >> 20)),
            other => other,
        })?;
        self.bounds.bytes = self.bounds.bytes.saturating_sub(bytes.len() as u64);
        Ok(Tree::File { bytes, executable: data.st_mode & 0o100 != 0 })
    }

    fn too_much(&self, limit: String) -> SourceError {
        SourceError::TooMuch { path: self.path.to_owned(), limit }
    }
}

fn link(folder: BorrowedFd<'_>, name: &OsStr, path: &str) -> Result<Tree, SourceError> {
    let target = readlinkat(folder, name, Vec::new());
    let target = target.map_err(|error| SourceError::Io {
        path: path.to_owned(),
        message: std::io::Error::from(error).to_string(),
    })?;
    Ok(Tree::Link(OsString::from_vec(target.into_bytes()).into()))
}
