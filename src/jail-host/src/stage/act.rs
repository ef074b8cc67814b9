//! Applies what was decided to the project. New contents are written next to their places first;
//! then each takes its place in one step, and what stood there is looked at once more: what a
//! program of the host has changed meanwhile is put back.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, RenameFlags, Uid, chownat, fchmod, fchown, fstat, mkdirat, openat,
    renameat_with, symlinkat, syncfs, unlinkat,
};
use rustix::io::Errno;

use super::change::{Act, Change};
use super::copy::copy;
use super::journal::{Journal, identity, keep};
use super::layer::Layer;
use super::place::{Found, Kind, Tree, found, join, of_stat, split};
use crate::handoff::report::shown;

/// What came of it.
#[derive(Default)]
pub(super) struct Outcome<'c> {
    /// What is no longer needed in the stage, with what the project has there now.
    pub(super) done: Vec<(Vec<u8>, Option<Found>)>,
    /// The number of those that were made, changed or removed.
    pub(super) applied: usize,
    pub(super) aside: Vec<&'c Change>,
    pub(super) kept: Vec<&'c Change>,
    pub(super) dropped: Vec<(&'c Change, &'static str)>,
    pub(super) refused: Vec<(&'c Change, String)>,
    /// What host programs execute, and no user has agreed to.
    pub(super) executed: Vec<&'c Change>,
    pub(super) git: usize,
    pub(super) stripped: usize,
    /// What others may do more with in the stage than in the project.
    pub(super) reduced: usize,
}

/// Applies the changes, in their order; of what host programs execute nothing, unless `executed`.
pub(super) fn apply<'c>(
    changes: &'c [Change],
    layer: &Layer,
    project: &Tree,
    record: &OwnedFd,
    journal: &mut Journal,
    executed: bool,
) -> io::Result<Outcome<'c>> {
    let mut applying = Applying {
        layer,
        project,
        journal,
        temporaries: changes.iter().map(|_| None).collect(),
        modes: Vec::new(),
        touched: BTreeSet::new(),
        is_root: rustix::process::geteuid().is_root(),
        outcome: Outcome::default(),
    };
    let is_meant = |change: &Change| executed || change.executed.is_none();
    if let Err(error) = applying.prepare(changes, is_meant) {
        // Nothing has its place yet.
        applying.remove_temporaries();
        super::journal::end(record)?;
        return Err(io::Error::new(error.kind(), format!("nothing was applied: {error}")));
    }
    for (number, change) in changes.iter().enumerate() {
        applying.one(number, change, is_meant(change));
    }
    applying.modes();
    // What was replaced, and what the stage has, goes when the new contents are on the disk.
    syncfs(project.root())?;
    applying.remove_temporaries();
    Ok(applying.outcome)
}

struct Applying<'a, 'c> {
    layer: &'a Layer,
    project: &'a Tree,
    journal: &'a mut Journal,
    /// For each change: where its new content is, or what it has replaced.
    temporaries: Vec<Option<Vec<u8>>>,
    /// Folders and the permission bits that they get in the end.
    modes: Vec<(Vec<u8>, u32)>,
    /// Files of the project that have lost one of their names here, which changes them.
    touched: BTreeSet<u64>,
    is_root: bool,
    outcome: Outcome<'c>,
}

/// What is in the way of a change.
enum Fault {
    Failed(Errno),
    Meanwhile,
    /// The same, and what the project had cannot be put back: it is under this name next to it.
    Kept(String),
}

impl From<Errno> for Fault {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
    }
}

