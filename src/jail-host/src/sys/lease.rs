//! Leases (fcntl(2)): they show whether a file has a writer, also one that has only a mapping of
//! it. The kernel asks the holder of one to give it back by SIGIO, so a process that takes one must
//! outlive that signal.

use std::os::fd::{AsRawFd as _, OwnedFd};

use rustix::io::Errno;

use super::check;

/// A lease of a file that is open for reading. A program that opens the file to write it waits
/// until this is dropped.
pub(crate) struct ReadLease<'f>(&'f OwnedFd);

impl<'f> ReadLease<'f> {
    /// Takes it.
    ///
    /// # Errors
    /// `EAGAIN`: the file has a writer. Any other: the file system has no leases, or the file is
    /// another user's.
    pub(crate) fn take(file: &'f OwnedFd) -> Result<Self, Errno> {
        command(file, libc::F_SETLEASE, libc::F_RDLCK).map(|_| Self(file))
    }

    /// Whether there was no writer since then, and none waits.
    pub(crate) fn holds(&self) -> bool {
        let reading = libc::c_long::from(libc::F_RDLCK);
        command(self.0, libc::F_GETLEASE, 0).is_ok_and(|kind| kind == reading)
    }
}

impl Drop for ReadLease<'_> {
    fn drop(&mut self) {
        // The kernel may have taken it.
        let _ = command(self.0, libc::F_SETLEASE, libc::F_UNLCK);
    }
}

fn command(file: &OwnedFd, command: libc::c_int, kind: libc::c_int) -> Result<libc::c_long, Errno> {
    // SAFETY: the descriptor is open for as long as it is borrowed, and both commands take a
    // number, no pointer (fcntl(2)).
    check(unsafe { libc::fcntl(file.as_raw_fd(), command, kind) }.into())
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use super::*;

    #[test]
    fn a_lease_shows_a_writer_and_that_one_came() {
        signal_hook::flag::register(libc::SIGIO, Arc::new(AtomicBool::new(false))).expect("SIGIO");
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        let writer = std::fs::File::create(&path).expect("a file");
        let reader = OwnedFd::from(std::fs::File::open(&path).expect("the file"));
        assert_eq!(ReadLease::take(&reader).err(), Some(Errno::AGAIN));
        drop(writer);
        let lease = ReadLease::take(&reader).expect("a lease");
        assert!(lease.holds());
        let writer = std::thread::spawn(move || {
            OpenOptions::new().append(true).open(path).expect("the file");
        });
        while lease.holds() {
            std::thread::yield_now();
        }
        drop(lease);
        writer.join().expect("it has waited, and no longer");
    }
}
