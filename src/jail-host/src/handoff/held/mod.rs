//! `quarantine`: what is not approved is moved out of the project until it is approved, or until
//! its user wants it back. It is copied to where no jail can write and then removed, because a
//! rename does not lead from one file system to another.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode, OFlags, fchmod, mkdirat, openat, symlinkat};
use rustix::io::Errno;

use super::aside::take_away;
use super::content::hash;
use super::judge::Left;
use super::place::{Data, Place, content, data, split, target};
use super::store::Store;

/// What is larger stays, and is reported like the rest.
pub(super) const HELD_MAX: u64 = 64 << 20;

const HEADER: &[u8] = b"held 1";

/// Something that was moved aside.
struct Held {
    path: Vec<u8>,
    mode: u32,
    /// The content of a file, or where a link leads.
    content: Vec<u8>,
    is_link: bool,
}

impl Held {
    fn encode(&self) -> Vec<u8> {
        let mode = format!("{:o}", self.mode & 0o777);
        let kind: &[u8] = if self.is_link { b"link" } else { b"file" };
        [HEADER, kind, mode.as_bytes(), &self.path, &self.content].join(b"\0".as_slice())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.splitn(5, |byte| *byte == 0);
        let mut next = || fields.next();
        let is_link = match (next()?, next()?) {
            (HEADER, b"link") => true,
            (HEADER, b"file") => false,
            (_, _) => return None,
        };
        let mode = u32::from_str_radix(std::str::from_utf8(next()?).ok()?, 8).ok()?;
        let (path, content) = (next()?.to_vec(), next()?.to_vec());
        Some(Self { path, mode: mode & 0o777, content, is_link })
    }
}

/// Whether it can be moved without breaking more than it stops. A repository needs its
/// configuration, and a program is run by nothing but who calls it.
fn is_movable(left: &Left<'_>) -> bool {
    let kind = left.seen.counted.kind;
    !left.seen.is_built
        && !["executable", "special", "unseen", "bare-repository", "git-config", "git-pointer"]
            .contains(&kind)
}

