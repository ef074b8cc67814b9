//! Files that the jail may not write, though it may write the folder that contains them: its own
//! spec, and the files that it imports (escapes.md E18). jailgen writes their paths into its state
//! folder, which no jail sees, when it builds the jail. They are bound over themselves, read-only,
//! when everything else is in place.

use alloc::vec::Vec;

use jail_plan::{Access, KEPT};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host::Identity;
use crate::inside::bind::{Source, confine};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root};
use crate::reading::read_to_end;
use crate::resolve::{self, Scope};

/// The most files of specs that a jail has.
const BYTES_MAX: usize = 1024 * 1024;

/// A file that is kept, and a place that it has inside.
pub(crate) struct Kept {
    tree: OwnedFd,
    identity: Identity,
    to: Vec<u8>,
}

/// Finds what is kept, in what the jail may write of the host.
pub(crate) fn find<'s>(
    launch: &Launch<'_>,
    sources: impl Iterator<Item = &'s Source>,
) -> Result<Vec<Kept>, Problem> {
    let list = list(launch)?;
    let mut found = Vec::new();
    if list.is_empty() {
        return Ok(found);
    }
    let trees: Vec<_> = sources.filter_map(Source::writable).collect();
    for path in list.split(|byte| *byte == 0).filter(|path| path.starts_with(b"/")) {
        for (from, to) in &trees {
            let [from, to] = [from, to].map(|place| place.strip_suffix(b"/").unwrap_or(place));
            let rest = path.strip_prefix(from).filter(|rest| rest.starts_with(b"/"));
            if let Some(rest) = rest {
                found.extend(kept(path, [to, rest].concat())?);
            }
        }
    }
    Ok(found)
}

/// What jailgen has recorded for jails of this name. Empty if it has built none.
fn list(launch: &Launch<'_>) -> Result<Vec<u8>, Problem> {
    let Ok(state) = launch.caller.state_folder() else { return Ok(Vec::new()) };
    let path = state.file(&[KEPT, "/", &launch.plan.name].concat());
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match openat(CWD, &*path, flags, Mode::empty()) {
        Ok(file) => read_to_end(&file, BYTES_MAX).about(&path),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::ACCESS) => Ok(Vec::new()),
        Err(error) => Err(Problem::errno(&path, error)),
    }
}

/// A file that is gone, or that has become a link, is no longer the spec: jailgen asks
/// before it builds another one.
fn kept(path: &[u8], to: Vec<u8>) -> Result<Option<Kept>, Problem> {
    let place = match resolve::open(CWD, path, OFlags::PATH, Scope::Anywhere) {
        Ok(place) => place,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        Err(error) => return Err(Problem::errno(path, error)),
    };
    if BindKind::from_file(&place).about(path)? == BindKind::Folder {
        return Ok(None);
    }
    let tree = tree::clone_tree(&place, Depth::One).about(path)?;
    confine(&tree, Access::ReadOnly).about(path)?;
    Ok(Some(Kept { tree, identity: Identity::from_file(&place).about(path)?, to }))
}

impl Kept {
    /// Binds it over itself, if it is visible: something else may have been put in its place.
    pub(crate) fn attach(self, root: &mut Root) -> Result<(), Problem> {
        let seen =
            root.open(&self.to).and_then(|found| Identity::from_file(&found).about(&self.to));
        if seen.is_ok_and(|identity| identity == self.identity) {
            root.attach_at(self.tree, &self.to, BindKind::File)?;
        }
        Ok(())
    }
}
