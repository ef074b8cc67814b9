//! Takes out of the layer what the project has now, so that the next jail sees what the project
//! does to it from then on.

use std::io;

use super::super::decide::Scope;
use super::super::layer::{Layer, Written};
use super::super::place::{Tree, join};
use super::super::prune;
use super::act::Outcome;
use super::known::{Known, Trust};
use super::refname::{BRANCHES, TAGS};
use super::refs::{Refs, Statements, Value};

/// Names in a repository that mean nothing more once all branches and tags are applied.
const SPENT: &[&[u8]] = &[
    b"AUTO_MERGE",
    b"COMMIT_EDITMSG",
    b"FETCH_HEAD",
    b"HEAD",
    b"ORIG_HEAD",
    b"gc.log",
    b"index",
    b"logs",
    b"objects",
    b"packed-refs",
    b"refs",
];

/// Learns what is there now, and takes it out.
pub(in super::super) fn settle(
    layer: &Layer,
    project: &Tree,
    known: &mut Known,
    outcomes: &[Outcome<'_>],
    scope: &Scope,
) {
    for outcome in outcomes.iter().filter(|outcome| outcome.refused.is_none()) {
        // What cannot be taken out stays, and says the same as the project.
        let _ = one(layer, project, known, outcome, scope);
    }
}

fn one(
    layer: &Layer,
    project: &Tree,
    known: &mut Known,
    outcome: &Outcome<'_>,
    scope: &Scope,
) -> io::Result<()> {
    let (path, length) = (outcome.plan.repository.as_slice(), outcome.plan.length);
    if length == 0 {
        return Ok(());
    }
    let refs = Refs::read(project, path, length)?;
    let statements = Statements::read(layer, path, length)?;
    if outcome.is_whole() && scope.is_all() && is_spent(layer, path, &refs, &statements)? {
        prune::remove(layer.tree(), path)?;
        let statements = Statements::default();
        known.learn(path, &refs, &statements, Trust { since: None, is_first: false });
        return Ok(());
    }
    known.learn(path, &refs, &statements, Trust { since: None, is_first: false });
    let is_ours = |name: &&&[u8]| name.starts_with(BRANCHES) || name.starts_with(TAGS);
    for name in refs.names().iter().filter(is_ours) {
        let is_in_file = refs.loose.contains_key(*name);
        if is_in_file && statements.seen(&refs, name) == refs.value(name) {
            take_out(layer, &join(path, name))?;
        }
    }
    let head = refs.head.map(|(value, _)| value);
    if statements.head.is_some() && statements.head == head {
        take_out(layer, &join(path, b"HEAD"))?;
    }
    Ok(())
}

/// Removes what the layer has there, if it is no folder.
fn take_out(layer: &Layer, path: &[u8]) -> io::Result<()> {
    use super::super::place::Kind;
    match layer.tree().found(path)? {
        Some(found) if found.kind != Kind::Folder => prune::remove(layer.tree(), path).map(drop),
        Some(_) | None => Ok(()),
    }
}

/// Whether the layer has nothing of the repository that would be lost.
fn is_spent(layer: &Layer, path: &[u8], refs: &Refs, statements: &Statements) -> io::Result<bool> {
    let is_known = |name: &[u8]| SPENT.contains(&name);
    let listed = layer.list(path, 10_000)?;
    let is_plain = listed.iter().all(|(entry, _, written)| {
        // What is deleted there is what git itself deletes.
        is_known(&entry.name) || *written == Written::Gone
    });
    let stays = |value: &Value, name: &[u8]| refs.value(name).as_ref() != Some(value);
    let loose = statements.loose.iter().any(|(name, value)| stays(value, name));
    let packed = statements.packed.iter().flatten();
    let packed =
        packed.filter(|(name, _)| !statements.loose.contains_key(*name)).any(|(name, id)| {
            let was = statements.seen(refs, name) == Some(Value::Is(*id));
            was && stays(&Value::Is(*id), name)
        });
    Ok(is_plain && !loose && !packed)
}
