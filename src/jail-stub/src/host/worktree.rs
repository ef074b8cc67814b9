//! The repository that the working folder is a linked worktree of (gitrepository-layout(5), `git worktree`).
//!
//! The worktree's `.git` file is the payload's to write, so what it says is not enough to give a folder of the host away: the
//! repository must say in return that this folder is a worktree of it, and that lies where no jail has written.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, OFlags};
use rustix::io::Errno;

use super::Folder;
use super::walk::read_to_end;
use crate::failure::{About, Problem};
use crate::resolve::{self, Scope};

/// A pointer is one path.
const POINTER_BYTES_MAX: usize = 4096 + 16;

/// The folder that all worktrees of a repository share.
pub(crate) struct SharedGit {
    /// Its path, without symlinks.
    pub(crate) path: Vec<u8>,
    pub(crate) place: OwnedFd,
}

/// The repository of the working folder, where that is a linked worktree; nothing where it is none.
///
/// # Errors
/// The pointer leads to a repository that knows nothing of this folder.
pub(crate) fn shared_git() -> Result<Option<SharedGit>, Problem> {
    let folder = Folder::current()?.path;
    let Some(line) = pointer(CWD, b".git").about(".git")? else { return Ok(None) };
    let Some(target) = line.strip_prefix(b"gitdir: ") else { return Ok(None) };
    let Some((path, name)) = worktree_of(target) else { return Ok(None) };
    let flags = OFlags::PATH | OFlags::DIRECTORY;
    let place = resolve::open(CWD, &path, flags, Scope::Anywhere).about(&path)?;
    let here = [folder.as_slice(), b"/.git"].concat();
    let says = |file: &str| {
        let file = [b"worktrees/", name.as_slice(), b"/", file.as_bytes()].concat();
        pointer(&place, &file)
    };
    if says("gitdir").about(&path)?.as_deref() != Some(&here)
        || says("commondir").about(&path)?.as_deref() != Some(b"../..")
    {
        let shown = String::from_utf8_lossy(&path).into_owned();
        return Err(Problem::new(
            &here,
            format!("it points to `{shown}`, which has no worktree here"),
        )
        .help("`git worktree repair`, run in the repository, mends the pointers of a worktree that was moved"));
    }
    Ok(Some(SharedGit { path, place }))
}

/// `/repo/.git` and `name` of `/repo/.git/worktrees/name`; git writes the whole path.
fn worktree_of(target: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let is_plain = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
    let mut parts = target.strip_prefix(b"/")?.split(|byte| *byte == b'/');
    if !parts.clone().all(is_plain) {
        return None;
    }
    let name = parts.next_back()?;
    if parts.next_back()? != b"worktrees" {
        return None;
    }
    let path: Vec<u8> = parts.flat_map(|part| [b"/".as_slice(), part].concat()).collect();
    (!path.is_empty()).then(|| (path, name.to_vec()))
}

/// The line in a file, which is no symlink and whose folders are none; nothing where there is no such file.
fn pointer(folder: impl AsFd, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let file = match resolve::open(folder, name, flags, Scope::Beneath) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    let stat = rustix::fs::fstat(&file)?;
    if rustix::fs::FileType::from_raw_mode(stat.st_mode) != rustix::fs::FileType::RegularFile {
        return Ok(None);
    }
    let mut line = read_to_end(&file, POINTER_BYTES_MAX)?;
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::worktree_of;

    #[test]
    fn only_a_pointer_into_the_worktrees_of_a_repository_counts() {
        let found = worktree_of(b"/r/.git/worktrees/w").expect("a worktree");
        assert_eq!(found, (b"/r/.git".to_vec(), b"w".to_vec()));
        for other in [
            "/r/.git/modules/m",
            "../r/.git/worktrees/w",
            "/r/../x/worktrees/w",
            "/worktrees/w",
            "w",
            "",
        ] {
            assert_eq!(worktree_of(other.as_bytes()), None, "{other}");
        }
    }
}
