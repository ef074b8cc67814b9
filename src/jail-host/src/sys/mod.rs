//! What requires `unsafe`: system calls that rustix does not have, descriptors that the stub passes
//! by number, and what a new process does before its exec.

pub(crate) mod landlock;
pub(crate) mod lease;
pub(crate) mod seccomp;

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::io::{Errno, FdFlags, fcntl_getfd, fcntl_setfd};

/// What `libc::syscall` has returned.
fn check(result: libc::c_long) -> Result<libc::c_long, Errno> {
    match result {
        0.. => Ok(result),
        _ => Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::IO)),
    }
}

/// The name under which what is open can be looked at, or opened again, whatever stands at its path
/// by now.
pub(crate) fn name_of(opened: &impl AsFd) -> String {
    format!("/proc/self/fd/{}", opened.as_fd().as_raw_fd())
}

/// Takes ownership of the descriptor that a word of the command line names. It is not passed on to
/// programs that this one starts.
pub(crate) fn descriptor(word: &OsStr) -> Option<OwnedFd> {
    let number: RawFd = word.to_str()?.parse().ok().filter(|number| *number > 2)?;
    // SAFETY: called before anything else is opened, for different numbers that the stub
    // has opened for this program, so nothing else owns it; above 2, where the standard
    // library has none of its own.
    let descriptor = unsafe { OwnedFd::from_raw_fd(number) };
    if fcntl_getfd(&descriptor).is_err() {
        // It is not open, and closing what another part may open under its number would be wrong.
        std::mem::forget(descriptor);
        return None;
    }
    fcntl_setfd(&descriptor, FdFlags::CLOEXEC).ok()?;
    Some(descriptor)
}

/// Starts a program in a folder that is held open: `fchdir(2)`.
pub(crate) fn in_folder(command: &mut Command, folder: OwnedFd) -> &mut Command {
    // SAFETY: between fork and exec only fchdir(2) is called, for a descriptor that
    // the closure owns (signal-safety(7)).
    unsafe { command.pre_exec(move || rustix::process::fchdir(&folder).map_err(Into::into)) }
}

/// Starts a program without the launcher's terminal and process group: `setsid(2)`.
pub(crate) fn in_a_session_of_its_own(command: &mut Command) -> &mut Command {
    // SAFETY: between fork and exec only setsid(2) is called, directly and without
    // memory or locks (signal-safety(7)).
    unsafe { command.pre_exec(|| rustix::process::setsid().map(drop).map_err(Into::into)) }
}
