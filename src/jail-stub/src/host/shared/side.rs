//! One side of a shared file: a folder and a name in it.
//!
//! On the side inside everything may be the payload's doing: a link, a pipe, a folder, another file from one call to the
//! next. So only a descriptor is believed, and only that of a regular file of the caller's.

use alloc::ffi::CString;
use alloc::vec::Vec;
use alloc::{format, string::String};

use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, Stat, fchmod, fstat, fsync, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::super::walk::{Identity, read_to_end};
use crate::resolve::{self, Scope};

/// Larger files are bound instead, and are not taken back.
pub(super) const SIZE_MAX: usize = 64 * 1024 * 1024;

/// Where a file is.
pub(crate) struct Side {
    pub(crate) folder: OwnedFd,
    pub(crate) name: CString,
}

/// What changes whenever a file does. The payload cannot set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Signature {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
    size: i64,
}

/// Why a file is not taken for what is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// There is nothing, or something that is no regular file of the caller's.
    Strange,
    /// It is too large.
    Large,
    /// A call failed.
    Failed(Errno),
}

impl From<Errno> for Fault {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
    }
}

impl Signature {
    fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            seconds: stat.st_ctime,
            nanoseconds: i64::try_from(stat.st_ctime_nsec).unwrap_or(0),
            size: stat.st_size,
        }
    }

    pub(super) fn bytes(self) -> Vec<u8> {
        let Self { inode, seconds, nanoseconds, size } = self;
        let rest = [seconds, nanoseconds, size].into_iter().flat_map(i64::to_le_bytes);
        inode.to_le_bytes().into_iter().chain(rest).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<8>() else { return None };
        let [inode, seconds, nanoseconds, size] = numbers else { return None };
        Some(Self {
            inode: u64::from_le_bytes(*inode),
            seconds: i64::from_le_bytes(*seconds),
            nanoseconds: i64::from_le_bytes(*nanoseconds),
            size: i64::from_le_bytes(*size),
        })
    }
}

impl Side {
    /// Of the file, if one is there.
    pub(crate) fn signature(&self) -> Option<Signature> {
        let stat = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        is_regular(&stat).then(|| Signature::of(&stat))
    }

    /// Whether there is nothing at all.
    pub(crate) fn is_missing(&self) -> bool {
        let stat = statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        matches!(stat, Err(Errno::NOENT))
    }

    /// Whether both are the same place.
    pub(crate) fn is(&self, other: &Self) -> Result<bool, Errno> {
        let same_folder = Identity::of(&self.folder)? == Identity::of(&other.folder)?;
        Ok(same_folder && self.name == other.name)
    }

    /// The file, if it is one that can be shared.
    pub(super) fn open(&self, owner: u32) -> Result<(OwnedFd, Stat), Fault> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match resolve::open(&self.folder, self.name.as_bytes(), flags, Scope::OnOneMount)
        {
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO | Errno::XDEV) => {
                return Err(Fault::Strange);
            }
            other => other?,
        };
        let stat = fstat(&file)?;
        if !is_regular(&stat) || stat.st_uid != owner {
            return Err(Fault::Strange);
        }
        if usize::try_from(stat.st_size).map_or(true, |size| size > SIZE_MAX) {
            return Err(Fault::Large);
        }
        Ok((file, stat))
    }

    /// What is in the file, and its signature from before it was read.
    pub(crate) fn read(&self, owner: u32) -> Result<(Vec<u8>, Signature), Fault> {
        let (file, stat) = self.open(owner)?;
        match read_to_end(&file, SIZE_MAX) {
            Err(Errno::FBIG) => Err(Fault::Large),
            other => Ok((other?, Signature::of(&stat))),
        }
    }

    /// Puts a file with this content in place, at once: no process ever sees half of it. The mode is that of the file before.
    pub(crate) fn replace(&self, content: &[u8], mode: u32) -> Result<Signature, Errno> {
        let (new, file) = self.temporary()?;
        let placed = write(&file, content, mode).and_then(|()| {
            renameat(&self.folder, &new, &self.folder, &self.name)?;
            // Of the file itself and not of its name, under which another launch may have put its own by now.
            fstat(&file).map(|stat| Signature::of(&stat))
        });
        if placed.is_err() {
            let _ = unlinkat(&self.folder, &new, AtFlags::empty());
        }
        placed
    }

    /// A new file beside the shared one. The process's number would not do for a name: in each jail it is the same one.
    fn temporary(&self) -> Result<(CString, OwnedFd), Errno> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let now = clock_gettime(ClockId::Realtime);
            let name = self.beside(&format!(".jailgen-{:x}-{:x}", now.tv_sec, now.tv_nsec));
            match openat(&self.folder, &name, flags, Mode::from_raw_mode(0o600)) {
                // Another launch has taken the same moment's.
                Err(Errno::EXIST) => {}
                other => return other.map(|file| (name, file)),
            }
        }
    }

    /// Keeps what is there as `NAME.jailgen-old`, unless something is kept so already: what came first was no copy of ours.
    pub(crate) fn put_aside(&self) -> Result<(), Errno> {
        let old = self.beside(".jailgen-old");
        match statat(&self.folder, &old, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => {}
            other => return other.map(drop),
        }
        match renameat(&self.folder, &self.name, &self.folder, &old) {
            // A launch at the same time was quicker.
            Err(Errno::NOENT) => Ok(()),
            other => other,
        }
    }

    fn beside(&self, suffix: &str) -> CString {
        let name = String::from_utf8_lossy(self.name.to_bytes());
        CString::new(format!("{name}{suffix}")).unwrap_or_default()
    }
}

fn write(file: &OwnedFd, content: &[u8], mode: u32) -> Result<(), Errno> {
    let mut rest = content;
    while !rest.is_empty() {
        match rustix::io::write(file, rest) {
            Err(Errno::INTR) => {}
            other => rest = rest.get(other?..).unwrap_or_default(),
        }
    }
    fchmod(file, Mode::from_raw_mode(mode & 0o777))?;
    // Without it a machine that loses its power may keep the new name and not the content.
    fsync(file)
}

fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}
