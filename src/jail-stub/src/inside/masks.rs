//! Files of the working folder whose content the jail does not see: an empty file covers each,
//! wherever the jail has it. A process outside finds these files ([`crate::host::Masks`]).

use alloc::vec::Vec;

use jail_plan::mask::{How, Place};
use jail_plan::{Changes, HostText, HostUse};
use rustix::fs::{AtFlags, CWD, statat};

use crate::failure::{About, Failure, Problem};
use crate::host::Identity;
use crate::inside::bind::Source;
use crate::inside::point::move_to;
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root};
use crate::sys::Attributes;

const MODE: u32 = 0o444;

/// The places where the jail may have masked files.
pub(super) struct Shown {
    /// Folders of the host.
    trees: Vec<Tree>,
    /// Files that the spec grants by themselves, and therefore shows.
    granted: Vec<Vec<u8>>,
}

struct Tree {
    from: Vec<u8>,
    to: Vec<u8>,
    /// It shows the host's own files, and not those of a file system over them.
    is_bound: bool,
}

/// Where that is, before the sources are attached.
pub(super) fn find<'s>(
    launch: &Launch<'_>,
    sources: impl Iterator<Item = &'s Source>,
) -> Result<Shown, Problem> {
    let mut shown = Shown { trees: Vec::new(), granted: Vec::new() };
    if launch.masks.is_none() {
        return Ok(shown);
    }
    for source in sources {
        let to = source.to.clone();
        match source.kind {
            BindKind::Folder => {
                let is_bound = !source.is_staged;
                shown.trees.push(Tree { from: source.from.clone(), to, is_bound });
            }
            BindKind::File => shown.granted.push(to),
        }
    }
    for step in &launch.plan.inside {
        let from_host = step.op.host_use();
        if let HostUse::Layers(layers) = from_host {
            let kept = match layers.changes {
                Changes::Kept(kept) => Some(&kept.upper),
                Changes::Refused | Changes::Memory => None,
            };
            for from in layers.lower.iter().chain(kept) {
                shown.other(launch, from, layers.to)?;
            }
        }
        if let HostUse::Tree(deep) = from_host {
            shown.other(launch, &deep.from, &deep.from)?;
        }
    }
    Ok(shown)
}

impl Shown {
    fn other(
        &mut self,
        launch: &Launch<'_>,
        from: &HostText,
        to: &HostText,
    ) -> Result<(), Problem> {
        let (from, to) = (launch.caller.path(from)?, launch.caller.path(to)?);
        // The launch has reported what is missing, or left it out.
        let Ok(place) = launch.paths.open(from.as_str().as_bytes()) else { return Ok(()) };
        let from = launch.paths.real(from.as_str().as_bytes(), &*place).about(from.as_str())?;
        self.trees.push(Tree { from, to: to.as_str().into(), is_bound: false });
        Ok(())
    }

    /// Adds the jail's layers over folders: a layer shows another file than the folder below it.
    pub(super) fn add_layers<'p>(&mut self, places: impl Iterator<Item = &'p [u8]>) {
        for to in places {
            let from = |tree: &Tree| Some([&tree.from, to.strip_prefix(&*tree.to)?].concat());
            let bound = self.trees.iter().filter(|tree| tree.is_bound);
            let found: Vec<Vec<u8>> = bound.filter_map(from).collect();
            let layer = |from| Tree { from, to: to.into(), is_bound: false };
            self.trees.extend(found.into_iter().map(layer));
        }
    }

    /// Masks all of them, when everything else is in place.
    pub(super) fn mask(self, launch: &Launch<'_>, root: &Root) -> Result<(), Failure> {
        let Some(masks) = launch.masks else { return Ok(()) };
        let failed = |problem| masks.failed(launch.steps, problem);
        for place in masks.places(launch.steps)? {
            let path = [&masks.folder, b"/".as_slice(), &place.path].concat();
            for tree in &self.trees {
                let [from, to] =
                    [&tree.from, &tree.to].map(|way| way.strip_suffix(b"/").unwrap_or(way));
                let below = path.strip_prefix(from).filter(|below| below.starts_with(b"/"));
                let to = below.map(|below| [to, below].concat());
                if let Some(to) = to.filter(|to| !self.granted.contains(to)) {
                    cover(place, &path, &to, tree.is_bound, root).map_err(failed)?;
                }
            }
        }
        Ok(())
    }
}

fn cover(
    place: &Place,
    path: &[u8],
    to: &[u8],
    is_bound: bool,
    root: &Root,
) -> Result<(), Problem> {
    let is_it = |found: Identity| found == Identity::from(place.identity);
    let seen = || {
        let found = root.open_itself(to).ok();
        found.filter(|it| !is_bound || Identity::from_file(it).is_ok_and(is_it))
    };
    // What is pinned has another mount afterwards.
    if place.how != How::Loose && seen().is_some() {
        root.pin(to)?;
    }
    let Some(found) = seen() else {
        // Something else of the spec covers it, unless it was moved away meanwhile.
        let there = statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        let is_there = !is_bound || there.is_ok_and(|stat| is_it(Identity::from(&stat)));
        return is_there.then_some(()).ok_or_else(|| {
            Problem::new(path, "it was moved or replaced while the jail was made")
                .help("start again")
        });
    };
    if place.how == How::Way {
        let itself = tree::clone_tree(&found, Depth::All).about(to)?;
        return move_to(itself, found).about(to);
    }
    root.with_file(b"", MODE, |folder, name| {
        let empty = tree::clone_child(folder, name, Depth::One)?;
        tree::confine(&empty, Attributes::READ_ONLY)?;
        move_to(empty, &found)
    })
    .about(to)
}
