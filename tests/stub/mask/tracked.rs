//! What git has of a file decides whether it is masked, and nothing that a jail writes does.

use std::path::Path;

use jail_plan::InsideOp;

use super::{mask, prepare};
use crate::git_apart::{has_git, plain};
use crate::jail::{Caller, Jail, Ran, callers};

const REPOSITORY: &str =
    "git init -q -b main .; echo '.env' >.gitignore; mkdir a; echo s3cret >a/.env
    echo public >.env; git add -f .env .gitignore; git commit -qm one";

/// A jail whose user commits, inside and outside.
fn jail(caller: Caller) -> Jail {
    plain(caller).op(InsideOp::Worktree).op(mask(&[".env"]))
}

fn run_in(jail: &Jail, folder: &Path, script: &str) -> Ran {
    Ran::of(jail.command(jail.wrapper()).current_dir(folder).args(["-c", script]))
}

const NOT_MASKED: &str = "jail-stub: not masked, because git tracks it and has its content: `.env` (`test` at demo.jail:4:3)\n";

#[test]
fn what_git_tracks_is_there_and_git_works_as_outside() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = jail(caller);
        prepare(&jail, REPOSITORY);
        let ran = jail.sh("cat .env a/.env; git status --short; git checkout -q -b x && git stash -q; \
            echo 1 >>.env && git commit -qam two && git checkout -q main && cat .env && git log --format=%s x");
        ran.prints("public\npublic\ntwo\none");
        assert_eq!(ran.stderr, NOT_MASKED);
        jail.outside_sh("git show x:.env; git status --short; cat a/.env")
            .prints("public\n1\ns3cret");
    }
}

#[test]
fn an_index_that_a_jail_wrote_unmasks_nothing() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = jail(caller);
        prepare(&jail, REPOSITORY);
        // What the jail sees of the file is what git adds.
        jail.sh("git add -f a/.env && git commit -qm forged; cat a/.env; echo left").prints("left");
        let ran = jail.sh("cat a/.env; echo ran");
        ran.prints("ran");
        assert!(ran.stderr.contains("masked, although git's index names it"), "{ran:?}");
        for forged in [
            "h=$(git rev-parse HEAD:.env); git update-index --add --cacheinfo 100644,$h,a/.env",
            "git update-index --assume-unchanged a/.env; git update-index --skip-worktree a/.env",
            "echo x >.git/index",
            "mv .git other; echo 'gitdir: other' >.git",
            "rm -rf .git; ln -s /etc .git",
        ] {
            jail.sh(forged);
            jail.sh("cat a/.env; echo ran").prints("ran");
        }
        // The control: a program that knows the content may see it.
        prepare(&jail, "rm -rf .git other; git init -q; git add -f a/.env");
        jail.sh("cat a/.env").prints("s3cret");
    }
}

#[test]
fn a_branch_can_have_the_name_of_a_secret_and_no_secret_passes_for_one() {
    if !has_git() {
        return;
    }
    let commit = "git commit -q --allow-empty -m";
    for caller in callers() {
        let jail = plain(caller).op(InsideOp::Worktree).op(mask(&["*.key"]));
        let secret = format!("printf '%064d\\n' 7 >a/x.key; git init -q; {commit} one");
        prepare(&jail, &format!("mkdir a; {secret}"));
        jail.sh(&format!("git checkout -q -b y.key && {commit} two")).prints("");
        jail.sh(&format!("{commit} three && git log --format=%s y.key")).prints("three\ntwo\none");
        for place in ["logs", "refs", ".git/refs/heads/a", ".git/logs/refs/heads/a"] {
            let moved = format!("mkdir -p $(dirname {place}); mv a {place}; mkdir -p refs objects");
            jail.sh(&format!("{moved}; cat {place}/x.key; echo moved")).prints("moved");
            jail.sh(&format!("cat {place}/x.key; echo ran")).prints("ran");
            prepare(&jail, &format!("mv {place} a"));
        }
    }
}

#[test]
fn where_the_index_cannot_be_read_everything_is_masked() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        for broken in [
            "echo x >.git/index",
            "rm .git/index; mkfifo .git/index",
            "mv .git ~/g; ln -s ~/g .git",
        ] {
            let jail = jail(caller);
            prepare(&jail, REPOSITORY);
            prepare(&jail, broken);
            let ran = jail.sh("cat .env a/.env; echo ran");
            ran.prints("ran");
            assert!(ran.stderr.contains("index cannot be read"), "{broken}: {ran:?}");
        }
        // A repository that is not there any more has nothing.
        let jail = jail(caller);
        prepare(&jail, &format!("{REPOSITORY}; rm -rf .git"));
        let ran = jail.sh("cat .env a/.env; echo ran");
        ran.prints("ran");
        assert_eq!(ran.stderr, "");
    }
}

#[test]
fn submodules_and_linked_worktrees_have_their_own_index() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = jail(caller);
        prepare(
            &jail,
            &format!(
                "{REPOSITORY}
                git init -q -b main ~/part; (cd ~/part; echo part >.env; git add -f .env; git commit -qm part)
                git -c protocol.file.allow=always submodule --quiet add ~/part sub; git commit -qm sub
                echo s3cret >sub/x; mkdir sub/b; echo s3cret >sub/b/.env; git worktree add -q ~/side; mkdir ~/side/a; echo s3cret >~/side/a/.env"
            ),
        );
        jail.sh("cat .env sub/.env sub/b/.env a/.env").prints("public\npart");
        let side = run_in(&jail, &jail.home().join("side"), "cat .env a/.env; git status --short");
        side.prints("public");
        assert_eq!(side.stderr, NOT_MASKED);
    }
}
