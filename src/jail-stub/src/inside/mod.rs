//! The operations inside the new namespaces, while the host can still be reached: they build the jail's root.
//!
//! Two rounds. First everything that is bound from the host is cloned, detached, before the new root is attached: so no
//! source can contain the new root, not even a bind of `/`. Then the operations run in the order of the plan.

mod bind;
mod closure;
mod device;
mod etc;
mod file;
mod process;
mod root;
mod socket;
mod tree;

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Closure, InsideOp, Namespace, Plan};

use rustix::fd::OwnedFd;

pub(crate) use root::Root;

use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::host::WritableTrees;
use crate::inside::bind::Source;
use crate::namespaces::has;
use crate::steps::{Fixed, Steps};
use crate::sys::{self, Attributes};

/// What the operations need to know of the launch.
pub(crate) struct Launch<'a> {
    pub(crate) caller: &'a Caller<'a>,
    pub(crate) trees: &'a WritableTrees,
    pub(crate) plan: &'a Plan,
    /// The socket that [`InsideOp::HostSocket`] places.
    pub(crate) listener: Option<&'a OwnedFd>,
    pub(crate) steps: Steps,
}

/// What was built.
pub(crate) struct Built {
    /// The new root.
    pub(crate) root: Root,
    /// Where the working folder is inside, if it is there.
    pub(crate) folder: Option<Vec<u8>>,
}

/// Builds the jail's root on a fresh tmpfs. The process still has the host's root afterwards; see [`Root::enter`].
pub(crate) fn build(launch: &Launch<'_>) -> Result<Built, Failure> {
    let ops = &launch.plan.inside;
    let failed = |index, op, problem| launch.steps.inside(index, op, problem);
    let mut sources = Vec::with_capacity(ops.len());
    for (index, op) in ops.iter().enumerate() {
        sources.push(bind::sources(op, launch).map_err(|problem| failed(index, op, problem))?);
    }
    let root = Root::new().map_err(|problem| launch.steps.fixed(Fixed::Root, "", problem))?;
    let mut built = Built { root, folder: None };
    for ((index, op), sources) in ops.iter().enumerate().zip(sources) {
        perform(op, sources, launch, &mut built).map_err(|problem| failed(index, op, problem))?;
    }
    Ok(built)
}

/// The operations of a plan without a mount namespace: none of them may be a mount.
pub(crate) fn without_root(launch: &Launch<'_>) -> Result<(), Failure> {
    for (index, op) in launch.plan.inside.iter().enumerate() {
        let result = match op {
            InsideOp::Loopback(_) => loopback(launch.plan),
            InsideOp::RuntimeArguments(_) => Ok(()),
            InsideOp::Bind(_)
            | InsideOp::Folder(_)
            | InsideOp::Worktree(_)
            | InsideOp::BindArguments(_)
            | InsideOp::BindVariable(_)
            | InsideOp::StoreClosure(_)
            | InsideOp::Tmpfs(_)
            | InsideOp::Proc(_)
            | InsideOp::Dev(_)
            | InsideOp::Directory(_)
            | InsideOp::File(_)
            | InsideOp::Copy(_)
            | InsideOp::Symlink(_)
            | InsideOp::Accounts(_)
            | InsideOp::RemountReadOnly(_)
            | InsideOp::HostSocket(_) => {
                Err(Problem::new("", "the plan has no mount namespace, so nothing can be mounted"))
            }
        };
        result.map_err(|problem| launch.steps.inside(index, op, problem))?;
    }
    Ok(())
}

fn perform(
    op: &InsideOp,
    sources: Vec<Source>,
    launch: &Launch<'_>,
    built: &mut Built,
) -> Result<(), Problem> {
    let caller = launch.caller;
    let root = &mut built.root;
    match op {
        InsideOp::Bind(_)
        | InsideOp::BindArguments(_)
        | InsideOp::BindVariable(_)
        | InsideOp::Worktree(_) => sources.into_iter().try_for_each(|source| source.attach(root)),
        InsideOp::Folder(_) => {
            built.folder = sources.first().map(|source| source.to.clone());
            sources.into_iter().try_for_each(|source| source.attach(root))
        }
        InsideOp::StoreClosure(_) => closure::attach(closure_of(launch.plan), root),
        InsideOp::Tmpfs(op) => root.tmpfs(caller.path(&op.to)?.as_str(), op.mode, op.size),
        InsideOp::Proc(op) => process::mount(caller.path(&op.to)?.as_str(), caller.uid, root),
        InsideOp::Dev(op) => {
            device::mount(caller.path(&op.to)?.as_str(), launch.plan.terminal, root)
        }
        InsideOp::Directory(op) => root.directory(caller.path(&op.to)?.as_str(), op.mode),
        InsideOp::File(op) => {
            file::write(root, caller.path(&op.to)?.as_str(), op.content.as_bytes(), op.mode)
        }
        InsideOp::Copy(op) => file::copy(op, launch, root),
        InsideOp::Symlink(op) => file::link(root, caller.path(&op.to)?.as_str(), &op.target),
        InsideOp::Accounts(op) => etc::accounts(&op.shell, caller, root),
        InsideOp::RemountReadOnly(op) => read_only(root, caller.path(&op.to)?.as_str()),
        InsideOp::Loopback(_) => loopback(launch.plan),
        InsideOp::HostSocket(op) => socket::place(caller.path(&op.to)?.as_str(), launch, root),
        // The operations that scripts added stand before it by now.
        InsideOp::RuntimeArguments(_) => Ok(()),
    }
}

fn closure_of(plan: &Plan) -> &Closure {
    &plan.closure
}

/// Loopback is brought up where the network namespace is made; here is only what cannot be.
fn loopback(plan: &Plan) -> Result<(), Problem> {
    if has(plan, Namespace::Net) {
        return Ok(());
    }
    Err(Problem::new("lo", "the jail shares the host's network, whose interfaces are not its own"))
}

fn read_only(root: &Root, path: &str) -> Result<(), Problem> {
    let place = root.open(path.as_bytes())?;
    let attributes = Attributes { set: Attributes::READ_ONLY, ..Attributes::default() };
    sys::set_attributes(place, attributes).about(path)
}

/// `/proc/sys` from `/proc` and `sys`.
fn join(folder: &str, name: &str) -> String {
    let folder = folder.strip_suffix('/').unwrap_or(folder);
    [folder, "/", name].concat()
}
