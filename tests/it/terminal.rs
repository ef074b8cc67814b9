//! A terminal (pty(7)), for commands that ask or draw on one.

use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A new one: the path of the side that programs have, and the other side.
pub(crate) fn terminal() -> (String, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    (ptsname(&master, Vec::new()).unwrap().into_string().unwrap(), master)
}

/// The side that programs have.
pub(crate) fn side_of(name: &str) -> OwnedFd {
    rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap()
}
