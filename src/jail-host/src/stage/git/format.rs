//! What the project's own repository is, as far as that decides whether references can be applied
//! to it. Of the stage's configuration nothing is read.

use jail_plan::git::settings;

use super::super::place::{Kind, Tree, join};
use crate::objects::{SHA1, SHA256};

/// Whether git may take a folder of the project for a repository.
pub(super) fn is_repository(project: &Tree, path: &[u8]) -> bool {
    let is = |name: &[u8], kind: Kind| {
        let found = project.found(&join(path, name)).ok().flatten();
        found.is_some_and(|found| found.kind == kind)
    };
    is(b"HEAD", Kind::File) && is(b"objects", Kind::Folder) && is(b"refs", Kind::Folder)
}

fn has(project: &Tree, path: &[u8], name: &[u8]) -> bool {
    project.found(&join(path, name)).ok().flatten().is_some()
}

/// The length of names in the project's repository; or why nothing is applied to it.
pub(super) fn length(project: &Tree, path: &[u8]) -> Result<usize, &'static str> {
    let has = |name: &[u8]| has(project, path, name);
    if has(b"reftable") {
        return Err(
            "the project keeps references in the format `reftable`, which is not supported",
        );
    }
    if has(b"commondir") {
        return Err("it is the repository of a linked worktree");
    }
    if has(b"objects/info/alternates") {
        return Err("the project borrows objects of another repository");
    }
    let text = project.text(&join(path, b"config"));
    let Ok(Some(text)) = text else { return Err("its configuration cannot be read") };
    let mut length = SHA1;
    for setting in settings(&text) {
        match (setting.section.as_slice(), setting.key.as_slice(), setting.value.as_slice()) {
            (b"core", b"repositoryformatversion", b"0" | b"1") => {}
            (b"core", b"repositoryformatversion", _) => {
                return Err("the project's repository has a format that is not known");
            }
            (b"extensions", b"objectformat", b"sha1") => {}
            (b"extensions", b"objectformat", b"sha256") => length = SHA256,
            (b"extensions", b"objectformat", _) => {
                return Err("the project names objects by an unknown hash");
            }
            (b"extensions", b"refstorage", b"files") => {}
            (b"extensions", b"refstorage", _) => {
                return Err("the project keeps references in a format that is not supported");
            }
            (b"extensions", b"partialclone", _) => {
                return Err("the project is a partial clone: what it lacks is not known");
            }
            _ => {}
        }
    }
    Ok(length)
}

/// What the project has begun and not ended.
const UNDER_WAY: &[(&[u8], &str)] = &[
    (b"MERGE_HEAD", "a merge is under way in the project"),
    (b"CHERRY_PICK_HEAD", "a cherry-pick is under way in the project"),
    (b"REVERT_HEAD", "a revert is under way in the project"),
    (b"rebase-merge", "a rebase is under way in the project"),
    (b"rebase-apply", "a rebase is under way in the project"),
    (b"BISECT_LOG", "a bisection is under way in the project"),
];

pub(super) fn under_way(project: &Tree, path: &[u8]) -> Option<&'static str> {
    UNDER_WAY.iter().find(|(name, _)| has(project, path, name)).map(|(_, why)| *why)
}
