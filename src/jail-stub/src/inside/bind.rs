//! Sources from the host: opened, cloned, confined, and later attached inside.

use alloc::vec;
use alloc::vec::Vec;

use jail_plan::{Access, Bind, Folder, HostUse, Missing, SharedFile};
use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use crate::failure::{About, Problem};
use crate::host::{self, SharedGit};
use crate::inside::tree::{self, BindKind, Depth};
use crate::inside::{Launch, Root, overlay, session};
use crate::sys::{self, Attributes};

/// A detached clone of something of the host, and its place.
pub(crate) struct Source {
    tree: OwnedFd,
    pub(crate) kind: BindKind,
    access: Access,
    /// The place inside.
    pub(crate) to: Vec<u8>,
    /// A place below it at which nothing of the host may be visible.
    covered: Vec<Vec<u8>>,
    /// For a folder that may be written, or in which something is masked: its path on
    /// the host, without links.
    pub(crate) from: Vec<u8>,
    /// What is written goes elsewhere.
    pub(crate) is_staged: bool,
}

impl Source {
    /// The places of a folder of the host that may be written, on the host and inside.
    pub(crate) fn writable(&self) -> Option<(&[u8], &[u8])> {
        match (self.kind, self.access) {
            (BindKind::Folder, Access::ReadWrite | Access::Device) if !self.is_staged => {
                Some((&self.from, &self.to))
            }
            (BindKind::Folder | BindKind::File, _) => None,
        }
    }

    pub(crate) fn attach(self, root: &mut Root) -> Result<(), Problem> {
        root.attach_at(self.tree, &self.to, self.kind)?;
        match (self.kind, self.access) {
            (BindKind::Folder, Access::ReadWrite | Access::Device) => root.is_writable(self.to),
            (BindKind::Folder, Access::ReadOnly) | (BindKind::File, _) => {}
        }
        self.covered.iter().try_for_each(|covered| root.cover(covered, self.access))
    }
}

/// Clones what is bound from the host.
pub(crate) fn sources(host: HostUse<'_>, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    match host {
        HostUse::Path(op) => bind(op, launch),
        HostUse::File(op) => shared(op, launch),
        HostUse::Folder(op) => Ok(vec![folder(op, launch)?]),
        HostUse::Repository => worktree(launch),
        HostUse::Arguments(access) => {
            all_there(host::named::arguments(launch.caller)?, access, launch)
        }
        HostUse::Variable(op) => {
            all_there(host::named::variable(op, launch.caller)?, op.access, launch)
        }
        HostUse::Session(service) => session::sources(service, launch),
        // Each has its own code: a tree may become many mounts, an overlay is mounted once there is
        // a root, and the store has many paths.
        HostUse::Tree(_)
        | HostUse::Layers(_)
        | HostUse::Closure
        // And these are read.
        | HostUse::Copied(_)
        | HostUse::Identity
        | HostUse::Nothing => Ok(Vec::new()),
    }
}

/// For a file that cannot be shared by a copy.
fn shared(op: &SharedFile, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let (from, to) = (launch.caller.path(&op.from)?, launch.caller.path(&op.to)?);
    let (from, to) = (from.as_str().as_bytes(), to.as_str().as_bytes());
    let source = match launch.shared.pair_for(op) {
        // The folder is the same, and the file is whatever has its name now:
        // other launches replace it.
        Some(pair) => {
            let folder = launch.paths.open(&pair.folder_path)?;
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            match openat(&*folder, &pair.name, flags, Mode::empty()) {
                // There is no file yet, and perhaps none at the place inside.
                Err(Errno::NOENT) => return Ok(Vec::new()),
                place => clone(&place.about(from)?, from, to, Access::ReadWrite, launch)?,
            }
        }
        None => source(from, to, Access::ReadWrite, launch)?,
    };
    match source.kind {
        BindKind::File => Ok(vec![source]),
        BindKind::Folder => {
            Err(Problem::errno(from, Errno::ISDIR)
                .help("a folder of state is granted by `state-dir`"))
        }
    }
}

/// The same for a file that did not exist: it is made, empty, because otherwise there
/// would be nothing to bind.
pub(super) fn made(op: &SharedFile, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    if let Some(pair) = launch.shared.pair_for(op) {
        let folder = launch.paths.open(&pair.folder_path)?;
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        match openat(&*folder, &pair.name, flags, Mode::RUSR | Mode::WUSR) {
            Ok(_) | Err(Errno::EXIST) => {}
            Err(error) => {
                return Err(Problem::errno(launch.caller.path(&op.from)?.as_str(), error));
            }
        }
    }
    shared(op, launch)
}

