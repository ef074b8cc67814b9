//! Files of the host that programs in the jail replace: the jail has a file of its own, and whenever one of the two changes
//! the other one follows.
//!
//! A file that is bound is a mount, and nothing can be renamed over a mount: a program that writes a new file and renames it
//! would be refused (`EBUSY`). A link in its place would be replaced itself, and programs that follow it first want to write
//! beside the file that it leads to. So the jail gets a plain file, and this process, which is outside, carries changes
//! from one side to the other while the payload runs, and once more when it has ended, whatever ended it.
//!
//! What the jail writes arrives on the host as it would through a bind, but whole or not at all. What is not a regular file
//! of the caller's, or too large, is not taken.

mod handover;
mod side;
mod watch;

use alloc::ffi::CString;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use jail_plan::{InsideOp, Plan, SharedFile};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Access, AtFlags, accessat};
use rustix::io::Errno;

use self::handover::Handover;
use self::watch::Watch;
use super::HostPaths;
use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::steps::Steps;

pub(crate) use side::{Fault, Side, Signature};

/// All files of a launch that are shared by copies.
pub(crate) struct SharedFiles<'a> {
    files: Vec<Pair<'a>>,
    handover: Option<Handover>,
    watch: Watch,
}

/// A file of the host and the one inside.
pub(crate) struct Pair<'a> {
    op: &'a SharedFile,
    by: &'a str,
    /// The host's, for messages.
    path: String,
    /// Where its folder is, without links.
    pub(crate) folder_path: Vec<u8>,
    /// The caller, whose both are, as seen from outside.
    owner: u32,
    /// The permission bits of both.
    pub(crate) mode: u32,
    pub(crate) outside: Side,
    seen_outside: Option<Signature>,
    /// The name inside, and the folder once the first process has told it.
    name: CString,
    inside: Option<Side>,
    seen_inside: Option<Signature>,
    /// The payload has changed it.
    changed: bool,
}

/// What of the jail's did not arrive on the host.
pub(crate) struct Lost<'a> {
    pub(crate) by: &'a str,
    pub(crate) path: String,
    pub(crate) fault: Fault,
}

impl<'a> SharedFiles<'a> {
    /// Finds the files of the host. One that cannot be replaced there is left out, and bound.
    pub(crate) fn find(
        plan: &'a Plan,
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
    ) -> Result<Self, Failure> {
        let mut files = Vec::new();
        for (index, step) in plan.inside.iter().enumerate() {
            let InsideOp::SharedFile(op) = &step.op else { continue };
            let found = Pair::find((op, &step.by), caller, paths)
                .map_err(|problem| Steps::of(plan).inside(index, step, problem))?;
            files.extend(found);
        }
        let handover = match files.is_empty() {
            true => None,
            false => Some(Handover::new().about("a socket").map_err(Failure::early)?),
        };
        Ok(Self { files, handover, watch: Watch::default() })
    }

    /// The file of this operation, if it is shared by a copy.
    pub(crate) fn of(&self, op: &SharedFile) -> Option<&Pair<'a>> {
        self.files.iter().find(|pair| core::ptr::eq(pair.op, op))
    }

    /// Tells the supervisor in which folder the file of an operation is inside, and as what it was left there.
    pub(crate) fn placed(
        &self,
        pair: &Pair<'_>,
        folder: &OwnedFd,
        left: Signature,
    ) -> Result<(), Errno> {
        let number = self.files.iter().position(|other| core::ptr::eq(other.op, pair.op));
        match (number, &self.handover) {
            (Some(number), Some(handover)) => handover.tell(number, folder, left),
            (_, _) => Err(Errno::INVAL),
        }
    }

    /// The payload runs: takes in what the first process has told, and begins to watch.
    pub(crate) fn start(&mut self) {
        let Some(handover) = self.handover.take() else { return };
        for (number, folder, left) in handover.told() {
            let Some(pair) = self.files.get_mut(number) else { continue };
            pair.inside = Some(Side { folder, name: pair.name.clone() });
            pair.seen_inside = Some(left);
        }
        self.files.retain(|pair| pair.inside.is_some());
        let folders = self.files.iter().flat_map(Pair::folders);
        self.watch = Watch::of(folders);
        // What has changed before anybody watched.
        self.carry();
    }

    /// What is ready when there is something to attend to; nothing where nothing is shared.
    pub(crate) fn source(&self) -> Option<&OwnedFd> {
        self.watch.source()
    }

    /// After an event.
    pub(crate) fn attend(&mut self) {
        if self.watch.is_due() {
            self.carry();
        }
    }

    fn carry(&mut self) {
        for pair in &mut self.files {
            // What fails now is tried again at the end, and told then.
            let _ = pair.carry();
        }
    }

    /// The payload has ended.
    pub(crate) fn finish(mut self) -> Vec<Lost<'a>> {
        let mut lost = Vec::new();
        for pair in &mut self.files {
            if let Err(fault) = pair.finish() {
                lost.push(Lost { by: pair.by, path: pair.path.clone(), fault });
            }
        }
        lost
    }

    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.files.iter().flat_map(Pair::folders).chain(self.watch.descriptors())
    }
}

