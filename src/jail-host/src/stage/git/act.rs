//! Does what was decided about a repository: first the objects, then the references that lead to
//! them. What is killed in between has added objects that no reference leads to, or has moved some
//! of the references; the next application does the rest.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::syncfs;

use super::super::journal::Journal;
use super::super::layer::Layer;
use super::super::place::{Tree, join};
use super::decision::{Head, How, Move, Plan};
use super::id::Id;
use super::index::{Index, differences};
use super::objects::Store;
use super::pack::{self, Failure};
use super::place::{Refused, Room};
use super::refs::{Refs, Value};
use super::walk::{Walker, commit};

/// What came of one repository.
pub(in super::super) struct Outcome<'p> {
    pub(super) plan: &'p Plan,
    /// Why nothing of it was applied.
    pub(super) refused: Option<String>,
    /// Of each move that was to be done, and of `HEAD` at the end: why it was not.
    pub(super) moves: Vec<(&'p Move, Result<(), String>)>,
    pub(super) head: Option<Result<(), String>>,
}

impl Outcome<'_> {
    /// Whether nothing of what was decided is left to be done.
    pub(super) fn is_whole(&self) -> bool {
        let all = self.plan.moves.iter().all(Move::is_done);
        self.refused.is_none()
            && all
            && self.moves.iter().all(|(_, done)| done.is_ok())
            && self.plan.head.as_ref().is_none_or(|head| head.refused.is_none())
            && self.head.as_ref().is_none_or(Result::is_ok)
    }
}

/// Does it all.
pub(in super::super) fn apply<'p>(
    plans: &'p [Plan],
    layer: &Layer,
    project: &Tree,
    journal: &mut Journal,
    executed: bool,
) -> io::Result<Vec<Outcome<'p>>> {
    let mut count = 0;
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let mut all = Vec::new();
    for plan in plans {
        let (path, length) = (plan.repository.as_slice(), plan.length);
        let mut outcome = Outcome { plan, refused: None, moves: Vec::new(), head: None };
        outcome.refused.clone_from(&plan.refused);
        if plan.is_done() {
            let mut room = Room { project, path, length, journal: &mut *journal, count, time };
            if let Err(error) = one(&mut room, layer, &mut outcome, executed) {
                outcome.refused = Some(error.to_string());
            }
            count = room.count;
        }
        all.push(outcome);
    }
    Ok(all)
}

const BRINGS: &str = "it brings what programs outside execute or trust; `--yes-executed` moves it";

fn one(
    room: &mut Room<'_>,
    layer: &Layer,
    outcome: &mut Outcome<'_>,
    executed: bool,
) -> io::Result<()> {
    let plan = outcome.plan;
    let store = Store::new(layer, room.project, room.path, room.length)?;
    objects(room, &store, plan)?;
    let head = Refs::read(room.project, room.path, room.length)?.head.map(|(value, _)| value);
    let gone = |it: &&Move| it.how == How::Deleted;
    for it in plan.moves.iter().filter(|it| it.is_done() && !gone(it)) {
        let is_head = head == Some(Value::Symbolic(it.to.clone()));
        let done = match is_head && !executed && !it.executed.is_empty() {
            true => Err(BRINGS.into()),
            false => said(moved(room, &store, it, is_head)),
        };
        outcome.moves.push((it, done));
    }
    if let Some(head) = plan.head.as_ref().filter(|head| head.refused.is_none()) {
        outcome.head = Some(match !executed && !head.executed.is_empty() {
            true => Err(BRINGS.into()),
            false => said(to_head(room, &store, head)),
        });
    }
    if !plan.moves.iter().any(|it| gone(&it)) {
        return Ok(());
    }
    // With what was added just now.
    let store = Store::new(layer, room.project, room.path, room.length)?;
    let shallow = super::plan::shallow(room.project, room.path, room.length)?;
    let walker = Walker::new(&store, Vec::new(), shallow);
    for it in plan.moves.iter().filter(gone) {
        // A switch to another branch may not have been done after all.
        let is_checked_out = room.now(b"HEAD")? == Some(Value::Symbolic(it.to.clone()));
        let done = match it.before {
            Some(before) if !is_checked_out => delete(room, &walker, &it.to, before),
            _ => Err(Refused::Meanwhile),
        };
        outcome.moves.push((it, said(done)));
    }
    Ok(())
}

