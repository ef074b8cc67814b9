//! Repositories that are not as most are: the jail starts and git does in it what it does outside,
//! or the launch stops and says why.

use jail_plan::GitChanges;

use super::{apart, has_git, in_repository, plain, prepare};
use crate::jail::{callers, literal, skipped};
use jail_plan::InsideOp;

/// A way to make a repository, and what git does there.
const ROWS: &[(&str, &str, &str)] = &[
    (
        "includes-in-a-circle",
        "git init -q . && git config include.path ../a && printf '[include]\\npath = b\\n' >a && printf '[include]\\npath = a\\n' >b",
        "git status --short >/dev/null 2>&1",
    ),
    ("sha256", "git init -q --object-format=sha256 .", "git commit -q --allow-empty -m x && git log --oneline | wc -l"),
    (
        "names",
        "git init -q -b main . && git commit -q --allow-empty -m x && git branch \"$(printf 'b\\377')\" && git worktree add -q \"$(printf 'w\\377')\"
         echo x >\"$(printf 'f\\033[2J\\377')\" && git add . 2>/dev/null",
        "git commit -qm y && git branch | wc -l && git -C w* status --short && git log --oneline | wc -l",
    ),
    (
        "no-configuration",
        "git init -q . && rm .git/config",
        "git commit -q --allow-empty -m x; git log --oneline | wc -l",
    ),
    (
        "unreadable-configuration",
        "git init -q . && echo '[broken' >>.git/config",
        "git status >/dev/null 2>&1",
    ),
];

#[test]
fn git_does_in_an_odd_repository_what_it_does_outside() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        for (name, made, script) in ROWS {
            let [inside, outside] = [(); 2].map(|()| {
                let jail = plain(caller).op(apart(GitChanges::Reported));
                let jail = jail.op(InsideOp::RemountReadOnly(literal("/")));
                prepare(&jail, made);
                jail
            });
            let (ran, control) = (inside.sh(script), outside.outside_sh(script));
            assert_eq!(
                (ran.code, &ran.stdout),
                (control.code, &control.stdout),
                "{name}: {ran:?} {control:?}"
            );
            let left = "ls .git/commondir .git/config.worktree .git/info/attributes 2>/dev/null";
            assert_eq!(inside.outside_sh(left).stdout, outside.outside_sh(left).stdout, "{name}");
        }
    }
}

#[test]
fn a_configuration_of_ten_megabytes_stops_the_launch_and_says_so() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        prepare(&jail, "head -c 10000000 /dev/zero | tr '\\0' '#' >>.git/config");
        jail.sh("echo ran").stopped(&[".git/config", "larger than 1 MiB", "allow-git-config"]);
        prepare(&jail, "test ! -e .git/commondir");
    }
}

#[test]
fn a_repository_that_vanishes_leaves_no_ghost_and_is_told() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        let ran = jail.sh("rm -rf .git 2>/dev/null; ls -A .git | head -20 >/dev/null; echo done");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stderr.contains("`.git` is not a repository any more"), "{ran:?}");
        prepare(&jail, "test ! -e .git/commondir && test ! -e .git/config.worktree");
        // What is protected is there still.
        prepare(&jail, "test -s .git/config");
    }
}

/// A gap: git takes a folder with a `commondir`, which stands there for the time of a jail, for a
/// worktree's part of a repository, and locks its table of references twice, as both. Nothing can
/// be written, and nothing is open.
#[test]
fn a_repository_with_reftable_can_be_read_and_not_committed_to() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = plain(caller).op(apart(GitChanges::Reported));
        let jail = jail.op(InsideOp::RemountReadOnly(literal("/")));
        let made = jail
            .outside_sh("git init -q --ref-format=reftable . && git commit -q --allow-empty -m x");
        if made.code != Some(0) {
            return skipped("reftable", "this git has no such format");
        }
        jail.sh("git log --oneline | wc -l").prints("1");
        let ran = jail.sh("git commit -q --allow-empty -m y");
        assert_eq!(ran.code, Some(128), "the gap is closed: {ran:?}");
        assert!(ran.stderr.contains("cannot lock references"), "{ran:?}");
        prepare(&jail, "git commit -q --allow-empty -m y");
    }
}
