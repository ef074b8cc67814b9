//! The project's repository: whether git on the host still takes it, or what the jail has put in
//! its place.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use jail_plan::one_line;
use rustix::fs::{FileType, inotify::WatchFlags};
use rustix::io::Errno;

use super::events::{NAMES, Watches, joined};
use super::replaced::Replaced;
use crate::git::damaged;
use crate::handoff::place::{Links, Place, Stamp, data};

const GIT: &[u8] = b".git";

/// What makes a folder one of git's.
const PARTS: [&[u8]; 3] = [b"HEAD", b"objects", b"refs"];

/// What of `.git` the jail has copies of, as long as nothing is renamed over it.
const COPIED: [&[u8]; 2] = [b"config", b"config.worktree"];

/// The repository at the project's root.
pub(super) struct Repository<'a> {
    place: &'a Place,
    /// `.git` was a repository when the jail was started, and the root was none.
    was: bool,
    root_was: bool,
    /// The files that the jail has copies of, as they were; empty where it has none.
    copied: Vec<(&'static [u8], Option<u64>)>,
    /// Those of them that were replaced.
    replaced: Vec<Replaced>,
    /// What was said already.
    said: Vec<String>,
}

impl<'a> Repository<'a> {
    /// Watches the root and `.git`, where that is a folder.
    pub(super) fn watch(
        place: &'a Place,
        is_apart: bool,
        since: (i64, u32),
        watches: &mut Watches,
    ) -> Result<Self, Errno> {
        let root = place.open_folder(b"", Links::Refused)?;
        watches.add(&root, b"", NAMES)?;
        if let Ok(git) = place.open_folder(GIT, Links::Refused) {
            watches.add(&git, GIT, NAMES | WatchFlags::ONLYDIR)?;
        }
        let mut repository = Self {
            place,
            was: false,
            root_was: false,
            copied: Vec::new(),
            replaced: Vec::new(),
            said: Vec::new(),
        };
        // A payload may have been quicker. What it has changed has a later time, which it cannot
        // set.
        let is_late = |path, kind| {
            let found = place.parent(path).and_then(|(folder, name)| data(&folder, name));
            found.is_ok_and(|found| found.kind == kind && found.stamp.changed >= since)
        };
        repository.was = repository.is_one(GIT) || is_late(GIT, FileType::Directory);
        repository.root_was = repository.is_one(b"") && !is_late(b"HEAD", FileType::RegularFile);
        if is_apart {
            repository.copied = COPIED.map(|name| (name, repository.file(name))).into();
        }
        Ok(repository)
    }

    /// Something has changed at this path: what there is to say.
    pub(super) fn changed(&mut self, path: &[u8]) -> Vec<String> {
        let name = path.strip_prefix(b".git/").unwrap_or(path);
        let replaced = self.replaced.iter_mut().filter(|replaced| replaced.is_at(path));
        replaced.for_each(Replaced::happened);
        let counts = PARTS.contains(&name) || COPIED.contains(&name) || path == GIT;
        if counts { self.look() } else { Vec::new() }
    }

    /// Looks at all of it: what there is to say that was not said.
    pub(super) fn look(&mut self) -> Vec<String> {
        let is_gone = self.was && !self.is_one(GIT);
        let is_bare = !self.root_was && self.is_one(b"");
        let folder = one_line(&String::from_utf8_lossy(&self.place.path));
        let damage = damaged(is_gone, is_bare)
            .map(|what| format!("{what}; look at {folder} before you run git there"));
        let mut lines: Vec<String> = damage.into_iter().collect();
        for (name, before) in self.copied.clone() {
            let is_replaced = before.is_some() && self.file(name) != before;
            let path = joined(GIT, name);
            if is_replaced && !self.replaced.iter().any(|replaced| replaced.is_at(&path)) {
                self.replaced.push(Replaced::new(path));
            }
            if is_replaced {
                let name = String::from_utf8_lossy(name);
                lines.push(format!(
                    "`.git/{name}` was replaced on the host, and the jail can write the new one: look at it before you run git here"
                ));
            }
        }
        lines.retain(|line| !self.said.contains(line));
        self.said.extend(lines.iter().cloned());
        lines
    }

    /// Looks at what was replaced, if it is time; in any case, where the jail has ended.
    ///
    /// # Errors
    /// The jail is to end: what shows that it writes such a file.
    pub(super) fn check(&mut self, by: Option<Instant>, watches: &mut Watches) -> io::Result<()> {
        let place = self.place;
        self.replaced.iter_mut().try_for_each(|replaced| replaced.check(place, by, watches))
    }

    /// When that is.
    pub(super) fn next(&self) -> Option<Instant> {
        self.replaced.iter().map(Replaced::next).min()
    }

    /// Whether git takes this folder for a repository.
    fn is_one(&self, folder: &[u8]) -> bool {
        let Ok(folder) = self.place.open_folder(folder, Links::Refused) else { return false };
        let kind = |name: &[u8]| data(&folder, name).ok().map(|data| data.kind);
        let is_folder = |name| matches!(kind(name), Some(FileType::Directory | FileType::Symlink));
        !matches!(kind(b"HEAD"), None | Some(FileType::Directory))
            && is_folder(b"objects")
            && is_folder(b"refs")
    }

    /// Which file of `.git` has this name.
    fn file(&self, name: &[u8]) -> Option<u64> {
        let git: OwnedFd = self.place.open_folder(GIT, Links::Refused).ok()?;
        let Stamp { inode, .. } = data(&git, name).ok()?.stamp;
        Some(inode)
    }
}
