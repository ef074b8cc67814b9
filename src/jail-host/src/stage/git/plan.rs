//! Decides which references of the project move: a comparison of what the layer says, what the
//! project has, and what the project had when the jail began.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;

use super::super::layer::Layer;
use super::super::place::{Kind as Stands, Tree, entries, join};
use super::decision::{Head, How, Move, Plan};
use super::format;
use super::id::Id;
use super::index::Index;
use super::known::{Known, Was};
use super::objects::{Fault, Kind, Store};
use super::refname::{self, BRANCHES};
use super::refs::{Refs, Statements, Value};
use super::walk::Walker;
use crate::handoff::report::shown;

/// More branches and tags are not moved at once.
const MOVES_MAX: usize = 1_000;
const TOO_MANY: &str = "only 1,000 branches and tags are moved at once";

/// Decides about one.
pub(in super::super) fn plan(
    layer: &Layer,
    project: &Tree,
    known: &Known,
    repository: Vec<u8>,
) -> Plan {
    if !format::is_repository(project, &repository) {
        let refused = "the project has no repository there; `git init` makes one";
        return Plan { repository, refused: Some(refused.into()), ..Plan::default() };
    }
    match decide(layer, project, known, &repository) {
        Ok(plan) => plan,
        Err(error) => Plan { repository, refused: Some(error.to_string()), ..Plan::default() },
    }
}

fn decide(layer: &Layer, project: &Tree, known: &Known, path: &[u8]) -> io::Result<Plan> {
    let length = format::length(project, path).map_err(io::Error::other)?;
    let statements = Statements::read(layer, path, length)?;
    let mut plan = Plan { repository: path.to_vec(), length, ..Plan::default() };
    let is_said = statements.head.is_some() || statements.packed.is_some();
    if !is_said && statements.names().next().is_none() {
        return Ok(plan);
    }
    let refs = Refs::read(project, path, length)?;
    let decider = Sides { layer, project, path, refs, statements, known: known.of(path) };
    let moved = decider.moved();
    let head = decider.head();
    if moved.is_empty() && head.is_none() {
        return Ok(plan);
    }
    if let Some(why) = format::under_way(project, path) {
        return Err(io::Error::other(why));
    }
    let store = Store::new(layer, project, path, length)?;
    let tips = decider.refs.tips().collect();
    let mut walker = Walker::new(&store, tips, shallow(project, path, length)?);
    decider.decide(&mut walker, moved, &mut plan);
    plan.head = head.and_then(|(before, after)| decider.to_head(&mut walker, &plan, before, after));
    plan.wanted = std::mem::take(&mut walker.wanted);
    Ok(plan)
}

/// The commits at which the project's history ends.
pub(super) fn shallow(project: &Tree, path: &[u8], length: usize) -> io::Result<HashSet<Id>> {
    let text = super::refs::read(project, &join(path, b"shallow"), 16 << 20)?;
    let text = text.map(|(text, _)| text).unwrap_or_default();
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let all = lines.map(|line| Id::parse(line, length)).collect::<Option<_>>();
    all.ok_or_else(|| io::Error::other("its list of shallow commits cannot be read"))
}

struct Sides<'a> {
    layer: &'a Layer,
    project: &'a Tree,
    path: &'a [u8],
    refs: Refs,
    statements: Statements,
    known: Option<&'a BTreeMap<Vec<u8>, Was>>,
}

/// What the base says of a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Base {
    Unknown,
    Nothing,
    Is(Value),
}

/// A reference that the stage has another value for, or has removed.
struct Moved {
    name: Vec<u8>,
    ours: Option<Value>,
    theirs: Option<Value>,
    base: Base,
}

