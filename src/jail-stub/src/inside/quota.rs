//! What of the user's quotas a jail may use up: of inotify(7), half.
//!
//! The kernel counts instances and watches for each user and in each user namespace. Without a bound of its own a jail could
//! use all that its user has, and then nothing outside that watches files could start any more.

use alloc::format;

use jail_plan::{Namespace, Plan};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::namespaces::has;

/// The bound of the jail's user namespace, and what the user has. Of that there is one for all namespaces: it is asked of
/// the host's /proc, where it has been looked up before.
const QUOTAS: &[(&str, &str)] = &[
    ("sys/user/max_inotify_instances", "/proc/sys/fs/inotify/max_user_instances"),
    ("sys/user/max_inotify_watches", "/proc/sys/fs/inotify/max_user_watches"),
];

/// Sets the bounds through `process`, a /proc whose switches can still be turned.
pub(crate) fn set(process: &OwnedFd, plan: &Plan) -> Result<(), Problem> {
    if !has(plan, Namespace::User) {
        // These would be the host's.
        return Ok(());
    }
    for (own, users) in QUOTAS {
        match halve(process, own, users) {
            // The kernel has no inotify.
            Err(Errno::NOENT) => {}
            other => other.about(*own)?,
        }
    }
    Ok(())
}

fn halve(process: &OwnedFd, own: &str, users: &str) -> Result<(), Errno> {
    let switch = |name: &str, flags| openat(process, name, flags | OFlags::CLOEXEC, Mode::empty());
    // The kernel gives such a file at once.
    let mut text = [0; 32];
    let length = rustix::io::read(switch(users, OFlags::RDONLY)?, &mut text)?;
    let text = text.get(..length).and_then(|text| str::from_utf8(text).ok()).unwrap_or_default();
    let has: u32 = text.trim().parse().map_err(|_| Errno::INVAL)?;
    let half = format!("{}", has / 2);
    rustix::io::write(switch(own, OFlags::WRONLY)?, half.as_bytes()).map(drop)
}
