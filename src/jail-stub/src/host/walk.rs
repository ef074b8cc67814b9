//! Opens paths of the host so that no symlink which a jail may have planted is followed.
//!
//! An earlier session of any jail can leave `cache -> ~/.ssh` in a folder that it may write; bound
//! read-write at the next launch, that would be the user's keys (escapes.md C11, E20). Symlinks
//! elsewhere are the user's own and are followed; and one that leads into the store is followed as
//! long as the path stays there, because nothing in it is secret.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Access, AtFlags, CWD, FileType, Mode, OFlags, Stat, accessat, fstat, openat};
use rustix::io::Errno;
use rustix::path::Arg;

use super::trust::{WritableTrees, Writer};
use crate::failure::{About, Problem};
use crate::resolve::{self, Scope};

/// As many links as the kernel follows (path_resolution(7)).
const LINKS_MAX: usize = 40;

/// The identity of a file or folder, whatever its name, for as long as a descriptor of it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    pub(crate) fn from_file(file: impl AsFd) -> Result<Self, Errno> {
        rustix::fs::fstat(file).map(|stat| Self::from(&stat))
    }

    /// The identity of what `path` names; symlinks are followed.
    pub(crate) fn at(path: impl Arg) -> Result<Self, Errno> {
        Self::at_path(CWD, path)
    }

    /// The same for a path relative to `folder`.
    pub(crate) fn at_path(folder: impl AsFd, path: impl Arg) -> Result<Self, Errno> {
        rustix::fs::statat(folder, path, AtFlags::empty()).map(|stat| Self::from(&stat))
    }
}

impl From<(u64, u64)> for Identity {
    fn from((device, inode): (u64, u64)) -> Self {
        Self { device, inode }
    }
}

impl From<&Stat> for Identity {
    fn from(stat: &Stat) -> Self {
        Self { device: stat.st_dev, inode: stat.st_ino }
    }
}

/// A folder or link that a walk has passed through.
pub(crate) struct Level {
    pub(crate) place: OwnedFd,
    pub(crate) identity: Identity,
    /// From the root, without symlinks.
    pub(crate) path: Vec<u8>,
}

impl Level {
    /// Whether the caller may make, remove or rename something in it, or give themself that right.
    fn may_change(&self) -> bool {
        let is_own = |uid| uid == rustix::process::geteuid().as_raw();
        accessat(&self.place, c".", Access::WRITE_OK, AtFlags::EACCESS).is_ok()
            || fstat(&self.place).map_or(true, |stat| is_own(stat.st_uid))
    }
}

/// Opens `path`, absolute, as a place (`O_PATH`).
pub(crate) fn open(path: &[u8], trees: &WritableTrees<'_>) -> Result<OwnedFd, Problem> {
    match open_plain(path) {
        Err(Errno::LOOP) => follow(path, trees),
        other => other.about(path),
    }
}

/// The same if no link is on the way, as nearly always.
pub(super) fn open_plain(path: &[u8]) -> Result<OwnedFd, Errno> {
    resolve::open(CWD, path, OFlags::PATH, Scope::Anywhere)
}

/// The same if there is one.
pub(super) fn follow(path: &[u8], trees: &WritableTrees<'_>) -> Result<OwnedFd, Problem> {
    levels(path, trees)?.pop().map(|last| last.place).ok_or(Errno::NOENT).about(path)
}

/// The folders that `path` passes through, from the root to what it names.
pub(crate) fn levels(path: &[u8], trees: &WritableTrees<'_>) -> Result<Vec<Level>, Problem> {
    walk(path, trees).map(|walk| walk.levels)
}

/// The same, and the folders that it has left again, by `..` or by a link in them: a program that
/// can write one of these decides where the path leads the next time.
pub(crate) fn passed(path: &[u8], trees: &WritableTrees<'_>) -> Result<Vec<Level>, Problem> {
    walk(path, trees).map(|walk| walk.left.into_iter().chain(walk.levels).collect())
}

/// For each symbolic link on the way, the folder that contains it and all folders above: a user who
/// may write one of these could make the path lead elsewhere the next time. Folders that the caller
/// cannot change are left out, if none below them can be changed either.
pub(crate) fn replaceable(path: &[u8]) -> Result<Vec<Identity>, Problem> {
    walk(path, &WritableTrees::default()).map(|walk| walk.replaceable)
}

fn walk<'a>(path: &'a [u8], trees: &'a WritableTrees<'a>) -> Result<Walk<'a>, Problem> {
    let (levels, left, replaceable) = (Vec::new(), Vec::new(), Vec::new());
    let mut walk = Walk { asked: path, trees, levels, left, replaceable, links: 0, held: None };
    walk.restart().about(path)?;
    let mut names: VecDeque<Vec<u8>> = names(path).collect();
    while let Some(name) = names.pop_front() {
        if name == b".." {
            walk.up()?;
            continue;
        }
        let next = walk.child(&name).about(path)?;
        if !is_link(&next).about(path)? {
            walk.push(next, &name).about(path)?;
            continue;
        }
        let target = walk.follow(&name, &next)?;
        // The rest of the path follows the target of the link.
        names = self::names(&target).chain(names).collect();
    }
    walk.is_in_store().map(|()| walk)
}

