//! The root of the repository that the launch was started in (`mount-project`), which
//! becomes the working folder.
//!
//! It is always a folder above, which holds a `.git`; a jail that could have put that there could
//! write all of it already.

use alloc::vec::Vec;

use rustix::fd::AsFd;
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;
use rustix::process::chdir;

use super::named::normal;
use super::worktree::{line, target};
use super::{Folder, subfolder};
use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::reading::read_to_end;
use crate::resolve::{self, Scope};

/// The folder in which git keeps the repositories of submodules.
const MODULES: &[u8] = b"/.git/modules/";
/// No configuration of a submodule is larger.
const BYTES_MAX: usize = 256 * 1024;
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

/// Changes to it; the caller remembers where the launch was started. Outside
/// a repository nothing happens.
pub(super) fn enter(caller: &Caller<'_>) -> Result<(), Problem> {
    let here = Folder::current()?.path;
    let Some(root) = root(caller) else { return Ok(()) };
    let Some(below) = here.strip_prefix(root.as_slice()).filter(|below| !below.is_empty()) else {
        return Ok(());
    };
    // Step by step upwards: whatever was renamed meanwhile, it is a folder above this one.
    let steps = below.iter().filter(|byte| **byte == b'/').count();
    chdir(b"../".repeat(steps)).about(&root)?;
    let _ = caller.started_below.set(below.to_vec());
    Ok(())
}

fn root(caller: &Caller<'_>) -> Option<Vec<u8>> {
    let top = subfolder::top(caller)?;
    let home = caller.home_folder().ok().map(|home| home.as_str().as_bytes());
    if top == b"/" || Some(top.as_slice()) == home {
        return None;
    }
    Some(superproject(&top).unwrap_or(top))
}

/// The repository that `top` is a submodule of, if that repository says so too: the outermost one,
/// which contains git's folder.
fn superproject(top: &[u8]) -> Option<Vec<u8>> {
    let git = named(top)?;
    let at = git.windows(MODULES.len()).position(|part| part == MODULES)?;
    let root = git.get(..at)?;
    let is_around = top.strip_prefix(root)?.starts_with(b"/");
    (is_around && is_module(&git, top)).then(|| root.to_vec())
}

/// What the `.git` file of `top` names, if git's folder there says so too: an agent may have
/// written the file.
pub(super) fn answered(top: &[u8]) -> Option<Vec<u8>> {
    let git = named(top)?;
    let back =
        line(resolve::open(CWD, &git, FOLDER, Scope::Anywhere).ok()?.as_fd(), b"gitdir").ok()?;
    let is_its = |back: Vec<u8>| target(&git, &back) == [top, b"/.git"].concat();
    back.map_or_else(|| is_module(&git, top), is_its).then_some(git)
}

fn named(top: &[u8]) -> Option<Vec<u8>> {
    let folder = resolve::open(CWD, top, FOLDER, Scope::Anywhere).ok()?;
    Some(target(top, line(folder.as_fd(), b".git").ok()??.strip_prefix(b"gitdir: ")?))
}

/// Whether a folder of git names this working tree.
fn is_module(git: &[u8], top: &[u8]) -> bool {
    worktree_of(git).is_ok_and(|tree| tree.is_some_and(|tree| target(git, &tree) == normal(top)))
}

/// The working tree that a folder of git names.
fn worktree_of(git: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let file = resolve::open(CWD, &[git, b"/config"].concat(), flags, Scope::Anywhere)?;
    let text = read_to_end(&file, BYTES_MAX)?;
    // As git itself writes it. In any other form it does not count as a submodule.
    let mut lines = text.split(|byte| *byte == b'\n');
    Ok(lines.find_map(|line| line.strip_prefix(b"\tworktree = ")).map(<[u8]>::to_vec))
}
