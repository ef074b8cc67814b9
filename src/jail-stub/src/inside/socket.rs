//! The sockets on which helper and broker answer inside. They are bound here, in a filesystem of
//! the launch's own, so they have no name on the host and are gone with the jail.

use alloc::format;

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{SocketAddrUnix, bind, listen};

use crate::failure::{About, Problem};
use crate::inside::{Launch, Root};

/// How many calls wait to be answered; more wait in connect(2).
const WAITING: i32 = 128;

/// Gives the helper's socket its place inside.
pub(crate) fn place(path: &str, launch: &Launch<'_>, root: &Root) -> Result<(), Problem> {
    let Some(listener) = launch.listener else {
        return Err(Problem::new(
            path,
            "the plan has one socket for its helper, and this is another",
        ));
    };
    listen_at(listener, path, root)
}

/// Gives a socket its place inside, and makes it listen.
pub(super) fn listen_at(listener: &OwnedFd, path: &str, root: &Root) -> Result<(), Problem> {
    let entry = root.entry(path.as_bytes())?;
    let (folder, name) = (&*entry.folder, &entry.name);
    if !root.is_own(folder).about(path)? {
        return Err(Problem::new(path, "a socket of the launch cannot lie in a tree of the host"));
    }
    // The address of a socket has room for a hundred bytes. Through its folder's
    // descriptor, every place fits.
    let through =
        [format!("/proc/self/fd/{}/", folder.as_raw_fd()).as_bytes(), name.as_bytes()].concat();
    let address = SocketAddrUnix::new(through.as_slice()).about(path)?;
    match bind(listener, &address) {
        Err(Errno::INVAL) => return Err(Problem::new(path, "the plan places its socket twice")),
        other => other.about(path)?,
    }
    listen(listener, WAITING).about(path)
}
