//! Work on the host before the namespaces exist, with the user's rights, and how
//! paths of the host are opened.

mod accounts;
mod companion;
mod errand;
mod folder;
mod for_broker;
mod git;
mod helper;
mod identity;
mod lock;
mod masks;
pub(crate) mod named;
mod no_project;
mod own_state;
mod paths;
mod project;
mod pwd;
mod shared;
mod state;
mod subfolder;
mod surroundings;
mod trust;
mod walk;
mod worktree;

use jail_plan::helper::Learned;
use jail_plan::{HostOp, Ids, InsideOp, Plan, StateFile};

pub(crate) use accounts::{Accounts, accounts};
pub(crate) use errand::{Errand, gone};
pub(crate) use folder::Folder;
pub(crate) use for_broker::check as check_for_broker;
pub(crate) use git::GitGuard;
pub(crate) use helper::{Helper, ending, listener, wait};
pub(crate) use identity::configuration as git_identity;
pub(crate) use lock::hold;
pub(crate) use masks::Masks;
pub(crate) use own_state::OwnState;
pub(crate) use paths::{HostPaths, path_of};
pub(crate) use pwd::report as report_folder;
pub(crate) use shared::{Fault, Followed, Lost, SharedFiles, unconfined};
pub(crate) use state::is_first;
pub(crate) use subfolder::report as report_subfolder;
pub(crate) use surroundings::surroundings;
pub(crate) use trust::{Grant, Store, WritableTrees, grants, record};
pub(crate) use walk::{Identity, open};
pub(crate) use worktree::SharedGit;

use crate::caller::Caller;
use crate::failure::{Failure, Problem};
use crate::steps::Steps;

/// Performs the operations of the phase `before`. The results of the helper change the plan, at the
/// plan's place for them, and the caller's variables.
pub(crate) fn prepare(
    plan: &mut Plan,
    caller: &mut Caller<'_>,
    helper: Option<&Helper<'_>>,
    own_state: Option<&OwnState>,
) -> Result<(), Failure> {
    let steps = Steps::from_plan(plan);
    let operations = core::mem::take(&mut plan.before);
    let mut rest = operations.iter().enumerate();
    while rest.len() > 0 {
        // The trees are read again after each script: it may have taken long, and only the record
        // knows what other launches have granted.
        let store = Store::for_caller(caller);
        let trees = writable_trees(&grants(plan, caller), &store, &plan.closure.store);
        let mut after = None;
        for (index, step) in rest.by_ref() {
            let place = Before { caller, trees: &trees, helper, own_state, plan };
            let learned = perform(&step.op, index, &place)
                .map_err(|problem| steps.host(index, step, problem))?;
            if let Some(learned) = learned {
                after = Some((index, step, learned));
                break;
            }
        }
        let Some((index, step, Learned { variables, changes })) = after else { break };
        caller.learn(variables);
        plan.change(changes)
            .map_err(|why| steps.host(index, step, Problem::new("RUNTIME_ARGS", why)))?;
    }
    Ok(())
}

/// What the operations before the launch need to know.
struct Before<'a> {
    caller: &'a Caller<'a>,
    trees: &'a WritableTrees<'a>,
    helper: Option<&'a Helper<'a>>,
    own_state: Option<&'a OwnState>,
    plan: &'a Plan,
}

/// Whether the file has a counterpart inside, and its program makes it: some programs take an empty
/// file for a broken one. Otherwise it is bound or a rule names it, so it must exist.
fn is_followed(file: &StateFile, plan: &Plan) -> bool {
    let is_it = |op: &InsideOp| matches!(op, InsideOp::SharedFile(op) if op.from == file.path);
    !matches!(plan.ids, Ids::Dedicated(_)) && plan.inside.iter().any(|step| is_it(&step.op))
}

fn perform(op: &HostOp, index: usize, before: &Before<'_>) -> Result<Option<Learned>, Problem> {
    let Before { caller, trees, helper, own_state, plan } = *before;
    match op {
        HostOp::RefuseFolder(op) => folder::refuse(caller, op.home_allowed, own_state)?,
        HostOp::EnterProject => project::enter(caller)?,
        HostOp::StateDirectory(op) => {
            state::directory(caller.path(&op.path)?.as_str().as_bytes(), trees)?;
        }
        HostOp::StateFile(op) => {
            let path = caller.path(&op.path)?;
            let make = if is_followed(op, plan) { state::folder_of } else { state::file };
            make(path.as_str().as_bytes(), trees)?;
        }
        HostOp::StateLink(op) => {
            let path = caller.path(&op.path)?;
            state::link(path.as_str().as_bytes(), caller.path(&op.to)?.as_str(), trees)?;
        }
        // One is about the terminal, which is looked at later ([`crate::terminal::OutputFilter`]);
        // the other begins when the jail does ([`crate::handoff::Ledger`]).
        HostOp::FilterTerminal | HostOp::HandOff(_) => {}
        HostOp::Script(_)
        | HostOp::Bus(_)
        | HostOp::Channel(_)
        | HostOp::OpenUrls
        | HostOp::GitIdentity(_)
        | HostOp::LoginProfile(_) => {
            let helper = helper.ok_or_else(|| Problem::new("", "the plan names no helper"))?;
            return helper.perform(index).map(Some);
        }
    }
    Ok(None)
}

/// What the launch lets the jail write on the host, and what the record knows of other jails:
/// there, links may be planted.
pub(crate) fn writable_trees<'a>(
    grants: &[Grant<'_>],
    store: &'a Store,
    closure: &'a str,
) -> WritableTrees<'a> {
    let own = grants.iter().filter_map(|grant| grant.what.path());
    WritableTrees::new(own.map(<[u8]>::to_vec).collect(), store, closure)
}

/// The paths of the launch that `plan` has become, and the repository of the working folder,
/// which is looked up once.
pub(crate) fn paths<'a>(
    plan: &'a Plan,
    grants: &[Grant<'_>],
    caller: &Caller<'_>,
    store: &'a Store,
) -> Result<HostPaths<'a>, Failure> {
    let mut paths = HostPaths::new(writable_trees(grants, store, &plan.closure.store));
    let wanted =
        plan.inside.iter().enumerate().find(|(_, step)| matches!(step.op, InsideOp::Worktree));
    if let Some((index, step)) = wanted {
        let found = worktree::shared_git(caller, paths.trees())
            .map_err(|problem| Steps::from_plan(plan).inside(index, step, problem))?;
        found.into_iter().for_each(|repository| paths.set_repository(repository));
    }
    Ok(paths)
}
