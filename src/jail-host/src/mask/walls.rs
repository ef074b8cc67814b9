//! What this process gives up before it looks at anything that a jail has written: every path but the working folder and the repository
//! that it is a worktree of, which it reads, and every system call that this does not take.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use rustix::thread::CapabilitySet;

use crate::errand;
use crate::sys::landlock::{READ_DIR, READ_FILE};

/// Of memory: a list of two million names, or a large index.
const MEMORY_MAX: u64 = 1 << 30;

/// What root needs to look where it could as well without a jail.
const KEPT: CapabilitySet = CapabilitySet::DAC_READ_SEARCH;

pub(super) fn close<'f>(folders: impl Iterator<Item = &'f OwnedFd>) -> Result<(), Errno> {
    let most = Some(MEMORY_MAX);
    setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?;
    let folders: Vec<_> = folders.map(|folder| (folder, READ_FILE | READ_DIR)).collect();
    errand::close(KEPT, &folders, CALLS)
}

/// They open folders, ask who is asking, and start threads, each with what one takes that begins and ends.
const CALLS: &[libc::c_long] = &[
    libc::SYS_openat2,
    libc::SYS_readlinkat,
    libc::SYS_geteuid,
    // Where the kernel's page does not know the time.
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