impl<'c> Applying<'_, 'c> {
    fn temporary(&self, number: usize) -> String {
        self.journal.temporary(number)
    }

    /// Makes folders, and writes new contents where their folder is there.
    fn prepare(
        &mut self,
        changes: &[Change],
        is_meant: impl Fn(&Change) -> bool,
    ) -> io::Result<()> {
        let mut wanted = Vec::new();
        for (number, change) in changes.iter().enumerate().filter(|(_, change)| is_meant(change)) {
            match change.act {
                Act::NewFolder => {
                    // What is in the way is removed later, and so is the folder made.
                    let _ = self.folder(change);
                }
                // Not held open: there may be more than a process can hold.
                Act::New | Act::Replace | Act::Aside | Act::Delete
                    if self.project.parent(&change.to).is_ok() =>
                {
                    wanted.push((number, change));
                }
                _ => {}
            }
        }
        let paths: Vec<Vec<u8>> =
            wanted.iter().map(|(number, change)| self.beside(*number, change)).collect();
        let old = |change: &Change| change.theirs.as_ref().map(identity);
        let names = paths.iter().zip(&wanted);
        self.journal.intend(names.map(|(path, (_, change))| (path.as_slice(), old(change))))?;
        let mut ready = Vec::with_capacity(wanted.len());
        for ((number, change), path) in wanted.into_iter().zip(&paths) {
            let inode = match change.act {
                Act::Delete => 0,
                _ => self.write(number, change).map_err(|error| {
                    io::Error::new(error.kind(), format!("`{}`: {error}", shown(&change.path)))
                })?,
            };
            ready.push((path.as_slice(), inode));
        }
        self.journal.ready(ready.into_iter())
    }

    /// The path of a change's temporary file.
    fn beside(&self, number: usize, change: &Change) -> Vec<u8> {
        join(split(&change.to).0, self.temporary(number).as_bytes())
    }

    /// Writes what the stage has to a temporary file: its inode.
    fn write(&mut self, number: usize, change: &Change) -> io::Result<u64> {
        let (name, path) = (self.temporary(number), self.beside(number, change));
        let (folder, _) = self.project.parent(&change.to)?;
        let ours = change.ours.as_ref().ok_or_else(|| io::Error::other("it has no content"))?;
        let owner = match &change.theirs {
            Some(theirs) => theirs.owner,
            None => of_stat(&fstat(&folder)?).owner,
        };
        let slot = self.temporaries.get_mut(number);
        *slot.ok_or_else(|| io::Error::other("it has no number"))? = Some(path);
        let (folder, name) = (&folder, name.as_str());
        if ours.kind == Kind::Link {
            let target = self.layer.tree().target(&change.path)?;
            symlinkat(target, folder, name)?;
            if self.is_root {
                let (user, group) = (Uid::from_raw(owner.0), Gid::from_raw(owner.1));
                chownat(folder, name, Some(user), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
            }
            return Ok(found(folder, name.as_bytes())?.map_or(0, |found| found.inode));
        }
        let from = self.layer.tree().file(&change.path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let to = openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        copy(from, &to, ours.size)?;
        fchmod(&to, Mode::from_raw_mode(change.mode))?;
        if self.is_root {
            fchown(&to, Some(Uid::from_raw(owner.0)), Some(Gid::from_raw(owner.1)))?;
        }
        Ok(fstat(&to)?.st_ino)
    }

    fn one(&mut self, number: usize, change: &'c Change, is_meant: bool) {
        let outcome = &mut self.outcome;
        match change.act {
            Act::Kept => return outcome.kept.push(change),
            Act::Refused(why) => return outcome.refused.push((change, why.into())),
            Act::Git(count) => {
                outcome.git += count;
                return;
            }
            Act::Dropped(what) => {
                outcome.dropped.push((change, what));
                return outcome.done.push((change.path.clone(), change.theirs.clone()));
            }
            Act::Same => return outcome.done.push((change.path.clone(), change.theirs.clone())),
            _ if !is_meant => return outcome.executed.push(change),
            Act::New
            | Act::NewFolder
            | Act::Replace
            | Act::Mode
            | Act::Delete
            | Act::DeleteFolder
            | Act::Aside => {}
        }
        match self.perform(number, change) {
            Ok(now) => {
                let outcome = &mut self.outcome;
                outcome.applied += usize::from(change.act != Act::Aside);
                outcome.stripped += usize::from(change.has_special_bits());
                outcome.reduced += usize::from(change.is_open_to_more());
                if change.act == Act::Aside {
                    outcome.aside.push(change);
                }
                // What was put aside has another path: the project's own stays the base.
                let now = if change.path == change.to {
                    now
                } else {
                    self.project.found(&change.path).ok().flatten()
                };
                self.outcome.done.push((change.path.clone(), now));
            }
            Err(Fault::Meanwhile) => {
                let why = "it was changed here meanwhile; look, and apply again";
                self.outcome.refused.push((change, why.into()));
            }
            Err(Fault::Kept(name)) => {
                // It is the project's now, and not to be removed.
                if let Some(slot) = self.temporaries.get_mut(number) {
                    *slot = None;
                }
                let path = join(split(&change.to).0, name.as_bytes());
                let why =
                    format!("it was changed here meanwhile; yours is kept as {}", shown(&path));
                self.outcome.refused.push((change, why));
            }
            Err(Fault::Failed(error)) => {
                let why = match error {
                    Errno::NOTEMPTY => "something in it stays".into(),
                    error => io::Error::from(error).to_string(),
                };
                self.outcome.refused.push((change, why));
            }
        }
    }

    /// Does it, and says what the project has there then.
    fn perform(&mut self, number: usize, change: &Change) -> Result<Option<Found>, Fault> {
        match change.act {
            Act::NewFolder => {
                self.folder(change)?;
                return Ok(self.project.found(&change.to)?);
            }
            Act::Mode => {
                self.modes.push((change.to.clone(), change.mode));
                return Ok(self.project.found(&change.to)?);
            }
            Act::DeleteFolder => {
                let (folder, name) = self.project.parent(&change.to)?;
                unlinkat(&folder, name, AtFlags::REMOVEDIR)?;
                return Ok(None);
            }
            Act::Delete => return self.delete(number, change).map(|()| None),
            Act::New | Act::Replace | Act::Aside => {}
            Act::Same | Act::Kept | Act::Dropped(_) | Act::Refused(_) | Act::Git(_) => {
                return Ok(None);
            }
        }
        if self.temporaries.get(number).is_none_or(Option::is_none) {
            self.late(number, change)?;
        }
        let (folder, name) = self.project.parent(&change.to)?;
        let temporary = self.temporary(number);
        match &change.theirs {
            Some(theirs) if change.act == Act::Replace => {
                let exchanged = exchange(&folder, &temporary, name, &self.old(theirs));
                self.touched.insert(theirs.inode);
                exchanged?;
            }
            Some(_) | None => {
                match renameat_with(&folder, &*temporary, &folder, name, RenameFlags::NOREPLACE) {
                    Err(Errno::EXIST) => return Err(Fault::Meanwhile),
                    other => other?,
                }
                if let Some(slot) = self.temporaries.get_mut(number) {
                    *slot = None;
                }
            }
        }
        Ok(found(&folder, name)?)
    }

    /// The folder was not there before, or something stood in its place.
    fn late(&mut self, number: usize, change: &Change) -> Result<(), Fault> {
        let failed =
            |error: io::Error| Fault::Failed(Errno::from_io_error(&error).unwrap_or(Errno::IO));
        let path = self.beside(number, change);
        let old = change.theirs.as_ref().map(identity);
        self.journal.intend([(path.as_slice(), old)].into_iter()).map_err(failed)?;
        let inode = self.write(number, change).map_err(failed)?;
        self.journal.ready([(path.as_slice(), inode)].into_iter()).map_err(failed)
    }

    fn folder(&mut self, change: &Change) -> Result<(), Fault> {
        let (folder, name) = self.project.parent(&change.to)?;
        match mkdirat(&folder, name, Mode::RWXU) {
            Err(Errno::EXIST) => match found(&folder, name)?.map(|found| found.kind) {
                Some(Kind::Folder) => Ok(()),
                _ => Err(Fault::Meanwhile),
            },
            other => {
                other?;
                if self.is_root {
                    let (user, group) = of_stat(&fstat(&folder)?).owner;
                    let made = self.project.folder(&change.to)?;
                    fchown(&made, Some(Uid::from_raw(user)), Some(Gid::from_raw(group)))?;
                }
                self.modes.push((change.to.clone(), change.mode));
                Ok(())
            }
        }
    }

    fn delete(&mut self, number: usize, change: &Change) -> Result<(), Fault> {
        let Some(theirs) = &change.theirs else { return Ok(()) };
        let (folder, name) = self.project.parent(&change.to)?;
        let deleted = delete(&folder, &self.temporary(number), name, &self.old(theirs));
        self.touched.insert(theirs.inode);
        deleted
    }

    /// What is expected there. Another name of a file that was replaced here has another change
    /// time since then.
    fn old<'t>(&self, theirs: &'t Found) -> Old<'t> {
        let is_touched = self.touched.contains(&theirs.inode);
        Old { found: theirs, is_touched }
    }

    /// Inner folders first: an outer one may lose the right to be entered.
    fn modes(&mut self) {
        for (path, mode) in self.modes.iter().rev() {
            let changed = self
                .project
                .folder(path)
                .and_then(|folder| fchmod(&folder, Mode::from_raw_mode(*mode)));
            // It is left as it is; the next look at the stage shows it.
            let _ = changed;
        }
    }

    /// What was replaced, and what did not find its place.
    fn remove_temporaries(&mut self) {
        for path in self.temporaries.iter().flatten() {
            if let Ok((folder, name)) = self.project.parent(path) {
                let _ = unlinkat(folder, name, AtFlags::empty());
            }
        }
    }
}

