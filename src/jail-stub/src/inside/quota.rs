//! The part of the user's quotas that a jail may use: half of inotify(7)'s.
//!
//! The kernel counts instances and watches for each user and in each user namespace. Without a
//! bound of its own, a jail could use all that its user has, and no program outside could start
//! to watch files any more.

use core::ffi::CStr;

use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::path::DecInt;

/// The bound of the jail's user namespace, and that of the user, which is the
/// same for all namespaces.
const QUOTAS: [(&CStr, &CStr); 2] = [
    (c"sys/user/max_inotify_instances", c"sys/fs/inotify/max_user_instances"),
    (c"sys/user/max_inotify_watches", c"sys/fs/inotify/max_user_watches"),
];

/// Sets the bounds of this process's user namespace through `process`, any
/// /proc. It allocates nothing.
pub(super) fn set(process: &OwnedFd) -> Result<(), Errno> {
    for (own, users) in QUOTAS {
        match halve(process, own, users) {
            // The kernel has no inotify.
            Err(Errno::NOENT) => {}
            other => other?,
        }
    }
    Ok(())
}

fn halve(process: &OwnedFd, own: &CStr, users: &CStr) -> Result<(), Errno> {
    let switch = |name: &CStr, flags| openat(process, name, flags | OFlags::CLOEXEC, Mode::empty());
    // The kernel returns such a file at once.
    let mut text = [0; 32];
    let length = rustix::io::read(switch(users, OFlags::RDONLY)?, &mut text)?;
    let text = text.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default();
    let has: u32 = text.trim().parse().map_err(|_| Errno::INVAL)?;
    rustix::io::write(switch(own, OFlags::WRONLY)?, DecInt::new(has / 2).as_bytes()).map(drop)
}
