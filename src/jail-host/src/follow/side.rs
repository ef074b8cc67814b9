//! One side of a state file: a folder and a name in it.
//!
//! On the side inside everything may be the payload's doing: a link, a pipe, a folder, another file
//! from one call to the next. So only a descriptor is trusted, and only that of a regular file of
//! the caller's. Contents go through one buffer.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

use jail_plan::follow::{Answer, FILE_MAX};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, StatxFlags, fchmod, fstat, fsync, openat, renameat,
    statat, statx, unlinkat,
};
use rustix::io::{Errno, pread, write};

/// How much of a file is in memory at one time.
const BUFFER: usize = 64 * 1024;

/// Where a file is.
pub(super) struct Side {
    pub(super) folder: OwnedFd,
    pub(super) name: CString,
}

/// Changes whenever the file does. The payload cannot set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    inode: u64,
    seconds: i64,
    nanoseconds: u64,
    size: i64,
}

/// Why a file does not count as the shared one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is nothing, or something that is not a regular file of the caller's.
    Strange,
    /// It is too large.
    Large,
    /// A call failed.
    Failed(Errno),
}

impl Fault {
    /// Its name in messages.
    pub(super) fn answer(self) -> Answer {
        match self {
            Self::Strange => Answer::Strange,
            Self::Large => Answer::Large,
            Self::Failed(error) => Answer::Failed(error.raw_os_error()),
        }
    }
}

impl Signature {
    fn from_stat(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            seconds: stat.st_ctime,
            nanoseconds: stat.st_ctime_nsec,
            size: stat.st_size,
        }
    }
}

impl Side {
    /// The signature of the file, if there is one.
    pub(super) fn signature(&self) -> Option<Signature> {
        let stat = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        is_regular(&stat).then(|| Signature::from_stat(&stat))
    }

    /// Whether there is nothing at all.
    pub(super) fn is_missing(&self) -> bool {
        let stat = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        matches!(stat, Err(Errno::NOENT))
    }

    /// The file, if it can be shared, and its signature from before it is read.
    pub(super) fn open(&self, owner: u32) -> Result<(OwnedFd, Signature), Fault> {
        // Checked before it is opened, where a rule would refuse it without
        // saying that it is a folder.
        if self.signature().is_none() {
            return Err(Fault::Strange);
        }
        // The name is a single name, so there is nothing on the way that could be a link.
        let flags =
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(&self.folder, &self.name, flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Err(Fault::Strange),
            other => other?,
        };
        let stat = fstat(&file)?;
        if !is_regular(&stat) || stat.st_uid != owner || mount(&file)? != mount(&self.folder)? {
            return Err(Fault::Strange);
        }
        if u64::try_from(stat.st_size).map_or(true, |size| size > FILE_MAX) {
            return Err(Fault::Large);
        }
        Ok((file, Signature::from_stat(&stat)))
    }

    /// Puts a file with the content of `from` in place, at once: no process ever sees half of it.
    pub(super) fn replace(&self, from: &OwnedFd, mode: u32) -> Result<Signature, Fault> {
        let (new, file) = self.temporary()?;
        let placed = fill(&file, from, mode).and_then(|()| {
            renameat(&self.folder, &new, &self.folder, &self.name)?;
            // The signature of the file itself and not of its name, under which another launch may
            // have put its own by now.
            Ok(Signature::from_stat(&fstat(&file)?))
        });
        if placed.is_err() {
            let _ = unlinkat(&self.folder, &new, AtFlags::empty());
        }
        placed
    }

    /// A new file next to the shared one. The process id does not make the name unique: it
    /// is the same in each jail.
    fn temporary(&self) -> Result<(CString, OwnedFd), Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let name = self.sibling_name(&format!(".jailgen-{:x}", now.as_nanos()))?;
            match openat(&self.folder, &name, flags, Mode::RUSR | Mode::WUSR) {
                // Another launch has the same time.
                Err(Errno::EXIST) => {}
                other => return other.map(|file| (name, file)),
            }
        }
    }

    /// Keeps what is there as `NAME.jailgen-old`, unless something is kept already: what came
    /// first was not a copy of ours.
    pub(super) fn put_aside(&self) -> Result<(), Errno> {
        let old = self.sibling_name(".jailgen-old")?;
        let moved = match statat(&self.folder, &old, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => renameat(&self.folder, &self.name, &self.folder, &old),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        };
        match moved {
            // A launch at the same time was faster.
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    /// Removes it, if it is there.
    pub(super) fn remove(&self) -> Result<(), Errno> {
        match unlinkat(&self.folder, &self.name, AtFlags::empty()) {
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    fn sibling_name(&self, suffix: &str) -> Result<CString, Errno> {
        let name = [self.name.as_bytes(), suffix.as_bytes()].concat();
        CString::new(name).map_err(|_| Errno::INVAL)
    }
}

/// Copies the content, chunk by chunk. A file that grows meanwhile is not copied beyond the bound.
fn fill(to: &OwnedFd, from: &OwnedFd, mode: u32) -> Result<(), Fault> {
    let mut buffer = [0; BUFFER];
    let mut at = 0;
    loop {
        let chunk = read(from, &mut buffer, at)?;
        if chunk.is_empty() {
            break;
        }
        at += chunk.len() as u64;
        if at > FILE_MAX {
            return Err(Fault::Large);
        }
        let mut rest = chunk;
        while !rest.is_empty() {
            match write(to, rest) {
                Err(Errno::INTR) => {}
                other => rest = rest.get(other?..).unwrap_or_default(),
            }
        }
    }
    fchmod(to, Mode::from_raw_mode(mode & 0o777))?;
    // Without this, a machine that loses power may keep the new name and not the content.
    Ok(fsync(to)?)
}

/// Whether two files have the same content.
pub(super) fn same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let (mut buffer, mut compared) = ([0; BUFFER], [0; BUFFER]);
    let mut at = 0;
    loop {
        let chunk = read(one, &mut buffer, at)?;
        if chunk != read(other, &mut compared, at)? || at > FILE_MAX {
            return Ok(false);
        }
        if chunk.is_empty() {
            return Ok(true);
        }
        at += chunk.len() as u64;
    }
}

/// As much as there is from `at` on, up to a full buffer.
fn read<'a>(file: &OwnedFd, buffer: &'a mut [u8], at: u64) -> Result<&'a [u8], Errno> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match pread(file, rest, at + filled as u64) {
            Err(Errno::INTR) => {}
            Ok(0) => break,
            other => filled += other?,
        }
    }
    Ok(buffer.get(..filled).unwrap_or_default())
}

/// The mount that a file is on: a file that is mounted over the name is another one.
fn mount(file: &OwnedFd) -> Result<u64, Errno> {
    statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::MNT_ID).map(|stat| stat.stx_mnt_id)
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}
