//! The file in which the jail reads what was refused to it: read-only inside, and the broker has it opened to append.

use jail_plan::{HostUse, InsideOp, Step};
use rustix::fs::{Mode, OFlags, openat};

use crate::failure::{About, Problem};
use crate::inside::point::move_to;
use crate::inside::tree::{self, Depth, Kind};
use crate::inside::{Built, Launch, order};
use crate::sys::{self, Attributes};

const PATH: &str = "/run/jailgen/refused";

/// Puts the file in its place, where the jail has a network by name. It is done before the first operation that makes
/// something read-only, or in the end, where there is none: afterwards there is no place for it. In a folder of the host's it has
/// none either: nothing is made there that nobody asked for, and the jail does without.
pub(super) fn place(
    launch: &Launch<'_>,
    done: &[&Step<InsideOp>],
    next: Option<&InsideOp>,
    built: &Built,
) -> Result<(), Problem> {
    let Some(network) = launch.network.filter(|network| network.lacks_refused()) else {
        return Ok(());
    };
    if !matches!(next, None | Some(InsideOp::RemountReadOnly(_))) {
        return Ok(());
    }
    let around = order::around(done, PATH.as_bytes(), launch.caller);
    let Built { root, places, .. } = built;
    let found = places.folder.iter().chain(places.bound.iter().map(|bound| &bound.path));
    if around.is_some_and(|step| step.op.host_use() != HostUse::Nothing)
        || found.into_iter().any(|place| order::is_around(place, PATH.as_bytes()))
    {
        return Ok(());
    }
    let place = root.place(PATH.as_bytes(), Kind::File)?;
    // The file lies in the filesystem of the root, in two more mounts of that: where it is shown nobody can write, and the one
    // that it is written through has no place. The root itself can become read-only, because nothing writes through it.
    let opened = root.with_file(b"", 0o444, |folder, name| {
        let apart = tree::clone_tree(folder, Depth::One)?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&apart, name, flags, Mode::empty())?;
        let shown = tree::clone_child(folder, name, Depth::One)?;
        let read_only = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
        sys::set_attributes(&shown, read_only)?;
        move_to(&shown, place)?;
        network.give_refused(file);
        Ok(())
    });
    opened.about(PATH)
}