/// A walk along a path, from the root and one name at a time.
struct Walk<'a> {
    asked: &'a [u8],
    trees: &'a WritableTrees<'a>,
    /// The folders from the root to the current one.
    levels: Vec<Level>,
    /// Where it has been.
    left: Vec<Level>,
    /// See [`replaceable`].
    replaceable: Vec<Identity>,
    links: usize,
    /// It passed through a link that a jail may have planted, and must stay in the store.
    held: Option<Held>,
}

/// What a restricted walk may not do.
struct Held {
    /// How many levels deep the store's folder is: it may not go above, nor end there.
    store: usize,
    /// The refusal if it does.
    refusal: Problem,
}

impl Walk<'_> {
    fn restart(&mut self) -> Result<(), Errno> {
        self.left.append(&mut self.levels);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        self.push(openat(CWD, c"/", flags, Mode::empty())?, b"")
    }

    fn push(&mut self, place: OwnedFd, name: &[u8]) -> Result<(), Errno> {
        let above = self.levels.last().map(|level| level.path.as_slice());
        let path = match above {
            None => b"/".to_vec(),
            Some(b"/") => [b"/", name].concat(),
            Some(above) => [above, b"/", name].concat(),
        };
        let identity = Identity::from_file(&place)?;
        self.levels.push(Level { place, identity, path });
        Ok(())
    }

    /// Whether a restricted walk is at something in the store: a session could list all of it.
    fn is_in_store(&self) -> Result<(), Problem> {
        match &self.held {
            Some(held) if self.levels.len() <= held.store => Err(held.refusal.clone()),
            Some(_) | None => Ok(()),
        }
    }

    fn up(&mut self) -> Result<(), Problem> {
        self.is_in_store()?;
        if self.levels.len() > 1 {
            self.left.extend(self.levels.pop());
        }
        Ok(())
    }

    fn child(&self, name: &[u8]) -> Result<OwnedFd, Errno> {
        let folder = self.levels.last().ok_or(Errno::NOENT)?;
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        openat(&folder.place, name, flags, Mode::empty())
    }

    /// The path to walk instead of a link, from where the walk is afterwards.
    fn follow(&mut self, name: &[u8], link: &OwnedFd) -> Result<Vec<u8>, Problem> {
        let target = rustix::fs::readlinkat(link, c"", Vec::new()).about(self.asked)?.into_bytes();
        self.links += 1;
        if self.links > LINKS_MAX {
            return Err(Problem::errno(self.asked, Errno::LOOP));
        }
        let changeable = self.levels.iter().rposition(Level::may_change).map_or(0, |at| at + 1);
        let changeable = self.levels.iter().take(changeable);
        self.replaceable.extend(changeable.map(|level| level.identity));
        let planted = self.trees.first_in(&self.levels);
        let planted = planted.map(|(tree, writer)| {
            let listed = self.trees.store().and_then(|store| store.listed(tree));
            let tree = listed.as_ref().unwrap_or(&tree.path);
            refusal(self.asked, name, tree, writer)
        });
        let is_absolute = target.starts_with(b"/");
        match (planted, self.held.take()) {
            (None, None) if is_absolute => self.restart().about(self.asked)?,
            (None, None) => {}
            (None, Some(held)) if !is_absolute => self.held = Some(held),
            (Some(refusal), None) | (None, Some(Held { refusal, .. })) => {
                return self.enter_store(&target, refusal);
            }
            // A jail could write the store itself.
            (Some(refusal), Some(_)) => return Err(refusal),
        }
        Ok(target)
    }

    /// Changes to the store, which must contain `target`, and returns the
    /// rest of the path from there.
    fn enter_store(&mut self, target: &[u8], refusal: Problem) -> Result<Vec<u8>, Problem> {
        let store = self.trees.closure.as_bytes();
        let below = target.strip_prefix(store).and_then(|rest| rest.strip_prefix(b"/"));
        let Some(below) = below.filter(|_| !store.is_empty()) else { return Err(refusal) };
        self.restart().about(store)?;
        for name in names(store) {
            let next = self.child(&name).about(store)?;
            if is_link(&next).about(store)? {
                return Err(refusal);
            }
            self.push(next, &name).about(store)?;
        }
        if self.trees.first_in(&self.levels).is_some() {
            return Err(refusal);
        }
        self.held = Some(Held { store: self.levels.len(), refusal });
        Ok(below.to_vec())
    }
}

fn is_link(place: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(fstat(place)?.st_mode) == FileType::Symlink)
}

fn names(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/')
        .filter(|name| !name.is_empty() && *name != b".")
        .map(<[u8]>::to_vec)
}

fn refusal(asked: &[u8], name: &[u8], tree: &[u8], writer: Writer) -> Problem {
    let [name, tree] = [name, tree].map(String::from_utf8_lossy);
    let cause = format!("`{name}` is a symbolic link in a folder that a jail could write");
    Problem::new(asked, cause).help(match writer {
        Writer::This => {
            String::from("an earlier session may have made it; look where it leads, then remove it")
        }
        Writer::Any => format!(
            "a session in `{tree}` may have made it; look where it leads, then remove it, or forget the folder: \
             `jailgen trust forget {tree}`"
        ),
        Writer::Anybody => String::from(
            "which folders a jail could write cannot be read in jailgen's state folder; set XDG_STATE_HOME, or HOME, \
             to where it is, or name what the link leads to",
        ),
    })
}
