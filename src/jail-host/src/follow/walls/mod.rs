//! What this process gives up before it reads anything that the jail has written: its view
//! of itself and of the host, every path but two folders, and every system call that
//! copying a file does not need.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::CapabilitySet;

use crate::confine::{keep_only, stay_below};
use crate::sys::landlock;
use crate::sys::seccomp;

/// The capability that root needs to write where it could as well without a jail.
/// Everything else is dropped.
const KEPT: CapabilitySet = CapabilitySet::DAC_OVERRIDE;

/// The first layers, which depend on nothing.
pub(crate) fn raise() -> Result<(), Errno> {
    // No process of the same user may inspect or trace this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    keep_only(KEPT)
}

/// The other layers, for the process that carries a file over between two folders.
pub(super) fn close_but_for(folders: [&OwnedFd; 2]) -> Result<(), Errno> {
    let rights =
        landlock::READ_FILE | landlock::WRITE_FILE | landlock::MAKE_REG | landlock::REMOVE_FILE;
    close(&folders.map(|folder| (folder, rights)), &[])
}

/// Afterwards it can only use what has been opened, what is in the folders, and the
/// calls of [`CALLS`] and these.
pub(crate) fn close(folders: &[(&OwnedFd, u64)], calls: &[libc::c_long]) -> Result<(), Errno> {
    stay_below(folders)?;
    seccomp::allow_only(&[CALLS, calls].concat())
}

/// Any other call ends the process. These wait, talk to the stub, open and copy files,
/// allocate memory, and end.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_close,
    // In some builds, the standard library checks whether what it closes is open.
    libc::SYS_fcntl,
    libc::SYS_pread64,
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_fchmod,
    libc::SYS_fsync,
    libc::SYS_renameat,
    libc::SYS_unlinkat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_poll,
    libc::SYS_ppoll,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_clock_gettime,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // The standard library removes its signal stack before it ends.
    libc::SYS_sigaltstack,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests;
