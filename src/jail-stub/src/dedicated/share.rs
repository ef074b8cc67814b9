//! Shares what is granted for writing with the jail's user, by access control lists: it may what the owner may, and in
//! what either of them makes later the other one may the same.
//!
//! Only what belongs to the caller is shared, and a tree once: its top has the entry last, so an interrupted walk is begun
//! anew. Symlinks are not followed, and other file systems not entered.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use jail_plan::{Access, Changes, HostText, HostUse, Plan};
use rustix::fd::{AsFd, AsRawFd, OwnedFd};
use rustix::fs::{
    CWD, FileType, Mode, OFlags, RawDir, Stat, XattrFlags, fgetxattr, fsetxattr, fstat, openat,
};
use rustix::io::Errno;

use crate::caller::Caller;
use crate::dedicated::Dedicated;
use crate::dedicated::acl::{ALL, Acl};
use crate::failure::{About, Problem};
use crate::host::{self, HostPaths, SharedGit};

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// Folders below each other; deeper ones are not shared.
const DEPTH_MAX: usize = 100;

/// Shares the working folder and what is bound read-write.
pub(crate) fn share(
    user: &Dedicated<'_>,
    plan: &Plan,
    caller: &Caller<'_>,
    paths: &HostPaths<'_>,
) -> Result<(), Problem> {
    let sharing = Sharing { user: user.uid, caller: caller.uid };
    let path = |text: &HostText| -> Result<(), Problem> {
        let path = caller.path(text)?;
        let place = paths.open(path.as_str().as_bytes())?;
        sharing.tree(&place).about(path.as_str()).map_err(explain)
    };
    for step in &plan.inside {
        match step.op.host_use() {
            HostUse::Folder(folder) => match folder.access {
                Access::ReadWrite | Access::Device => {
                    let path = host::Folder::current()?.path;
                    let place = openat(CWD, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty());
                    place.and_then(|place| sharing.tree(&place)).about(&path).map_err(explain)?;
                }
                Access::ReadOnly => {}
            },
            HostUse::Path(bind) => match bind.access {
                Access::ReadWrite => match path(&bind.from) {
                    // What is missing is left out, or stops the launch where it is bound.
                    Err(problem) if problem.is(&[Errno::NOENT]) => {}
                    shared => shared?,
                },
                // Devices are not the caller's, and who may use one is not changed.
                Access::ReadOnly | Access::Device => {}
            },
            HostUse::File(file) => path(&file.from)?,
            HostUse::Layers(layers) => match layers.changes {
                Changes::Kept(kept) => path(&kept.upper)?,
                Changes::Refused | Changes::Memory => {}
            },
            HostUse::Repository => {
                if let Some(SharedGit { path, place, .. }) = paths.repository() {
                    sharing.tree(place).about(path).map_err(explain)?;
                }
            }
            // The spec names none of these places: what a launcher's words happen to name keeps its list as it is.
            HostUse::Arguments(_) | HostUse::Variable(_) => {}
            // Sockets and devices of the session have their own owners.
            HostUse::Session(_) => {}
            HostUse::Tree(_)
            | HostUse::Copied(_)
            | HostUse::Identity
            | HostUse::Closure
            | HostUse::Nothing => {}
        }
    }
    Ok(())
}

fn explain(problem: Problem) -> Problem {
    if problem.is(&[Errno::OPNOTSUPP]) {
        return problem.help("a folder is shared with another user by access control lists, which this file system does not have");
    }
    problem
}

#[derive(Clone, Copy)]
struct Sharing {
    user: u32,
    caller: u32,
}

impl Sharing {
    /// Shares what `place` names, with all that is below.
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
        let mut space = vec![MaybeUninit::uninit(); 8192];
        let mut names = Vec::new();
        let mut entries = RawDir::new(folder, &mut space);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if name != c"." && name != c".." {
                names.push(name.to_owned());
            }
        }
        for name in names {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            // Gone meanwhile, or not ours to look at: nothing to share.
            let Ok(place) = openat(folder, name.as_c_str(), flags, Mode::empty()) else { continue };
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
                // Deeper folders; links, sockets, pipes and devices, which have no such list or are somebody else's.
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

/// Opened for its attributes, through /proc: the place is what was looked at, whatever its name is by now.
fn reopen(place: &OwnedFd) -> Result<OwnedFd, Errno> {
    let through = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    openat(CWD, through.as_str(), flags, Mode::empty())
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
