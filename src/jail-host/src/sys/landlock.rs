//! The calls of Landlock (linux/landlock.h), for a process that gives up everything, or
//! everything but some folders.

use std::mem::size_of;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use rustix::io::Errno;

use super::check;

/// `LANDLOCK_ACCESS_FS_WRITE_FILE`.
pub(crate) const WRITE_FILE: u64 = 1 << 1;
/// `LANDLOCK_ACCESS_FS_READ_FILE`.
pub(crate) const READ_FILE: u64 = 1 << 2;
/// `LANDLOCK_ACCESS_FS_READ_DIR`.
pub(crate) const READ_DIR: u64 = 1 << 3;
/// `LANDLOCK_ACCESS_FS_REMOVE_DIR`.
pub(crate) const REMOVE_DIR: u64 = 1 << 4;
/// `LANDLOCK_ACCESS_FS_REMOVE_FILE`.
pub(crate) const REMOVE_FILE: u64 = 1 << 5;
/// `LANDLOCK_ACCESS_FS_MAKE_DIR`.
pub(crate) const MAKE_DIR: u64 = 1 << 7;
/// `LANDLOCK_ACCESS_FS_MAKE_REG`.
pub(crate) const MAKE_REG: u64 = 1 << 8;
/// `LANDLOCK_ACCESS_FS_MAKE_SYM`.
pub(crate) const MAKE_SYM: u64 = 1 << 12;
/// `LANDLOCK_ACCESS_FS_MAKE_CHAR`, `_SOCK`, `_FIFO` and `_BLOCK`: what a file that is no regular
/// one needs to be renamed.
pub(crate) const MAKE_SPECIAL: u64 = 1 << 6 | 1 << 9 | 1 << 10 | 1 << 11;

const CREATE_RULESET_VERSION: u32 = 1;
const RULE_PATH_BENEATH: u32 = 1;

/// `struct landlock_ruleset_attr`. Kernels that know fewer of these fields accept it too, as
/// long as the others are 0.
#[repr(C)]
struct Restricted {
    files: u64,
    network: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: RawFd,
}

/// A set of rules that forbids all that the running kernel can forbid.
///
/// # Errors
/// `ENOSYS` without Landlock in the kernel, `EOPNOTSUPP` when it was not enabled at boot.
pub(crate) fn everything() -> Result<OwnedFd, Errno> {
    // SAFETY: with this flag the call takes no attributes: the address and the
    // size are 0, as it demands.
    let abi = check(unsafe {
        let none = ptr::null::<Restricted>();
        libc::syscall(libc::SYS_landlock_create_ruleset, none, 0_usize, CREATE_RULESET_VERSION)
    })?;
    let restricted = all(abi);
    // SAFETY: the structure has the kernel's layout and its size is passed;
    // the kernel only reads it.
    let rules = check(unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::from_ref(&restricted),
            size_of::<Restricted>(),
            0_u32,
        )
    })?;
    let rules = RawFd::try_from(rules).map_err(|_| Errno::OVERFLOW)?;
    // SAFETY: the call has just made this descriptor (close-on-exec), so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(rules) })
}

/// All that an ABI has.
fn all(abi: libc::c_long) -> Restricted {
    // How many rights on files each ABI has: each added some at the end.
    let files = match abi {
        ..=1 => 13,
        2 => 14,
        3 | 4 => 15,
        5..=8 => 16,
        9.. => 17,
    };
    Restricted {
        files: (1 << files) - 1,
        network: if abi >= 4 { 0b11 } else { 0 },
        scoped: if abi >= 6 { 0b11 } else { 0 },
    }
}

/// Allows `rights` beneath `folder`.
pub(crate) fn allow(rules: &OwnedFd, folder: &OwnedFd, rights: u64) -> Result<(), Errno> {
    let rule = PathBeneath { allowed: rights, parent: folder.as_raw_fd() };
    // SAFETY: the rule has the layout that its kind demands and outlives the call;
    // the kernel only reads it.
    check(unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            rules.as_raw_fd(),
            RULE_PATH_BENEATH,
            ptr::from_ref(&rule),
            0_u32,
        )
    })
    .map(drop)
}

/// Puts this process under `rules`.
pub(crate) fn restrict(rules: &OwnedFd) -> Result<(), Errno> {
    // SAFETY: the call takes a descriptor and a number.
    check(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0_u32) })
        .map(drop)
}
