//! The project's index, when what is checked out moves to another commit: as `git read-tree -m`
//! with two trees. What the index has of the old commit becomes what the new one has, and what the
//! user has added to it stays. The files themselves are not looked at: git does that next.

use std::collections::BTreeMap;
use std::io;

use super::super::place::{Tree, folders_above, join};
use super::id::Id;
use super::objects::{Fault, Kind, Store};
use super::pack::Summed;
use super::refs;
use super::strict::{self, FOLDER, Named};
use crate::walk::index::{EXTENDED, LENGTH, whole};

const BYTES_MAX: u64 = 512 << 20;
/// More paths do not differ between two commits.
const PATHS_MAX: usize = 2_000_000;
/// Where the mode is in the first field.
const MODE: std::ops::Range<usize> = 24..28;
const STAT: usize = 40;
const STAGE: u16 = 0x3000;

/// A path and its stage, which is not 0 in a conflict.
type Key = (Vec<u8>, u16);

struct Entry {
    stat: Vec<u8>,
    object: Id,
    flags: u16,
    further: u16,
}

impl Entry {
    fn mode(&self) -> u32 {
        let mode = self.stat.get(MODE).and_then(|mode| mode.try_into().ok());
        mode.map_or(0, u32::from_be_bytes)
    }
}

/// The index.
pub(super) struct Index {
    entries: BTreeMap<Key, Entry>,
    length: usize,
}

/// What a commit has at a path.
type There = (u32, Id);

/// What differs between two commits, by path.
pub(super) type Differences = BTreeMap<Vec<u8>, (Option<There>, Option<There>)>;

impl Index {
    /// One that is not there is empty.
    pub(super) fn read(project: &Tree, repository: &[u8], length: usize) -> io::Result<Self> {
        let mut entries = BTreeMap::new();
        let path = join(repository, b"index");
        if let Some((bytes, _)) = refs::read(project, &path, BYTES_MAX)? {
            let read = whole(&bytes, length, |path, fields| {
                if let Some(object) = Id::new(fields.object) {
                    let (stat, flags) = (fields.stat.to_vec(), fields.flags);
                    let entry = Entry { stat, object, flags, further: fields.further };
                    entries.insert((path.to_vec(), flags & STAGE), entry);
                }
            });
            read.ok_or_else(|| {
                io::Error::other("the project's index is split, sparse, or unknown")
            })?;
        }
        Ok(Self { entries, length })
    }

    /// Takes the differences over.
    pub(super) fn merge(&mut self, differences: &Differences) {
        for (path, (before, after)) in differences {
            let key = (path.clone(), 0);
            let now = self.entries.get(&key).map(|entry| (entry.mode(), entry.object));
            if now != *before || self.has_conflict(path) {
                continue;
            }
            match after {
                None => drop(self.entries.remove(&key)),
                Some(after) => self.set(key, after),
            }
        }
        // A file and a folder of one name cannot both be there: what the user has stays.
        let added: Vec<&Vec<u8>> = differences
            .iter()
            .filter(|(_, (_, after))| after.is_some())
            .map(|(path, _)| path)
            .collect();
        for path in added {
            if self.collides(path) {
                self.entries.remove(&(path.clone(), 0));
            }
        }
    }

    fn set(&mut self, key: Key, (mode, object): &There) {
        let mut stat = vec![0; STAT];
        if let Some(field) = stat.get_mut(MODE) {
            field.copy_from_slice(&mode.to_be_bytes());
        }
        // Such as that it is not checked out.
        let further = self.entries.get(&key).map_or(0, |entry| entry.further);
        let extended = if further == 0 { 0 } else { EXTENDED };
        let length = u16::try_from(key.0.len()).unwrap_or(LENGTH).min(LENGTH);
        let flags = length | extended;
        self.entries.insert(key, Entry { stat, object: *object, flags, further });
    }

