//! What configurations of git name that lies where a jail may write: files that they include, a
//! folder of hooks, attributes. Conditions of includes are taken to hold.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use jail_plan::git::{Setting, settings};

use super::file;

/// Files that include each other are read no more often.
const FILES_MAX: usize = 64;

/// What is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// A file that is included.
    Included(PathBuf),
    /// The folder of hooks.
    Hooks(PathBuf),
    /// A file of attributes.
    Attributes(PathBuf),
    /// The working tree that a folder of git is of.
    Tree(PathBuf),
}

/// Reads configurations of git, and collects the files and folders that they name.
pub(super) struct Names<'a> {
    home: &'a Path,
    /// What relative names of hooks and attributes begin at.
    tree: &'a Path,
    seen: BTreeSet<PathBuf>,
    pub(super) named: BTreeSet<Named>,
}

impl<'a> Names<'a> {
    pub(super) fn new(home: &'a Path, tree: &'a Path) -> Self {
        Self { home, tree, seen: BTreeSet::new(), named: BTreeSet::new() }
    }

    /// Takes in what a configuration names, and those that it includes. One that cannot be read
    /// names nothing, as for git.
    ///
    /// # Errors
    /// It is too large to be looked at.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<()> {
        if self.seen.len() >= FILES_MAX || !self.seen.insert(path.to_path_buf()) {
            return Ok(());
        }
        let text = match file::read(path) {
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => return Err(error),
            Err(_) => return Ok(()),
            Ok(text) => text,
        };
        for Setting { section, about: _, key, value } in settings(&text) {
            let folder = path.parent().unwrap_or(path);
            let named = match (section.as_slice(), key.as_slice()) {
                (b"include" | b"includeif", b"path") => Named::Included(self.whole(&value, folder)),
                (b"core", b"hookspath") => Named::Hooks(self.whole(&value, self.tree)),
                (b"core", b"attributesfile") => Named::Attributes(self.whole(&value, self.tree)),
                (b"core", b"worktree") => Named::Tree(self.whole(&value, folder)),
                _ => continue,
            };
            if let Named::Included(included) = &named {
                self.read(&included.clone())?;
            }
            self.named.insert(named);
        }
        Ok(())
    }

    fn whole(&self, value: &[u8], base: &Path) -> PathBuf {
        let path = match value.strip_prefix(b"~/") {
            Some(rest) => self.home.join(OsStr::from_bytes(rest)),
            None => base.join(OsStr::from_bytes(value)),
        };
        normal(&path)
    }
}

/// Without `.`, and with `..` taken back by name.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => normal.push(name),
            Component::ParentDir => drop(normal.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normal
}
