//! Grants of places in the store. A package may contain a symbolic link to any place of the host,
//! which a launch would follow: the policy would then not show what is granted.

use std::ffi::OsString;
use std::fs;
use std::path::{Component, Path, PathBuf};

use jail_policy::Policy;

use super::SealError;

/// The kernel follows no more.
const LINKS_MAX: usize = 40;

/// Refuses a grant whose source is in the store and leads out of it.
pub(crate) fn check(policy: &Policy, store: &Path) -> Result<(), SealError> {
    for entry in &policy.grants {
        for text in entry.grant.sources() {
            let Some(source) = text.as_str() else { continue };
            if text.expand && source.contains('$') && names_store(store, source) {
                let message =
                    format!("`{source}` is a place in the store that is known only at launch");
                return Err(SealError::at(policy, entry, message).help(
                    "a link there could lead out of the store: write the path without variables",
                ));
            }
            if let Some(outside) = end_outside(store, Path::new(source)) {
                let outside = outside.display();
                let message =
                    format!("`{source}` is a link that leads out of the store, to `{outside}`");
                return Err(SealError::at(policy, entry, message)
                    .help("grant the place that it leads to, to make it visible in the spec"));
            }
        }
    }
    Ok(())
}

/// Whether the store occurs anywhere in a text: what is before it may expand to nothing.
fn names_store(store: &Path, text: &str) -> bool {
    store.to_str().is_some_and(|store| text.contains(store))
}

/// The target of a path of the store, if it is outside. Nothing outside is read.
fn end_outside(store: &Path, path: &Path) -> Option<PathBuf> {
    if !path.starts_with(store) {
        return None;
    }
    let (mut place, mut rest, mut links) = (PathBuf::from("/"), names(path), 0);
    while let Some(name) = rest.pop() {
        if name == ".." {
            place.pop();
        } else {
            place.push(name);
        }
        if !place.starts_with(store) && !store.starts_with(&place) {
            place.extend(rest.into_iter().rev());
            return Some(place);
        }
        let Ok(target) = fs::read_link(&place) else { continue };
        links += 1;
        if links > LINKS_MAX {
            return Some(target);
        }
        place.pop();
        if target.is_absolute() {
            place = PathBuf::from("/");
        }
        rest.extend(names(&target));
    }
    None
}

/// The names of a path, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    let name = |component: Component<'_>| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_are_followed_as_far_as_they_stay_in_the_store() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let store = root.join("store");
        fs::create_dir_all(store.join("a/b")).unwrap();
        for (to, at) in [
            ("b", "a/inside"),
            ("../../secret", "a/up"),
            ("/etc/secret", "a/far"),
            ("far", "a/through"),
            ("a", "other"),
            ("loop", "a/loop"),
        ] {
            symlink(to, store.join(at)).unwrap();
        }
        let end = |path: &str| end_outside(&store, &store.join(path));
        for path in ["a/b", "a/inside/x", "other/b", "missing/x"] {
            assert_eq!(end(path), None, "{path}");
        }
        assert_eq!(end("a/up/x"), Some(root.join("secret/x")));
        assert_eq!(end("a/far"), Some("/etc/secret".into()));
        assert_eq!(end("other/through/x"), Some("/etc/secret/x".into()));
        assert!(end("a/loop").is_some());
        assert_eq!(end_outside(&store, Path::new("/etc/secret")), None);
    }
}
