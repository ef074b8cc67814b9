//! What is reported when the jail has ended, what is taken over, and that nothing is left behind.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use jail_plan::{Access, GitChanges};

use super::{apart, has_git, in_repository, plain, prepare, run_in, settings_of};
use crate::jail::{Ran, bind, callers, read_only_folder};

#[test]
fn nothing_that_was_changed_is_on_the_host_and_all_of_it_is_told() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        prepare(&jail, "git remote add origin https://example.org/a.git");
        let git = jail.project().join(".git");
        let before = settings_of(&git);
        let ran = jail.sh("git config core.fsmonitor evil && git config branch.main.remote origin \
             && git config user.name 'Zoë O\\Neil' && git config alias.\"$(printf 'a\\033[2J')\" x 2>/dev/null; \
             echo x >.git/hooks/post-commit; git worktree add -q tree; git config --get core.fsmonitor");
        assert_eq!((ran.code, ran.stdout.trim()), (Some(0), "evil"), "{ran:?}");
        for words in [
            "git in the jail has set `branch.main.remote`, `user.name` in its copy of `.git/config`; to take it over: \
             `git config branch.main.remote origin && git config user.name 'Zoë O\\\\Neil'`",
            "stay out of it: `core.fsmonitor`",
            "hooks that the jail has written stay out of `.git/hooks`, and are gone with it: `post-commit`",
            "new in git, and set up by the jail: `.git/worktrees/tree`",
            "(`test` at demo.jail:4:3)",
        ] {
            assert!(ran.stderr.contains(words), "no `{words}` in {}", ran.stderr);
        }
        let after = settings_of(&git);
        let own: Vec<_> =
            after.iter().filter(|(path, _)| !path.starts_with(git.join("worktrees"))).collect();
        assert_eq!(own, before.iter().collect::<Vec<_>>());
        // Nothing is reported if nothing was changed.
        let ran = jail.sh("git status --short");
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    }
}

#[test]
fn harmless_settings_are_taken_over_where_the_plan_says_so_and_others_never() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Merged);
        let changes = "git config branch.main.remote origin; git config branch.main.merge refs/heads/main
            git config remote.origin.url https://example.org/a.git; git config remote.evil.url 'ext::sh -c x'
            git config core.fsmonitor evil; git init -q --bare path; git config branch.other.remote path";
        let ran = jail.sh(changes);
        assert!(
            ran.stderr.contains("taken over from the jail into `.git/config`: `branch.main.merge`"),
            "{ran:?}"
        );
        assert!(
            ran.stderr.contains(
                "stay out of it: `core.fsmonitor`, `remote.evil.url`, `branch.other.remote`"
            ),
            "{ran:?}"
        );
        jail.outside_sh("git config branch.main.remote; git config branch.main.merge; git config remote.origin.url; \
            git config core.fsmonitor || git config remote.evil.url || git config branch.other.remote || echo none")
            .prints("origin\nrefs/heads/main\nhttps://example.org/a.git\nnone");
        // A value that is there is changed in its place.
        jail.sh("git config remote.origin.url git@example.org:a.git");
        jail.outside_sh("git config --get-all remote.origin.url").prints("git@example.org:a.git");
        // If another process holds the lock, nothing is written.
        let ran =
            jail.sh("git config remote.origin.url https://other.example; touch ../go; sleep 0");
        assert_eq!(ran.code, Some(0));
        prepare(&jail, "touch .git/config.lock");
        let ran = jail.sh("git config user.name locked");
        assert!(ran.stderr.contains("(it is locked by another process)"), "{ran:?}");
        assert!(jail.project().join(".git/config.lock").exists());
        prepare(&jail, "rm .git/config.lock");
        jail.outside_sh("git config user.name || echo none").prints("none");
    }
}

