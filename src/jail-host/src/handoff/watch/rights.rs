//! Folders and files that their modes keep from the watcher. The session has the same user, and so
//! programs of this user can use them: a folder that cannot be listed (`chmod 0311`) is entered,
//! and a file that cannot be read (`chmod 0111`) is executed. Both are given the right to be read,
//! and then judged. What no program can use is left alone until the session ends: tests take rights
//! away, too.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{FileType, Mode};
use rustix::io::Errno;

use super::guard::Guard;
use crate::handoff::place::{Data, Links, data, folders_above};
use crate::handoff::report::shown;

impl Guard<'_> {
    /// Opens a folder to look at what is in it; nothing where that is not to be done, or not now.
    ///
    /// # Errors
    /// The jail is to end: programs of this user can enter it, and this process cannot look.
    pub(super) fn opened(&mut self, path: &[u8]) -> io::Result<Option<OwnedFd>> {
        let opened = self.place.open_folder(path, Links::Refused);
        let can_enter = || match data_in(self.place.enter(path)) {
            Err(Errno::ACCESS) => false,
            Err(_) | Ok(_) => true,
        };
        match opened {
            Ok(folder) if can_enter() => return Ok(Some(folder)),
            Ok(_) | Err(Errno::ACCESS) => {}
            Err(_) => return Ok(None),
        }
        if !can_enter() && self.ended.is_none() {
            if self.is_of_interest(path) {
                self.unreadable(path.to_vec());
            }
            return Ok(None);
        }
        if !self.is_changed(path) {
            self.unreadable(path.to_vec());
            return Ok(None);
        }
        loop {
            self.give(path, Mode::RUSR | Mode::XUSR)?;
            match self.place.open_folder(path, Links::Refused) {
                Ok(folder) => return Ok(Some(folder)),
                // The session takes the right away again, a bounded number of times.
                Err(Errno::ACCESS) => {}
                Err(_) => return Ok(None),
            }
        }
    }

    /// Whether the session could have changed what is there, or what a folder has in it.
    fn is_changed(&self, path: &[u8]) -> bool {
        let found = self.place.open_path(path).and_then(|found| data(&found, b""));
        found.is_ok_and(|found| found.stamp.changed >= self.since)
    }

    /// The way to something that was made or changed cannot be gone: whether it can, now.
    ///
    /// # Errors
    /// The jail is to end.
    pub(super) fn open_way(&mut self, path: &[u8]) -> io::Result<bool> {
        let mut was_shut = false;
        for folder in folders_above(path) {
            if data_in(self.place.enter(folder)).is_err_and(|error| error == Errno::ACCESS)
                && self.is_changed(folder)
            {
                self.give(folder, Mode::RUSR | Mode::XUSR)?;
                was_shut = true;
            }
        }
        Ok(was_shut)
    }

    /// Something at a protected path cannot be read: whether it can, now.
    ///
    /// # Errors
    /// The jail is to end: programs of this user can use it.
    pub(super) fn make_readable(&mut self, path: &[u8], found: &Data) -> io::Result<bool> {
        if found.kind != FileType::RegularFile || found.stamp.changed < self.since {
            return Ok(false);
        }
        self.give(path, Mode::RUSR)?;
        Ok(true)
    }

    fn give(&mut self, path: &[u8], rights: Mode) -> io::Result<()> {
        self.moves.add(path)?;
        let shown = shown(path);
        match self.place.grant(path, rights) {
            Ok(()) => self.lines.push(format!(
                "`{shown}` may be or hold something protected and could not be read: you may read it now (chmod u+r)"
            )),
            // It is something else by now, or gone, and that is an event; or the way to it was shut
            // meanwhile, which the next look opens: `moves` bounds how often.
            Err(
                Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::INVAL | Errno::ACCESS,
            ) => {}
            Err(error) => {
                return Err(io::Error::other(format!(
                    "`{shown}` may be or hold something protected and cannot be read ({error}): the jail is ended"
                )));
            }
        }
        Ok(())
    }

    /// What cannot be moved aside loses its rights, so that no program can use it: why the jail
    /// ends.
    pub(super) fn shut(&self, path: &[u8], why: &str) -> io::Error {
        let more = self.place.shut(path).map_or("", |()| ", and has lost its rights (chmod 0)");
        io::Error::other(format!(
            "`{}` is protected and {why}{more}: the jail is ended",
            shown(path)
        ))
    }
}

/// What is looked up in a folder, which needs the right to enter it.
fn data_in(folder: Result<OwnedFd, Errno>) -> Result<Data, Errno> {
    data(&folder?, b".")
}