impl Sides<'_> {
    fn base(&self, name: &[u8]) -> Base {
        let Some(known) = self.known else { return Base::Unknown };
        match known.get(name).map(|was| &was.value) {
            None => Base::Nothing,
            Some(Value::Unreadable) => Base::Unknown,
            Some(value) => Base::Is(value.clone()),
        }
    }

    /// What the layer itself says about a reference; nothing where what is seen there may be only
    /// what the project has written since then, or what the layer has kept of it.
    fn stated(&self, name: &[u8]) -> Option<Option<Value>> {
        if let Some(value) = self.statements.loose.get(name) {
            return Some(Some(value.clone()));
        }
        let was = self.known.and_then(|known| known.get(name));
        let is_loose = was.map_or_else(|| self.refs.loose.contains_key(name), |was| was.is_loose);
        let is_hidden = self.statements.hides(name);
        let value = |id: Option<&Id>| id.map(|id| Value::Is(*id));
        match &self.statements.packed {
            Some(packed) => {
                let now = packed.get(name);
                let is_old = was.is_some_and(|was| was.ours == Some(now.copied()));
                // Next to a file of the project's, the line may be an old one of the project's.
                let before = match (was, self.known) {
                    (Some(was), _) => was.packed,
                    (None, Some(_)) => None,
                    (None, None) => now.copied(),
                };
                let is_theirs = is_loose && !is_hidden && now.copied() == before;
                let is_shown = is_loose && !is_hidden && now.is_none();
                (!is_old && !is_theirs && !is_shown).then(|| value(now))
            }
            // The project may have packed it since the jail has deleted it.
            None if is_hidden && was.is_some_and(|was| was.is_loose) => Some(None),
            None => is_hidden.then(|| value(self.refs.packed.get(name))),
        }
    }

    /// The branches and tags that the stage has moved.
    fn moved(&self) -> Vec<Moved> {
        let mut names: BTreeSet<&[u8]> = self.refs.names();
        names.extend(self.statements.names());
        names.extend(self.known.into_iter().flat_map(BTreeMap::keys).map(Vec::as_slice));
        let is_ours = |name: &&[u8]| name.starts_with(BRANCHES) || name.starts_with(refname::TAGS);
        let mut all = Vec::new();
        for name in names.into_iter().filter(is_ours) {
            let Some(ours) = self.stated(name) else { continue };
            let (theirs, base) = (self.refs.value(name), self.base(name));
            let as_base = ours.clone().map_or(Base::Nothing, Base::Is);
            let is_news = ours != theirs && as_base != base;
            // That it is not there says nothing where it is not known that it was.
            if is_news && (ours.is_some() || base != Base::Unknown && theirs.is_some()) {
                all.push(Moved { name: name.to_vec(), ours, theirs, base });
            }
        }
        all
    }

    fn head(&self) -> Option<(Value, Value)> {
        let (ours, theirs) = (self.statements.head.clone()?, self.refs.head.clone()?.0);
        let base = self.base(b"HEAD");
        (ours != theirs && Base::Is(ours.clone()) != base).then_some((theirs, ours))
    }

    fn decide(&self, walker: &mut Walker<'_>, moved: Vec<Moved>, plan: &mut Plan) {
        let elsewhere = self.checked_out_elsewhere();
        let (gone, moved): (Vec<Moved>, Vec<Moved>) =
            moved.into_iter().partition(|it| it.ours.is_none());
        let too_many = |name| Move::new(name, How::Refused(TOO_MANY.into()));
        for it in moved {
            // Each is a walk of its own.
            if plan.moves.len() >= MOVES_MAX {
                plan.moves.push(too_many(it.name));
                continue;
            }
            let made = self.one(walker, it, &elsewhere, &plan.moves);
            plan.moves.extend(made);
        }
        self.hold_back_without_index(plan);
        let mut branches = self.branches(plan);
        for it in gone {
            if plan.moves.len() >= MOVES_MAX {
                plan.moves.push(too_many(it.name));
                continue;
            }
            let how = self.gone(walker, &it, &branches, &elsewhere);
            // What follows is not merged into it.
            if how == How::Deleted {
                branches.remove(&it.name);
            }
            let before = it.theirs.as_ref().and_then(Value::id);
            plan.moves.push(Move { before, ..Move::new(it.name, how) });
        }
    }

    /// What is checked out does not move where its index cannot follow.
    fn hold_back_without_index(&self, plan: &mut Plan) {
        let checked_out = match &self.refs.head {
            Some((Value::Symbolic(name), _)) => name,
            Some((Value::Is(_) | Value::Unreadable, _)) | None => return,
        };
        let is_it = |it: &&mut Move| it.how == How::Moved && it.to == *checked_out;
        if let Some(it) = plan.moves.iter_mut().find(is_it)
            && let Err(error) = self.index(plan.length)
        {
            it.how = How::Refused(error.to_string());
        }
    }

    fn index(&self, length: usize) -> io::Result<Index> {
        Index::read(self.project, self.path, length)
    }

    /// The branches of the project as they will be, before any is deleted.
    fn branches(&self, plan: &Plan) -> BTreeMap<Vec<u8>, Id> {
        let mut all: BTreeMap<Vec<u8>, Id> = self.refs.branches().collect();
        for it in plan.moves.iter().filter(|it| it.how == How::Moved) {
            if let (true, Some(after)) = (it.to.starts_with(BRANCHES), it.after) {
                all.insert(it.to.clone(), after);
            }
        }
        all
    }

    fn one(
        &self,
        walker: &mut Walker<'_>,
        it: Moved,
        elsewhere: &BTreeSet<Vec<u8>>,
        before: &[Move],
    ) -> Option<Move> {
        let refused = |why: String| Some(Move::new(it.name.clone(), How::Refused(why)));
        if !refname::is_taken_over(&it.name) {
            return refused("its name is not one that is taken over".into());
        }
        let Some(Value::Is(ours)) = it.ours else {
            return refused("it is not the name of an object".into());
        };
        let theirs = match it.theirs {
            Some(Value::Is(id)) => Some(id),
            None => None,
            Some(Value::Symbolic(_) | Value::Unreadable) => {
                return refused(
                    "the project's leads to another reference, or cannot be read".into(),
                );
            }
        };
        let is_branch = it.name.starts_with(BRANCHES);
        let new = match walker.reach(ours, is_branch.then_some(Kind::Commit)) {
            Ok(new) => new,
            Err(fault) => return refused(fault.to_string()),
        };
        let counted = match (is_branch, theirs) {
            (true, Some(theirs)) => walker.apart(ours, theirs),
            (true, None) => Ok((new, 0)),
            (false, _) => Ok((0, 0)),
        };
        let (ahead, behind) = match counted {
            Ok(counted) => counted,
            Err(fault) => return refused(fault.to_string()),
        };
        let how = match (theirs, &it.base) {
            (None, Base::Nothing | Base::Unknown) => How::Moved,
            (None, Base::Is(_)) => How::Aside("it was deleted here"),
            (Some(_), _) if !is_branch => How::Aside("a tag that is there is not moved"),
            (Some(theirs), Base::Is(Value::Is(base))) if *base == theirs => How::Moved,
            // The project has all of it.
            (Some(_), _) if ahead == 0 => return None,
            (Some(theirs), base) if behind == 0 && is_onward(walker, base, theirs) => How::Moved,
            (Some(_), _) => How::Aside("both sides have moved it"),
        };
        let how = match how {
            How::Moved if elsewhere.contains(&it.name) => {
                How::Aside("it is checked out in another work tree")
            }
            other => other,
        };
        if let (How::Moved, None) = (&how, theirs)
            && let Some(other) = self.in_the_way(&it.name)
        {
            return refused(format!("the project has {}", shown(other)));
        }
        if let (How::Moved, None) = (&how, theirs)
            && let Some(other) = before.iter().filter(|it| it.is_done()).find(|other| {
                refname::excludes(&other.to, &it.name) || refname::is_alike(&other.to, &it.name)
            })
        {
            return refused(format!("the project gets {}", shown(&other.to)));
        }
        let (to, before, how) = match how {
            How::Aside(why) => match self.aside(walker, &it.name, ours) {
                Some((to, before)) if before == Some(ours) => (to, before, How::Kept(why)),
                Some((to, before)) => (to, before, How::Aside(why)),
                None => return refused("it has no free name to be kept aside".into()),
            },
            how => (it.name.clone(), theirs, how),
        };
        let after = Some(ours);
        Some(Move { to, before, after, ahead, behind, ..Move::new(it.name, how) })
    }

    /// Another reference that cannot be there together with this one, or that git could take for
    /// the same: a tag `main` would come before the branch.
    fn in_the_way(&self, name: &[u8]) -> Option<&[u8]> {
        let names = self.refs.names();
        let is_it =
            |other: &&[u8]| refname::excludes(other, name) || refname::is_alike(other, name);
        names.into_iter().find(is_it)
    }

    /// A free name, or one that this follows, for what both sides have moved.
    fn aside(&self, walker: &Walker<'_>, name: &[u8], ours: Id) -> Option<(Vec<u8>, Option<Id>)> {
        const TRIED_MAX: usize = 100;
        let first = refname::aside(name);
        for number in 1..TRIED_MAX {
            let name = match number {
                1 => first.clone(),
                number => [first.as_slice(), format!(".{number}").as_bytes()].concat(),
            };
            match self.refs.value(&name) {
                None if self.in_the_way(&name).is_none() => return Some((name, None)),
                Some(Value::Is(there)) if there == ours || walker.is_merged(there, &[ours]) => {
                    return Some((name, Some(there)));
                }
                Some(_) | None => {}
            }
        }
        None
    }

    fn gone(
        &self,
        walker: &Walker<'_>,
        it: &Moved,
        branches: &BTreeMap<Vec<u8>, Id>,
        elsewhere: &BTreeSet<Vec<u8>>,
    ) -> How {
        let refused = |why: &str| How::Refused(why.into());
        let Some(Value::Is(theirs)) = it.theirs else { return refused("it cannot be read") };
        if !it.name.starts_with(BRANCHES) {
            return refused("the stage has deleted it; a tag that is there stays");
        }
        if it.base != Base::Is(Value::Is(theirs)) {
            return refused("the stage has deleted it, but it was moved here");
        }
        let head = self.refs.head.as_ref().map(|(value, _)| value);
        let is_checked_out = head == Some(&Value::Symbolic(it.name.clone()));
        if elsewhere.contains(&it.name) || is_checked_out && self.head().is_none() {
            return refused("the stage has deleted it, but it is checked out here");
        }
        let others = branches.iter().filter(|(name, _)| **name != it.name);
        let into: Vec<Id> = others.map(|(_, id)| *id).collect();
        match walker.is_merged(theirs, &into) {
            true => How::Deleted,
            false => refused("the stage has deleted it, but no other branch has its commits"),
        }
    }

    /// The branches that linked worktrees of the project have checked out.
    fn checked_out_elsewhere(&self) -> BTreeSet<Vec<u8>> {
        let folder = join(self.path, b"worktrees");
        let listed = self.project.folder(&folder).map_err(io::Error::from);
        let listed = listed.and_then(|opened| entries(&opened, 10_000).map_err(io::Error::from));
        let mut all = BTreeSet::new();
        for entry in listed.map(|(listed, _)| listed).unwrap_or_default() {
            let head = join(&join(&folder, &entry.name), b"HEAD");
            let text = super::refs::read(self.project, &head, 4096).ok().flatten();
            if let Some(Value::Symbolic(name)) =
                text.map(|(text, _)| super::refs::value(&text, crate::objects::SHA1))
            {
                all.insert(name);
            }
        }
        all
    }

    /// What `HEAD` is to say.
    fn to_head(
        &self,
        walker: &mut Walker<'_>,
        plan: &Plan,
        before: Value,
        after: Value,
    ) -> Option<Head> {
        let now = |value: &Value| match value {
            Value::Is(id) => Some(*id),
            Value::Symbolic(name) => {
                let moved = plan.moves.iter().find(|it| it.to == *name && it.how == How::Moved);
                moved.map_or_else(|| self.refs.id(name), |it| it.after)
            }
            Value::Unreadable => None,
        };
        let commits = (now(&before), now(&after));
        let refused = if self.base(b"HEAD") != Base::Is(before.clone()) {
            Some("both sides have moved it, so yours stays")
        } else if commits.0 != commits.1 && self.index(plan.length).is_err() {
            Some("the project's index cannot follow: it is split, sparse, or unknown")
        } else if self.is_under_way() {
            Some("something like a rebase is under way in the stage")
        } else {
            self.leads_wrong(walker, &after, commits.1)
        };
        Some(Head { before, after, commits, refused, executed: Vec::new() })
    }

    fn leads_wrong(
        &self,
        walker: &mut Walker<'_>,
        after: &Value,
        commit: Option<Id>,
    ) -> Option<&'static str> {
        match (after, commit) {
            (Value::Is(id), _) => {
                let reached = walker.reach(*id, Some(Kind::Commit));
                reached.err().map(|_: Fault| "its commit cannot be taken over")
            }
            (Value::Symbolic(name), Some(commit)) => {
                let is_same = self.statements.seen(&self.refs, name) == Some(Value::Is(commit));
                let is_branch = name.starts_with(BRANCHES) && refname::is_taken_over(name);
                (!is_same || !is_branch).then_some("its branch is not taken over")
            }
            (Value::Symbolic(_), None) => Some("its branch has no commit"),
            (Value::Unreadable, _) => Some("it cannot be read"),
        }
    }

    /// Whether the jail has begun something and not ended it.
    fn is_under_way(&self) -> bool {
        const NAMES: [&[u8]; 5] =
            [b"MERGE_HEAD", b"CHERRY_PICK_HEAD", b"REVERT_HEAD", b"rebase-merge", b"rebase-apply"];
        NAMES.iter().any(|name| {
            let found = self.layer.tree().found(&join(self.path, name)).ok().flatten();
            found.is_some_and(|found| found.kind != Stands::Whiteout)
        })
    }
}

/// Whether the project has only gone on from what the jail saw, so that what follows it loses
/// nothing.
fn is_onward(walker: &Walker<'_>, base: &Base, theirs: Id) -> bool {
    match base {
        Base::Unknown => true,
        Base::Is(Value::Is(base)) => walker.is_merged(*base, &[theirs]),
        Base::Is(Value::Symbolic(_) | Value::Unreadable) | Base::Nothing => false,
    }
}