impl<'a> Pair<'a> {
    /// The file of the host; nothing where it cannot be replaced by another one of the same owner.
    fn find(
        (op, by): (&'a SharedFile, &'a str),
        caller: &Caller<'_>,
        paths: &HostPaths<'_>,
    ) -> Result<Option<Self>, Problem> {
        let (from, to) = (caller.path(&op.from)?, caller.path(&op.to)?);
        // The user's own links are followed; the file that they lead to is replaced, and not they. It is known by its folder
        // and its name, because another launch may replace it at any moment.
        let (folder_path, folder, name) = paths.entry(from.as_str().as_bytes())?;
        let Some(inside) = name_of(to.as_str()) else { return Ok(None) };
        let outside = Side { folder, name };
        let Ok((_, stat)) = outside.open(caller.uid) else { return Ok(None) };
        let may_replace =
            accessat(&outside.folder, c".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS);
        // A second name of the file would keep the old content. It has none at all when another launch has just replaced it.
        if may_replace.is_err() || stat.st_nlink > 1 {
            return Ok(None);
        }
        Ok(Some(Self {
            op,
            by,
            path: from.as_str().to_string(),
            folder_path,
            owner: caller.uid,
            mode: stat.st_mode,
            seen_outside: outside.signature(),
            outside,
            name: inside,
            inside: None,
            seen_inside: None,
            changed: false,
        }))
    }

    fn folders(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [Some(&self.outside), self.inside.as_ref()]
            .into_iter()
            .flatten()
            .map(|it| it.folder.as_fd())
    }

    /// Carries a change over; where both have changed, the jail's.
    fn carry(&mut self) -> Result<(), Fault> {
        let Some(inside) = &self.inside else { return Ok(()) };
        if inside.signature() != self.seen_inside {
            return self.take_back();
        }
        if self.outside.signature() == self.seen_outside {
            return Ok(());
        }
        let (content, seen) = self.outside.read(self.owner)?;
        self.seen_outside = Some(seen);
        self.seen_inside = Some(inside.replace(&content, self.mode)?);
        Ok(())
    }

    /// Nobody is left inside. What the payload has changed is compared as a whole: two changes may be closer to each other
    /// than the file system's clock can tell.
    fn finish(&mut self) -> Result<(), Fault> {
        let Some(inside) = &self.inside else { return Ok(()) };
        let now = inside.signature();
        if now == self.seen_inside && !self.changed {
            return Ok(());
        }
        // What the payload has removed stays on the host.
        if now.is_none() && inside.is_missing() {
            return Ok(());
        }
        self.take_back()
    }

    fn take_back(&mut self) -> Result<(), Fault> {
        let Some(inside) = &self.inside else { return Ok(()) };
        let (content, seen) = inside.read(self.owner)?;
        let is_new = match self.outside.read(self.owner) {
            Ok((there, _)) => there != content,
            Err(_) => true,
        };
        if is_new {
            self.seen_outside = Some(self.outside.replace(&content, self.mode)?);
        }
        self.changed = true;
        self.seen_inside = Some(seen);
        Ok(())
    }
}

fn name_of(path: &str) -> Option<CString> {
    let name = path.rsplit('/').next().filter(|name| !name.is_empty())?;
    CString::new(name).ok()
}
