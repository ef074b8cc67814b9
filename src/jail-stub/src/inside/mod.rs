//! The operations inside the new namespaces, while the host can still be reached:
//! they build the jail's root.
//!
//! Two rounds. First everything that is bound from the host is cloned, detached, before the new
//! root is attached: so no source can contain the new root, not even a bind of `/`. Then the
//! operations run in the order of the plan.

mod bind;
mod closure;
mod deep;
mod device;
mod etc;
mod file;
mod git;
mod given;
mod kept;
mod listing;
mod masks;
mod order;
mod overlay;
mod point;
mod process;
mod quota;
mod refused;
mod root;
mod session;
mod shared;
mod socket;
pub(crate) mod tree;

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::git::is_apart;
use jail_plan::{
    Access, HostUse, InsideOp, KeptOverlay, Namespace, Origin, Overlay, Place, Plan, Step,
};

use rustix::fd::{AsFd, OwnedFd};

pub(crate) use device::terminals;
pub(crate) use process::Switches;
pub(crate) use root::Root;
pub(crate) use session::devices as session_devices;

use crate::caller::Caller;
use crate::dedicated::Dedicated;
use crate::failure::{self, About, Failure, Problem};
use crate::host::{self, GitGuard, HostPaths, Masks, OwnState, SharedFiles};
use crate::inside::bind::Source;
use crate::inside::closure::Room;
use crate::inside::tree::BindKind;
use crate::namespaces::{self, has};
use crate::network;
use crate::steps::{Fixed, Steps};

/// What the operations need to know of the launch.
pub(crate) struct Launch<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) paths: &'a HostPaths<'a>,
    pub(crate) plan: &'a Plan,
    /// Where jailgen keeps its own state, which no jail may have, and its settings.
    pub(crate) own_state: &'a [OwnState],
    /// The files of the host that the jail gets copies of.
    pub(crate) shared: &'a SharedFiles<'a>,
    /// The process that determines which files are masked.
    pub(crate) masks: Option<&'a Masks<'a>>,
    /// The process that determines what of git is kept apart, in a repository.
    pub(crate) git: Option<&'a GitGuard<'a>>,
    /// The socket that [`InsideOp::HostSocket`] places.
    pub(crate) listener: Option<&'a OwnedFd>,
    /// What is made in the network namespace, if the plan has a network by name.
    pub(crate) network: Option<&'a network::Prepared<'a>>,
    /// The user that the payload runs as, if it is not the caller.
    pub(crate) dedicated: Option<&'a Dedicated<'a>>,
    pub(crate) steps: Steps,
}

impl Launch<'_> {
    /// What must be covered if `place` of the host, which was opened as `from`, is granted at `to`:
    /// the part of it that is jailgen's own.
    fn own_state_in(
        &self,
        place: impl AsFd,
        from: &[u8],
        access: Access,
        to: &[u8],
    ) -> Result<Vec<Vec<u8>>, Problem> {
        let (writes, place) = (access != Access::ReadOnly, place.as_fd());
        let real = || self.paths.real(from, place);
        let to = to.strip_suffix(b"/").unwrap_or(to);
        let mut covered = Vec::new();
        for own in self.own_state {
            let below = own.below(place, &real, writes, self.paths.trees())?;
            covered.extend(below.map(|below| [to, below].concat()));
        }
        Ok(covered)
    }

    /// The payload's user id inside.
    fn payload(&self) -> u32 {
        self.dedicated
            .as_ref()
            .map_or_else(|| namespaces::inside(self.plan, self.caller).0, |user| user.uid)
    }
}

/// What was built.
pub(crate) struct Built<'a> {
    /// The new root.
    pub(crate) root: Root,
    /// Facts that only the launch could find out.
    pub(crate) places: Places,
    room: Room,
    /// What of git is kept apart, until everything else is in place.
    apart: Option<git::Apart<'a>>,
}

/// Places inside that the plan does not know.
#[derive(Default)]
pub(crate) struct Places {
    /// The working folder, if it is there.
    pub(crate) folder: Option<Vec<u8>>,
    /// What the operations on arguments and variables have bound.
    pub(crate) bound: Vec<Bound>,
}

