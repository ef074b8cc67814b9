//! The watcher of the working folder: what cannot wait is reported while the session runs, and its own end is, too.

use jail_plan::git::COPIES;
use jail_plan::{Git, GitChanges, HandOff, HostOp, InsideOp, Step};

use crate::jail::{Caller, Jail, by, callers, literal};

/// In a repository with a commit.
fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller).change(|plan| {
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
    });
    let made = "set -e; git init -q . && git config user.name a && git config user.email a@b
        echo x >f; git add f; git commit -qm x; sleep 0.05";
    assert_eq!(jail.outside_sh(made).code, Some(0));
    jail
}

/// Runs a script inside while another one runs outside, which waits for what is reported by `reported WORDS` and ends the session
/// by `touch ~/end`; all that was printed by the launcher.
fn meanwhile(jail: &Jail, inside: &str, outside: &str) -> String {
    let script = format!(
        r#"reported() {{ for n in $(seq 500); do grep -qF "$1" ~/told && return; sleep 0.02; done; echo "never reported: $1"; }}
        inside() {{ for n in $(seq 500); do [ -e "$1" ] && return; sleep 0.02; done; echo "never made: $1"; }}
        watcher() {{ for n in $(seq 500); do
            for c in $(cat /proc/$pid/task/*/children); do
                tr '\0' ' ' </proc/$c/cmdline | grep -q ' watch ' && echo $c && return
            done; sleep 0.02; done; }}
        "$W" -c '{inside}; touch ready; until [ -e end ]; do sleep 0.02; done; rm -f ready end' 2>~/told & pid=$!
        inside ready; {outside}; touch end; wait $pid; echo "status $?"; cat ~/told"#
    );
    let ran = jail.outside_sh(&script);
    assert!(!ran.stdout.contains("never"), "{inside}: {ran:?}");
    ran.stdout
}

#[test]
fn a_repository_that_is_damaged_is_reported_while_the_session_runs() {
    for caller in callers() {
        let planted = "mkdir objects refs; echo \"ref: refs/heads/x\" >HEAD";
        for (inside, words) in [
            ("rm .git/HEAD", "`.git` is not a repository any more: git takes the next one"),
            ("mv .git/objects .git/o", "`.git` is not a repository any more"),
            (planted, "the folder itself looks like a bare repository"),
            (
                &*format!("rm .git/HEAD; {planted}"),
                "`.git` is not a repository any more, and the folder itself looks like one",
            ),
        ] {
            let jail = jail(caller);
            let told = meanwhile(&jail, inside, &format!("reported '{words}'"));
            assert!(told.contains("status 0"), "{told}");
        }
    }
}

#[test]
fn what_git_does_all_day_is_not_reported() {
    for caller in callers() {
        let jail = jail(caller);
        let inside = "sleep 0.2; git commit -q --allow-empty -m y; git gc -q; git checkout -q -b z; git pack-refs --all; \
            git worktree add -q w; git worktree remove w; git stash -q; git reflog expire --all; mkdir objects refs";
        let told = meanwhile(&jail, inside, "sleep 0.1");
        assert_eq!(told, "status 0\n", "{caller:?}");
    }
}

#[test]
fn a_configuration_that_is_replaced_on_the_host_is_reported_while_the_session_runs() {
    for caller in callers() {
        let git = Git { to: literal(COPIES), changes: GitChanges::Reported };
        let git = InsideOp::Git(git);
        let jail = jail(caller).op(git).op(InsideOp::RemountReadOnly(literal("/")));
        // The jail's own changes go to its copy.
        let told = meanwhile(&jail, "git config a.b c", "sleep 0.1");
        assert!(!told.contains("was replaced"), "{told}");
        let words = "`.git/config` was replaced on the host";
        let told = meanwhile(&jail, "true", &format!("git config x.y z; reported '{words}'"));
        assert!(told.contains("status 0"), "{told}");
    }
}

#[test]
fn a_watcher_that_is_killed_does_not_go_in_silence() {
    for caller in callers() {
        let jail = jail(caller);
        let kill = "kill -9 $(watcher); reported 'the working folder is not watched any more'";
        let told = meanwhile(&jail, "true", kill);
        // What the session leaves is still compared when it ends.
        assert!(told.contains("status 0"), "{told}");
        let told = meanwhile(&jail, "echo x >.envrc", "kill -9 $(watcher)");
        assert!(told.contains("new      .envrc"), "{told}");
    }
}

#[test]
fn the_watcher_sees_and_may_do_nothing_else() {
    for caller in callers() {
        let jail = jail(caller);
        let look = "w=$(watcher); grep -E \"^(NoNewPrivs|Seccomp):\" /proc/$w/status; readlink /proc/$w/cwd 2>&1; ls /proc/$w/fd 2>&1";
        let told = meanwhile(&jail, "true", look);
        assert!(told.contains("NoNewPrivs:\t1") && told.contains("Seccomp:\t2"), "{told}");
    }
}
