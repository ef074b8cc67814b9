//! What this process gives up before it reads anything that a jail has written: every path except
//! the working folder and the repository whose worktree it is, which it may read, and every system
//! call that reading them does not need.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::CapabilitySet;

use crate::errand;
use crate::sys::landlock::{READ_DIR, READ_FILE};

/// The most memory: for a list of two million names, or a large index.
const MEMORY_MAX: u64 = 1 << 30;

/// The capability that root needs to read where it could as well without a jail.
const KEPT: CapabilitySet = CapabilitySet::DAC_READ_SEARCH;

pub(super) fn close<'f>(folders: impl Iterator<Item = &'f OwnedFd>) -> Result<(), Errno> {
    let most = Some(MEMORY_MAX);
    setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?;
    let folders: Vec<_> = folders.map(|folder| (folder, READ_FILE | READ_DIR)).collect();
    errand::close(KEPT, &folders, CALLS)
}

/// They open folders, get ids, and start threads, with what a thread needs to start and end.
const CALLS: &[libc::c_long] = &[
    libc::SYS_openat2,
    libc::SYS_readlinkat,
    libc::SYS_geteuid,
    // For kernels whose shared page has no clock.
    libc::SYS_clock_gettime,
    libc::SYS_sched_getaffinity,
    libc::SYS_clone3,
    libc::SYS_clone,
    libc::SYS_rseq,
    libc::SYS_set_robust_list,
    libc::SYS_rt_sigprocmask,
    // The first thread: glibc installs the handler by which it changes the ids of all of them.
    libc::SYS_rt_sigaction,
    libc::SYS_mprotect,
    libc::SYS_prctl,
    libc::SYS_gettid,
    libc::SYS_sched_yield,
    libc::SYS_getrandom,
    libc::SYS_exit,
];