/// A place, and the entry of the plan that put something there.
pub(crate) struct Bound {
    pub(crate) by: Origin,
    pub(crate) path: Vec<u8>,
}

/// Builds the jail's root on a fresh tmpfs. The process still has the host's
/// root afterwards; see [`Root::enter`].
pub(crate) fn build<'a>(launch: &Launch<'a>) -> Result<Built<'a>, Failure> {
    let ops = &launch.plan.inside;
    let failed = |index, step, problem| launch.steps.inside(index, step, problem);
    let mut sources = Vec::with_capacity(ops.len());
    let mut notes = Notes::default();
    for (index, step) in ops.iter().enumerate() {
        let found = found(&step.op, launch).map_err(|problem| failed(index, step, problem))?;
        notes.add(&step.op, &found);
        sources.push(found);
    }
    notes.print();
    let at_root = |problem| launch.steps.fixed(Fixed::Root, "", problem);
    let bound = || sources.iter().flat_map(|found: &HostParts| &found.sources);
    let kept = kept::find(launch, bound()).map_err(at_root)?;
    let apart = git::find(launch, bound()).map_err(at_root)?;
    let mut shown = masks::find(launch, bound()).map_err(at_root)?;
    if let Some(user) = &launch.dedicated {
        // From here on, nothing of the caller's is opened any more, and what is
        // made belongs to the payload.
        let failed = |problem| launch.steps.fixed(Fixed::Namespaces, user.by, problem);
        user.take_ids().map_err(failed)?;
    }
    let root = Root::new().map_err(at_root)?;
    let stored = apart.iter().flat_map(|apart| &apart.stored).map(|(_, path)| path.as_slice());
    let places = sources.iter().flat_map(HostParts::places).chain(stored);
    let room = Room::for_closure(&launch.plan.closure, places);
    let mut built = Built { root, places: Places::default(), room, apart };
    let mut parts: Vec<_> = ops.iter().enumerate().zip(sources).collect();
    order::settle(&mut parts, launch.caller);
    let mut done = Vec::with_capacity(parts.len());
    for ((index, step), sources) in parts {
        for_broker(launch, &done, Some(&step.op), &built).map_err(at_root)?;
        if let Some(masks) = launch.masks.filter(|_| built.apart.is_some() && is_apart(&step.op)) {
            // Nothing of these files is copied.
            masks.places(launch.steps)?;
        }
        perform(step, sources, launch, &mut built).map_err(|problem| {
            failed(index, step, in_the_way(problem, &step.op, &done, launch.caller))
        })?;
        done.push(step);
    }
    for_broker(launch, &done, None, &built).map_err(at_root)?;
    let kept = kept.into_iter().try_for_each(|file| file.attach(&mut built.root));
    let apart = built.apart.take();
    shown.add_layers(apart.iter().flat_map(git::Apart::layers));
    kept.and_then(|()| apart.map_or(Ok(()), |apart| apart.attach(&mut built.root)))
        .map_err(at_root)?;
    shown.mask(launch, &built.root)?;
    built.root.complete().map_err(at_root)?;
    Ok(built)
}

/// The files that the broker writes, before the place for them is read-only.
fn for_broker(
    launch: &Launch<'_>,
    done: &[&Step<InsideOp>],
    next: Option<&InsideOp>,
    built: &Built<'_>,
) -> Result<(), Problem> {
    refused::place(launch, done, next, built)?;
    given::place(launch, done, next, built)
}

/// Adds to a problem whose mount contains its place.
fn in_the_way(
    problem: Problem,
    op: &InsideOp,
    done: &[&Step<InsideOp>],
    caller: &Caller<'_>,
) -> Problem {
    let Some(around) = order::around(done, problem.object.as_bytes(), caller) else {
        return problem;
    };
    let problem = problem.lies_in(&around.by);
    // Its place is where it was started, so another order in the spec would change nothing.
    if op.place() == Place::Folder {
        return problem.help(
            "start it in a folder that lies elsewhere, or give this one another place inside: `(workspace \"/workspace\")`",
        );
    }
    problem
}

