//! What this process gives up before it reads anything that a jail has written: every path but the
//! project, which it reads, and its own folder of records; and every system call that this does not
//! take.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, chdir, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use super::Work;
use crate::sys::{landlock, seccomp};

/// Of memory. A project that takes more is reported as one that was not examined.
const MEMORY_MAX: u64 = 1 << 30;

/// Closes it all.
pub(super) fn close(project: &OwnedFd, records: &OwnedFd, work: Work) -> Result<(), Errno> {
    // No process of the same user may inspect or trace this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_no_new_privs(true)?;
    chdir("/")?;
    let most = Some(MEMORY_MAX);
    setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?;
    // What root needs to read where it could as well without a jail. Everything else goes.
    let kept = match work {
        Work::Look => CapabilitySet::DAC_READ_SEARCH,
        Work::Move => CapabilitySet::DAC_READ_SEARCH | CapabilitySet::DAC_OVERRIDE,
    };
    let kept = capabilities(None)?.permitted & kept;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: none })?;
    let read = landlock::READ_FILE | landlock::READ_DIR;
    let write = read | landlock::WRITE_FILE | landlock::MAKE_REG | landlock::REMOVE_FILE;
    let rules = landlock::everything()?;
    let in_project = match work {
        Work::Look => read,
        Work::Move => write | landlock::MAKE_SYM | landlock::MAKE_DIR,
    };
    landlock::allow(&rules, project, in_project)?;
    landlock::allow(&rules, records, write)?;
    landlock::restrict(&rules)?;
    drop(rules);
    seccomp::allow_only(CALLS)
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
    libc::SYS_renameat2,
    libc::SYS_unlinkat,
    libc::SYS_mkdirat,
    libc::SYS_symlinkat,
    libc::SYS_fchmod,
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
