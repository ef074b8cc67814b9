//! Shares what is granted for writing with the jail's user, by access control lists: that user gets
//! the owner's permissions, and what either of them makes later is shared with the other.
//!
//! Only what belongs to the caller is shared, and each tree once: its top gets the entry
//! last, so an interrupted walk starts again. Symlinks are not followed, and other file
//! systems are not entered.

use std::os::fd::{AsFd, OwnedFd};

use jail_plan::helper::Refusal;
use rustix::fs::{
    CWD, Dir, FileType, Mode, OFlags, Stat, XattrFlags, fgetxattr, fsetxattr, fstat, openat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use rustix::thread::CapabilitySet;

use super::acl::{ALL, Acl};
use crate::errand::{self, failed};
use crate::sys::landlock;
use crate::sys::name_of;

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// How deep folders are shared.
const DEPTH_MAX: usize = 100;

/// The capability that root needs to read its own files that are closed to others.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE;

/// Shares trees, by their paths and places, with a user.
pub(super) fn share(user: u32, trees: &[(Vec<u8>, OwnedFd)]) -> Result<(), Refusal> {
    let sharing = Sharing { user, caller: geteuid().as_raw() };
    close(trees).map_err(|error| failed("the process that shares", error))?;
    for (path, place) in trees {
        sharing.tree(place).map_err(|error| {
            let mut refusal = failed(&String::from_utf8_lossy(path), error);
            if error == Errno::OPNOTSUPP {
                refusal.help = "a folder is shared with another user by access control lists, which this file system does not have".into();
            }
            refusal
        })?;
    }
    Ok(())
}

/// From here on, the process can only read these trees and set lists.
fn close(trees: &[(Vec<u8>, OwnedFd)]) -> Result<(), Errno> {
    let mut folders = Vec::new();
    for (_, place) in trees {
        let rights = match FileType::from_raw_mode(fstat(place)?.st_mode) {
            FileType::Directory => landlock::READ_FILE | landlock::READ_DIR,
            _ => landlock::READ_FILE,
        };
        folders.push((place, rights));
    }
    errand::close(KEPT, &folders, &[libc::SYS_fgetxattr, libc::SYS_fsetxattr])
}

#[derive(Clone, Copy)]
struct Sharing {
    user: u32,
    caller: u32,
}

impl Sharing {
    /// Shares what `place` names, with everything below it.
    fn tree(self, place: &OwnedFd) -> Result<(), Errno> {
        let stat = fstat(place)?;
        if stat.st_uid != self.caller {
            return Ok(());
        }
        let kind = FileType::from_raw_mode(stat.st_mode);
        if ![FileType::Directory, FileType::RegularFile].contains(&kind) {
            return Ok(());
        }
        let top = reopen(place)?;
        if list(&top, ACCESS)?.is_some_and(|acl| acl.user(self.user).is_some()) {
            return Ok(());
        }
        if kind == FileType::Directory {
            self.below(&top, stat.st_dev, DEPTH_MAX)?;
        }
        self.one(&top, &stat)
    }

    fn below(self, folder: &OwnedFd, device: u64, depth: usize) -> Result<(), Errno> {
        for entry in Dir::read_from(folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // It is gone, or may not be read: there is nothing to share.
            let Ok(place) = openat(folder, name, flags, Mode::empty()) else { continue };
            let stat = fstat(&place)?;
            if stat.st_uid != self.caller || stat.st_dev != device {
                continue;
            }
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory if depth > 0 => {
                    let Ok(child) = reopen(&place) else { continue };
                    self.below(&child, device, depth - 1)?;
                    self.one(&child, &stat)?;
                }
                FileType::RegularFile => {
                    let Ok(child) = reopen(&place) else { continue };
                    self.one(&child, &stat)?;
                }
                // Deeper folders, and links, sockets, pipes and devices, which have no such list
                // or belong to another user.
                FileType::Directory
                | FileType::Symlink
                | FileType::Fifo
                | FileType::Socket
                | FileType::CharacterDevice
                | FileType::BlockDevice
                | FileType::Unknown => {}
            }
        }
        Ok(())
    }

    /// Shares one file or folder.
    fn one(self, file: &OwnedFd, stat: &Stat) -> Result<(), Errno> {
        let acl = list(file, ACCESS)?.unwrap_or_else(|| Acl::of_mode(stat.st_mode));
        let permissions = acl.owner();
        set(file, ACCESS, &acl.with(self.user, permissions))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
            return Ok(());
        }
        let default = list(file, DEFAULT)?.unwrap_or_else(|| Acl::of_mode(stat.st_mode));
        set(file, DEFAULT, &default.with(self.user, ALL).with(self.caller, ALL))
    }
}

/// It is opened for its attributes, through /proc: this is the file that was checked,
/// whatever its name is by now.
fn reopen(place: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(CWD, name_of(place), flags, Mode::empty())
}

fn list(file: impl AsFd, name: &str) -> Result<Option<Acl>, Errno> {
    let mut bytes = vec![0u8; 4096];
    match fgetxattr(file, name, bytes.as_mut_slice()) {
        Ok(length) => {
            bytes.truncate(length);
            Acl::parse(&bytes).map(Some).ok_or(Errno::INVAL)
        }
        Err(Errno::NODATA) => Ok(None),
        Err(error) => Err(error),
    }
}

fn set(file: impl AsFd, name: &str, acl: &Acl) -> Result<(), Errno> {
    fsetxattr(file, name, &acl.bytes(), XattrFlags::empty())
}
