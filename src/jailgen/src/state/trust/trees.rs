//! The trees that a jail could ever write, as the stub has written them down: one file for each of
//! a tree's two keys. And the working folders that had the repository of a linked worktree, of
//! which the stub believes that they have it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use jail_plan::trust::{self as record, path_name};

use super::{place, written};
use crate::files::Private;
use crate::state::State;

/// A tree that a jail could ever write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Where it was when it was given.
    pub path: PathBuf,
    /// The jail that was first given it.
    pub jail: String,
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trees {
    /// By their paths.
    pub known: Vec<Tree>,
    /// The names of records that cannot be read. They count all the same.
    pub unreadable: Vec<OsString>,
}

impl Trees {
    /// Whether `folder`, a path without links, is in a tree whose record cannot be read: its name
    /// is a hash of the path.
    #[must_use]
    pub fn hold_unread(&self, folder: &Path) -> bool {
        let mut names = folder.ancestors().map(|tree| path_name(tree.as_os_str().as_bytes()));
        !self.unreadable.is_empty() && names.any(|name| self.unreadable.contains(&name.into()))
    }
}

/// What the stub has recorded.
///
/// # Errors
/// The folder cannot be read: then every folder that its user can write counts as recorded.
pub fn trees(state: &State) -> io::Result<Trees> {
    all(&state.trees())
}

/// The working folders that had the repository of a linked worktree.
///
/// # Errors
/// The folder cannot be read: then no worktree counts as recorded.
pub fn worktrees(state: &State) -> io::Result<Trees> {
    all(&state.worktrees())
}

fn all(folder: &Path) -> io::Result<Trees> {
    let Some(folder) = Private::open(folder)? else { return Ok(Trees::default()) };
    let (mut known, mut unreadable) = (BTreeMap::new(), Vec::new());
    for name in folder.names()? {
        match read(&folder, &name) {
            Some(tree) => {
                known.entry(tree.path.clone()).or_insert(tree);
            }
            None => unreadable.push(name),
        }
    }
    Ok(Trees { known: known.into_values().collect(), unreadable })
}

/// Forgets the tree at `path`, whichever keys it has: whether there was one.
///
/// # Errors
/// A record cannot be removed.
pub fn forget_tree(state: &State, path: &Path) -> io::Result<bool> {
    forget(&state.trees(), path)
}

/// Forgets that the working folder at `path` had the repository of a linked worktree: whether it
/// had one.
///
/// # Errors
/// A record cannot be removed.
pub fn forget_worktree(state: &State, path: &Path) -> io::Result<bool> {
    forget(&state.worktrees(), path)
}

fn forget(folder: &Path, path: &Path) -> io::Result<bool> {
    let Some(folder) = Private::open(folder)? else { return Ok(false) };
    let meant = [place(path), written(path)];
    let mut forgotten = false;
    for name in folder.names()? {
        if read(&folder, &name).is_some_and(|tree| meant.contains(&tree.path)) {
            folder.remove(&name)?;
            forgotten = true;
        }
    }
    Ok(forgotten)
}

fn read(folder: &Private, name: &OsStr) -> Option<Tree> {
    let record::Tree { jail, path } = record::Tree::parse(&folder.read(name).ok()??)?;
    Some(Tree { path: OsString::from_vec(path).into(), jail })
}
