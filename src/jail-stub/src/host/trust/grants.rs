//! Every tree of the host that a plan gives the jail for writing.

use alloc::vec::Vec;

use jail_plan::{
    Access, Changes, Handled, HostUse, InsideOp, LandlockRule, Namespace, Plan, Service, Step,
};
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::Store;
use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::host::paths::{HostPaths, path_of};
use crate::host::{Folder, SharedGit, named, walk};
use crate::inside::session_devices;
use crate::namespaces::has;
use crate::steps::{Fixed, Steps};

/// A tree that the jail may write.
pub(crate) struct Grant<'a> {
    pub(crate) wanted: Wanted<'a>,
    pub(crate) what: What,
}

/// The part of the plan that grants it.
#[derive(Clone, Copy)]
pub(crate) enum Wanted<'a> {
    /// The operation inside with this number.
    Operation(usize, &'a Step<InsideOp>),
    /// A rule, from this entry.
    Rule(&'a str),
}

/// Where it is on the host.
pub(crate) enum What {
    /// At this path.
    Path(Vec<u8>),
    /// A file that others replace at this path.
    File(Vec<u8>),
    /// The working folder.
    Folder,
    /// The repository of the working folder.
    Repository,
}

impl What {
    /// The path by which it is named, where the plan or the launcher names one.
    pub(crate) fn path(&self) -> Option<&[u8]> {
        match self {
            Self::Path(path) | Self::File(path) => Some(path),
            Self::Folder => Some(b"."),
            Self::Repository => None,
        }
    }
}

/// What the plan grants. A path that cannot be resolved stops the launch where it is
/// used, so it is left out here.
pub(crate) fn grants<'a>(plan: &'a Plan, caller: &Caller<'_>) -> Vec<Grant<'a>> {
    let mut grants = Vec::new();
    for (index, step) in plan.inside.iter().enumerate() {
        let wanted = Wanted::Operation(index, step);
        grants.extend(given_by(&step.op, caller).into_iter().map(|what| Grant { wanted, what }));
    }
    if !has(plan, Namespace::Mount) {
        grants.extend(ruled(plan, caller));
    }
    grants
}

fn given_by(op: &InsideOp, caller: &Caller<'_>) -> Vec<What> {
    let path = |text: &_| caller.path(text).map(|path| path.as_str().as_bytes().to_vec()).ok();
    let paths = |found: Result<Vec<Vec<u8>>, Problem>| {
        found.into_iter().flatten().map(What::Path).collect()
    };
    match op.host_use() {
        HostUse::Path(bind) if is_writable(bind.access) => {
            path(&bind.from).map(What::Path).into_iter().collect()
        }
        HostUse::File(file) => path(&file.from).map(What::File).into_iter().collect(),
        HostUse::Layers(layers) => match layers.changes {
            Changes::Kept(kept) => path(&kept.upper).map(What::Path).into_iter().collect(),
            Changes::Refused | Changes::Memory => Vec::new(),
        },
        HostUse::Folder(folder) if is_writable(folder.access) => Vec::from([What::Folder]),
        HostUse::Arguments(access) if is_writable(access) => paths(named::arguments(caller)),
        HostUse::Variable(op) if is_writable(op.access) => paths(named::variable(op, caller)),
        HostUse::Repository => Vec::from([What::Repository]),
        HostUse::Session(service) => match service {
            // Folders of devices are bound unchanged: root could make something in them.
            Service::Gpu | Service::Camera => paths(session_devices(service)),
            Service::Wayland
            | Service::X11
            | Service::Pulse
            | Service::Pipewire
            | Service::SshAgent
            | Service::GpgAgent
            | Service::NixDaemon
            | Service::SessionBus
            | Service::FilteredSessionBus
            | Service::FilteredSystemBus
            | Service::SystemBus => Vec::new(),
        },
        HostUse::Path(_)
        | HostUse::Folder(_)
        | HostUse::Arguments(_)
        | HostUse::Variable(_)
        | HostUse::Tree(_)
        | HostUse::Copied(_)
        | HostUse::Identity
        | HostUse::Closure
        | HostUse::Nothing => Vec::new(),
    }
}

/// Without mounts of its own, the jail may write where the rules allow it, under the host's own
/// names; and everywhere if there are no rules.
fn ruled<'a>(plan: &'a Plan, caller: &Caller<'_>) -> Vec<Grant<'a>> {
    let mut grants = Vec::new();
    if !plan.landlock.handles.contains(&Handled::Writes) {
        let what = What::Path(b"/".to_vec());
        grants.push(Grant { wanted: Wanted::Rule(&plan.landlock.by), what });
    }
    for rule in &plan.landlock.rules {
        match rule {
            LandlockRule::Path(place) if place.reach.writes() => {
                if let Ok(path) = caller.path(&place.path) {
                    let what = What::Path(path.as_str().into());
                    grants.push(Grant { wanted: Wanted::Rule(&place.by), what });
                }
            }
            LandlockRule::Folder(found) if found.reach.writes() => {
                grants.push(Grant { wanted: Wanted::Rule(&found.by), what: What::Folder });
            }
            LandlockRule::Path(_)
            | LandlockRule::Folder(_)
            | LandlockRule::Bound(_)
            | LandlockRule::Closure(_)
            | LandlockRule::Standard(_) => {}
        }
    }
    grants
}

fn is_writable(access: Access) -> bool {
    match access {
        Access::ReadOnly => false,
        Access::ReadWrite | Access::Device => true,
    }
}

/// Records all of them before the jail is given any. What cannot be opened is left out: it stops
/// the launch where it is used, or does not exist for this launch, even if it appears meanwhile.
pub(crate) fn record(
    plan: &Plan,
    grants: &[Grant<'_>],
    paths: &HostPaths<'_>,
    store: &Store,
) -> Result<(), Failure> {
    let steps = Steps::from_plan(plan);
    for Grant { wanted, what } in grants {
        add(what, plan, paths, store).map_err(|problem| match wanted {
            Wanted::Rule(by) => steps.fixed(Fixed::Landlock, by, problem),
            Wanted::Operation(index, step) => steps.inside(*index, step, problem),
        })?;
    }
    Ok(())
}

fn add(what: &What, plan: &Plan, paths: &HostPaths<'_>, store: &Store) -> Result<(), Problem> {
    match what {
        What::Path(path) => match paths.open(path) {
            Ok(place) => store.add(&plan.name, &place, &path_of(&*place).about(path)?),
            Err(_) => Ok(()),
        },
        // Its name is what is known, whichever file has it now.
        What::File(path) => match walk::levels(path, paths.trees()).map(|mut all| all.pop()) {
            Ok(Some(file)) => store.add(&plan.name, &file.place, &file.path),
            Ok(None) | Err(_) => Ok(()),
        },
        What::Folder => {
            let folder = Folder::current()?.path;
            store.add(&plan.name, &here().about(&folder)?, &folder)
        }
        What::Repository => {
            let Some(SharedGit { path, place, is_granted }) = paths.repository() else {
                return Ok(());
            };
            store.add(&plan.name, place, path)?;
            // What only this launch may write anyway, no earlier jail could.
            if *is_granted {
                return Ok(());
            }
            let folder = Folder::current()?.path;
            store.add_worktree(&plan.name, (&here().about(&folder)?, &folder), place)
        }
    }
}

fn here() -> Result<rustix::fd::OwnedFd, rustix::io::Errno> {
    openat(CWD, c".", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}
