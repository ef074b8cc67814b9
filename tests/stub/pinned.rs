//! What is mounted in a writable tree of the host stays where it is: no program inside can move
//! the folders above it away.

use std::path::Path;

use jail_plan::{Access, File, InsideOp, Missing};

use crate::jail::{Caller, Jail, bind, bind_to, callers, filter, literal, skipped};

/// A project with a folder `at` in it that is read-only inside, where there is a file.
fn with_read_only(caller: Caller, at: &str) -> Jail {
    let jail = Jail::new(caller);
    jail.file(&format!("project/{at}/there"), "host\n");
    owned(&jail, &jail.project());
    let folder = jail.project().join(at);
    jail.op(bind(folder, Access::ReadOnly))
}

fn owned(jail: &Jail, folder: &Path) {
    if let Some(uid) = jail.caller.uid {
        let owner = format!("{uid}:{uid}");
        let changed = std::process::Command::new("chown").args(["-R", &owner]).arg(folder).status();
        assert!(changed.expect("chown").success());
    }
}

#[test]
fn a_folder_above_a_read_only_one_cannot_be_moved_away() {
    let moves = "mv .git .g2 2>/dev/null; mkdir -p .git/hooks; echo x > .git/hooks/pre-commit";
    for caller in callers() {
        // The control: outside, and inside where nothing is read-only.
        for run in [Jail::outside_sh, Jail::sh] {
            let jail = Jail::new(caller);
            jail.file("project/.git/hooks/there", "host\n");
            owned(&jail, &jail.project());
            run(&jail, moves).prints("");
            assert!(jail.project().join(".git/hooks/pre-commit").exists());
        }
        for nested in [false, true] {
            let jail = with_read_only(caller, ".git/hooks").change(|plan| {
                if nested {
                    plan.seccomp = vec![filter(&[6, 0, 0, 0, 0, 0, 0xff, 0x7f])];
                }
            });
            jail.sh(&format!("{moves} 2>/dev/null; mv .git .g2 2>&1 | grep -o 'busy'"))
                .prints("busy");
            let git = jail.project().join(".git");
            assert!(git.join("hooks/there").exists() && !git.join("hooks/pre-commit").exists());
            assert!(!jail.project().join(".g2").exists());
        }
    }
}

#[test]
fn every_folder_on_the_way_is_pinned_also_for_files_and_in_a_tree_inside_another() {
    let attempts = "mv a x; mv a/b a/x; mv a/b/c a/b/x; mv a/b/c/there a/b/c/x; rm -rf a; ls";
    for caller in callers() {
        let jail = with_read_only(caller, "a/b/c");
        // Of the kernel itself: `mv` would copy.
        for from in ["a", "a/b", "a/b/c"] {
            assert_eq!(
                jail.probe(&format!("call rename s:{from} s:{from}2")),
                "errno 16",
                "{from}"
            );
            assert_eq!(jail.probe(&format!("call rmdir s:{from}")), "errno 16", "{from}");
        }
        for from in ["a/b", "a/b/c"] {
            assert_eq!(jail.probe(&format!("call rename s:{from} s:x")), "errno 18", "{from}");
        }
        jail.sh(&format!("{{ {attempts}; }} 2>/dev/null")).prints("a");
        assert!(jail.project().join("a/b/c/there").exists());
        // What is next to it is as it was.
        jail.sh("mkdir a/new && mv a/new a/b/newer && rmdir a/b/newer && echo ok").prints("ok");

        let jail = Jail::new(caller);
        let config = jail.file("project/tool/config", "host\n");
        owned(&jail, &jail.project());
        let (to, content) = (literal(&config), "jail\n".into());
        let jail = jail.op(InsideOp::File(File { to, content, mode: 0o444 }));
        jail.sh("mv tool t2 2>/dev/null; cat tool/config").prints("jail");

        // A missing mount point is made, and its parents are pinned as well.
        let jail = Jail::new(caller);
        let deep = jail.project().join("new/deep");
        let jail = jail.op(bind_to("/usr", &deep, Access::ReadOnly, Missing::Fail));
        assert_eq!(jail.probe("call rename s:new s:x"), "errno 16");
        jail.sh("ls -d new/deep/bin").prints("new/deep/bin");
    }
}

#[test]
fn where_nothing_can_be_renamed_nothing_is_pinned() {
    for caller in callers() {
        let count = "grep -c project /proc/self/mountinfo";
        let jail = with_read_only(caller, "a/b/c");
        jail.sh(count).prints("4");
        let read_only = Jail::new(caller).change(|plan| {
            for step in &mut plan.inside {
                if let InsideOp::Folder(folder) = &mut step.op {
                    folder.access = Access::ReadOnly;
                }
            }
        });
        read_only.file("project/a/b/c/there", "host\n");
        let at = read_only.project().join("a/b/c");
        read_only.op(bind(at, Access::ReadOnly)).sh(count).prints("2");
    }
}

#[test]
fn git_works_where_its_hooks_are_read_only() {
    const EVERYDAY: &str = r#"
        set -e
        export HOME=/tmp GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=user.name GIT_CONFIG_VALUE_0=x
        export GIT_CONFIG_KEY_1=user.email GIT_CONFIG_VALUE_1=x@x
        echo 1 > f; git add f; git commit -qm one; git branch topic; git checkout -q topic
        mkdir d; echo 2 > d/g; git add d; git commit -qm two; git checkout -q -; git merge -q topic
        echo 3 > f; git stash -q; git stash pop -q; git commit -qam three
        git rebase -q topic; git tag t; git reset -q --hard t; git gc -q; git fsck >/dev/null
        git worktree add -q tree topic; git -C tree status -s; git worktree remove tree
        git mv d e; git commit -qm moved; git config some.key value; git clone -q . clone
        rm -rf clone; git clean -qfd; git reflog expire --all --expire=now; git repack -qad
        git log --oneline | wc -l
    "#;
    if !std::process::Command::new("git")
        .arg("version")
        .output()
        .is_ok_and(|out| out.status.success())
    {
        return skipped("git", "there is no git here");
    }
    for caller in callers() {
        let jail = Jail::new(caller);
        jail.outside_sh("git init -q -b main . && test -d .git/hooks").prints("");
        let hooks = jail.project().join(".git/hooks");
        let jail = jail.op(bind(hooks, Access::ReadOnly));
        let ran = jail.sh(EVERYDAY);
        assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "4"), "{}", ran.stderr);
    }
}
