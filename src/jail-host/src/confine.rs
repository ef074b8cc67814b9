//! How a process closes itself in that looks through a project, before it reads anything that a
//! jail has written. Without Landlock it does not begin.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, chdir, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use crate::sys::{landlock, seccomp};

/// Gives up all capabilities but `kept`, memory beyond `memory` bytes, all paths but those below
/// `folders`, where `rights` of Landlock hold, and all system calls but `calls` and those that each
/// of these processes takes.
///
/// # Errors
/// One of these cannot be given up; the process must end.
pub(crate) fn confine(
    kept: CapabilitySet,
    memory: u64,
    folders: &[(&OwnedFd, u64)],
    calls: &[libc::c_long],
) -> Result<(), Errno> {
    // No process of the same user may inspect or trace this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let most = Some(memory);
    setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?;
    keep_only(kept)?;
    stay_below(folders)?;
    seccomp::allow_only(&[CALLS, calls].concat())
}

/// Gives up all capabilities but these, what an exec could add, and the working folder.
pub(crate) fn keep_only(kept: CapabilitySet) -> Result<(), Errno> {
    set_no_new_privs(true)?;
    chdir("/")?;
    let kept = capabilities(None)?.permitted & kept;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: none })
}

/// Gives up all paths but those below `folders`, where `rights` of Landlock hold.
pub(crate) fn stay_below(folders: &[(&OwnedFd, u64)]) -> Result<(), Errno> {
    let rules = landlock::everything()?;
    for (folder, rights) in folders {
        landlock::allow(&rules, folder, *rights)?;
    }
    landlock::restrict(&rules)
}

/// Any other call ends the process. They list, open and read files, write records, wait, give
/// memory, and end.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    // The standard library looks whether what it closes is open, where it was built to.
    libc::SYS_fcntl,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_flock,
    libc::SYS_renameat,
    libc::SYS_unlinkat,
    libc::SYS_geteuid,
    libc::SYS_recvfrom,
    libc::SYS_clock_gettime,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_mprotect,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // The standard library takes its second stack away before it ends.
    libc::SYS_sigaltstack,
    libc::SYS_exit_group,
];
