//! What git and other programs on the host execute or trust, where the jail could write it:
//! files are covered by symbolic links to the jail's copies, so programs can lock and rename
//! them as usual; hooks are covered by copies, and other folders by layers that keep changes;
//! the rest is mounted over itself, read-only. A process outside determines these places and the
//! content of the copies ([`crate::host::GitGuard`]).

use alloc::ffi::CString;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::JailPath;
use jail_plan::git::{CHANGES, COVER, Guarded, How, LAYERS, WORK};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, openat, statat, symlinkat, unlinkat};
use rustix::io::Errno;

use crate::failure::{About, Problem, say};
use crate::host::{GitGuard, Identity, Masks};
use crate::inside::bind::Source;
use crate::inside::overlay;
use crate::inside::point::{Entry, move_to_entry};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root};
use crate::resolve::{self, Scope};
use crate::sys::Attributes;

/// What is kept apart, and all its places inside.
pub(super) struct Apart<'a> {
    guard: &'a GitGuard<'a>,
    places: Vec<HeldPlace>,
    /// Paths of the store, which cover nothing.
    pub(super) stored: Vec<(How, Vec<u8>)>,
    copies: Option<Copies>,
}

/// The folder of the jail's copies.
struct Copies {
    folder: Rc<OwnedFd>,
    at: JailPath,
}

struct HeldPlace {
    /// Its number in the list, which is the name of its copy.
    number: usize,
    how: How,
    /// Its path on the host.
    from: Identity,
    /// Where it is inside.
    to: Vec<u8>,
    /// For what is mounted over itself.
    tree: Option<OwnedFd>,
    /// The folder that a layer covers.
    lower: Option<Rc<OwnedFd>>,
}

/// Finds them in what the jail may write of the host. `None` if the launch is in no repository.
pub(super) fn find<'a, 's>(
    launch: &Launch<'a>,
    sources: impl Iterator<Item = &'s Source>,
) -> Result<Option<Apart<'a>>, Problem> {
    let Some(guard) = launch.git else { return Ok(None) };
    let trees: Vec<_> = sources.filter_map(Source::writable).collect();
    let (mut places, mut stored) = (Vec::new(), Vec::new());
    for (number, Guarded { how, path }) in guard.places()?.into_iter().enumerate() {
        if let How::Stored | How::StoredPrograms = how {
            stored.push((how, path));
            continue;
        }
        for (from, to) in &trees {
            let [from, to] = [from, to].map(|place| place.strip_suffix(b"/").unwrap_or(place));
            let below = path.strip_prefix(from);
            if let Some(below) = below.filter(|below| matches!(below.first(), None | Some(b'/'))) {
                let mut place = HeldPlace::find(number, how, &path, [to, below].concat())?;
                // One folder for changes serves one layer; elsewhere the same folder is read-only.
                if places.iter().any(|other: &HeldPlace| other.number == number) {
                    place.lower = None;
                }
                places.push(place);
            }
        }
    }
    Ok(Some(Apart { guard, places, stored, copies: None }))
}

impl HeldPlace {
    fn find(number: usize, how: How, path: &[u8], to: Vec<u8>) -> Result<Self, Problem> {
        // The last name may be a symbolic link, which is not followed.
        let (folder, name) = split(path);
        let folder = resolve::open(CWD, folder, OFlags::PATH | OFlags::DIRECTORY, Scope::Anywhere)
            .map_err(|error| changed(path, error))?;
        let from = identity(&folder, name).map_err(|error| changed(path, error))?;
        let lower = match how {
            How::Layer => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let lower = openat(&folder, name, flags, Mode::empty());
                Some(Rc::new(lower.map_err(|error| changed(path, error))?))
            }
            How::Link | How::Copy | How::ReadOnly | How::Stored | How::StoredPrograms => None,
        };
        let tree = match how {
            How::Link | How::Copy | How::Stored | How::StoredPrograms => None,
            How::ReadOnly | How::Layer => {
                let tree = tree::clone_child(&folder, name, Depth::All).about(path)?;
                tree::confine(&tree, Attributes::READ_ONLY).about(path)?;
                Some(tree)
            }
        };
        Ok(Self { number, how, from, to, tree, lower })
    }

    fn attach(self, copies: &Copies, root: &mut Root) -> Result<(), Problem> {
        let Self { number, how, from, to, tree, lower } = self;
        let entry = root.entry_of_mount(&to)?;
        let Entry { folder, name } = &entry;
        // Something else may have been put in its place.
        if identity(&**folder, name.as_bytes()).about(&to)? != from {
            return Ok(());
        }
        match (how, tree) {
            (How::Layer, Some(tree)) => {
                // If no layer can cover a file system, it is read-only.
                let layer = lower.and_then(|lower| copies.layer(number, lower, &to).ok());
                move_to_entry(layer.unwrap_or(tree), &entry)
            }
            (How::ReadOnly, Some(tree)) => move_to_entry(tree, &entry),
            (How::Copy, _) | (How::ReadOnly | How::Layer, None) => {
                let tree = tree::clone_child(&*copies.folder, format!("{number}"), Depth::One);
                tree.and_then(|tree| move_to_entry(tree, &entry))
            }
            (How::Link, _) => copies.link(number, &entry),
            (How::Stored | How::StoredPrograms, _) => Ok(()),
        }
        .about(&to)
    }
}

