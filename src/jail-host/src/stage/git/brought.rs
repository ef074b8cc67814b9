//! What commits bring that programs of the host execute or trust. It is in no file of the work tree
//! yet; but `git stash`, `git checkout` and their like write it there.

use super::super::change::Act;
use super::super::executed::Executed;
use super::super::layer::Layer;
use super::super::place::{Found, Kind as Stands, Tree, join, split};
use super::decision::{Brought, How, Plan};
use super::id::Id;
use super::index::differences;
use super::objects::{Fault, Store};
use super::refname::BRANCHES;
use super::refs::{Refs, Value};
use super::strict::{LINK, SUBMODULE};
use super::walk::commit;

/// Of more branches that are not checked out it is not said.
const LOOKED_MAX: usize = 50;

/// Notes it for each branch that moves, and for `HEAD`. What cannot be read is not moved.
pub(in super::super) fn note(
    plans: &mut [Plan],
    layer: &Layer,
    project: &Tree,
    executed: &Executed,
) {
    for plan in plans.iter_mut().filter(|plan| plan.is_done()) {
        if let Err(why) = one(plan, layer, project, executed) {
            plan.refused = Some(why);
        }
    }
}

fn one(plan: &mut Plan, layer: &Layer, project: &Tree, executed: &Executed) -> Result<(), String> {
    let said = |error: std::io::Error| error.to_string();
    let (path, length) = (plan.repository.as_slice(), plan.length);
    let store = Store::new(layer, project, path, length).map_err(said)?;
    let refs = Refs::read(project, path, length).map_err(said)?;
    let head = refs.head.as_ref().map(|(value, _)| value);
    let now = match head {
        Some(Value::Symbolic(name)) => refs.id(name),
        Some(Value::Is(_) | Value::Unreadable) | None => head.and_then(Value::id),
    };
    let looker = Looker { store: &store, executed, work: split(path).0 };
    let mut left = LOOKED_MAX;
    let is_branch = |name: &[u8]| name.starts_with(BRANCHES);
    for it in plan.moves.iter_mut().filter(|it| it.how == How::Moved && is_branch(&it.to)) {
        it.is_checked_out = head == Some(&Value::Symbolic(it.to.clone()));
        if !it.is_checked_out {
            let Some(one_less) = left.checked_sub(1) else { continue };
            left = one_less;
        }
        if let Some(after) = it.after {
            let brought = looker.brought(it.before.or(now), after);
            it.executed = brought.map_err(|fault| fault.to_string())?;
        }
    }
    if let Some(head) = plan.head.as_mut().filter(|head| head.refused.is_none())
        && let (_, Some(after)) = head.commits
    {
        let brought = looker.brought(now, after);
        head.executed = brought.map_err(|fault| fault.to_string())?;
    }
    Ok(())
}

struct Looker<'a> {
    store: &'a Store<'a>,
    executed: &'a Executed,
    /// The folder that the repository is for.
    work: &'a [u8],
}

impl Looker<'_> {
    fn brought(&self, before: Option<Id>, after: Id) -> Result<Vec<Brought>, Fault> {
        let tree = |id| commit(self.store, id).map(|commit| commit.tree);
        let before = before.map(tree).transpose()?;
        let mut all = Vec::new();
        for (path, (old, new)) in differences(self.store, before, tree(after)?)? {
            let Some((mode, id)) = new.filter(|(mode, _)| *mode != SUBMODULE) else { continue };
            let kind = if mode == LINK { Stands::Link } else { Stands::File };
            let found = Found {
                kind,
                mode: mode & 0o777,
                inode: 0,
                size: 0,
                modified: (0, 0),
                changed: (0, 0),
                owner: (0, 0),
            };
            let path = join(self.work, &path);
            let target = || {
                self.store.object(&id).map_or_else(
                    |_: Fault| b"/".to_vec(),
                    |(_, _, content)| content.as_ref().clone(),
                )
            };
            let was_program = old.is_some_and(|(mode, _)| mode == 0o100_755);
            let reason = self.executed.reason(&path, Some(&found), Act::New, target);
            let as_before = || was_program.then(|| self.executed.program()).flatten();
            all.extend(reason.or_else(as_before).map(|reason| (path, reason)));
        }
        Ok(all)
    }
}
