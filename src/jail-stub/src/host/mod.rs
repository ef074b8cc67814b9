//! Work on the host before the namespaces exist, with the user's rights, and how paths of the host are opened.

mod accounts;
mod folder;
mod state;
mod walk;

use jail_plan::{Access, HostOp, InsideOp, Plan};

pub(crate) use accounts::{Accounts, accounts};
pub(crate) use folder::Folder;
pub(crate) use walk::{WritableTrees, open, read, read_to_end};

use crate::caller::Caller;
use crate::failure::{Failure, Problem};
use crate::steps::Steps;

/// Carries out the operations of the phase `before`.
pub(crate) fn prepare(
    plan: &Plan,
    caller: &Caller<'_>,
    trees: &WritableTrees,
    steps: Steps,
) -> Result<(), Failure> {
    for (index, op) in plan.before.iter().enumerate() {
        perform(op, caller, trees).map_err(|problem| steps.host(index, op, problem))?;
    }
    Ok(())
}

fn perform(op: &HostOp, caller: &Caller<'_>, trees: &WritableTrees) -> Result<(), Problem> {
    match op {
        HostOp::RefuseFolder(op) => folder::refuse(caller, op.home_allowed),
        HostOp::StateDirectory(op) => state::directory(caller.path(&op.path)?.as_str(), trees),
        HostOp::StateFile(op) => state::file(caller.path(&op.path)?.as_str(), trees),
    }
}

/// What the plan lets the jail write on the host: where an earlier launch may have left symlinks.
pub(crate) fn writable_trees(plan: &Plan, caller: &Caller<'_>) -> WritableTrees {
    let mut trees = WritableTrees::default();
    for op in &plan.inside {
        match op {
            InsideOp::Bind(bind) if bind.access != Access::ReadOnly => {
                // A path that cannot be expanded stops the launch where it is used.
                if let Ok(path) = caller.path(&bind.from) {
                    trees.add(path.as_str());
                }
            }
            InsideOp::Folder(folder) if folder.access != Access::ReadOnly => trees.add("."),
            InsideOp::Bind(_)
            | InsideOp::Folder(_)
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
            | InsideOp::Loopback(_) => {}
        }
    }
    trees
}
