//! The trees that a jail could ever write, as the stub has written them down: one file for each of a tree's two keys.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

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

/// What the stub has recorded.
///
/// # Errors
/// The folder cannot be read: then every folder that its user can write counts as recorded.
pub fn trees(state: &State) -> io::Result<Trees> {
    let Some(folder) = Private::open(&state.trees())? else { return Ok(Trees::default()) };
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
    let Some(folder) = Private::open(&state.trees())? else { return Ok(false) };
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

fn read(folder: &Private, name: &std::ffi::OsStr) -> Option<Tree> {
    parse(&folder.read(name).ok()??)
}

/// `tree 1`, the jail's name, and the path up to the end of the file: a path may hold line breaks.
fn parse(record: &[u8]) -> Option<Tree> {
    let rest = record.strip_prefix(b"tree 1\n")?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (jail, path) = rest.split_at_checked(end)?;
    let path = PathBuf::from(OsString::from_vec(path.strip_prefix(b"\n")?.to_vec()));
    let jail = String::from_utf8_lossy(jail).into_owned();
    path.is_absolute().then_some(Tree { path, jail })
}
