//! The watcher of the working folder: what cannot wait is reported while the session runs,
//! and its own end is, too.

use jail_plan::git::COPIES;
use jail_plan::handoff::{FOLDER, LEDGER};
use jail_plan::{Git, GitChanges, HandOff, HostOp, InsideOp, Mask, Protect, Step};

use crate::jail::{Caller, Jail, Ran, by, callers, literal};
use crate::programs::host;

/// In a repository with a commit.
pub(crate) fn jail(caller: Caller) -> Jail {
    let jail = Jail::new(caller).change(|plan| {
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
    });
    let made = "set -e; git init -q . && git config user.name a && git config user.email a@b
        echo x >f; git add f; git commit -qm x; sleep 0.05";
    assert_eq!(jail.outside_sh(made).code, Some(0));
    jail
}

/// Runs a script inside while another one runs outside, which waits for what is reported by
/// `reported WORDS` and ends the session by `touch ~/end`; all that was printed by the launcher.
pub(crate) fn meanwhile(jail: &Jail, inside: &str, outside: &str) -> String {
    let script = format!(
        r#"reported() {{ for n in $(seq 2000); do grep -qF "$1" ~/told && return; sleep 0.02; done; echo "never reported: $1"; }}
        inside() {{ for n in $(seq 2000); do [ -e "$1" ] && return; sleep 0.02; done; echo "never made: $1"; }}
        watcher() {{ for n in $(seq 2000); do
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

/// How a payload comes to write what the host has made, and what shows it.
const WRITTEN: &[(&str, &str)] = &[
    (
        "(until [ -e .git/config.lock ]; do sleep 0.05; done; exec sleep 60 9>>.git/config.lock) &",
        "a program still has the new one open for writing",
    ),
    (
        "(until ln .git/config.lock .git/x 2>/dev/null; do sleep 0.05; done) &",
        "the new one has another name",
    ),
    (
        "(until [ -e end ]; do echo \"[a]\" >>.git/config; sleep 0.3; done) &",
        "the new one was written in its place",
    ),
];

#[test]
fn a_jail_that_writes_a_configuration_that_was_replaced_on_the_host_is_ended() {
    for caller in callers() {
        let git = Git { to: literal(COPIES), changes: GitChanges::Reported };
        for (inside, words) in WRITTEN {
            let jail = jail(caller).op(InsideOp::Git(git.clone()));
            let jail = jail.op(InsideOp::RemountReadOnly(literal("/")));
            // As git does it, and slowly.
            let replace =
                "cp .git/config .git/config.lock; sleep 1; mv .git/config.lock .git/config";
            // The control: what the jail does not write goes on.
            let told =
                meanwhile(&jail, "true", &format!("{replace}; reported 'was replaced'; sleep 1"));
            assert!(told.starts_with("status 0\n"), "{told}");
            let inside = format!("{inside} true");
            let told =
                meanwhile(&jail, &inside, &format!("{replace}; reported '{words}'; sleep 1"));
            assert!(told.starts_with("status 125\n"), "{inside}: {told}");
            assert!(told.contains("and so the jail was ended"), "{inside}: {told}");
        }
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

pub(crate) fn protecting(jail: Jail, globs: &[&str]) -> Jail {
    let globs = globs.iter().map(|glob| (*glob).to_owned()).collect();
    jail.op(InsideOp::Protect(Protect { globs }))
}

/// `jailgen handoff restore`.
pub(crate) fn restore(jail: &Jail, path: &str) -> Ran {
    let mut command = jail.command(host());
    command.args([LEDGER, "restore"]).arg(jail.folder.path().join("state/jailgen").join(FOLDER));
    Ran::of(command.arg(jail.project()).arg(jail.project().join(path)))
}

/// How a session plants something, and where.
const PLANTED: &[(&str, &str)] = &[
    ("echo evil >.envrc", ".envrc"),
    ("echo evil >y; mv y .envrc", ".envrc"),
    ("echo evil >y; ln y .envrc", ".envrc"),
    ("ln -s evil .envrc", ".envrc"),
    ("mkfifo .envrc", ".envrc"),
    ("echo evil >.ENVRC", ".ENVRC"),
    ("mkdir .vscode; sleep 0.1; echo evil >.vscode/tasks.json", ".vscode/tasks.json"),
    ("mkdir y; echo evil >y/tasks.json; mv y .vscode", ".vscode/tasks.json"),
    (
        "mkdir y; echo evil >y/z; mv y .vscode; mv .vscode/z .vscode/tasks.json",
        ".vscode/tasks.json",
    ),
    ("mkdir .claude; mkdir .claude/hooks; echo evil >.claude/hooks/y", ".claude/hooks/y"),
    ("mkdir -p y/hooks; echo evil >y/hooks/z; mv y .claude", ".claude/hooks/z"),
    ("echo evil >my.jail", "my.jail"),
    // A file that is tracked, by its own name and by another one.
    ("echo evil >>flake.nix", "flake.nix"),
    ("ln flake.nix y; echo evil >>y", "flake.nix"),
    ("exec 3<>flake.nix; echo evil >&3", "flake.nix"),
    // By a link that stands for a folder.
    ("mkdir y; echo evil >y/tasks.json; ln -s y .vscode", ".vscode"),
    ("mkdir y; ln -s y .claude; echo evil >y/settings.json", ".claude"),
    // In a folder that cannot be looked into at first.
    (
        "mkdir y; echo evil >y/tasks.json; chmod 0 y; mv y .vscode; sleep 0.5; chmod 700 .vscode",
        ".vscode/tasks.json",
    ),
    // Among more names than are looked at at once.
    (
        "mkdir y; (cd y; seq 12000 | xargs touch); echo evil >y/tasks.json; mv y .vscode",
        ".vscode/tasks.json",
    ),
    // In a folder that has no name of its own in the table.
    ("echo evil >a/.envrc", "a/.envrc"),
    // Before the watcher can have looked.
    (": first", ".envrc"),
];

#[test]
fn what_appears_at_a_protected_path_is_moved_aside_at_once() {
    for caller in callers() {
        for (inside, path) in PLANTED {
            let jail = protecting(jail(caller), &["@hosts"]);
            let made = "echo 1 >flake.nix; mkdir a; echo 1 >a/.envrc; git add .; git commit -qm flake; sleep 0.05";
            assert_eq!(jail.outside_sh(made).code, Some(0));
            let inside = match *inside {
                ": first" => "echo evil >.envrc; sleep 0".to_owned(),
                inside => format!("sleep 0.5; {inside}"),
            };
            let look = format!(
                "reported \"\\`{path}\\` is protected\"; if [ -e {path} ] || [ -L {path} ]; then cat {path}; else echo gone; fi"
            );
            let told = meanwhile(&jail, &inside, &look);
            // What was there before is there again.
            let there = if ["flake.nix", "a/.envrc"].contains(path) { "1\n" } else { "gone\n" };
            assert!(told.starts_with(&format!("{there}status 0\n")), "{inside}: {told}");
            if inside.contains("mkfifo") {
                continue;
            }
            // It is said again when the session ends, and comes back.
            assert!(told.contains("Moved aside"), "{inside}: {told}");
            jail.outside_sh("rm -f flake.nix a/.envrc");
            assert_eq!(restore(&jail, path).stdout, "1 brought back\n", "{inside}");
            let there = jail.project().join(path);
            assert!(there.symlink_metadata().is_ok(), "{inside}");
        }
    }
}

#[test]
fn what_is_put_back_is_no_masked_file() {
    let inside = "sleep 0.5; mv a c; sleep 1; mkdir -p a; echo evil >a/.envrc; sleep 1; grep -rs s3cret . || echo unseen";
    for caller in callers() {
        let jail = protecting(jail(caller), &[".envrc"]);
        let jail = jail.op(InsideOp::Mask(Mask { globs: vec![".envrc".into()] }));
        let made = "mkdir a; echo s3cret >a/.envrc; sleep 0.05";
        assert_eq!(jail.outside_sh(made).code, Some(0));
        let told = meanwhile(&jail, inside, "reported 'there is no copy of it'");
        assert!(told.starts_with("unseen\n"), "{told}");
    }
}

#[test]
fn what_git_had_before_and_what_is_not_protected_stays() {
    for caller in callers() {
        let jail = protecting(jail(caller), &["@hosts", "!.zed", "!.vscode/settings.json"]);
        let made = "set -e; git checkout -q -b other; mkdir .vscode; echo tasks >.vscode/tasks.json; echo rc >.envrc
            git add .; git commit -qm other; git repack -qad; echo loose >.envrc; git commit -qam loose
            git checkout -q master 2>/dev/null || git checkout -q main; sleep 0.05";
        assert_eq!(jail.outside_sh(made).code, Some(0));
        let inside = "git checkout -q other; sleep 0.4; git checkout -q HEAD^; sleep 0.4; git checkout -q other; sleep 0.4; \
            mkdir .zed hooks; ln -s hooks repo; ln -s repo skills; echo evil >.zed/settings.json; echo evil >.vscode/settings.json; echo evil >src.c; echo \"{}\" >package.json; sleep 0.4; \
            git status --porcelain -uno";
        let told = meanwhile(&jail, inside, "sleep 0.3");
        assert!(!told.contains("protected"), "{told}");
        // What is lifted is not reported either.
        assert!(!told.contains(".zed") && !told.contains("settings.json"), "{told}");
        jail.outside_sh("cat .envrc .vscode/tasks.json .zed/settings.json")
            .prints("loose\ntasks\nevil");
        // The control: content that git did not have before.
        let inside = "echo new >.envrc; git add .envrc; git commit -qm new; git checkout -q HEAD^; git checkout -q other; sleep 0.4";
        let told = meanwhile(&jail, inside, "true");
        assert!(told.contains("`.envrc` is protected"), "{told}");
    }
}

#[test]
fn what_the_user_brings_back_stays() {
    for caller in callers() {
        let jail = protecting(jail(caller), &[".envrc"]);
        let state = jail.folder.path().join("state/jailgen").join(FOLDER);
        let ledger = format!(
            "{} {LEDGER} restore {} {}",
            host().display(),
            state.display(),
            jail.project().display()
        );
        let outside = format!(
            "sleep 0.3; echo mine >.envrc; reported \"is protected\"; {ledger}; sleep 0.5; cat .envrc"
        );
        let told = meanwhile(&jail, "true", &outside);
        assert!(told.contains("1 brought back\nmine\n"), "{told}");
        assert_eq!(told.matches("is protected").count(), 1, "{told}");
    }
}

#[test]
fn a_jail_that_does_not_stop_is_ended() {
    for caller in callers() {
        for inside in [
            "while sleep 0.01; do echo $n >.envrc; n=$((n+1)); done",
            "while :; do echo evil >y; mv y .envrc; rm -f .envrc; done",
            "dd if=/dev/zero of=.envrc bs=1M seek=100 count=1",
        ] {
            let jail = protecting(jail(caller), &[".envrc"]);
            let ran =
                jail.outside_sh(&format!("timeout 60 \"$W\" -c '{inside} 2>/dev/null; sleep 60'"));
            assert_eq!(ran.code, Some(125), "{inside}: {ran:?}");
            assert!(ran.stderr.contains(": the jail is ended"), "{inside}: {ran:?}");
            assert!(ran.stderr.contains("and so the jail was ended"), "{inside}: {ran:?}");
        }
    }
}

#[test]
fn where_something_is_protected_there_is_no_jail_without_a_watcher() {
    for caller in callers() {
        let jail = protecting(jail(caller), &[".envrc"]);
        let told = meanwhile(&jail, "true", "kill -9 $(watcher); wait $pid; echo ended $?");
        assert!(told.contains("ended 125"), "{told}");
        assert!(told.contains("the watcher of the working folder has ended, and so"), "{told}");
    }
}

#[test]
fn where_the_watcher_does_not_finish_protected_files_are_not_taken_for_what_they_were() {
    for caller in callers() {
        let jail = protecting(jail(caller), &[".envrc"]);
        let stopped = "w=$(watcher); kill -STOP $w; (while [ -e ready ]; do sleep 0.05; done; sleep 0.5; kill -9 $w) &";
        let told = meanwhile(&jail, "true", &format!("{stopped} true"));
        let words = "the watcher of protected files did not finish: look at them";
        assert!(told.contains(words) && told.contains("status 0"), "{told}");
        // The control.
        let told = meanwhile(&jail, "true", "true");
        assert!(!told.contains(words), "{told}");
    }
}
