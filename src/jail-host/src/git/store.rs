//! What a symbolic link into the Nix store leads to. The link itself must name a path of the store,
//! and what it leads to there may be links again, but only into the store: a way through a folder
//! that a jail can write is one that a jail chooses, though it ends in the store. Only Nix makes
//! names in the store.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path};

use rustix::fs::{CWD, FileType, Mode, OFlags, fstat, openat, readlinkat};
use rustix::io::Errno;

pub(super) const STORE: &str = "/nix/store";

/// The kernel follows no more (path_resolution(7)).
const LINKS_MAX: usize = 40;
/// The characters of a hash, and how many there are.
const DIGITS: &[u8] = b"0123456789abcdfghijklmnpqrsvwxyz";
const HASH: usize = 32;
/// Nix makes no longer names.
const NAME_MAX: usize = 211;

/// Opens what a link leads to that has this text; nothing, where any name on the way is not in the
/// store, or is one that not every user of the machine may read: what is being built there, or was
/// put there otherwise.
pub(super) fn open(text: &Path) -> Option<OwnedFd> {
    way(text).map(|(opened, _)| opened)
}

/// The same, and the names in the store that it leads through, in order. The last one is where it
/// ends.
pub(super) fn way(text: &Path) -> Option<(OwnedFd, Vec<String>)> {
    let below = below(text)?;
    let mut store = openat(CWD, "/", ENTER, Mode::empty()).ok()?;
    for name in ["nix", "store"] {
        store = openat(&store, name, ENTER, Mode::empty()).ok()?;
    }
    walk(&store, below)
}

/// Opens what a name in a folder of the store leads to, in the same way.
pub(super) fn open_in(folder: impl AsFd, name: &OsStr) -> Option<OwnedFd> {
    let path = super::file::path_of(folder).ok()?;
    open(&path.join(name))
}

const ENTER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(ANYTHING);
const ANYTHING: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// The names of a path of the store.
fn below(text: &Path) -> Option<VecDeque<OsString>> {
    names(text.strip_prefix(STORE).ok()?)
}

fn names(path: &Path) -> Option<VecDeque<OsString>> {
    let name = |part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsStr::new("..").to_owned()),
        Component::CurDir => Some(OsStr::new(".").to_owned()),
        Component::RootDir | Component::Prefix(_) => None,
    };
    path.components().map(name).collect()
}

fn walk(store: &OwnedFd, mut rest: VecDeque<OsString>) -> Option<(OwnedFd, Vec<String>)> {
    // What was opened on the way, from the store on.
    let mut way: Vec<OwnedFd> = Vec::new();
    let (mut links, mut passed) = (0, Vec::new());
    while let Some(name) = rest.pop_front() {
        match name.as_bytes() {
            b"." => continue,
            // Above the store it is left.
            b".." => {
                way.pop()?;
                continue;
            }
            first if way.is_empty() => {
                passed.push(name.to_str().filter(|_| is_store_name(first))?.to_owned());
            }
            _ => {}
        }
        let opened = openat(way.last().unwrap_or(store), &name, ANYTHING, Mode::empty()).ok()?;
        let stat = fstat(&opened).ok()?;
        let (kind, mode) = (FileType::from_raw_mode(stat.st_mode), stat.st_mode);
        if kind != FileType::Symlink {
            let wanted = if kind == FileType::Directory { 0o5 } else { 0o4 };
            if mode & wanted != wanted {
                return None;
            }
            way.push(opened);
            continue;
        }
        links += 1;
        if links > LINKS_MAX {
            return None;
        }
        let text = readlinkat(&opened, c"", Vec::new()).ok()?;
        let text = Path::new(OsStr::from_bytes(text.as_bytes()));
        let more = match text.is_absolute() {
            true => {
                way.clear();
                below(text)?
            }
            false => names(text)?,
        };
        more.into_iter().rev().for_each(|name| rest.push_front(name));
    }
    Some((way.pop()?, passed))
}

/// The text of a link; `None` if there is no link.
pub(super) fn text(folder: impl AsFd, name: impl rustix::path::Arg) -> Result<OsString, Errno> {
    let text = readlinkat(folder, name, Vec::new())?;
    Ok(OsStr::from_bytes(text.as_bytes()).to_owned())
}

/// A hash of 32 digits, a hyphen, and a name.
pub(super) fn is_store_name(name: &[u8]) -> bool {
    let (hash, rest) = name.split_at(name.len().min(HASH));
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-._?=".contains(byte);
    hash.len() == HASH
        && hash.iter().all(|byte| DIGITS.contains(byte))
        && rest.strip_prefix(b"-").is_some_and(|rest| {
            !rest.is_empty() && rest.len() <= NAME_MAX && rest.iter().all(is_of_name)
        })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use super::*;
    use crate::git::file::path_of;

    const ONE: &str = "0123456789abcdfghijklmnpqrsvwxyz-one";
    const TWO: &str = "0123456789abcdfghijklmnpqrsvwxyz-two";

    #[test]
    fn a_store_path_has_a_hash_and_a_name() {
        assert!(is_store_name(ONE.as_bytes()));
        let others = [
            "",
            ".links",
            "0123456789abcdfghijklmnpqrsvwxyz",
            "0123456789abcdfghijklmnpqrsvwxyz-",
            "0123456789abcdfghijklmnpqrsvwxyz-a b",
            "0123456789ABCDFGHIJKLMNPQRSVWXYZ-source",
            // Not one of the letters of a hash.
            "e123456789abcdfghijklmnpqrsvwxyz-source",
            "short-source",
            "trash",
        ];
        for other in others {
            assert!(!is_store_name(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn a_link_stays_in_the_store_at_each_name_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("store").join(ONE).join("a")).unwrap();
        fs::create_dir(root.join("store").join(TWO)).unwrap();
        fs::write(root.join("store").join(ONE).join("a/file"), "x").unwrap();
        fs::write(root.join("store").join(ONE).join("secret"), "x").unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(root.join("store").join(ONE).join("secret"), mode).unwrap();
        let two = root.join("store").join(TWO);
        symlink(format!("../{ONE}/a"), two.join("near")).unwrap();
        symlink("circle", two.join("circle")).unwrap();
        // Out of the store, and into it again.
        symlink(format!("../../way/{ONE}/a/file"), two.join("round")).unwrap();
        symlink(root.join("store"), root.join("way")).unwrap();
        let store = fs::File::open(root.join("store")).unwrap().into();
        let of = |path: &str| {
            let found = walk(&store, names(Path::new(path)).unwrap());
            found.map(|(found, _)| path_of(found).unwrap())
        };
        let at = |path: String| -> Option<PathBuf> { Some(root.join("store").join(path)) };
        assert_eq!(of(&format!("{ONE}/a/file")), at(format!("{ONE}/a/file")));
        assert_eq!(of(&format!("{TWO}/near/file")), at(format!("{ONE}/a/file")));
        assert_eq!(of(&format!("{TWO}/near/../a/file")), at(format!("{ONE}/a/file")));
        for other in ["", "round", "circle", "none", "../../way", "../.."] {
            assert_eq!(
                of(&format!("{TWO}/{other}")).filter(|_| !other.is_empty()),
                None,
                "{other}"
            );
        }
        assert_eq!(of(&format!("{ONE}/secret")), None);
        assert_eq!(of("other"), None);
    }

    #[test]
    fn what_does_not_begin_in_the_store_is_none_of_it() {
        for other in
            ["/nix", "/nix/store", "/tmp", "nix/store/x", "/nix/store/../store", "/nix/storehouse"]
        {
            assert!(open(Path::new(other)).is_none(), "{other}");
        }
    }
}
