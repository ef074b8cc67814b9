//! What this process gives up before it reads anything that a jail has written: every path but the
//! project, the layer and the record, and every system call that its work does not take.

use std::io;
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::CapabilitySet;

use crate::sys::landlock;

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
    let folders = [(record, in_record), (project, in_project), (upper, in_upper)];
    let calls = match work {
        Work::Look | Work::Record => READING.to_vec(),
        Work::Apply | Work::Drop => [READING, WRITING].concat(),
    };
    crate::confine::confine(kept, MEMORY_MAX, &folders, &calls)
}

/// What reads the kernel's marks in a layer, and packs of git, and waits for the stub.
const READING: &[libc::c_long] =
    &[libc::SYS_fgetxattr, libc::SYS_flistxattr, libc::SYS_pread64, libc::SYS_ppoll];

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
