//! The repository that the working folder is a linked worktree
//! of (gitrepository-layout(5), `git worktree`).
//!
//! The payload can write the worktree's `.git` file, and possibly its target. So a pointer grants a
//! folder of the host only if the repository points back, and one of the two is where no jail has
//! written, or if nothing is granted that a jail could not write before (escapes.md E3).

mod pointer;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, FileType, OFlags};
use rustix::io::Errno;

use self::pointer::Pointer;
pub(super) use self::pointer::{line, target};
use super::trust::{Recorded, WritableTrees};
use super::walk::{Identity, Level, levels};
use super::{Folder, folder};
use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::resolve::{self, Scope};

/// The folder that all worktrees of a repository share.
pub(crate) struct SharedGit {
    /// Its path, without symlinks.
    pub(crate) path: Vec<u8>,
    pub(crate) place: Rc<OwnedFd>,
    /// The launch grants it in any case, so the pointer was not checked.
    pub(crate) is_granted: bool,
}

/// Why a pointer is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Belief {
    /// No jail has forged it, or only for what it could write anyway.
    Genuine,
    /// Whichever process wrote it, the launch grants the repository in any case. For another
    /// launch this means nothing.
    Granted,
    /// A jail could have written it.
    None,
}

/// The repository of the working folder, if that is a linked worktree; otherwise `None`.
///
/// # Errors
/// The pointer leads to what is not a repository, or to one that does not point back, or a
/// jail may have written both.
pub(crate) fn shared_git(
    caller: &Caller<'_>,
    trees: &WritableTrees<'_>,
) -> Result<Option<SharedGit>, Problem> {
    let folder = Folder::current()?.path;
    let Some(pointer) = Pointer::in_folder(&folder).about(".git")? else { return Ok(None) };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let place = resolve::open(CWD, &pointer.repository, flags, Scope::Anywhere)
        .about(&pointer.repository)?;
    if !pointer.is_answered(&place, &folder).about(&pointer.repository)? {
        let cause = format!("it points to `{}`, which has no worktree here", pointer.shown());
        return Err(Problem::new(&pointer.file(&folder), cause).help(
            "`git worktree repair`, run in the repository, fixes the pointers of a worktree that was moved",
        ));
    }
    is_repository(&place).map_err(|why| wrong(&pointer, &folder, why))?;
    is_not_too_much(caller, &pointer, &folder)?;
    let is_granted = match belief(&pointer, &place, trees)? {
        Belief::Genuine => false,
        Belief::Granted => true,
        Belief::None => return Err(forged(&pointer, &folder)),
    };
    Ok(Some(SharedGit { path: pointer.repository, place: Rc::new(place), is_granted }))
}

/// What makes a folder a repository. None of it may be a link that leads elsewhere.
fn is_repository(place: &OwnedFd) -> Result<(), &'static str> {
    let kind = |path: &str| {
        let found = resolve::open(place, path.as_bytes(), OFlags::PATH, Scope::Beneath)?;
        rustix::fs::fstat(&found).map(|stat| FileType::from_raw_mode(stat.st_mode))
    };
    for (path, wanted) in [
        ("HEAD", FileType::RegularFile),
        ("objects", FileType::Directory),
        ("refs", FileType::Directory),
    ] {
        if kind(path) != Ok(wanted) {
            return Err(
                "which is not a repository: `HEAD`, `objects` and `refs` must be there, and not be links",
            );
        }
    }
    let is_file = |path| matches!(kind(path), Ok(FileType::RegularFile) | Err(Errno::NOENT));
    let files = is_file("objects/info/alternates") && is_file("commondir");
    // What another jail that runs in the repository has put there leads to the folder itself.
    match line(place.as_fd(), b"commondir") {
        Ok(line) if files && line.as_deref().is_none_or(|line| line == b".") => Ok(()),
        Ok(_) | Err(_) => Err("whose `commondir` or `objects/info/alternates` leads elsewhere"),
    }
}