#[test]
fn a_copy_that_is_none_is_not_taken_over() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        for broken in [
            "printf '[user\\nname = x' >>.git/config",
            "f=$(readlink .git/config); rm $f; ln -s /etc/passwd $f",
            "f=$(readlink .git/config); rm $f; mkfifo $f",
            "f=$(readlink .git/config); rm $f; mkdir $f",
            "f=$(readlink .git/config); rm -rf ${f%/*}/*",
            "head -c 3000000 /dev/zero >>.git/config",
        ] {
            let jail = in_repository(caller, GitChanges::Merged);
            let before = settings_of(&jail.project().join(".git"));
            let ran = jail.sh(broken);
            assert!(ran.stderr.contains("is not a readable configuration"), "{broken}: {ran:?}");
            assert!(!ran.stderr.contains("root:"), "{ran:?}");
            assert_eq!(settings_of(&jail.project().join(".git")), before, "{broken}");
        }
    }
}

#[test]
fn a_root_that_becomes_a_bare_repository_is_told() {
    if !has_git() {
        return;
    }
    let plant = "rm .git/HEAD; git init -q --bare x; mv x/* .; git config -f config core.fsmonitor 'touch ~/fired;false'";
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        let ran = jail.sh(plant);
        assert!(
            ran.stderr.contains(
                "`.git` is not a repository any more, and the folder itself looks like one"
            ),
            "{ran:?}"
        );
    }
}

/// What is not a repository yet is held as one that it may become, and stays as it was.
#[test]
fn a_folder_that_is_not_whole_is_held_and_left_as_it_was() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        prepare(&jail, "rm -r .git; mkdir -p .git/hooks");
        let ran = jail.sh(
            "echo x >.git/hooks/pre-commit; git config -f .git/config core.fsmonitor y; echo ran",
        );
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "ran\n"), "{ran:?}");
        jail.outside_sh("find .git").prints(".git\n.git/hooks");
    }
}

#[test]
fn no_number_of_settings_keeps_the_rest_from_being_told() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        jail.sh("git init -q --bare .git/modules/x");
        let ran = jail.sh("long=$(printf %0900d 0); for at in .git/config .git/config.worktree .git/modules/x/config \
            .git/modules/x/config.worktree; do for n in 1 2 3 4 5 6; do git config -f $at branch.$long$n.merge refs/heads/$long; \
            done; done; rm .git/HEAD");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        for words in ["`.git` is not a repository any more", "and 2 more lines, which are too long"]
        {
            assert!(ran.stderr.contains(words), "no `{words}` in {ran:?}");
        }
    }
}

#[test]
fn what_a_setting_names_and_what_the_host_replaces_is_told() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        prepare(&jail, "git config core.hooksPath .husky/_");
        let ran = jail.sh("mkdir -p .husky/_");
        let words = "`.husky/_`, which `core.hooksPath` names, was made in the session";
        assert!(ran.stderr.contains(words), "{ran:?}");
        assert_eq!(jail.sh("true").stderr, "", "it is held now");
        let mut command = jail.command(jail.wrapper());
        command.args(["-c", "echo on; read x"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut session = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut line = [0; 3];
        std::io::Read::read_exact(session.stdout.as_mut().expect("a pipe"), &mut line).expect("on");
        prepare(&jail, "git config a.b c");
        drop(session.stdin.take());
        let ran = session.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&ran.stderr);
        assert!(told.contains("`.git/config` was replaced on the host meanwhile"), "{told}");
    }
}

#[test]
fn nothing_of_git_is_writable_where_the_plan_says_so() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Refused);
        let before = settings_of(&jail.project().join(".git"));
        jail.sh("git status --short; git log --format=%s; echo x >>f; git status --short")
            .prints("one\n M f");
        for refused in [
            "git commit -qam x",
            "git config a.b c",
            "echo x >.git/hooks/x",
            "rm .git/HEAD",
            "mv .git x",
        ] {
            let ran = jail.sh(refused);
            assert_ne!(ran.code, Some(0), "{refused}");
        }
        assert_eq!(settings_of(&jail.project().join(".git")), before);
        // The control.
        let jail = in_repository(caller, GitChanges::Reported);
        jail.sh("echo x >>f; git commit -qam x; git log -1 --format=%s").prints("x");
    }
}