/// The operations of a plan without a mount namespace: none of them may be a mount.
pub(crate) fn without_root(launch: &Launch<'_>) -> Result<(), Failure> {
    for (index, step) in launch.plan.inside.iter().enumerate() {
        let result = match step.op.place() {
            Place::Network => loopback(launch.plan),
            Place::Nowhere => Ok(()),
            Place::Mount(_)
            | Place::Made(_)
            | Place::Files(_)
            | Place::Store
            | Place::Folder
            | Place::Repository
            | Place::Found => {
                Err(Problem::new("", "the plan has no mount namespace, so nothing can be mounted"))
            }
        };
        result.map_err(|problem| launch.steps.inside(index, step, problem))?;
    }
    Ok(())
}

fn perform(
    step: &Step<InsideOp>,
    found: HostParts,
    launch: &Launch<'_>,
    built: &mut Built<'_>,
) -> Result<(), Problem> {
    let caller = launch.caller;
    let (root, room) = (&mut built.root, built.room);
    let HostParts { sources, deep, overlay, identity } = found;
    match &step.op {
        InsideOp::OverlayReadOnly(Overlay { to, .. })
        | InsideOp::OverlayInMemory(Overlay { to, .. })
        | InsideOp::OverlayKept(KeptOverlay { to, .. }) => {
            let to = caller.path(to)?;
            overlay.map_or(Ok(()), |layers| layers.attach(to.as_str(), root))
        }
        InsideOp::Deep(_) => deep.map_or(Ok(()), |found| found.attach(root)),
        InsideOp::SharedFile(op) if shared::place(op, launch, root)? => Ok(()),
        InsideOp::SharedFile(op) => {
            let sources = if sources.is_empty() { bind::made(op, launch)? } else { sources };
            sources.into_iter().try_for_each(|source| source.attach(root))
        }
        InsideOp::Bind(_) => sources.into_iter().try_for_each(|source| source.attach(root)),
        InsideOp::BindArguments(_)
        | InsideOp::BindVariable(_)
        | InsideOp::Session(_)
        | InsideOp::Worktree => {
            let bound = |source: &Source| Bound { by: step.by.clone(), path: source.to.clone() };
            built.places.bound.extend(sources.iter().map(bound));
            sources.into_iter().try_for_each(|source| source.attach(root))
        }
        InsideOp::Folder(_) => {
            built.places.folder = sources.first().map(|source| source.to.clone());
            sources.into_iter().try_for_each(|source| source.attach(root))
        }
        InsideOp::StoreClosure => closure::attach(&launch.plan.closure, room, root),
        InsideOp::Tmpfs(op) => root.tmpfs(caller.path(&op.to)?.as_str(), op.mode, op.size),
        InsideOp::Proc(to) => process::mount(caller.path(to)?.as_str(), launch, root),
        InsideOp::Dev(to) => device::mount(caller.path(to)?.as_str(), launch.plan.terminal, root),
        InsideOp::ProcForSandboxes(to) => {
            let path = caller.path(to)?;
            process::mount_whole(path.as_str(), launch, root)?;
            process::mount(path.as_str(), launch, root)
        }
        InsideOp::Directory(op) => root.directory(caller.path(&op.to)?.as_str(), op.mode),
        InsideOp::File(op) => {
            file::write(root, caller.path(&op.to)?.as_str(), op.content.as_bytes(), op.mode)
        }
        InsideOp::Copy(op) => file::copy(op, launch, root),
        InsideOp::Symlink(op) => file::link(root, caller.path(&op.to)?.as_str(), &op.target),
        InsideOp::Accounts(op) => etc::accounts(&op.shell, launch, root),
        InsideOp::GitIdentity(to) => identity.map_or(Ok(()), |text| {
            file::write(root, caller.path(to)?.as_str(), text.as_bytes(), 0o444)
        }),
        InsideOp::MachineId(to) => {
            let path = caller.path(to)?;
            let id = process::machine_id().about(path.as_str())?;
            file::write(root, path.as_str(), id.as_bytes(), 0o444)
        }
        // The mounts that mask files are made when everything else is in place.
        InsideOp::RemountReadOnly(to) if launch.masks.is_some() => {
            let place = root.open(caller.path(to)?.as_str().as_bytes())?;
            root.read_only_in_the_end(place);
            Ok(())
        }
        InsideOp::RemountReadOnly(to) => root.read_only(caller.path(to)?.as_str().as_bytes()),
        InsideOp::Loopback => loopback(launch.plan),
        InsideOp::HostSocket(to) => socket::place(caller.path(to)?.as_str(), launch, root),
        InsideOp::Queues(to) => {
            let path = caller.path(to)?;
            let tree = tree::queues().about(path.as_str())?;
            root.attach(tree, path.as_str(), BindKind::Folder)
        }
        InsideOp::Git(_) | InsideOp::PrivateCopies(_) | InsideOp::FollowLinks => {
            built.apart.as_mut().map_or(Ok(()), |apart| apart.copy(launch, &mut built.root))
        }
        // The operations that scripts added come before it by now. And masked files are found
        // outside, and covered when everything else is in place.
        InsideOp::RuntimeArguments | InsideOp::Protect(_) | InsideOp::Mask(_) => Ok(()),
    }
}