/// Never the home folder or a folder above it, and nothing in the working folder, which
/// may be granted for less.
fn is_not_too_much(caller: &Caller<'_>, pointer: &Pointer, here: &[u8]) -> Result<(), Problem> {
    let path = &pointer.repository;
    let identity = Identity::at(path.as_slice()).about(path)?;
    for home in folder::homes(caller) {
        let Ok(found) = Identity::at(home.as_str()) else { continue };
        if found == identity || folder::is_above(path, identity, home.as_bytes())? {
            return Err(wrong(pointer, here, "which your home folder is or lies in"));
        }
    }
    let own = Identity::at(".").about(here)?;
    for path in [path, &pointer.administrative()] {
        let found = Identity::at(path.as_slice()).about(path)?;
        if own == found || folder::is_above(here, own, path)? {
            return Err(wrong(pointer, here, "which lies in the worktree itself"));
        }
    }
    Ok(())
}

/// Whether a forger would have gained nothing.
fn belief(
    pointer: &Pointer,
    place: &OwnedFd,
    trees: &WritableTrees<'_>,
) -> Result<Belief, Problem> {
    let believed = |is: bool| if is { Belief::Genuine } else { Belief::None };
    // None of these paths has a link on its way.
    let [here, repository, administrative] =
        [&Folder::current()?.path, &pointer.repository, &pointer.administrative()]
            .map(|path| levels(path, trees));
    let (here, repository, administrative) = (here?, repository?, administrative?);
    // What was checked is the target of the path, by which it will be bound.
    let found = Identity::from_file(place).about(&pointer.repository)?;
    if repository.last().is_none_or(|level| level.identity != found) {
        return Ok(Belief::None);
    }
    if repository.iter().any(|level| trees.is_own(level)) {
        return Ok(Belief::Granted);
    }
    // This jail could have written only the repository's side.
    if administrative.iter().any(|level| trees.is_own(level)) {
        return Ok(believed(knows(&here, place, trees)));
    }
    // No jail has written the repository's side, or none the worktree's:
    // then git has, for the user.
    let is_genuine = trees.first_in(&administrative).is_none() || !was_given(&here, trees);
    let is_beside = || is_beside(pointer, &here, &repository, trees);
    Ok(believed(is_genuine || is_beside() || knows(&here, place, trees)))
}

/// Whether any jail could ever write in the last of the folders. This launch does not count yet.
fn was_given(levels: &[Level], trees: &WritableTrees<'_>) -> bool {
    let Some(store) = trees.store() else { return true };
    levels.iter().any(|level| store.look_up(level) != Recorded::No)
}

/// Whether one jail could write both: the repository is the `.git` of a recorded tree that also
/// contains the working folder.
fn is_beside(
    pointer: &Pointer,
    here: &[Level],
    repository: &[Level],
    trees: &WritableTrees<'_>,
) -> bool {
    let Some((_, above)) = repository.split_last() else { return false };
    let is_shared = |level: &&Level| here.iter().any(|other| other.identity == level.identity);
    let was_given =
        |level: &Level| trees.store().is_some_and(|store| store.look_up(level) == Recorded::Yes);
    pointer.repository.ends_with(b"/.git") && above.iter().filter(is_shared).any(was_given)
}

/// Whether this very folder was given this very repository before.
fn knows(here: &[Level], repository: &OwnedFd, trees: &WritableTrees<'_>) -> bool {
    let (Some(store), Some(folder)) = (trees.store(), here.last()) else { return false };
    store.knows_worktree(&folder.place, repository)
}

fn wrong(pointer: &Pointer, folder: &[u8], why: &str) -> Problem {
    let cause = format!("it points to `{}`, {why}", pointer.shown());
    Problem::new(&pointer.file(folder), cause).help(
        "a jail may have written it; look at the file, and remove it if git did not make it for you",
    )
}

fn forged(pointer: &Pointer, folder: &[u8]) -> Problem {
    let repository = pointer.shown();
    let cause = format!(
        "it points to the repository `{repository}`, and a jail could have written this and what the repository says"
    );
    Problem::new(&pointer.file(folder), cause).help(format!(
        "if git made this worktree for you, grant the repository by its path (`readwrite \"{repository}\"`), or start once \
         after `jailgen trust forget {}`",
        String::from_utf8_lossy(folder)
    ))
}
