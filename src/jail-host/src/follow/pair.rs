//! A file of the host and the one inside, and which of the two has changed.
//!
//! What the jail writes arrives on the host as it would through a bind, but completely or not at
//! all. What is not a regular file of the caller's, or is too large, is ignored.

use std::ffi::CString;
use std::os::fd::OwnedFd;

use jail_plan::follow::Outside;
use rustix::io::Errno;

use super::side::{self, Fault, Side, Signature};

pub(super) struct Pair {
    /// Whose both are.
    owner: u32,
    /// The permission bits of both.
    mode: u32,
    outside: Side,
    /// The signature when it was last seen. `None` if it was not there.
    seen_outside: Option<Signature>,
    inside: Side,
    seen_inside: Option<Signature>,
    /// Whether the payload has changed it.
    changed: bool,
}

impl Pair {
    pub(super) fn new(file: &Outside, outside: OwnedFd, inside: OwnedFd) -> Option<Self> {
        let side = |folder, name: &[u8]| Some(Side { folder, name: CString::new(name).ok()? });
        Some(Self {
            owner: file.owner,
            mode: file.mode,
            outside: side(outside, &file.name)?,
            seen_outside: None,
            inside: side(inside, &file.inside)?,
            seen_inside: None,
            changed: false,
        })
    }

    /// Makes the jail's own file, before there is a payload, as a copy of the host's. If the
    /// host has none, the jail has none either, until a program makes one: an empty file would
    /// not be one of that program's.
    pub(super) fn put(&mut self, is_new: bool) -> Result<(), Fault> {
        let outside = match self.outside.open(self.owner) {
            Err(Fault::Strange) if self.outside.is_missing() => None,
            other => Some(other?),
        };
        self.seen_outside = outside.as_ref().map(|(_, seen)| *seen);
        if !is_new && !self.inside.is_missing() {
            // A kept home folder has the file of an earlier launch. A different
            // file is not thrown away.
            let is_the_same = match (&outside, self.inside.open(self.owner)) {
                (Some((outside, _)), Ok((inside, seen))) if side::same(outside, &inside)? => {
                    Some(seen)
                }
                (Some(_) | None, _) => None,
            };
            if is_the_same.is_some() {
                self.seen_inside = is_the_same;
                return Ok(());
            }
            self.inside.put_aside()?;
        }
        self.seen_inside = match &outside {
            Some((outside, _)) => Some(self.inside.replace(outside, self.mode)?),
            None if is_new => None,
            None => {
                self.inside.remove()?;
                None
            }
        };
        Ok(())
    }

    /// Carries a change over. If both have changed, the jail's.
    pub(super) fn carry(&mut self) -> Result<(), Fault> {
        if self.inside.signature() != self.seen_inside {
            return self.take_back();
        }
        if self.outside.signature() == self.seen_outside {
            return Ok(());
        }
        let (outside, seen) = self.outside.open(self.owner)?;
        let left = self.inside.replace(&outside, self.mode)?;
        (self.seen_outside, self.seen_inside) = (Some(seen), Some(left));
        Ok(())
    }

    /// No process is left inside. What the payload has changed is compared completely: two changes
    /// may be closer to each other than the file system's clock can show.
    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        let now = self.inside.signature();
        if now == self.seen_inside && !self.changed {
            return Ok(());
        }
        // What the payload has removed stays on the host.
        if now.is_none() && self.inside.is_missing() {
            return Ok(());
        }
        self.take_back()
    }

    fn take_back(&mut self) -> Result<(), Fault> {
        let (inside, seen) = self.inside.open(self.owner)?;
        let is_new = match self.outside.open(self.owner) {
            Ok((outside, _)) => !side::same(&outside, &inside)?,
            Err(_) => true,
        };
        if is_new {
            self.seen_outside = Some(self.outside.replace(&inside, self.mode)?);
        }
        self.changed = true;
        self.seen_inside = Some(seen);
        Ok(())
    }
}

impl From<Errno> for Fault {
    fn from(error: Errno) -> Self {
        Self::Failed(error)
    }
}
