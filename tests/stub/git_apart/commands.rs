//! Everyday commands of git, in a jail and outside, each in an equal repository: they end alike,
//! print alike and leave the same.

use std::path::{Path, PathBuf};
use std::process::Command;

use jail_plan::{Access, GitChanges, Handled, InsideOp};

use super::{apart, has_git, plain, prepare, run_in, settings_of};
use crate::jail::{Caller, Jail, Ran, bind, callers, wall};

/// One by one, each after those before it.
const COMMANDS: &[&str] = &[
    "git status --short",
    "git diff",
    "git log --oneline --format=%s",
    "git show --format=%s --stat HEAD",
    "git branch --list",
    "git branch topic",
    "git checkout -q topic",
    "echo 2 >g; git add g",
    "git diff --cached --stat",
    "git commit -qm two",
    "git checkout -q -",
    "git switch -q -c other",
    "echo 3 >f; git commit -qam three",
    "git switch -q -",
    "git merge -q --no-edit topic",
    "git merge -q --no-edit -m merged other",
    "git tag v1",
    "git tag -a v2 -m two",
    "git describe",
    "git stash list",
    "echo 4 >f; git stash -q",
    "git stash pop -q",
    "git checkout -q -- f",
    "echo 5 >f; git restore f",
    "git rm -q g",
    "git commit -qm removed",
    "git revert --no-edit HEAD",
    "git mv g h",
    "git commit -qm moved",
    "git reset -q --soft HEAD~1",
    "git reset -q --hard",
    "git cherry-pick --allow-empty other 2>/dev/null || git cherry-pick --skip",
    "git rebase -q topic 2>/dev/null || git rebase --abort",
    "git branch -m topic renamed",
    "git branch -d renamed 2>/dev/null || git branch -D renamed",
    "git config user.nickname n",
    "git config --get user.nickname",
    "git config --unset user.nickname",
    "git config --list --local | grep -c .",
    "git remote add up ../up.git",
    "git remote -v",
    "git fetch -q up",
    "git push -q up HEAD:refs/heads/pushed",
    "git push -q -u up HEAD:main",
    "git branch --set-upstream-to=up/main",
    "git pull -q --no-rebase up main",
    "git rev-list --count HEAD >/dev/null",
    "git remote rename up down",
    "git remote set-url down ../up.git",
    "git remote remove down",
    "git blame -s f",
    "git grep -c . f",
    "git ls-files",
    "git reflog --format=%gs",
    "git gc -q",
    "git fsck --no-progress",
    "git repack -adq",
    "git prune",
    "git worktree add -q tree -b tree",
    "git -C tree commit -q --allow-empty -m tree",
    "git worktree list | grep -c .",
    "git worktree remove tree",
    "git worktree prune",
    "git -c protocol.file.allow=always submodule --quiet add ../up.git part",
    "git commit -qm part",
    "git submodule status | cut -c 42-",
    "git submodule --quiet update --init",
    "git -C part log --oneline --format=%s -1",
    "git submodule --quiet deinit -f part",
    "git sparse-checkout set --cone . && git sparse-checkout disable",
    "git clean -qfd",
    "git notes add -m note",
    "git bisect start HEAD HEAD~1 >/dev/null && git bisect reset",
    "git format-patch -1 --stdout >/dev/null",
    "git archive HEAD | tar t | sort",
    "git bundle create -q ../b HEAD",
    "git clone -q . ../clone",
    "printf 'echo hooked\\n' >.git/hooks/pre-commit 2>/dev/null; git status --short",
    "git update-index --refresh",
    "git maintenance run --quiet",
    "git write-tree >/dev/null",
    "git rev-parse --show-toplevel --is-bare-repository --is-inside-work-tree",
    "git rev-parse --abbrev-ref HEAD",
    "git for-each-ref --format='%(refname)'",
    "git status",
];

/// What a kind of repository is made of: in `~/repository`, with `~/repository/up.git`
/// next to the working tree.
const MAKE: &str = "
    export GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z
    git init -q -b main ~/all/repository; cd ~/all/repository
    echo 1 >f; git add f; git commit -qm one; git clone -q --bare . ~/all/up.git
";

/// A kind of repository: how it is made of that, and in which folder of `~/all` one works.
struct Repository {
    name: &'static str,
    more: &'static str,
    granted: &'static str,
    below: &'static str,
}

