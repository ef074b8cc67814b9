//! State that sessions share and that later sessions follow, such as an agent's memory: which of
//! its files are others when the jail has ended. None of them is read: a program can set neither
//! the inode nor the time of a change (ctime).

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use jail_plan::private::FOLLOWED;
use jail_plan::star::is_like;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, statat};
use rustix::io::Errno;

use super::copies::{Signature, open_folder, signature_of};
use super::file;
use super::held::Held;
use super::store::STORE;

/// For one pattern, so many names are looked at, and so deep below a folder.
const NAMES_MAX: usize = 16_384;
const DEPTH_MAX: usize = 8;

/// The files of one pattern, and how they were.
pub(super) struct Followed {
    pattern: &'static str,
    before: Found,
}

/// What is there: for each path what shows a change of it and of what a link there leads to, or
/// nothing where that cannot be known.
#[derive(Default)]
struct Found {
    files: BTreeMap<PathBuf, Option<Vec<Signature>>>,
    /// There is more.
    is_cut: bool,
}

/// How all of an agent's are that has this state folder.
pub(super) fn followed(home: &Path, named: &Path, held: &Held) -> Vec<Followed> {
    let all = FOLLOWED.iter().filter(|followed| home.join(followed.of) == named);
    let one = |pattern| Followed { pattern, before: look(pattern, held) };
    all.map(|followed| one(followed.pattern)).collect()
}

impl Followed {
    /// The files that are new, other ones, or gone.
    pub(super) fn changed(&self, held: &Held) -> Vec<String> {
        let now = look(self.pattern, held);
        let gone = self.before.files.keys().filter(|path| !now.files.contains_key(*path));
        let other = now.files.iter().filter(|(path, found)| {
            found.is_none() || self.before.files.get(*path) != Some(*found)
        });
        let mut paths: Vec<&PathBuf> = gone.chain(other.map(|(path, _)| path)).collect();
        paths.sort();
        let names = paths.into_iter().map(|path| path.to_string_lossy().into_owned());
        let cut = (now.is_cut || self.before.is_cut).then(|| self.pattern.to_owned());
        names.chain(cut).collect()
    }
}

fn look(pattern: &str, held: &Held) -> Found {
    let mut look = Look { root: &held.path, left: NAMES_MAX, found: Found::default() };
    let parts: Vec<&str> = pattern.split('/').collect();
    look.parts(&held.folder, Path::new(""), &parts, DEPTH_MAX);
    look.found
}

struct Look<'a> {
    /// The state folder. A link that leads out of it is not followed.
    root: &'a Path,
    left: usize,
    found: Found,
}

/// Where a link leads.
enum Behind {
    Folder(OwnedFd),
    /// A file, or what packages have written, which no jail can.
    Unwalked(Signature),
    Nothing,
    Elsewhere,
}

impl Look<'_> {
    /// What these parts of a pattern name in a folder. An empty last part stands for all below it.
    fn parts(&mut self, folder: &OwnedFd, way: &Path, parts: &[&str], depth: usize) {
        let Some((part, rest)) = parts.split_first() else { return };
        let depth = if part.is_empty() { depth.checked_sub(1) } else { Some(depth) };
        let Some(depth) = depth else {
            self.found.is_cut = true;
            return;
        };
        if !part.is_empty() && !part.contains('*') {
            return self.name(folder, OsStr::new(part), way, rest, depth);
        }
        // Below a folder, the same holds for each folder in it.
        let rest = if part.is_empty() { parts } else { rest };
        let Ok(names) = names(folder) else { return self.keep(way, None) };
        for name in
            names.iter().filter(|name| part.is_empty() || is_like(part.as_bytes(), name.as_bytes()))
        {
            self.name(folder, name, way, rest, depth);
        }
    }

    fn name(&mut self, folder: &OwnedFd, name: &OsStr, way: &Path, rest: &[&str], depth: usize) {
        let Some(left) = self.left.checked_sub(1) else {
            self.found.is_cut = true;
            return;
        };
        self.left = left;
        let way = way.join(name);
        let found = match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => return,
            // What cannot be looked at may be another file each time.
            Err(_) => return self.keep(&way, None),
        };
        let kind = FileType::from_raw_mode(found.st_mode);
        let opened = match kind {
            FileType::Directory => open_folder(folder, name).ok(),
            FileType::Symlink => {
                self.keep(&way, Some(signature_of(&found)));
                match Self::behind(folder, name, self.root) {
                    Behind::Folder(opened) => Some(opened),
                    Behind::Unwalked(signature) => return self.keep(&way, Some(signature)),
                    Behind::Elsewhere => return self.keep(&way, None),
                    Behind::Nothing => return,
                }
            }
            // On the way to a pattern's end, files mean nothing.
            _ if rest.len() > 1 => return,
            _ => return self.keep(&way, Some(signature_of(&found))),
        };
        match opened {
            Some(opened) => self.parts(&opened, &way, rest, depth),
            None => self.keep(&way, None),
        }
    }

    fn keep(&mut self, way: &Path, signature: Option<Signature>) {
        let known = self.found.files.entry(way.to_path_buf()).or_insert_with(|| Some(Vec::new()));
        match (known.as_mut(), signature) {
            (Some(known), Some(signature)) => known.push(signature),
            (_, _) => *known = None,
        }
    }

    fn behind(folder: &OwnedFd, name: &OsStr, root: &Path) -> Behind {
        let opened = match openat(folder, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Behind::Nothing,
            Err(_) => return Behind::Elsewhere,
        };
        let (Ok(real), Ok(found)) = (file::path_of(&opened), fstat(&opened)) else {
            return Behind::Elsewhere;
        };
        let is_folder = FileType::from_raw_mode(found.st_mode) == FileType::Directory;
        match (real.starts_with(root), real.starts_with(STORE)) {
            (true, _) if is_folder => {
                let opened = open_folder(&opened, OsStr::new("."));
                opened.map_or(Behind::Elsewhere, Behind::Folder)
            }
            (true, _) | (false, true) => Behind::Unwalked(signature_of(&found)),
            (false, false) => Behind::Elsewhere,
        }
    }
}

/// What is in a folder. More than is looked at need not be in order.
fn names(folder: &OwnedFd) -> Result<Vec<OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(folder)?.take(NAMES_MAX + 3) {
        let name = entry?.file_name().to_bytes().to_vec();
        if name != b"." && name != b".." {
            names.push(OsString::from_vec(name));
        }
    }
    Ok(names)
}