/// What is expected at a place.
#[derive(Clone, Copy)]
struct Old<'t> {
    found: &'t Found,
    /// Its change time can be another one.
    is_touched: bool,
}

/// Whether a file is still the one that was decided about, also by its change time, which a rename
/// changes on some file systems.
fn is_still(folder: &OwnedFd, name: &[u8], old: Old<'_>) -> Result<(), Fault> {
    let Some(now) = found(folder, name)? else { return Err(Fault::Meanwhile) };
    let now = match old.is_touched {
        false => now,
        true => Found { changed: old.found.changed, ..now },
    };
    if now == *old.found { Ok(()) } else { Err(Fault::Meanwhile) }
}

/// Removes `old`, unless it has been changed meanwhile.
fn delete(folder: &OwnedFd, temporary: &str, name: &[u8], old: &Old<'_>) -> Result<(), Fault> {
    is_still(folder, name, *old)?;
    renameat_with(folder, name, folder, temporary, RenameFlags::NOREPLACE)?;
    let moved = found(folder, temporary.as_bytes())?;
    if moved.is_some_and(|moved| identity(&moved) == identity(old.found)) {
        return Ok(unlinkat(folder, temporary, AtFlags::empty())?);
    }
    back(folder, temporary, name, RenameFlags::NOREPLACE)
}

