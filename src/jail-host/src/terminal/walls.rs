//! What this process gives up before it reads anything that a jail has written: every path, and
//! every system call except the few that passing bytes on needs.

use rustix::io::Errno;
use rustix::process::chdir;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};

use crate::sys::{landlock, seccomp};

/// Closes it all.
pub(super) fn close() -> Result<(), Errno> {
    set_no_new_privs(true)?;
    chdir("/")?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    // A kernel without Landlock still has the filter, which allows no
    // opening, connecting or signalling.
    match landlock::everything().and_then(|rules| landlock::restrict(&rules)) {
        Ok(()) | Err(Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error),
    }
    seccomp::allow_only(CALLS)
}

/// Any other call ends the process. These receive and send packets, allocate memory, and end.
/// Standard error is open, for the message if the process cannot be confined, and none of these
/// calls writes to a terminal or a file.
const CALLS: &[libc::c_long] = &[
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_close,
    // In some builds, the standard library checks whether what it closes is open.
    libc::SYS_fcntl,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // The standard library removes its signal stack before it ends.
    libc::SYS_sigaltstack,
    libc::SYS_exit_group,
];
