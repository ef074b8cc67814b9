//! Work on the host before the namespaces exist, with the user's rights, and how paths of the host are opened.

mod accounts;
mod folder;
mod helper;
mod lock;
pub(crate) mod named;
mod no_project;
mod own_state;
mod shared;
mod state;
mod surroundings;
mod walk;
mod worktree;

use jail_plan::helper::Learned;
use jail_plan::{Access, HostOp, InsideOp, LandlockRule, Namespace, Plan};

pub(crate) use accounts::{Accounts, accounts};
pub(crate) use folder::Folder;
pub(crate) use helper::{Helper, listener};
pub(crate) use lock::hold;
pub(crate) use own_state::OwnState;
pub(crate) use shared::{Fault, Lost, Pair, SharedFiles, Side};
pub(crate) use state::is_first;
pub(crate) use walk::{Identity, WritableTrees, open, read, read_to_end};
pub(crate) use worktree::{SharedGit, shared_git};

use crate::caller::Caller;
use crate::failure::{Failure, Problem};
use crate::namespaces::has;
use crate::steps::Steps;

/// Carries out the operations of the phase `before`. What the helper leaves changes the plan, where the plan has a place for it,
/// and what the caller says.
pub(crate) fn prepare(
    plan: &mut Plan,
    caller: &mut Caller<'_>,
    helper: Option<&Helper<'_>>,
) -> Result<(), Failure> {
    let steps = Steps::of(plan);
    let mut trees = writable_trees(plan, caller);
    for (index, op) in core::mem::take(&mut plan.before).iter().enumerate() {
        let learned = perform(op, index, caller, &trees, helper)
            .map_err(|problem| steps.host(index, op, problem))?;
        let Some(Learned { variables, changes }) = learned else { continue };
        caller.learn(variables);
        plan.change(changes)
            .map_err(|why| steps.host(index, op, Problem::new("RUNTIME_ARGS", why)))?;
        trees = writable_trees(plan, caller);
    }
    Ok(())
}

fn perform(
    op: &HostOp,
    index: usize,
    caller: &Caller<'_>,
    trees: &WritableTrees,
    helper: Option<&Helper<'_>>,
) -> Result<Option<Learned>, Problem> {
    match op {
        HostOp::RefuseFolder(op) => folder::refuse(caller, op.home_allowed)?,
        HostOp::StateDirectory(op) => state::directory(caller.path(&op.path)?.as_str(), trees)?,
        HostOp::StateFile(op) => state::file(caller.path(&op.path)?.as_str(), trees)?,
        HostOp::StateLink(op) => {
            state::link(caller.path(&op.path)?.as_str(), caller.path(&op.to)?.as_str(), trees)?;
        }
        HostOp::Script(_) | HostOp::Bus(_) | HostOp::Channel(_) | HostOp::OpenUrls(_) => {
            let helper = helper.ok_or_else(|| Problem::new("", "the plan names no helper"))?;
            return helper.perform(index).map(Some);
        }
    }
    Ok(None)
}

/// What the plan lets the jail write on the host: where an earlier launch may have left symlinks.
///
/// A path that cannot be had stops the launch where it is used, so it is left out here.
pub(crate) fn writable_trees(plan: &Plan, caller: &Caller<'_>) -> WritableTrees {
    let mut trees = WritableTrees::default();
    for op in &plan.inside {
        match op {
            InsideOp::Bind(bind) if is_writable(bind.access) => {
                if let Ok(path) = caller.path(&bind.from) {
                    trees.add(path.as_str().into());
                }
            }
            InsideOp::SharedFile(shared) => {
                if let Ok(path) = caller.path(&shared.from) {
                    trees.add(path.as_str().into());
                }
            }
            InsideOp::OverlayKept(overlay) => {
                if let Ok(path) = caller.path(&overlay.upper) {
                    trees.add(path.as_str().into());
                }
            }
            InsideOp::Folder(folder) if is_writable(folder.access) => trees.add(b".".into()),
            InsideOp::BindArguments(op) if is_writable(op.access) => {
                named::arguments(caller).into_iter().flatten().for_each(|path| trees.add(path));
            }
            InsideOp::BindVariable(op) if is_writable(op.access) => {
                named::variable(op, caller).into_iter().flatten().for_each(|path| trees.add(path));
            }
            InsideOp::Worktree(_) => {
                if let Ok(Some(SharedGit { path, .. })) = shared_git() {
                    trees.add(path);
                }
            }
            InsideOp::Bind(_)
            | InsideOp::Folder(_)
            | InsideOp::BindArguments(_)
            | InsideOp::BindVariable(_)
            | InsideOp::Deep(_)
            | InsideOp::OverlayReadOnly(_)
            | InsideOp::OverlayInMemory(_)
            | InsideOp::Session(_)
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
            | InsideOp::Loopback(_)
            | InsideOp::HostSocket(_)
            | InsideOp::Queues(_)
            | InsideOp::RuntimeArguments(_) => {}
        }
    }
    if !has(plan, Namespace::Mount) {
        ruled_trees(plan, caller, &mut trees);
    }
    trees
}

/// Without mounts of its own the jail may write where the rules say so, under the host's own names.
fn ruled_trees(plan: &Plan, caller: &Caller<'_>, trees: &mut WritableTrees) {
    for rule in &plan.landlock.rules {
        match rule {
            LandlockRule::Path(place) if place.reach.writes() => {
                if let Ok(path) = caller.path(&place.path) {
                    trees.add(path.as_str().into());
                }
            }
            LandlockRule::Folder(found) if found.reach.writes() => trees.add(b".".into()),
            LandlockRule::Path(_)
            | LandlockRule::Folder(_)
            | LandlockRule::Bound(_)
            | LandlockRule::Closure(_)
            | LandlockRule::Standard(_) => {}
        }
    }
}

fn is_writable(access: Access) -> bool {
    match access {
        Access::ReadOnly => false,
        Access::ReadWrite | Access::Device => true,
    }
}