/// Deletes a branch if another one has its commits now: the move that would have given them to it
/// may have failed.
fn delete(
    room: &mut Room<'_>,
    walker: &Walker<'_>,
    name: &[u8],
    before: Id,
) -> Result<(), Refused> {
    let refs = Refs::read(room.project, room.path, room.length)?;
    let others = refs.branches().filter(|(other, _)| other != name);
    let others: Vec<Id> = others.map(|(_, id)| id).collect();
    if !walker.is_merged(before, &others) {
        let why = "the stage has deleted it, but no other branch has its commits";
        return Err(Refused::Failed(io::Error::other(why)));
    }
    room.delete(name, before)
}

fn said(done: Result<(), Refused>) -> Result<(), String> {
    done.map_err(|refused| refused.to_string())
}

/// Adds the objects, which are on the disk before anything leads to them.
fn objects(room: &mut Room<'_>, store: &Store<'_>, plan: &Plan) -> io::Result<()> {
    if plan.wanted.is_empty() {
        return Ok(());
    }
    let path = join(room.path, b"objects/pack");
    if room.project.found(&path)?.is_none() {
        room.make(&path)?;
    }
    let folder = room.project.folder(&path)?;
    let temporary = room.journal.temporary(room.count);
    let names = ["pack", "idx"].map(|end| format!("tmp_{end}{temporary}"));
    room.count += 1;
    let paths = names.each_ref().map(|name| join(&path, name.as_bytes()));
    room.journal.intend(paths.iter().map(|path| (path.as_slice(), None)))?;
    match pack::write(&folder, store, &plan.wanted, names.each_ref().map(String::as_str)) {
        Ok(()) => Ok(syncfs(&folder)?),
        Err(Failure::Fault(fault)) => Err(io::Error::other(fault.to_string())),
        Err(Failure::Failed(error)) => Err(error),
    }
}

fn moved(room: &mut Room<'_>, store: &Store<'_>, it: &Move, is_head: bool) -> Result<(), Refused> {
    let Some(after) = it.after else { return Err(Refused::Meanwhile) };
    room.swap(&it.to, it.before, after, is_head, |room| match is_head {
        true => check_out(room, store, it.before, after),
        false => Ok(()),
    })
}

fn to_head(room: &mut Room<'_>, store: &Store<'_>, head: &Head) -> Result<(), Refused> {
    let (before, after) = head.commits;
    // The branch may not have been moved after all.
    if let (Value::Symbolic(name), Some(after)) = (&head.after, after)
        && room.now(name)? != Some(Value::Is(after))
    {
        return Err(Refused::Meanwhile);
    }
    room.head(&head.before, &head.after, head.commits, |room| match after {
        Some(after) => check_out(room, store, before, after),
        None => Ok(()),
    })
}

/// Lets the index follow what is checked out.
fn check_out(
    room: &mut Room<'_>,
    store: &Store<'_>,
    before: Option<Id>,
    after: Id,
) -> Result<(), Refused> {
    let other =
        |error: &dyn std::fmt::Display| Refused::Failed(io::Error::other(error.to_string()));
    let tree = |id| commit(store, id).map(|commit| commit.tree).map_err(|fault| other(&fault));
    let differences = differences(store, before.map(tree).transpose()?, tree(after)?);
    let differences = differences.map_err(|fault| other(&fault))?;
    if differences.is_empty() {
        return Ok(());
    }
    // Nothing of git's changes it while the lock is held, so it is read then.
    let (project, path, length) = (room.project, room.path, room.length);
    let lock = room.lock(b"index", |file| {
        let mut index = Index::read(project, path, length)?;
        index.merge(&differences);
        index.write(file)
    })?;
    Ok(lock.commit()?)
}
