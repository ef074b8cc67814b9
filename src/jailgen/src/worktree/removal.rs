//! Removes a worktree. `git worktree remove` would delete what the repository's own file names,
//! which a jail may have changed; so what is removed is what was recorded, below folders that are
//! held open, and through no link.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, openat};

use super::git::At;
use super::{Git, Identity, Made, WorktreeError, forget};
use crate::files::read_regular;
use crate::state::State;
use crate::state::trust::{forget_tree, forget_worktree, written};

/// What has become of the parts of a worktree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    /// Whether the branch went, too.
    pub branch: Branch,
    /// Whether the repository's folder of it was the one that was recorded, and went.
    pub is_known_to_git: bool,
}

/// What has become of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// It is merged, and was removed.
    Removed,
    /// It was there before the worktree.
    Older,
    /// It has commits that HEAD has not, or is checked out elsewhere.
    Kept,
    /// It was gone.
    Gone,
}

/// Removes a worktree, with everything in it.
///
/// # Errors
/// Another folder stands in its place, or it cannot be removed.
pub fn remove(state: &State, made: &Made, git: &Git) -> Result<Removed, WorktreeError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| WorktreeError::Io { path, error }
    };
    remove_folder(&made.folder, made.identity).map_err(failed(&made.folder))?;
    let is_there = made.is_repository_there();
    let is_known_to_git =
        is_there && remove_administrative(made).map_err(failed(&made.administrative))?;
    let branch = if is_there { remove_branch(made, git) } else { Branch::Gone };
    // The folder is gone, so what jails wrote there counts no more: a new worktree in its place is
    // one that no jail has worked in.
    forget_tree(state, &made.folder).map_err(failed(&made.folder))?;
    forget_worktree(state, &made.folder).map_err(failed(&made.folder))?;
    forget(state, made).map_err(failed(&made.folder))?;
    Ok(Removed { branch, is_known_to_git })
}

fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(CWD, path, flags, Mode::empty())?.into())
}

/// The path of an entry of a folder that is held open, whatever is done to the folder's own path.
fn below(folder: &File, name: &OsStr) -> PathBuf {
    Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name)
}

fn remove_folder(path: &Path, identity: Identity) -> io::Result<()> {
    let folder = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        folder => folder?,
    };
    if Identity::of(&folder.metadata()?) != identity {
        return Err(io::Error::other("another folder was put in the place of the worktree"));
    }
    empty(&folder)?;
    drop(folder);
    // It takes an empty folder and nothing else.
    fs::remove_dir(path)
}

fn empty(folder: &File) -> io::Result<()> {
    for entry in fs::read_dir(below(folder, OsStr::new(".")))? {
        let entry = entry?;
        let path = below(folder, &entry.file_name());
        if entry.file_type()?.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
    }
    Ok(())
}

/// Whether the repository's folder of the worktree was there and is the one that was recorded.
fn remove_administrative(made: &Made) -> io::Result<bool> {
    let (Some(id), Some(all)) = (made.administrative.file_name(), made.administrative.parent())
    else {
        return Ok(false);
    };
    if all != made.common.join("worktrees") {
        return Ok(false);
    }
    let common = open(&made.common)?;
    if Identity::of(&common.metadata()?) != made.common_identity {
        return Ok(false);
    }
    let all = match open(&below(&common, OsStr::new("worktrees"))) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        all => all?,
    };
    let own = below(&all, id);
    if !own.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        return Ok(false);
    }
    // Another worktree may have the name by now.
    let pointer = read_regular(&own.join("gitdir")).unwrap_or_default();
    let pointer = String::from_utf8_lossy(&pointer);
    let pointer = made.administrative.join(pointer.trim_end());
    if written(&pointer) != made.folder.join(".git") {
        return Ok(false);
    }
    fs::remove_dir_all(&own)?;
    // As git does it; it stays if there are other worktrees.
    let _ = fs::remove_dir(below(&common, OsStr::new("worktrees")));
    Ok(true)
}

fn remove_branch(made: &Made, git: &Git) -> Branch {
    let branch = format!("refs/heads/{}", made.name);
    let at = At::Repository(&made.common);
    let Some(commit) = git.commit_of(at, &branch) else { return Branch::Gone };
    if !made.is_new_branch {
        return Branch::Older;
    }
    let elsewhere = ["for-each-ref", "--format=%(worktreepath)", &branch];
    let is_free = git.line(at, &elsewhere).is_ok_and(|path| path.is_empty());
    let merged = ["merge-base", "--is-ancestor", &commit, "HEAD"];
    let gone = ["update-ref", "-d", &branch, &commit];
    if is_free && git.is_good(at, &merged) && git.is_good(at, &gone) {
        Branch::Removed
    } else {
        Branch::Kept
    }
}
