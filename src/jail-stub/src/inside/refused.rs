//! The file from which the jail reads what was refused: read-only inside, and the
//! broker has it open to append.

use jail_plan::{InsideOp, Step};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, openat};

use crate::failure::Problem;
use crate::inside::point::move_to;
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Built, Launch, Root, given};
use crate::sys::{self, Attributes};

const PATH: &str = "/run/jailgen/refused";

/// Puts the file in its place, if the jail has a network by name. This is done before the first
/// operation that makes something read-only, or at the end if there is none: afterwards it could
/// not be made. In a folder of the host's it has no place either: nothing is made there that the
/// spec does not ask for, and the jail does without it.
pub(super) fn place(
    launch: &Launch<'_>,
    done: &[&Step<InsideOp>],
    next: Option<&InsideOp>,
    built: &Built<'_>,
) -> Result<(), Problem> {
    let Some(network) = launch.network.filter(|network| network.lacks_refused(next)) else {
        return Ok(());
    };
    if !given::is_hosts(launch, done, built, PATH.as_bytes()) {
        network.give_refused(file(PATH, OFlags::WRONLY | OFlags::APPEND, &built.root)?);
    }
    Ok(())
}

/// An empty file at a path. It is in the filesystem of the root, with two more mounts: no process
/// can write where it is visible, and the mount that it is opened through has no place. The root
/// itself can become read-only, because nothing writes through it.
pub(super) fn file(path: &str, flags: OFlags, root: &Root) -> Result<OwnedFd, Problem> {
    let place = root.place(path.as_bytes(), BindKind::File)?;
    let mut opened = None;
    let made = root.with_file(b"", 0o444, |folder, name| {
        let apart = tree::clone_tree(folder, Depth::One)?;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        opened = Some(openat(&apart, name, flags, Mode::empty())?);
        let shown = tree::clone_child(folder, name, Depth::One)?;
        let read_only = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
        sys::set_attributes(&shown, read_only)?;
        move_to(&shown, place)
    });
    let opened = made.and_then(|()| opened.ok_or(rustix::io::Errno::BADF));
    opened.map_err(|error| Problem::errno(path, error))
}
