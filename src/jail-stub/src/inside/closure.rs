//! The store closure: one bind for each path, over mount points that were made at build time.
//!
//! About five microseconds a path. Making the mount points here would cost as much again, and
//! looking at mountinfo after each bind, as others do, makes it quadratic.

use alloc::ffi::CString;

use jail_plan::Closure;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::mount::{MoveMountFlags, move_mount};

use crate::failure::{About, Problem};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Root, join, point};
use crate::sys::{self, Attributes};

/// The places to make in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Those of the closure.
    Closure,
    /// Places that later operations make: a variable may name store paths that
    /// the closure does not have.
    More,
}

impl Room {
    /// What is needed if these places must be made, among others.
    pub(crate) fn for_closure<'a>(
        closure: &Closure,
        mut places: impl Iterator<Item = &'a [u8]>,
    ) -> Self {
        match places.any(|place| is_further(closure, place)) {
            true => Self::More,
            false => Self::Closure,
        }
    }
}

fn is_further(closure: &Closure, place: &[u8]) -> bool {
    let below =
        place.strip_prefix(closure.store.as_bytes()).and_then(|rest| rest.strip_prefix(b"/"));
    let name = below.and_then(|rest| rest.split(|byte| *byte == b'/').next());
    name.is_some_and(|name| !closure.names.iter().any(|known| known.as_bytes() == name))
}

/// Puts the paths of `closure` in place, read-only.
pub(crate) fn attach(closure: &Closure, room: Room, root: &mut Root) -> Result<(), Problem> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let store = openat(CWD, closure.store.as_str(), flags, Mode::empty()).about(&closure.store)?;
    let skeleton = match room {
        Room::Closure => skeleton(closure)?,
        Room::More => made(closure)?,
    };
    let place = root.place(closure.store.as_bytes(), BindKind::Folder)?;
    point::move_to(&skeleton, &place).about(&closure.store)?;
    for name in &closure.names {
        bind(&store, name, &skeleton).map_err(|error| problem(closure, name, error))?;
    }
    tree::confine(&skeleton, Attributes::READ_ONLY).about(&closure.store)?;
    if room == Room::More {
        let writable = Attributes { clear: Attributes::READ_ONLY, ..Attributes::default() };
        sys::set_attributes(&skeleton, writable).about(&closure.store)?;
        root.read_only_in_the_end(skeleton);
    }
    Ok(())
}

/// The mount points: the skeleton that was built, or a folder of our own where the plan has none.
fn skeleton(closure: &Closure) -> Result<OwnedFd, Problem> {
    if closure.skeleton.is_empty() {
        return made(closure);
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place =
        openat(CWD, closure.skeleton.as_str(), flags, Mode::empty()).about(&closure.skeleton)?;
    tree::clone_tree(place, Depth::One).about(&closure.skeleton)
}

fn made(closure: &Closure) -> Result<OwnedFd, Problem> {
    let folder = tree::tmpfs(0o755, None).about(&closure.store)?;
    for name in &closure.names {
        make(closure, &folder, name).map_err(|error| problem(closure, name, error))?;
    }
    Ok(folder)
}

fn make(closure: &Closure, folder: &OwnedFd, name: &str) -> Result<(), Errno> {
    let path = join(&closure.store, name);
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    match BindKind::from_file(openat(CWD, path.as_str(), flags, Mode::empty())?)? {
        BindKind::Folder => rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o755)),
        BindKind::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::WRONLY;
            openat(folder, name, flags, Mode::from_raw_mode(0o644)).map(drop)
        }
    }
}

fn bind(store: impl AsFd, name: &str, skeleton: impl AsFd) -> Result<(), Errno> {
    // Both calls need it with its terminator.
    let name = CString::new(name).map_err(|_| Errno::INVAL)?;
    let tree = tree::clone_child(store, &name, Depth::One)?;
    move_mount(tree, c"", skeleton, &name, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)
}

fn problem(closure: &Closure, name: &str, error: Errno) -> Problem {
    let problem = Problem::errno(&join(&closure.store, name), error);
    if error == Errno::NOENT {
        return problem
            .help("the store path is gone, or the jail was built for another; build it again");
    }
    problem
}
