//! A folder of git: what in it git on the host executes or believes, and what has to stand there so
//! that a jail cannot make it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jail_plan::git::How;

use super::held::Held;
use super::placeholder::Placeholder;

/// What is kept apart in it, how, and what stands for it.
const KEPT: [(&str, How, Placeholder); 6] = [
    ("config", How::Link, Placeholder::Comment),
    ("config.worktree", How::Link, Placeholder::Comment),
    ("hooks", How::Copy, Placeholder::Folder),
    ("commondir", How::ReadOnly, Placeholder::Here),
    ("info/attributes", How::ReadOnly, Placeholder::Comment),
    ("objects/info/alternates", How::ReadOnly, Placeholder::Empty),
];

/// The folders that these lie in. What is not a repository yet may lack them.
const FOLDERS: [&str; 3] = ["info", "objects", "objects/info"];

/// The folders that what counts lies in. Where one is a link, that is kept, and nothing is made
/// behind it.
const WAYS: [&str; 5] = ["info", "objects", "objects/info", "worktrees", "modules"];

/// The same for what the repository keeps of a worktree. What it lacks of these it does not have.
const OF_WORKTREE: [(&str, How); 2] = [("gitdir", How::ReadOnly), ("commondir", How::ReadOnly)];

/// A folder of git.
pub(super) struct Repository {
    pub(super) held: Held,
    /// The worktrees and modules that it has.
    pub(super) children: BTreeSet<PathBuf>,
}

/// Whether a folder is one of git's.
pub(super) fn is_repository(path: &Path) -> bool {
    path.join("HEAD").symlink_metadata().is_ok_and(|found| !found.is_dir())
        && path.join("objects").is_dir()
        && path.join("refs").is_dir()
}

impl Repository {
    /// Opens the repository's folder, and holds it.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { held: Held::open(path)?, children: children(path) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.held.path
    }

    /// What is kept apart in it. Where nothing is yet, a placeholder is made.
    pub(super) fn kept(&self) -> io::Result<Vec<(How, PathBuf)>> {
        let links =
            WAYS.map(|name| self.path().join(name)).into_iter().filter(|way| way.is_symlink());
        let mut kept: Vec<_> = links.map(|link| (How::ReadOnly, link)).collect();
        for folder in FOLDERS {
            self.held.make(Path::new(folder), Placeholder::Folder)?;
        }
        for (name, how, placeholder) in KEPT {
            let path = self.path().join(name);
            // A link may lead to where nothing is made and something is.
            if self.held.make(Path::new(name), placeholder)? || path.symlink_metadata().is_ok() {
                kept.push((how, path));
            }
        }
        for child in self.children.iter().filter(|child| child.starts_with("worktrees")) {
            for (name, how) in OF_WORKTREE {
                let path = self.path().join(child).join(name);
                if path.symlink_metadata().is_ok() {
                    kept.push((how, path));
                }
            }
            let config = child.join("config.worktree");
            if self.held.make(&config, Placeholder::Comment)? {
                kept.push((How::Link, self.path().join(config)));
            }
        }
        Ok(kept)
    }

    /// The worktrees and modules that it has now and did not have before.
    pub(super) fn new_children(&self) -> Vec<PathBuf> {
        children(self.path()).difference(&self.children).cloned().collect()
    }
}

/// `worktrees/NAME` and `modules/NAME`.
fn children(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    for kind in ["worktrees", "modules"] {
        if path.join(kind).is_symlink() {
            found.insert(kind.into());
            continue;
        }
        let entries = fs::read_dir(path.join(kind)).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        found.extend(
            folders.take(CHILDREN_MAX).map(|entry| Path::new(kind).join(entry.file_name())),
        );
    }
    found
}

/// More than that no repository has.
const CHILDREN_MAX: usize = 1024;
