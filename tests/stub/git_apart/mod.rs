//! What git on the host executes or believes stays as it is, and git works as outside.

mod commands;
mod ending;
mod escapes;
mod links;
mod odd;
mod project;
mod sessions;

use std::path::{Path, PathBuf};
use std::process::Command;

use jail_plan::git::COPIES;
use jail_plan::{Git, GitChanges, InsideOp};

use crate::jail::{Caller, Jail, Ran, literal, skipped};

/// Whether there is a git here.
pub(crate) fn has_git() -> bool {
    let found = Command::new("git").arg("version").output();
    let is_here = found.is_ok_and(|ran| ran.status.success());
    if !is_here {
        skipped("git", "there is no git here");
    }
    is_here
}

/// A jail whose user commits, inside and outside.
pub(crate) fn plain(caller: Caller) -> Jail {
    let jail = Jail::new(caller).set("HOME", "/tmp");
    let names = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"];
    let mails = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
    let jail = names.iter().fold(jail, |jail, name| jail.set(name, "n").outside(name, "n"));
    mails.iter().fold(jail, |jail, name| jail.set(name, "e@x").outside(name, "e@x"))
}

pub(crate) fn apart(changes: GitChanges) -> InsideOp {
    InsideOp::Git(Git { to: literal(COPIES), changes })
}

/// The same where git's settings are kept apart, in a project that is a repository with a commit.
fn in_repository(caller: Caller, changes: GitChanges) -> Jail {
    let jail = plain(caller).op(apart(changes)).op(InsideOp::RemountReadOnly(literal("/")));
    prepare(&jail, "git init -q -b main . && echo 1 >f && git add f && git commit -qm one");
    jail
}

/// Outside, as the caller; it must go well.
#[track_caller]
fn prepare(jail: &Jail, script: &str) {
    let made = jail.outside_sh(&format!("set -e\n{script}"));
    assert_eq!(made.code, Some(0), "{script}: {}", made.stderr);
}

/// A script in a jail that was started in this folder.
fn run_in(jail: &Jail, folder: &Path, script: &str) -> Ran {
    Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", script]))
}

/// What git writes there, which is not a setting.
const DATA: [&str; 7] =
    ["index", "COMMIT_EDITMSG", "ORIG_HEAD", "HEAD", "FETCH_HEAD", "packed-refs", "refs"];

/// Every file below a folder of git but those that git is there to write, with what it holds.
fn settings_of(git: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![git.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("one"))
        {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("a kind").is_dir() {
                if !["objects", "refs", "logs"].contains(&name.as_str()) {
                    folders.push(path);
                }
            } else if !DATA.contains(&name.as_str()) {
                let content = std::fs::read(&path).unwrap_or_default();
                found.push((path, content));
            }
        }
    }
    found.sort();
    found
}