impl Copies {
    /// Mounts a symbolic link to a copy. It has no name in the end, but a mount of it can be
    /// attached only while it has.
    fn link(&self, number: usize, entry: &Entry) -> Result<(), Errno> {
        let name = c"link";
        symlinkat(format!("{}/{number}", self.at.as_str()), &*self.folder, name)?;
        move_to_entry(tree::clone_child(&*self.folder, name, Depth::One)?, entry)?;
        unlinkat(&*self.folder, name, AtFlags::empty())
    }

    /// A detached layer over a folder of the host.
    fn layer(&self, number: usize, lower: Rc<OwnedFd>, to: &[u8]) -> Result<OwnedFd, Problem> {
        let open = |name: &str| {
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            openat(&*self.folder, format!("{LAYERS}/{number}/{name}"), flags, Mode::empty())
        };
        let (changes, work) = (open(CHANGES).about(to)?, open(WORK).about(to)?);
        overlay::mount(&[lower], Some((&changes, &work)), &String::from_utf8_lossy(to))
    }

    /// Covers what the layers keep: only the kernel writes there.
    fn cover_layers(&self) -> Result<(), Errno> {
        let tree = tree::clone_child(&*self.folder, format!("{LAYERS}/{COVER}"), Depth::One)?;
        let name = CString::new(LAYERS).unwrap_or_default();
        move_to_entry(tree, &Entry { folder: self.folder.clone(), name })
    }
}

impl Apart<'_> {
    /// The folders that have layers over them.
    pub(super) fn layers(&self) -> impl Iterator<Item = &[u8]> {
        let layers = self.places.iter().filter(|place| place.how == How::Layer);
        layers.map(|place| place.to.as_slice())
    }

    /// Has the copies made, while the root can still be written.
    pub(super) fn copy(&mut self, launch: &Launch<'_>, root: &mut Root) -> Result<(), Problem> {
        // This is called for each operation that needs copies.
        if self.copies.is_some() {
            return Ok(());
        }
        let at = launch.caller.path(self.guard.to)?;
        let folder = root.own_folder(at.as_str())?;
        let masked = launch.masks.map_or_else(Vec::new, Masks::files);
        self.guard.copy(&*folder, masked)?;
        self.copies = Some(Copies { folder, at });
        Ok(())
    }

    /// Puts all of it in place, when everything else is there.
    pub(super) fn attach(self, root: &mut Root) -> Result<(), Problem> {
        let Some(copies) = self.copies else { return Ok(()) };
        let mut is_missing = false;
        for (how, path) in &self.stored {
            // What the jail has already stays as it is.
            is_missing |= root.open_itself(path).is_err() && stored(*how, path, root).is_none();
        }
        if is_missing {
            say("a path of the store that state leads to is missing in the jail", None);
        }
        let has_layers = self.places.iter().any(|place| place.how == How::Layer);
        self.places.into_iter().try_for_each(|place| place.attach(&copies, root))?;
        match has_layers {
            true => copies.cover_layers().about(copies.at.as_str()),
            false => Ok(()),
        }
    }
}

/// Puts a path of the store at its own place. It may be a symbolic link, which stays one: it may
/// lead out of the store, to what the spec does not grant. Only one is open at a time, because
/// there may be more of them than descriptors.
fn stored(how: How, path: &[u8], root: &mut Root) -> Option<()> {
    let tree = tree::clone_child(CWD, path, Depth::One).ok()?;
    let more = if how == How::Stored { Attributes::NO_EXEC } else { 0 };
    tree::confine(&tree, Attributes::READ_ONLY | more).ok()?;
    let kind = BindKind::from_file(&tree).ok()?;
    root.attach_at(tree, path, kind).ok()
}

fn identity(folder: impl AsFd, name: &[u8]) -> Result<Identity, Errno> {
    statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map(|stat| Identity::from(&stat))
}

fn changed(path: &[u8], error: Errno) -> Problem {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP => {
            Problem::new(path, "something else was put in its place during the launch")
                .help("see what works there, and start again")
        }
        error => Problem::errno(path, error),
    }
}

fn split(path: &[u8]) -> (&[u8], &[u8]) {
    let at = path.iter().rposition(|byte| *byte == b'/').unwrap_or_default();
    let (folder, name) = path.split_at(at);
    (if folder.is_empty() { b"/" } else { folder }, name.get(1..).unwrap_or_default())
}
