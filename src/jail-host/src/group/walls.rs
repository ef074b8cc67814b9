//! What this process gives up once it has what it needs: everything except the groups, and what
//! /proc says of processes.

use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use super::tree::Hierarchy;
use crate::errand;
use crate::sys::landlock;

/// The capabilities that root's systemd checks in a caller, and that root needs to write
/// to another user's group.
const KEPT: CapabilitySet = CapabilitySet::SYS_ADMIN.union(CapabilitySet::DAC_OVERRIDE);

/// They make groups and write their files, wait for systemd, and check whether the launch that
/// left a group still runs.
const CALLS: &[libc::c_long] = &[
    libc::SYS_write,
    libc::SYS_mkdirat,
    libc::SYS_unlinkat,
    libc::SYS_kill,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
];

pub(super) fn close(hierarchy: &Hierarchy) -> Result<(), Errno> {
    let groups = landlock::READ_FILE
        | landlock::WRITE_FILE
        | landlock::READ_DIR
        | landlock::MAKE_DIR
        | landlock::REMOVE_DIR;
    let folders = [(&hierarchy.groups, groups), (&hierarchy.processes, landlock::READ_FILE)];
    errand::close(KEPT, &folders, CALLS)
}
