//! What this process gives up before it reads anything that a jail has written: every path but the
//! project, which it reads, and its own folder of records; and every system call that this does not
//! take.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::Work;
use crate::confine::confine;
use crate::sys::landlock;

/// Of memory. A project that takes more is reported as one that was not examined.
const MEMORY_MAX: u64 = 1 << 30;

/// Closes it all.
pub(super) fn close(project: &OwnedFd, records: &OwnedFd, work: Work) -> Result<(), Errno> {
    // What root needs to read where it could as well without a jail. Everything else goes.
    let kept = match work {
        Work::Look => CapabilitySet::DAC_READ_SEARCH,
        Work::Move => CapabilitySet::DAC_READ_SEARCH | CapabilitySet::DAC_OVERRIDE,
    };
    let read = landlock::READ_FILE | landlock::READ_DIR;
    let write = read | landlock::WRITE_FILE | landlock::MAKE_REG | landlock::REMOVE_FILE;
    let in_project = match work {
        Work::Look => read,
        Work::Move => write | landlock::MAKE_SYM | landlock::MAKE_DIR,
    };
    confine(kept, MEMORY_MAX, &[(project, in_project), (records, write)], CALLS)
}

/// What moves a file aside and brings it back.
const CALLS: &[libc::c_long] =
    &[libc::SYS_renameat2, libc::SYS_mkdirat, libc::SYS_symlinkat, libc::SYS_fchmod];