/// Puts a new file in the place of `old`, unless that has been changed meanwhile.
fn exchange(folder: &OwnedFd, temporary: &str, name: &[u8], old: &Old<'_>) -> Result<(), Fault> {
    is_still(folder, name, *old)?;
    let at = |name: &str| found(folder, name.as_bytes());
    let ours = at(temporary)?.map(|found| found.inode);
    match renameat_with(folder, temporary, folder, name, RenameFlags::EXCHANGE) {
        Err(Errno::NOENT) => return Err(Fault::Meanwhile),
        other => other?,
    }
    if at(temporary)?.is_some_and(|moved| identity(&moved) == identity(old.found)) {
        return Ok(());
    }
    let fault = back(folder, temporary, name, RenameFlags::EXCHANGE);
    // It may have been replaced once more in between: then that one is the newest.
    let is_newer =
        matches!(fault, Err(Fault::Meanwhile)) && at(temporary)?.map(|found| found.inode) != ours;
    if is_newer { back(folder, temporary, name, RenameFlags::EXCHANGE) } else { fault }
}

/// Puts back what a program of the host has changed at the last moment. Where its place is taken,
/// or gone, it keeps a name of its own.
fn back(folder: &OwnedFd, temporary: &str, name: &[u8], how: RenameFlags) -> Result<(), Fault> {
    if renameat_with(folder, temporary, folder, name, how).is_ok() {
        return Err(Fault::Meanwhile);
    }
    let kept = keep(folder, temporary.as_bytes()).ok().flatten();
    Err(Fault::Kept(kept.unwrap_or_else(|| temporary.to_owned())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::open;
    use super::*;

    #[test]
    fn what_the_host_has_changed_at_the_last_moment_is_never_removed() {
        let place = tempfile::tempdir().unwrap();
        let folder = open(place.path()).unwrap();
        let read = |name: &str| fs::read_to_string(place.path().join(name)).ok();
        fs::write(place.path().join("temporary"), "newer").unwrap();
        // Nothing is there to exchange it with.
        let fault = back(&folder, "temporary", b"gone", RenameFlags::EXCHANGE);
        assert!(matches!(&fault, Err(Fault::Kept(name)) if read(name).as_deref() == Some("newer")));
        // The place is taken.
        fs::write(place.path().join("temporary"), "newest").unwrap();
        fs::write(place.path().join("taken"), "other").unwrap();
        let fault = back(&folder, "temporary", b"taken", RenameFlags::NOREPLACE);
        assert!(
            matches!(&fault, Err(Fault::Kept(name)) if read(name).as_deref() == Some("newest"))
        );
        assert_eq!(read("taken").as_deref(), Some("other"));
    }

    #[test]
    fn a_file_with_another_change_time_is_another_one() {
        let place = tempfile::tempdir().unwrap();
        let folder = open(place.path()).unwrap();
        for name in ["f", "new"] {
            fs::write(place.path().join(name), name).unwrap();
        }
        let old = found(&folder, b"f").unwrap().unwrap();
        let earlier = Found { changed: (old.changed.0 - 1, 0), ..old.clone() };
        let [old, earlier] = [&old, &earlier].map(|found| Old { found, is_touched: false });
        assert!(matches!(exchange(&folder, "new", b"f", &earlier), Err(Fault::Meanwhile)));
        assert!(matches!(delete(&folder, "t", b"f", &earlier), Err(Fault::Meanwhile)));
        assert_eq!(fs::read(place.path().join("f")).unwrap(), b"f");
        assert!(exchange(&folder, "new", b"f", &old).is_ok());
        assert_eq!(fs::read(place.path().join("f")).unwrap(), b"new");
    }
}
