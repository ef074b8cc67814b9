//! Linked worktrees of git: what they share with their repository is there, where both sides say so.

use std::path::Path;
use std::process::Command;

use jail_plan::{By, InsideOp};

use crate::jail::{Caller, Jail, by, callers};

/// A jail in `project`, a linked worktree of the repository `home/repository`.
fn in_a_worktree(caller: Caller) -> Jail {
    let jail = Jail::new(caller).op(InsideOp::Worktree(By { by: by() })).set("HOME", "/tmp");
    let made = jail.outside_sh(
        "set -e
        git init -q -b main ~/repository && cd ~/repository
        git config user.name n && git config user.email e@example.org
        git commit -q --allow-empty -m first
        git worktree add -q \"$OLDPWD\" -b side",
    );
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    jail
}

#[test]
fn git_works_in_a_linked_worktree_and_the_rest_of_its_repository_is_not_there() {
    for caller in callers() {
        let jail = in_a_worktree(caller);
        let home = jail.home();
        jail.sh("git commit -q --allow-empty -m inside && git log --format=%s")
            .prints("inside\nfirst");
        jail.outside_sh("git log --format=%s").prints("inside\nfirst");
        let beside = home.join("repository/file");
        std::fs::write(&beside, "x").expect("a file");
        let seen = jail.sh(&format!("cat {}", beside.display()));
        assert_ne!(seen.code, Some(0), "{}", seen.stdout);
    }
}

#[test]
fn without_the_grant_git_finds_no_repository() {
    for caller in callers() {
        let mut jail = in_a_worktree(caller);
        jail.plan.inside.retain(|op| !matches!(op, InsideOp::Worktree(_)));
        let seen = jail.sh("git log --format=%s");
        assert_ne!(seen.code, Some(0), "{}", seen.stdout);
    }
}

#[test]
fn a_pointer_that_the_payload_wrote_gives_it_no_other_repository() {
    for caller in callers() {
        let jail = in_a_worktree(caller);
        let other = jail.home().join("other");
        let made = jail.outside_sh(
            "git init -q ~/other && mkdir -p ~/other/.git/worktrees/side && cd ~/other/.git/worktrees/side
            echo ../.. > commondir && echo /elsewhere/.git > gitdir",
        );
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let point = |target: &Path| {
            let line = format!("gitdir: {}\n", target.display());
            std::fs::write(jail.project().join(".git"), line).expect("the pointer");
        };
        point(&other.join(".git/worktrees/side"));
        jail.sh("echo ran").stopped(&["which has no worktree here", "git worktree repair"]);
        // A link on the way, made by whoever could.
        std::os::unix::fs::symlink(&other, jail.home().join("link")).expect("a link");
        point(&jail.home().join("link/.git/worktrees/side"));
        jail.sh("echo ran").stopped(&["ELOOP"]);
        // What is no pointer to a worktree grants nothing and hinders nothing.
        for harmless in [other.join(".git/modules/x"), other.join(".git"), "../x".into()] {
            point(&harmless);
            jail.sh(&format!("ls {} 2>/dev/null || echo nothing", other.display()))
                .prints("nothing");
        }
    }
}

#[test]
fn an_ordinary_repository_and_a_folder_without_one_are_no_worktrees() {
    for caller in callers() {
        let jail = Jail::new(caller).op(InsideOp::Worktree(By { by: by() }));
        jail.sh("echo ran").prints("ran");
        let git = Command::new("git").args(["init", "-q"]).arg(jail.project()).status();
        assert!(git.expect("git").success());
        jail.sh("echo ran").prints("ran");
    }
}
