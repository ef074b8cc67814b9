//! Resolves a path as the kernel does it, and says which symbolic links it goes through: a jail
//! that may write one of them could lead the next program elsewhere.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The kernel follows no more (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// Where a path leads.
pub(super) struct Way {
    /// The links on the way, each by a path without links.
    pub(super) links: Vec<PathBuf>,
    /// The path without links. Its last name may be one, which is not followed.
    pub(super) real: PathBuf,
}

/// The way to an absolute path. What is not there has no links. Nothing, where the links do not
/// end.
pub(super) fn to(path: &Path) -> Option<Way> {
    let mut way = Way { links: Vec::new(), real: PathBuf::from("/") };
    let mut rest: VecDeque<OsString> = names(path).collect();
    while let Some(name) = rest.pop_front() {
        if name == ".." {
            way.real.pop();
            continue;
        }
        let next = way.real.join(&name);
        if rest.is_empty() {
            way.real = next;
            break;
        }
        let Ok(target) = fs::read_link(&next) else {
            way.real = next;
            continue;
        };
        if way.links.len() >= LINKS_MAX {
            return None;
        }
        way.links.push(next);
        if target.is_absolute() {
            way.real = PathBuf::from("/");
        }
        for name in names(&target).collect::<Vec<_>>().into_iter().rev() {
            rest.push_front(name);
        }
    }
    Some(way)
}

fn names(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn each_link_is_one_of_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("a", root.join("one")).unwrap();
        symlink("../one/b", root.join("a/two")).unwrap();
        symlink(root.join("a"), root.join("three")).unwrap();
        symlink("circle", root.join("circle")).unwrap();
        let of = |name: &str| to(&root.join(name)).map(|way| (way.real, way.links));
        let at = |names: &[&str]| names.iter().map(|name| root.join(name)).collect::<Vec<_>>();
        assert_eq!(of("a/b/x"), Some((root.join("a/b/x"), at(&[]))));
        assert_eq!(of("one/two/x"), Some((root.join("a/b/x"), at(&["one", "a/two", "one"]))));
        assert_eq!(of("three/b"), Some((root.join("a/b"), at(&["three"]))));
        // The last name is not followed, and what is missing leads nowhere.
        assert_eq!(of("one"), Some((root.join("one"), at(&[]))));
        assert_eq!(of("none/x/../y"), Some((root.join("none/y"), at(&[]))));
        assert_eq!(of("circle/x"), None);
    }
}
