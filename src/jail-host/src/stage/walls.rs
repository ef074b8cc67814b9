//! What this process gives up before it reads anything that a jail has written: every path but the
//! project, the layer and the record, and every system call that its work does not take.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, chdir, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs,
};

use crate::sys::{landlock, seccomp};

/// Of memory. A stage that takes more is not read.
const MEMORY_MAX: u64 = 2 << 30;

/// What the process may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Nothing.
    Look,
    /// Its record of the project.
    Record,
    /// The project, and the layer for removing.
    Apply,
    /// The layer, for removing.
    Drop,
}

/// Closes it all.
pub(super) fn close(
    project: &OwnedFd,
    upper: &OwnedFd,
    record: &OwnedFd,
    work: Work,
) -> io::Result<()> {
    confine(project, upper, record, work).map_err(|error| {
        io::Error::other(format!("its process cannot be confined: {}", io::Error::from(error)))
    })
}

fn confine(project: &OwnedFd, upper: &OwnedFd, record: &OwnedFd, work: Work) -> Result<(), Errno> {
    // No process of the same user may inspect or trace this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_no_new_privs(true)?;
    chdir("/")?;
    let most = Some(MEMORY_MAX);
    setrlimit(Resource::Data, Rlimit { current: most, maximum: most })?;
    // Each level of a folder that is removed is held open.
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files })?;
    let kept = match work {
        Work::Look | Work::Record => CapabilitySet::DAC_READ_SEARCH,
        // What root writes belongs to whom the folder belongs to.
        Work::Apply | Work::Drop => {
            CapabilitySet::DAC_READ_SEARCH
                | CapabilitySet::DAC_OVERRIDE
                | CapabilitySet::CHOWN
                | CapabilitySet::FOWNER
        }
    };
    let kept = capabilities(None)?.permitted & kept;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: kept, permitted: kept, inheritable: none })?;
    let read = landlock::READ_FILE | landlock::READ_DIR;
    let remove = read | landlock::REMOVE_FILE | landlock::REMOVE_DIR;
    let write = read | landlock::WRITE_FILE | landlock::MAKE_REG | landlock::REMOVE_FILE;
    let all = write | landlock::MAKE_SYM | landlock::MAKE_DIR | landlock::REMOVE_DIR;
    let [in_project, in_upper, in_record] = match work {
        Work::Look => [read, read, read],
        Work::Record => [read, read, write],
        Work::Apply => [all, remove, write],
        Work::Drop => [read, remove, write],
    };
    let rules = landlock::everything()?;
    landlock::allow(&rules, record, in_record)?;
    landlock::allow(&rules, project, in_project)?;
    landlock::allow(&rules, upper, in_upper)?;
    landlock::restrict(&rules)?;
    drop(rules);
    match work {
        Work::Look | Work::Record => seccomp::allow_only(READING),
        Work::Apply | Work::Drop => seccomp::allow_only(&[READING, WRITING].concat()),
    }
}

/// Any other call ends the process. They list, open and read files, write records, wait, give
/// memory, and end.
const READING: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    libc::SYS_lseek,
    libc::SYS_fcntl,
    libc::SYS_openat,
    libc::SYS_openat2,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_readlinkat,
    libc::SYS_getdents64,
    libc::SYS_fgetxattr,
    libc::SYS_flock,
    libc::SYS_renameat,
    libc::SYS_unlinkat,
    libc::SYS_geteuid,
    libc::SYS_recvfrom,
    libc::SYS_ppoll,
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

const WRITING: &[libc::c_long] = &[
    libc::SYS_renameat2,
    libc::SYS_mkdirat,
    libc::SYS_symlinkat,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_syncfs,
];
