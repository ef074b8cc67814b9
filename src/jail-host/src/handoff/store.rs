//! Where what is known of a project is kept: a folder of its own in jailgen's state folder, which
//! no jail can write.
//!
//! ```text
//! path       the project's path, for people
//! before     what was there when the first session of those that run began
//! waiting    what sessions left that is not approved
//! approved   what was approved
//! open       a session runs, or was ended without a word
//! lifted     what the spec of the last session takes out of the table
//! running    locked by every session that runs
//! company    the launchers of those, by their processes and names
//! turn       locked for as long as one of these files is changed
//! made       locked while the folder is made
//! held/      what was moved aside
//! ```

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use super::company;
use super::content::hash;
use super::record::Known;

/// What is known of a project is not larger.
pub(super) const RECORD_MAX: usize = 128 << 20;

/// The folder of a project.
pub(super) struct Store {
    folder: OwnedFd,
}

/// A file that is locked while this is there.
pub(super) struct Lock(OwnedFd);

impl Store {
    /// Opens the one of the project at `path`, and makes it where it is missing.
    pub(super) fn create(state: &Path, path: &[u8]) -> io::Result<Self> {
        make(state)?;
        let folder = state.join(name(path));
        make(&folder)?;
        let store = Self::at(&folder)?;
        // Two processes of a session come here at once.
        let made = store.lock_file("made")?;
        flock(&made, FlockOperation::LockExclusive)?;
        if store.read("path")?.as_deref() != Some(path) {
            store.write("path", path)?;
        }
        make(&folder.join("held"))?;
        Ok(store)
    }

    /// Opens it where it is there.
    pub(super) fn open(state: &Path, path: &[u8]) -> io::Result<Option<Self>> {
        match Self::at(&state.join(name(path))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            other => other.map(Some),
        }
    }

    fn at(folder: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(CWD, folder, flags, Mode::empty())?;
        let data = fstat(&folder)?;
        // What stands there is believed.
        if data.st_uid != rustix::process::geteuid().as_raw() || data.st_mode & 0o022 != 0 {
            return Err(io::Error::other("the record of the project is one that others may write"));
        }
        Ok(Self { folder })
    }

    pub(super) fn folder(&self) -> &OwnedFd {
        &self.folder
    }

    /// What is known by this name. What cannot be read is not what nothing is known of.
    pub(super) fn known(&self, name: &str) -> io::Result<Option<Known>> {
        let Some(bytes) = self.read(name)? else { return Ok(None) };
        let unreadable = || io::Error::other(format!("its record `{name}` cannot be read"));
        Known::decode(&bytes).map(Some).ok_or_else(unreadable)
    }

    pub(super) fn keep(&self, name: &str, known: &Known) -> io::Result<()> {
        // What could not be read again would stop every later session.
        if known.length() > RECORD_MAX {
            return Err(io::Error::other(format!("its record `{name}` would be too large")));
        }
        self.write(name, &known.encode())
    }

    pub(super) fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.folder, name, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(None),
            other => other?,
        };
        let mut bytes = Vec::new();
        let limit = u64::try_from(RECORD_MAX).unwrap_or(u64::MAX);
        io::Read::read_to_end(&mut io::Read::take(std::fs::File::from(file), limit), &mut bytes)?;
        Ok(Some(bytes))
    }

    /// Writes a file whole or not at all.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let fresh = format!("{name}.new");
        self.remove(&fresh)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.folder, &*fresh, flags, Mode::RUSR | Mode::WUSR)?;
        io::Write::write_all(&mut std::fs::File::from(file), bytes)?;
        Ok(renameat(&self.folder, &*fresh, &self.folder, name)?)
    }

    /// The names of what is held.
    pub(super) fn held(&self) -> io::Result<Vec<String>> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let folder = openat(&self.folder, "held", flags, Mode::empty())?;
        let (entries, _) = super::place::entries(&folder, 100_000)?;
        let names = entries.into_iter().filter_map(|entry| String::from_utf8(entry.name).ok());
        let mut names: Vec<String> = names.filter(|name| !name.ends_with(".new")).collect();
        names.sort();
        Ok(names)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok()
    }

    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match unlinkat(&self.folder, name, AtFlags::empty()) {
            Err(Errno::NOENT) | Ok(()) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Takes the turn to change something.
    pub(super) fn turn(&self) -> io::Result<Lock> {
        let file = self.lock_file("turn")?;
        flock(&file, FlockOperation::LockExclusive)?;
        Ok(Lock(file))
    }

    /// Says that a session runs: whether it is the only one.
    pub(super) fn join(&self) -> io::Result<(Lock, bool)> {
        let file = self.lock_file("running")?;
        let is_alone = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
        if is_alone {
            company::forget(self)?;
        }
        flock(&file, FlockOperation::LockShared)?;
        Ok((Lock(file), is_alone))
    }

    /// Whether this session is the last that runs.
    pub(super) fn is_last(&self, Lock(file): &Lock) -> bool {
        flock(file, FlockOperation::NonBlockingLockExclusive).is_ok()
    }

    /// Whether any session runs.
    pub(super) fn is_running(&self) -> bool {
        let file = self.lock_file("running");
        file.is_ok_and(|file| flock(&file, FlockOperation::NonBlockingLockExclusive).is_err())
    }

    fn lock_file(&self, name: &str) -> io::Result<OwnedFd> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(openat(&self.folder, name, flags, Mode::RUSR | Mode::WUSR)?)
    }
}

/// A project is known by its path. No other one can be found whose name is the same.
fn name(path: &[u8]) -> String {
    hash(path).chars().take(32).collect()
}

pub(super) fn make(folder: &Path) -> io::Result<()> {
    match mkdirat(CWD, folder.as_os_str().as_bytes(), Mode::RWXU) {
        Err(Errno::EXIST) | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