/// What an operation takes from the host.
#[derive(Default)]
struct HostParts {
    sources: Vec<Source>,
    deep: Option<deep::DeepTree>,
    overlay: Option<overlay::Layers>,
    /// The configuration of [`InsideOp::GitIdentity`].
    identity: Option<String>,
}

impl HostParts {
    /// Where they belong.
    fn places(&self) -> impl Iterator<Item = &[u8]> {
        let sources = self.sources.iter().map(|source| source.to.as_slice());
        sources.chain(self.deep.iter().map(|found| found.to.as_slice()))
    }
}

fn found(op: &InsideOp, launch: &Launch<'_>) -> Result<HostParts, Problem> {
    let mut parts = HostParts::default();
    match op.host_use() {
        HostUse::Tree(op) => parts.deep = deep::find(op, launch)?,
        HostUse::Layers(layers) => parts.overlay = Some(overlay::find(layers, launch)?),
        HostUse::Identity => parts.identity = host::git_identity(launch.caller, launch.paths),
        host => parts.sources = bind::sources(host, launch)?,
    }
    Ok(parts)
}

/// What the plan would show and the host lacks, reported in a line for each kind.
#[derive(Default)]
struct Notes {
    missing: Vec<&'static str>,
    dangling: Vec<Vec<u8>>,
}

impl Notes {
    fn add(&mut self, op: &InsideOp, found: &HostParts) {
        if let (InsideOp::Session(op), true) = (op, found.sources.is_empty()) {
            self.missing.push(op.service.description());
        }
        if let Some(deep) = &found.deep {
            self.dangling.extend(deep.dangling.iter().cloned());
        }
    }

    fn print(&self) {
        if !self.missing.is_empty() {
            failure::say(
                &["left out, because it is not here: ", &self.missing.join(", ")].concat(),
                None,
            );
        }
        if let Some(first) = self.dangling.first() {
            let others = match self.dangling.len() {
                1 => String::new(),
                more => alloc::format!(" and {} more", more - 1),
            };
            let first = String::from_utf8_lossy(first);
            failure::say(&["a symbolic link leads nowhere: ", &first, &others].concat(), None);
        }
    }
}

/// Loopback is brought up where the network namespace is made; here is only what cannot be.
fn loopback(plan: &Plan) -> Result<(), Problem> {
    if has(plan, Namespace::Net) {
        return Ok(());
    }
    Err(Problem::new("lo", "the jail shares the host's network, whose interfaces are not its own"))
}

/// `/proc/sys` from `/proc` and `sys`.
fn join(folder: &str, name: &str) -> String {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    [folder, "/", name].concat()
}