/// Moves what can be moved aside; the paths of it.
pub(super) fn hold(place: &Place, store: &Store, left: &[Left<'_>]) -> BTreeSet<Vec<u8>> {
    let paths: BTreeSet<&Vec<u8>> =
        left.iter().filter(|left| is_movable(left)).map(|left| &left.seen.path).collect();
    let held = paths.into_iter().filter(|path| hold_one(place, store, path).is_ok());
    held.cloned().collect()
}

/// Moves one thing aside: the name that it is held by.
pub(super) fn hold_one(place: &Place, store: &Store, path: &[u8]) -> io::Result<String> {
    let (folder, name) = parent(place, path, Make::Nothing)?;
    let (before, copy) = Copy::make(store, path, &folder, name)?;
    // A program of the host may have changed it in between.
    let taken = match data(&folder, name)?.stamp == before.stamp {
        true => take_away(&folder, name, &before, |aside| self::copy(store, path, &folder, aside)),
        false => Err(Errno::AGAIN.into()),
    };
    match taken {
        Ok(()) => Ok(copy.name),
        // It still is where it was, or what the user has put in its place is.
        Err(error) => copy.discard(store).and(Err(error)),
    }
}

/// Keeps a copy of what has this name as what was moved aside from `path`.
pub(super) fn copy(store: &Store, path: &[u8], folder: &OwnedFd, name: &[u8]) -> io::Result<()> {
    Copy::make(store, path, folder, name).map(|_| ())
}

/// A copy of what stands at a name, where no jail can write.
struct Copy {
    name: String,
    is_new: bool,
}

impl Copy {
    fn make(store: &Store, path: &[u8], folder: &OwnedFd, name: &[u8]) -> io::Result<(Data, Self)> {
        let before = data(folder, name)?;
        let is_link = before.kind == FileType::Symlink;
        let content = match is_link {
            true => target(folder, name)?,
            false => {
                let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW;
                let file = openat(folder, name, flags | OFlags::CLOEXEC, Mode::empty())?;
                match content(&file, HELD_MAX)? {
                    (read, _) if read.stamp != before.stamp => return Err(Errno::AGAIN.into()),
                    (_, content) => content.ok_or(Errno::FBIG)?,
                }
            }
        };
        let bytes = Held { path: path.to_vec(), mode: before.mode, content, is_link }.encode();
        let name = file_name(&bytes);
        let is_new = !store.has(&format!("held/{name}"));
        store.write(&format!("held/{name}"), &bytes)?;
        Ok((before, Self { name, is_new }))
    }

    /// Removes it, if it is not that of something which was moved aside before.
    fn discard(&self, store: &Store) -> io::Result<()> {
        if self.is_new { store.remove(&format!("held/{}", self.name)) } else { Ok(()) }
    }
}

fn file_name(bytes: &[u8]) -> String {
    hash(bytes).chars().take(32).collect()
}

/// The paths of what is held.
pub(super) fn paths(store: &Store) -> io::Result<BTreeSet<Vec<u8>>> {
    Ok(all(store)?.into_iter().map(|(_, held)| held.path).collect())
}

/// The paths of what was moved aside since then.
pub(super) fn paths_since(store: &Store, since: (i64, u32)) -> io::Result<BTreeSet<Vec<u8>>> {
    let is_since = |name: &str| {
        let found = data(store.folder(), format!("held/{name}").as_bytes());
        found.is_ok_and(|found| found.stamp.changed >= since)
    };
    let all = all(store)?.into_iter().filter(|(name, _)| is_since(name));
    Ok(all.map(|(_, held)| held.path).collect())
}

/// Brings back what is held at these paths; those that it was brought back to. What stands there
/// now stays; then the last such error is there, too.
pub(super) fn restore(
    place: &Place,
    store: &Store,
    is_meant: impl Fn(&[u8]) -> bool,
) -> io::Result<(BTreeSet<Vec<u8>>, Option<io::Error>)> {
    let (mut restored, mut taken) = (BTreeSet::new(), None);
    for (name, held) in all(store)?.into_iter().filter(|(_, held)| is_meant(&held.path)) {
        match put_back(place, &held) {
            // It stays aside, and keeps nothing else there.
            Err(error) if is_taken(&error) => {
                taken = Some(error);
                continue;
            }
            other => other?,
        }
        store.remove(&format!("held/{name}"))?;
        restored.insert(held.path);
    }
    Ok((restored, taken))
}

/// Something else stands at its place, or on the way there.
fn is_taken(error: &io::Error) -> bool {
    let error = Errno::from_io_error(error);
    error.is_some_and(|error| [Errno::EXIST, Errno::NOTDIR, Errno::LOOP].contains(&error))
}

fn put_back(place: &Place, held: &Held) -> io::Result<()> {
    let (folder, name) = parent(place, &held.path, Make::Folders)?;
    if held.is_link {
        return Ok(symlinkat(held.content.as_slice(), &folder, name)?);
    }
    write(&folder, name, held.mode, &held.content)
}

/// Writes a file where nothing is.
pub(super) fn write_new(place: &Place, path: &[u8], mode: u32, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = place.parent(path)?;
    write(&folder, name, mode & 0o777, bytes)
}

/// The same, where the folders that it lies in may be gone, too.
pub(super) fn write_new_with_folders(
    place: &Place,
    path: &[u8],
    mode: u32,
    bytes: &[u8],
) -> io::Result<()> {
    let (folder, name) = parent(place, path, Make::Folders)?;
    write(&folder, name, mode & 0o777, bytes)
}

/// Keeps a file that is not there any more like one that was moved aside.
pub(super) fn keep(store: &Store, path: &[u8], mode: u32, bytes: &[u8]) -> io::Result<()> {
    let held = Held { path: path.to_vec(), mode, content: bytes.to_vec(), is_link: false }.encode();
    store.write(&format!("held/{}", file_name(&held)), &held)
}

fn write(folder: &OwnedFd, name: &[u8], mode: u32, bytes: &[u8]) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
    fchmod(&file, Mode::from_raw_mode(mode))?;
    io::Write::write_all(&mut std::fs::File::from(file), bytes)
}

fn all(store: &Store) -> io::Result<Vec<(String, Held)>> {
    let mut all = Vec::new();
    for name in store.held()? {
        let bytes = store.read(&format!("held/{name}"))?.unwrap_or_default();
        all.extend(Held::decode(&bytes).map(|held| (name, held)));
    }
    Ok(all)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Make {
    Nothing,
    Folders,
}

/// The folder that something is in, and its name there.
fn parent<'a>(place: &Place, path: &'a [u8], make: Make) -> Result<(OwnedFd, &'a [u8]), Errno> {
    let (above, name) = split(path);
    match place.enter(above) {
        Err(Errno::NOENT) if make == Make::Folders && !above.is_empty() => {
            let (outer, inner) = parent(place, above, make)?;
            mkdirat(&outer, inner, Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH)?;
            Ok((place.enter(above)?, name))
        }
        other => Ok((other?, name)),
    }
}

#[cfg(test)]
mod tests;