const KINDS: [Repository; 4] = [
    Repository { name: "plain", more: "", granted: "repository", below: "" },
    Repository {
        name: "subfolder",
        more: "mkdir a; echo x >a/x; echo 1 >a/f; git add a; git commit -qm a",
        granted: "repository",
        below: "a",
    },
    Repository {
        name: "worktree",
        more: "git worktree add -q ~/all/beside -b side",
        granted: "beside",
        below: "",
    },
    Repository {
        name: "submodule",
        more: "git -c protocol.file.allow=always submodule --quiet add ~/all/up.git sub; git commit -qm sub",
        granted: "repository",
        below: "sub",
    },
];

/// All the commands in one shell, with what each printed and how it ended.
fn script() -> String {
    let mut script = String::from(
        "export GIT_CONFIG_COUNT=2 GIT_CONFIG_KEY_0=protocol.file.allow GIT_CONFIG_VALUE_0=always GIT_CONFIG_KEY_1=advice.detachedHead GIT_CONFIG_VALUE_1=false GIT_EDITOR=true GIT_PAGER=cat LC_ALL=C\nexport GIT_AUTHOR_DATE=2026-01-02T03:04:05Z GIT_COMMITTER_DATE=2026-01-02T03:04:05Z\n",
    );
    for command in COMMANDS {
        let quoted = command.replace('\'', "'\\''");
        script.push_str(&format!("echo '$ {quoted}'\n{{ {command}\n}} 2>&1; echo \"= $?\"\n"));
    }
    script
}

fn jail(caller: Caller, kind: &Repository) -> (Jail, PathBuf) {
    let jail = plain(caller);
    prepare(&jail, &format!("{MAKE}{}", kind.more));
    let all = jail.home().join("all");
    let folder = all.join(kind.granted);
    // What is fetched from and cloned to, but nothing of git's settings.
    let up = bind(all.join("up.git"), Access::ReadWrite);
    (jail.op(up), folder)
}

fn lines(ran: &Ran, folder: &Path) -> Vec<String> {
    let home = folder.parent().and_then(Path::parent).expect("a home").display().to_string();
    ran.stdout.lines().map(|line| line.replace(&home, "~")).collect()
}

#[test]
fn everyday_commands_do_in_a_jail_what_they_do_outside() {
    if !has_git() {
        return;
    }
    for (kind, caller) in
        KINDS.iter().flat_map(|kind| callers().into_iter().map(move |c| (kind, c)))
    {
        for full in [false, kind.name == "plain"] {
            let (control, outside) = jail(caller, kind);
            let (jail, inside) = jail(caller, kind);
            let jail = jail.op(apart(GitChanges::Reported)).op(InsideOp::Worktree);
            let jail = jail.change(|plan| {
                if full {
                    wall(plan);
                    plan.landlock.handles.push(Handled::Execution);
                }
            });
            let below = kind.below;
            let before = settings_of(&git_of(&inside));
            let cd = if below.is_empty() { String::new() } else { format!("cd {below}\n") };
            let expected = Ran::of(
                control
                    .command("/bin/sh")
                    .current_dir(&outside)
                    .args(["-c", &format!("{cd}{}", script())]),
            );
            let ran = run_in(&jail, &inside, &format!("{cd}{}", script()));
            let [expected, found] = [lines(&expected, &outside), lines(&ran, &inside)];
            let differ = expected.iter().zip(&found).filter(|(one, other)| one != other);
            let differ: Vec<_> = differ.take(5).collect();
            assert!(found.len() > COMMANDS.len(), "{ran:?}");
            assert_eq!(
                (&differ, expected.len()),
                (&Vec::new(), found.len()),
                "{} {full}\n{}\n{}",
                kind.name,
                ran.stdout,
                ran.stderr
            );
            let after = settings_of(&git_of(&inside));
            let changed: Vec<_> =
                before.iter().filter(|one| !after.contains(one)).map(|(path, _)| path).collect();
            assert_eq!(changed, Vec::<&PathBuf>::new(), "{}", kind.name);
            let made: Vec<_> = after
                .iter()
                .map(|(path, _)| path)
                .filter(|path| {
                    ["commondir", "config.worktree", "attributes", "alternates"]
                        .iter()
                        .any(|name| path.ends_with(name))
                })
                .filter(|path| !before.iter().any(|(old, _)| old == *path))
                .collect();
            assert_eq!(made, Vec::<&PathBuf>::new(), "{}", kind.name);
        }
    }
}

/// The folder of git that is looked at: that of the repository, whatever is worked in.
fn git_of(folder: &Path) -> PathBuf {
    folder.parent().expect("it has one").join("repository/.git")
}

#[test]
fn the_table_has_enough_commands_and_they_all_start_with_something_of_git() {
    let git = Command::new("git").arg("version").output();
    assert!(git.is_err() || COMMANDS.len() >= 58, "{}", COMMANDS.len());
    assert!(COMMANDS.iter().all(|command| command.contains("git ")));
}