#[test]
fn where_nothing_of_git_can_be_written_nothing_is_done() {
    for caller in callers() {
        let count = "ls /run/jailgen 2>/dev/null; grep -c project /proc/self/mountinfo";
        // No repository.
        let jail = plain(caller).op(apart(GitChanges::Reported));
        jail.sh(count).prints("1");
        if !has_git() {
            return;
        }
        // A repository that is read-only.
        let jail = in_repository(caller, GitChanges::Reported).change(read_only_folder);
        let before = settings_of(&jail.project().join(".git"));
        jail.sh(count).prints("1");
        assert_eq!(settings_of(&jail.project().join(".git")), before);
    }
}

#[test]
fn two_sessions_share_the_placeholders_and_the_last_one_takes_them_away() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        let before = settings_of(&jail.project().join(".git"));
        let wrapper = jail.wrapper();
        let start = |script: &str| {
            let mut command = jail.command(&wrapper);
            command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
            command.spawn().expect("it starts")
        };
        let mut first = start("echo on; read x; echo evil >.git/commondir || echo held");
        let mut line = [0; 3];
        std::io::Read::read_exact(first.stdout.as_mut().expect("a pipe"), &mut line).expect("on");
        assert!(start("git status --short").wait().expect("it ends").success());
        // The first one is still protected.
        drop(first.stdin.take());
        let ran = first.wait_with_output().expect("it ends");
        assert_eq!(String::from_utf8_lossy(&ran.stdout), "held\n");
        assert_eq!(settings_of(&jail.project().join(".git")), before);
    }
}

#[test]
fn a_launch_that_is_killed_at_any_moment_leaves_nothing() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        let git = jail.project().join(".git");
        let before = settings_of(&git);
        let wrapper = jail.wrapper();
        for round in 0..100_u64 {
            let mut command = jail.command(&wrapper);
            command.args([
                "-c",
                "git status --short >/dev/null; git config a.b c; git commit -q --allow-empty -m x",
            ]);
            command.stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
            let mut child = command.spawn().expect("it starts");
            // From before the launch has read its plan to after its end.
            std::thread::sleep(Duration::from_micros(round * 600));
            child.kill().expect("SIGKILL");
            child.wait().expect("it ends");
        }
        // What outlives the launcher for a moment has its work to do.
        let end = Instant::now() + Duration::from_secs(20);
        let others = || {
            let is_lock = |path: &Path| path.extension().is_some_and(|end| end == "lock");
            let differ = settings_of(&git).into_iter().filter(|one| !before.contains(one));
            differ.map(|(path, _)| path).filter(|path| !is_lock(path)).collect::<Vec<_>>()
        };
        while !others().is_empty() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(others(), Vec::<PathBuf>::new());
        assert!(!git.join("commondir").exists());
        jail.outside_sh("rm -f .git/*.lock .git/refs/heads/*.lock; git status --short").prints("");
        jail.sh("git status --short").prints("");
    }
}

#[test]
fn other_grants_of_the_same_repository_are_protected_too() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Reported);
        let parent = jail.folder.path().to_path_buf();
        prepare(&jail, "mkdir -p a");
        let jail = jail.op(bind(&parent, Access::ReadWrite));
        let project = jail.project();
        let script = format!(
            "echo x >>{0}/.git/config; echo x >{0}/.git/commondir; git config a.b c",
            project.display()
        );
        let ran: Ran = run_in(&jail, &project, &script);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        jail.outside_sh("git config a.b || echo none; cat .git/commondir 2>/dev/null || echo none")
            .prints("none\nnone");
    }
}
