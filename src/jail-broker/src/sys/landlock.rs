//! Landlock, as far as the broker needs it: everything on files is refused.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

/// `struct landlock_ruleset_attr`. Kernels that know fewer of these fields take it too, as long as
/// the others are 0.
#[repr(C)]
struct Restricted {
    files: u64,
    network: u64,
    scoped: u64,
}

/// For each ABI from the first, how many rights on files it has: they are the lowest bits.
const FILE_RIGHTS: [u32; 5] = [13, 14, 15, 15, 16];

/// The first ABI that keeps abstract Unix sockets and signals within the process, as the two lowest
/// bits.
const SCOPES_SINCE: usize = 6;

/// Refuses this process every access to files by path, and signals to others. What is open stays
/// open.
///
/// Where the kernel has no Landlock the filter of system calls is left, which has no call that
/// opens anything.
pub(crate) fn deny_all_files() -> io::Result<()> {
    let Some(abi) = abi() else { return Ok(()) };
    let rights = FILE_RIGHTS.get(abi - 1).or(FILE_RIGHTS.last()).copied().unwrap_or_default();
    let scoped = if abi >= SCOPES_SINCE { 0b11 } else { 0 };
    let rules = rules(&Restricted { files: (1 << rights) - 1, network: 0, scoped })?;
    restrict(&rules)
}

/// The ABI of the running kernel, from 1: `landlock_create_ruleset(2)` with
/// `LANDLOCK_CREATE_RULESET_VERSION`.
fn abi() -> Option<usize> {
    // SAFETY: with this flag the call takes no attributes: the address is null and the size 0, as
    // it demands.
    let abi = unsafe {
        libc::syscall(libc::SYS_landlock_create_ruleset, ptr::null::<Restricted>(), 0_usize, 1_u32)
    };
    usize::try_from(abi).ok().filter(|abi| *abi > 0)
}

fn rules(restricted: &Restricted) -> io::Result<OwnedFd> {
    // SAFETY: the structure has the kernel's layout and its size is passed; the kernel only reads
    // it.
    let rules = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::from_ref(restricted),
            size_of::<Restricted>(),
            0_u32,
        )
    };
    let rules = i32::try_from(rules).map_err(io::Error::other)?;
    if rules < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this descriptor, so nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(rules) })
}

/// `landlock_restrict_self(2)`: this process must be `no_new_privs`.
fn restrict(rules: &OwnedFd) -> io::Result<()> {
    // SAFETY: the call takes a descriptor, which is open, and a number.
    let done = unsafe { libc::syscall(libc::SYS_landlock_restrict_self, rules.as_raw_fd(), 0_u32) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
