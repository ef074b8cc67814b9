//! Locks for what two launches must not write at the same time: the changes that an overlay keeps
//! would be undefined (overlayfs.rst).

use alloc::format;
use alloc::vec::Vec;

use jail_plan::stage::{MARK, of_operation};
use jail_plan::{HostText, InsideOp, KeptOverlay, Plan};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, FlockOperation, Mode, OFlags, XattrFlags, flock, fsetxattr, openat};
use rustix::io::Errno;

use super::HostPaths;
use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::steps::Steps;

/// Locks the folders in which overlays keep their changes. The locks are held as long as the
/// descriptors are open; no process in the jail has them.
pub(crate) fn hold(
    plan: &Plan,
    caller: &Caller<'_>,
    paths: &HostPaths<'_>,
) -> Result<Vec<OwnedFd>, Failure> {
    let mut locks = Vec::new();
    for (index, step) in plan.inside.iter().enumerate() {
        let upper = match &step.op {
            InsideOp::OverlayKept(KeptOverlay { upper, .. }) => Some(upper),
            op => of_operation(op).map(|stage| &stage.upper),
        };
        let Some(upper) = upper else { continue };
        let lock = lock(upper, caller, paths)
            .map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))?;
        locks.push(lock);
    }
    Ok(locks)
}

fn lock(upper: &HostText, caller: &Caller<'_>, paths: &HostPaths<'_>) -> Result<OwnedFd, Problem> {
    let path = caller.path(upper)?;
    let place = paths.open(path.as_str().as_bytes())?;
    let through = format!("/proc/self/fd/{}", place.as_raw_fd());
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, through.as_str(), flags, Mode::empty()).about(path.as_str())?;
    match flock(&folder, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN) => {
            return Err(Problem::new(path.as_str(), "another launch keeps its changes there")
                .help("wait until it has ended, or give this one a folder of its own"));
        }
        other => other.about(path.as_str())?,
    }
    // Without it the kernel mounts the overlay, and then cannot say of a folder that it took the
    // place of another one.
    match fsetxattr(&folder, MARK, b"1", XattrFlags::empty()) {
        Err(Errno::OPNOTSUPP) => Err(Problem::new(path.as_str(), "this file system has no extended attributes (user.*)").help(
            "keep the changes elsewhere; a stage is in jailgen's state folder, which XDG_STATE_HOME can move to another file system",
        )),
        other => other.about(path.as_str()).map(|()| folder),
    }
}
