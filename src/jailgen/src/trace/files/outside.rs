//! Whether something exists outside that a jail did not find. The names are the jail's: nothing is
//! opened, and a link is followed only where the jail cannot have made it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, accessat};

/// The kernel follows no more links either (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// What is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    /// Its place, without links.
    pub(super) real: PathBuf,
    pub(super) is_folder: bool,
    /// It is what was looked for, and not the folder around it.
    pub(super) exists: bool,
}

/// What is at a place of the host, if the caller could get there. Below `written` no link is
/// followed.
pub(super) fn look(path: &Path, written: &[PathBuf]) -> Option<Outside> {
    let mut real = PathBuf::from("/");
    let mut rest: VecDeque<OsString> = parts(path);
    let mut links = 0;
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&name);
        let data = fs::symlink_metadata(&next).ok()?;
        if !data.is_symlink() {
            real = next;
            continue;
        }
        links += 1;
        if links > LINKS_MAX || written.iter().any(|folder| next.starts_with(folder)) {
            return None;
        }
        let target = fs::read_link(&next).ok()?;
        if target.is_absolute() {
            real = PathBuf::from("/");
        }
        for part in parts(&target).into_iter().rev() {
            rest.push_front(part);
        }
    }
    let is_folder = fs::symlink_metadata(&real).ok()?.is_dir();
    Some(Outside { real, is_folder, exists: true })
}

fn parts(path: &Path) -> VecDeque<OsString> {
    let part = |part: Component<'_>| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

/// Whether the caller could do this outside, with a place that has no links.
pub(super) fn may(real: &Path, access: Access) -> bool {
    let allowed: io::Result<()> = accessat(CWD, real, access, AtFlags::EACCESS).map_err(Into::into);
    allowed.is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_where_the_jail_cannot_have_made_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("secret")).unwrap();
        fs::write(root.join("secret/key"), "").unwrap();
        fs::create_dir(root.join("project")).unwrap();
        symlink("../secret", root.join("project/link")).unwrap();
        symlink("secret", root.join("link")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let look = |path: &str| look(&root.join(path), &[root.join("project")]);
        let key = Outside { real: root.join("secret/key"), is_folder: false, exists: true };
        assert_eq!(look("secret/key"), Some(key.clone()));
        assert_eq!(look("link/key"), Some(key));
        assert_eq!(look("link").map(|it| it.is_folder), Some(true));
        assert_eq!(look("project/link/key"), None);
        assert_eq!(look("project/link"), None);
        assert_eq!(look("loop"), None);
        assert_eq!(look("nothing"), None);
    }
}
