//! The calls of Landlock, and the bits that they take (linux/landlock.h).

use core::mem::size_of;
use core::ptr;

use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Errno;

use super::call::{check, enter, number};

/// `LANDLOCK_ACCESS_FS_EXECUTE`.
pub const EXECUTE: u64 = 1;
/// `LANDLOCK_ACCESS_FS_WRITE_FILE`.
pub const WRITE_FILE: u64 = 1 << 1;
/// `LANDLOCK_ACCESS_FS_READ_FILE`.
pub const READ_FILE: u64 = 1 << 2;
/// `LANDLOCK_ACCESS_FS_READ_DIR`.
pub const READ_DIR: u64 = 1 << 3;
/// `LANDLOCK_ACCESS_FS_REMOVE_DIR`.
pub const REMOVE_DIR: u64 = 1 << 4;
/// `LANDLOCK_ACCESS_FS_REMOVE_FILE`.
pub const REMOVE_FILE: u64 = 1 << 5;
/// `LANDLOCK_ACCESS_FS_MAKE_CHAR`.
pub const MAKE_CHAR: u64 = 1 << 6;
/// `LANDLOCK_ACCESS_FS_MAKE_DIR`.
pub const MAKE_DIR: u64 = 1 << 7;
/// `LANDLOCK_ACCESS_FS_MAKE_REG`.
pub const MAKE_REG: u64 = 1 << 8;
/// `LANDLOCK_ACCESS_FS_MAKE_SOCK`.
pub const MAKE_SOCK: u64 = 1 << 9;
/// `LANDLOCK_ACCESS_FS_MAKE_FIFO`.
pub const MAKE_FIFO: u64 = 1 << 10;
/// `LANDLOCK_ACCESS_FS_MAKE_BLOCK`.
pub const MAKE_BLOCK: u64 = 1 << 11;
/// `LANDLOCK_ACCESS_FS_MAKE_SYM`.
pub const MAKE_SYM: u64 = 1 << 12;
/// `LANDLOCK_ACCESS_FS_REFER`.
pub const REFER: u64 = 1 << 13;
/// `LANDLOCK_ACCESS_FS_TRUNCATE`.
pub const TRUNCATE: u64 = 1 << 14;
/// `LANDLOCK_ACCESS_FS_IOCTL_DEV`.
pub const IOCTL_DEV: u64 = 1 << 15;
/// `LANDLOCK_ACCESS_FS_RESOLVE_UNIX`.
pub const RESOLVE_UNIX: u64 = 1 << 16;
/// `LANDLOCK_ACCESS_NET_BIND_TCP`.
pub const BIND_TCP: u64 = 1;
/// `LANDLOCK_ACCESS_NET_CONNECT_TCP`.
pub const CONNECT_TCP: u64 = 1 << 1;
/// `LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET`.
pub const ABSTRACT_UNIX_SOCKET: u64 = 1;
/// `LANDLOCK_SCOPE_SIGNAL`.
pub const SIGNAL: u64 = 1 << 1;

const CREATE_RULESET_VERSION: usize = 1;
const RULE_PATH_BENEATH: usize = 1;
const RULE_NET_PORT: usize = 2;

/// What a set of rules restricts: `struct landlock_ruleset_attr`. Kernels that know fewer of these
/// fields take it too, as long as the others are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restricted {
    /// Rights on files.
    pub files: u64,
    /// Rights on TCP ports.
    pub network: u64,
    /// What is kept within the process and its children.
    pub scoped: u64,
}

#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: i32,
}

#[repr(C)]
struct NetPort {
    allowed: u64,
    port: u64,
}

/// The ABI of the running kernel: `landlock_create_ruleset(2)`
/// with `LANDLOCK_CREATE_RULESET_VERSION`.
///
/// # Errors
/// `ENOSYS` without Landlock in the kernel, `EOPNOTSUPP` when it was not enabled at boot.
pub fn abi() -> Result<u32, Errno> {
    // SAFETY: with this flag the call takes no attributes: the address and the
    // size are 0, as it demands.
    let abi = check(unsafe {
        enter(number::LANDLOCK_CREATE_RULESET, [0, 0, CREATE_RULESET_VERSION, 0, 0])
    })?;
    u32::try_from(abi).map_err(|_| Errno::OVERFLOW)
}

/// A new set of rules, without any: `landlock_create_ruleset(2)`.
///
/// # Errors
/// Those of the call.
pub fn rules(restricted: Restricted) -> Result<OwnedFd, Errno> {
    // SAFETY: the structure has the kernel's layout and its size is passed;
    // the kernel only reads it.
    let rules = check(unsafe {
        enter(
            number::LANDLOCK_CREATE_RULESET,
            [ptr::from_ref(&restricted).expose_provenance(), size_of::<Restricted>(), 0, 0, 0],
        )
    })?;
    let rules = i32::try_from(rules).map_err(|_| Errno::OVERFLOW)?;
    // SAFETY: the call has just made this descriptor (close-on-exec), so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(rules) })
}

/// Allows `rights` beneath `place`: `landlock_add_rule(2)`.
///
/// # Errors
/// Those of the call; `EBADFD` for what has no path, such as a pipe.
pub fn allow(rules: impl AsFd, place: impl AsFd, rights: u64) -> Result<(), Errno> {
    let rule = PathBeneath { allowed: rights, parent: place.as_fd().as_raw_fd() };
    add(rules, RULE_PATH_BENEATH, ptr::from_ref(&rule).expose_provenance())
}

/// Allows `rights` on a TCP port: `landlock_add_rule(2)`.
///
/// # Errors
/// Those of the call.
pub fn allow_port(rules: impl AsFd, port: u16, rights: u64) -> Result<(), Errno> {
    let rule = NetPort { allowed: rights, port: u64::from(port) };
    add(rules, RULE_NET_PORT, ptr::from_ref(&rule).expose_provenance())
}

fn add(rules: impl AsFd, kind: usize, rule: usize) -> Result<(), Errno> {
    let rules = rules.as_fd().as_raw_fd().cast_unsigned() as usize;
    // SAFETY: both callers pass the address of the structure that belongs to `kind`, which outlives
    // the call; the kernel only reads it.
    check(unsafe { enter(number::LANDLOCK_ADD_RULE, [rules, kind, rule, 0, 0]) }).map(drop)
}

/// Puts this process and its later children under `rules`: `landlock_restrict_self(2)`.
///
/// # Errors
/// Those of the call; `EPERM` without no_new_privs, `E2BIG` under sixteen such sets already.
pub fn restrict(rules: impl AsFd) -> Result<(), Errno> {
    let rules = rules.as_fd().as_raw_fd().cast_unsigned() as usize;
    // SAFETY: the call takes a descriptor and a number.
    check(unsafe { enter(number::LANDLOCK_RESTRICT_SELF, [rules, 0, 0, 0, 0]) }).map(drop)
}
