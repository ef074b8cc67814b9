//! Process groups and the terminal. rustix has these calls too, but its group numbers are never 0,
//! and a number is 0 if the group was made outside the caller's PID namespace.

use core::ptr;

use rustix::fd::{AsFd, AsRawFd};
use rustix::io::Errno;

use super::call::{check, enter, number};

const TIOCGPGRP: usize = 0x540f;
const TIOCSPGRP: usize = 0x5410;
const TIOCNOTTY: usize = 0x5422;

/// The caller's process group: `getpgid(2)`.
#[must_use]
pub fn own_group() -> i32 {
    // SAFETY: the call takes one number, 0 for the caller itself.
    let group = check(unsafe { enter(number::GETPGID, [0; 5]) });
    group.ok().and_then(|group| i32::try_from(group).ok()).unwrap_or(0)
}

/// The group that has the terminal `terminal`: `TIOCGPGRP` (ioctl_tty(2)).
///
/// # Errors
/// Those of the call; `ENOTTY` also for a terminal that is not the caller's own.
pub fn foreground_group(terminal: impl AsFd) -> Result<i32, Errno> {
    let mut group = 0i32;
    let descriptor = terminal.as_fd().as_raw_fd().cast_unsigned() as usize;
    // SAFETY: the kernel writes one `pid_t`, an i32, to the address of `group`.
    check(unsafe {
        enter(
            number::IOCTL,
            [descriptor, TIOCGPGRP, ptr::from_mut(&mut group).expose_provenance(), 0, 0],
        )
    })?;
    Ok(group)
}

/// Gives the terminal to a group of the caller's session: `TIOCSPGRP` (ioctl_tty(2)).
///
/// # Errors
/// Those of the call.
pub fn set_foreground_group(terminal: impl AsFd, group: i32) -> Result<(), Errno> {
    let descriptor = terminal.as_fd().as_raw_fd().cast_unsigned() as usize;
    // SAFETY: the kernel reads one `pid_t`, an i32, from the address of `group`.
    check(unsafe {
        enter(
            number::IOCTL,
            [descriptor, TIOCSPGRP, ptr::from_ref(&group).expose_provenance(), 0, 0],
        )
    })
    .map(drop)
}

/// Gives up the controlling terminal `terminal`, for this process alone if it does not lead
/// its session: `TIOCNOTTY` (ioctl_tty(2)).
///
/// # Errors
/// Those of the call.
pub fn leave_terminal(terminal: impl AsFd) -> Result<(), Errno> {
    let descriptor = terminal.as_fd().as_raw_fd().cast_unsigned() as usize;
    // SAFETY: the request takes no address.
    check(unsafe { enter(number::IOCTL, [descriptor, TIOCNOTTY, 0, 0, 0]) }).map(drop)
}