fn bind(op: &Bind, launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let from = launch.caller.path(&op.from)?;
    let to = launch.caller.path(&op.to)?;
    match source(from.as_str().as_bytes(), to.as_str().as_bytes(), op.access, launch) {
        Ok(source) => Ok(vec![source]),
        Err(problem) if !problem.is(&[Errno::NOENT]) => Err(problem),
        Err(_) if op.missing == Missing::Skip => Ok(Vec::new()),
        Err(problem) => Err(problem.help(op.remedy())),
    }
}

/// The folder that the process was started in. It is taken as the process's own working folder,
/// which the kernel kept through the clone, and not opened by name again.
fn folder(op: &Folder, launch: &Launch<'_>) -> Result<Source, Problem> {
    let path = host::Folder::current()?.path;
    let to = match &op.to {
        Some(to) => launch.caller.path(to)?.as_str().into(),
        None => path.clone(),
    };
    let place = openat(CWD, c".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).about(&path)?;
    let covered = launch.own_state_in(&place, &path, op.access, &to)?;
    let tree = match &op.stage {
        Some(stage) => overlay::staged(stage, (place, !covered.is_empty()), &path, launch)?,
        None => tree::clone_at_folder(CWD).about(&path)?,
    };
    confine(&tree, op.access).about(&path)?;
    let (kind, access, is_staged) = (BindKind::Folder, op.access, op.stage.is_some());
    Ok(Source { tree, kind, access, to, covered, from: path, is_staged })
}

/// The folder that the worktrees of a repository share, with the
/// repository's hooks and configuration.
fn worktree(launch: &Launch<'_>) -> Result<Vec<Source>, Problem> {
    let Some(SharedGit { path, .. }) = launch.paths.repository() else { return Ok(Vec::new()) };
    Ok(vec![source(path, path, Access::ReadWrite, launch)?])
}

fn all_there(
    paths: Vec<Vec<u8>>,
    access: Access,
    launch: &Launch<'_>,
) -> Result<Vec<Source>, Problem> {
    let mut found = Vec::new();
    for path in paths {
        found.extend(if_there(&path, access, launch)?);
    }
    Ok(found)
}

fn if_there(path: &[u8], access: Access, launch: &Launch<'_>) -> Result<Option<Source>, Problem> {
    match source(path, path, access, launch) {
        Ok(source) => Ok(Some(source)),
        Err(problem) if problem.is(&[Errno::NOENT, Errno::NOTDIR, Errno::NAMETOOLONG]) => Ok(None),
        Err(problem) => Err(problem),
    }
}

/// Clones what is at `from` on the host, for the place `to` inside.
pub(crate) fn source(
    from: &[u8],
    to: &[u8],
    access: Access,
    launch: &Launch<'_>,
) -> Result<Source, Problem> {
    let place = launch.paths.open(from)?;
    clone(&place, from, to, access, launch)
}

/// Clones `place`, which is at `from` on the host.
fn clone(
    place: &OwnedFd,
    from: &[u8],
    to: &[u8],
    access: Access,
    launch: &Launch<'_>,
) -> Result<Source, Problem> {
    let kind = BindKind::from_file(place).about(from)?;
    let covered = launch.own_state_in(place, from, access, to)?;
    let tree = tree::clone_tree(place, Depth::All).about(from)?;
    confine(&tree, access).about(from)?;
    let from = match (kind, access) {
        (BindKind::Folder, Access::ReadOnly) if launch.masks.is_none() => Vec::new(),
        (BindKind::Folder, _) => launch.paths.real(from, place).about(from)?,
        (BindKind::File, _) => Vec::new(),
    };
    Ok(Source { tree, kind, access, to: to.into(), covered, from, is_staged: false })
}

/// Removes from a clone what its access does not include.
pub(crate) fn confine(tree: &OwnedFd, access: Access) -> Result<(), Errno> {
    match access {
        Access::ReadOnly => tree::confine(tree, Attributes::READ_ONLY),
        Access::ReadWrite => tree::confine(tree, 0),
        Access::Device => {
            let set = Attributes::NO_SUID;
            sys::set_attributes(tree, Attributes { set, clear: 0, recursive: true })
        }
    }
}