    fn has_conflict(&self, path: &[u8]) -> bool {
        let from = (path.to_vec(), 1);
        self.entries.range(from..).next().is_some_and(|((other, _), _)| other == path)
    }

    fn collides(&self, path: &[u8]) -> bool {
        let below = [path, b"/"].concat();
        let first = self.entries.range((below.clone(), 0)..).next();
        let has = |above: &[u8]| self.entries.contains_key(&(above.to_vec(), 0));
        self.entries.contains_key(&(path.to_vec(), 0))
            && (first.is_some_and(|((other, _), _)| other.starts_with(&below))
                || folders_above(path).any(has))
    }

    /// Writes it. What git has noted besides, it finds again.
    pub(super) fn write(&self, file: std::fs::File) -> io::Result<()> {
        let mut file = Summed::new(file, self.length);
        let is_extended = self.entries.values().any(|entry| entry.flags & EXTENDED != 0);
        let version: u32 = if is_extended { 3 } else { 2 };
        let count = u32::try_from(self.entries.len()).map_err(io::Error::other)?;
        file.write_all(b"DIRC")?;
        file.write_all(&version.to_be_bytes())?;
        file.write_all(&count.to_be_bytes())?;
        for ((path, _), entry) in &self.entries {
            let mut bytes = entry.stat.clone();
            bytes.extend(entry.object.bytes());
            bytes.extend(entry.flags.to_be_bytes());
            if entry.flags & EXTENDED != 0 {
                bytes.extend(entry.further.to_be_bytes());
            }
            bytes.extend(path);
            bytes.resize(bytes.len() + 8 - bytes.len() % 8, 0);
            file.write_all(&bytes)?;
        }
        file.end().map(drop)
    }
}

/// What differs between two trees, of which the first may not be there.
pub(super) fn differences(
    store: &Store<'_>,
    before: Option<Id>,
    after: Id,
) -> Result<Differences, Fault> {
    let mut all = Differences::new();
    let mut queue = vec![(Vec::new(), before, Some(after))];
    while let Some((path, before, after)) = queue.pop() {
        let (before, after) = (names(store, before)?, names(store, after)?);
        let both: std::collections::BTreeSet<&Vec<u8>> =
            before.keys().chain(after.keys()).collect();
        for name in both {
            let sides = [before.get(name), after.get(name)].map(Option::<&There>::copied);
            if sides[0] == sides[1] {
                continue;
            }
            let below = join(&path, name);
            let folder = |side: Option<There>| side.filter(|(mode, _)| *mode == FOLDER);
            let [old, new] = sides.map(|side| folder(side).map(|(_, id)| id));
            if old.is_some() || new.is_some() {
                queue.push((below.clone(), old, new));
            }
            let [old, new] = sides.map(|side| side.filter(|(mode, _)| *mode != FOLDER));
            if old.is_some() || new.is_some() {
                all.insert(below, (old, new));
            }
            if all.len() + queue.len() > PATHS_MAX {
                return Err(Fault::TooMuch);
            }
        }
    }
    Ok(all)
}

fn names(store: &Store<'_>, tree: Option<Id>) -> Result<BTreeMap<Vec<u8>, There>, Fault> {
    let Some(id) = tree else { return Ok(BTreeMap::new()) };
    let (_, kind, content) = store.object(&id)?;
    if kind != Kind::Tree {
        return Err(Fault::Bad(id, "is no tree"));
    }
    let names = strict::tree(&content, store.length).map_err(|why| Fault::Bad(id, why))?;
    let there = |Named { mode, name, id }: Named<'_>| (name.to_vec(), (git_mode(mode), id));
    Ok(names.into_iter().map(there).collect())
}

/// Trees of long ago have modes that an index has not.
fn git_mode(mode: u32) -> u32 {
    match mode & 0o170_000 {
        0o100_000 if mode & 0o100 != 0 => 0o100_755,
        0o100_000 => 0o100_644,
        _ => mode,
    }
}
