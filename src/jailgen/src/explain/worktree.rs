//! What `git-worktree` would add in a folder: the repository that the folder's `.git` file names.
//! Only a launch decides whether that file is trusted.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::files::read_regular;
use crate::state::trust::written;

/// The common folder of the repository that `folder`, an absolute path, says it is a linked
/// worktree of (gitrepository-layout(5)).
#[must_use]
pub fn repository(folder: &Path) -> Option<PathBuf> {
    let pointer = folder.join(".git");
    // A launch follows no link here either.
    fs::symlink_metadata(&pointer).ok().filter(fs::Metadata::is_file)?;
    let bytes = read_regular(&pointer).ok()?;
    let target = bytes.strip_prefix(b"gitdir: ")?;
    let target = target.split(|byte| matches!(byte, b'\n' | b'\r')).next()?;
    // With `..` taken back by name, as a launch reads it.
    let administrative = written(&folder.join(OsStr::from_bytes(target)));
    let worktrees = administrative.parent().filter(|parent| parent.ends_with("worktrees"))?;
    worktrees.parent().map(Path::to_path_buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_what_the_pointer_names() {
        let folder = tempfile::tempdir().unwrap();
        let says = |text: &str| {
            fs::write(folder.path().join(".git"), text).unwrap();
            repository(folder.path())
        };
        let found = Some(PathBuf::from("/r/.git"));
        assert_eq!(says("gitdir: /r/.git/worktrees/w\n"), found);
        assert_eq!(says("gitdir: /x/../r/./.git/worktrees/w"), found);
        let relative = folder.path().parent().unwrap().join("r/.git");
        assert_eq!(says("gitdir: ../r/.git/worktrees/w\r\n"), Some(relative));
        for other in ["gitdir: /r/.git/modules/m\n", "gitdir: /r/.git\n", "/r/.git/worktrees/w", ""]
        {
            assert_eq!(says(other), None, "{other}");
        }
    }

    #[test]
    fn a_link_and_a_repository_of_its_own_are_no_pointers() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(repository(folder.path()), None);
        let pointer = folder.path().join("pointer");
        fs::write(&pointer, "gitdir: /r/.git/worktrees/w").unwrap();
        std::os::unix::fs::symlink(&pointer, folder.path().join(".git")).unwrap();
        assert_eq!(repository(folder.path()), None);
    }
}
