//! The files that connect a worktree and its repository: they contain paths, absolute or relative,
//! and are never read through a link.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{CWD, FileType, OFlags, fstat};
use rustix::io::Errno;

use crate::host::named::normal;
use crate::reading::read_to_end;
use crate::resolve::{self, Scope};

/// A pointer is one path.
const BYTES_MAX: usize = 4096 + 16;

/// From a worktree to the folder that its repository keeps for it: `REPOSITORY/worktrees/NAME`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    /// The folder that all worktrees share.
    pub(super) repository: Vec<u8>,
    name: Vec<u8>,
}

impl Pointer {
    /// The pointer of the working folder, which is `folder`. `None` if it is not a linked worktree.
    pub(super) fn in_folder(folder: &[u8]) -> Result<Option<Self>, Errno> {
        let Some(line) = line(CWD, b".git")? else { return Ok(None) };
        let Some(words) = line.strip_prefix(b"gitdir: ") else { return Ok(None) };
        Ok(Self::to(&target(folder, words)))
    }

    fn to(administrative: &[u8]) -> Option<Self> {
        let mut parts = administrative.rsplitn(3, |byte| *byte == b'/');
        let (name, worktrees, repository) = (parts.next()?, parts.next()?, parts.next()?);
        let is_one = worktrees == b"worktrees" && !name.is_empty() && !repository.is_empty();
        is_one.then(|| Self { repository: repository.to_vec(), name: name.to_vec() })
    }

    /// The folder that the repository keeps for the worktree.
    pub(super) fn administrative(&self) -> Vec<u8> {
        [&self.repository, b"/worktrees/".as_slice(), &self.name].concat()
    }

    /// Whether the repository, which is at `place`, points back to `folder`.
    pub(super) fn is_answered(&self, place: impl AsFd, folder: &[u8]) -> Result<bool, Errno> {
        let says = |file: &str| {
            line(
                place.as_fd(),
                &[b"worktrees/", self.name.as_slice(), b"/", file.as_bytes()].concat(),
            )
        };
        let back = says("gitdir")?.map(|words| target(&self.administrative(), &words));
        Ok(back == Some(self.file(folder)) && says("commondir")?.as_deref() == Some(b"../.."))
    }

    /// The worktree's own file.
    pub(super) fn file(&self, folder: &[u8]) -> Vec<u8> {
        let folder = folder.strip_suffix(b"/").unwrap_or(folder);
        [folder, b"/.git"].concat()
    }

    /// The repository, for messages.
    pub(super) fn shown(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.repository)
    }
}

/// A target as git reads it in a file of `folder`. Neither has a link on its way, so
/// `..` can be removed by name.
pub(in crate::host) fn target(folder: &[u8], target: &[u8]) -> Vec<u8> {
    match target.first() {
        Some(b'/') => normal(target),
        Some(_) | None => normal(&[folder, b"/", target].concat()),
    }
}

/// The line in a file; neither the file nor its folders are symlinks. `None`
/// if there is no such file.
pub(in crate::host) fn line(folder: BorrowedFd<'_>, name: &[u8]) -> Result<Option<Vec<u8>>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK;
    let file = match resolve::open(folder, name, flags, Scope::Beneath) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(error),
    };
    if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
        return Ok(None);
    }
    let mut line = read_to_end(&file, BYTES_MAX)?;
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pointer_into_the_worktrees_of_a_repository_counts() {
        let found = |words: &str| {
            let pointer = Pointer::to(&target(b"/work/wt", words.as_bytes()))?;
            let repository = String::from_utf8(pointer.repository).ok()?;
            Some((repository, String::from_utf8(pointer.name).ok()?))
        };
        for (target, repository) in [
            ("/r/.git/worktrees/w", "/r/.git"),
            ("../r/.git/worktrees/w", "/work/r/.git"),
            ("/r/./x/../.git//worktrees/w/", "/r/.git"),
            ("../.git/modules/s/worktrees/w", "/work/.git/modules/s"),
        ] {
            assert_eq!(found(target), Some((repository.into(), "w".into())), "{target}");
        }
        for other in ["/r/.git/modules/m", "/worktrees/w", "../../worktrees/w", "w", ""] {
            assert_eq!(found(other), None, "{other}");
        }
    }
}
