//! Git's own folder, applied by what it means and not file by file: objects are added, and branches
//! and tags are moved where the project has not moved them itself. Index, settings, hooks, logs and
//! everything else stay in the stage. No git is run, and no setting of either side is obeyed.

mod act;
mod brought;
mod decision;
mod format;
mod id;
mod index;
mod known;
mod objects;
mod pack;
mod place;
mod plan;
mod refname;
mod refs;
mod settle;
mod strict;
mod walk;
mod words;

use super::decide::Scope;
use super::layer::{Layer, Written};
use super::place::{Kind, Tree, entries, found, join};

pub(super) use self::act::apply;
pub(super) use self::brought::note;
pub(super) use self::decision::Plan;
pub(super) use self::known::{Known, Trust};
pub(super) use self::plan::plan;
pub(super) use self::settle::settle;
pub(super) use self::words::{Line, digest, lines, outcome, summary};

/// More repositories of one project are not looked at.
const REPOSITORIES_MAX: usize = 200;
const DEPTH_MAX: usize = 16;

/// What is decided about the repositories that the stage has something of.
pub(super) fn plans(
    layer: &Layer,
    project: &Tree,
    known: &Known,
    folders: &[&[u8]],
    scope: &Scope,
) -> Vec<Plan> {
    let is_meant = |folder: &&&[u8]| scope.has(folder);
    let found = folders.iter().filter(is_meant).flat_map(|folder| staged(layer, project, folder));
    found.take(REPOSITORIES_MAX).map(|path| plan(layer, project, known, path)).collect()
}

/// The repositories of the project that the layer has something of, below a folder `.git`.
fn staged(layer: &Layer, project: &Tree, folder: &[u8]) -> Vec<Vec<u8>> {
    let is_folder = |path: &[u8]| {
        layer.tree().found(path).ok().flatten().is_some_and(|found| found.kind == Kind::Folder)
    };
    if !is_folder(folder) {
        return Vec::new();
    }
    let mut all = vec![folder.to_vec()];
    let mut queue = vec![(join(folder, b"modules"), 0)];
    while let Some((path, depth)) = queue.pop() {
        if depth > DEPTH_MAX || all.len() > REPOSITORIES_MAX || !is_folder(&path) {
            continue;
        }
        for (entry, _, written) in layer.list(&path, 10_000).unwrap_or_default() {
            let below = join(&path, &entry.name);
            if !matches!(written, Written::Folder { .. }) {
                continue;
            }
            if format::is_repository(project, &below) {
                queue.push((join(&below, b"modules"), depth + 1));
                all.push(below);
            } else {
                queue.push((below, depth + 1));
            }
        }
    }
    all.sort();
    all
}

/// The repositories of the project below a folder `.git`, with those of submodules.
pub(super) fn of_project(project: &Tree, folder: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let mut queue = vec![(folder.to_vec(), 0)];
    while let Some((path, depth)) = queue.pop() {
        if depth > DEPTH_MAX || all.len() >= REPOSITORIES_MAX {
            continue;
        }
        if format::is_repository(project, &path) {
            queue.push((join(&path, b"modules"), depth + 1));
            all.push(path);
            continue;
        }
        let Ok(opened) = project.folder(&path) else { continue };
        let Ok((listed, _)) = entries(&opened, 10_000) else { continue };
        for entry in listed {
            let kind = found(&opened, &entry.name).ok().flatten().map(|found| found.kind);
            if kind == Some(Kind::Folder) {
                queue.push((join(&path, &entry.name), depth + 1));
            }
        }
    }
    all
}

/// Learns what the project's repositories are when a jail begins.
pub(super) fn learn(
    layer: &Layer,
    project: &Tree,
    known: &mut Known,
    folders: &[Vec<u8>],
    trust: Trust,
) {
    let all = folders.iter().flat_map(|folder| of_project(project, folder));
    let all: std::collections::BTreeSet<Vec<u8>> = all.take(REPOSITORIES_MAX).collect();
    known.keep_only(&all);
    for path in &all {
        // What cannot be read has no base, and then nothing of it is moved but forward.
        let Ok(length) = format::length(project, path) else { continue };
        let Ok(refs) = refs::Refs::read(project, path, length) else { continue };
        let Ok(statements) = refs::Statements::read(layer, path, length) else { continue };
        known.learn(path, &refs, &statements, trust);
    }
}
