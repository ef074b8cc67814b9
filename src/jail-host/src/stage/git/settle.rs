//! Takes out of the layer what the project has now, so that the next jail sees what the project
//! does to it from then on.

use std::io;

use super::super::decide::{Scope, is_equal};
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

const NAMES_MAX: usize = 10_000;
const DEPTH_MAX: usize = 8;

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
    let refs = Refs::read(project, path, length)?;
    let statements = Statements::read(layer, path, length)?;
    if outcome.is_whole() && scope.is_all() && is_spent(layer, project, path, &refs, &statements)? {
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

/// Whether the project has the same as the layer: git writes some files anew without a change. What
/// is deleted is what git itself deletes.
fn is_same(layer: &Layer, project: &Tree, path: &[u8], written: Written, depth: usize) -> bool {
    match written {
        Written::Gone => true,
        Written::File => is_equal(layer.tree(), path, project, path).unwrap_or(false),
        Written::Folder { is_opaque: false } if depth < DEPTH_MAX => {
            layer.list(path, NAMES_MAX).is_ok_and(|listed| {
                listed.iter().all(|(entry, _, written)| {
                    is_same(layer, project, &join(path, &entry.name), *written, depth + 1)
                })
            })
        }
        Written::Folder { .. } | Written::Link | Written::Dropped(_) | Written::Refused(_) => false,
    }
}

/// Whether the layer has nothing of the repository that would be lost.
fn is_spent(
    layer: &Layer,
    project: &Tree,
    path: &[u8],
    refs: &Refs,
    statements: &Statements,
) -> io::Result<bool> {
    let listed = layer.list(path, NAMES_MAX)?;
    let is_plain = listed.iter().all(|(entry, _, written)| {
        let below = join(path, &entry.name);
        SPENT.contains(&entry.name.as_slice()) || is_same(layer, project, &below, *written, 0)
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
