//! What a jail leaves in a repository so that git on the host runs it (escapes.md C4 to C8, E2, E4,
//! E11, E29). Each row has its control: the same jail without the protection, in which it works.

use std::path::Path;

use jail_plan::{GitChanges, InsideOp};

use super::{apart, has_git, plain, prepare, run_in};
use crate::jail::{Caller, Jail, callers};

/// One attempt.
struct Row {
    name: &'static str,
    /// On the host, in `~/project`, a repository with a commit.
    made: &'static str,
    /// Inside, in this folder of the host.
    folder: &'static str,
    inside: &'static str,
    /// On the host afterwards, in the same folder: what would run `touch ~/fired`.
    outside: &'static str,
}

const ROW: Row = Row { name: "", made: "", folder: "project", inside: "", outside: "git status" };

/// A configuration that has `git status` run something.
const EVIL: &str = "evil() { printf '[core]\\n\\tfsmonitor = touch ~/fired; false\\n\\tbare = false\\n\\trepositoryformatversion = 0\\n'; }
hook() { mkdir -p \"$1\"; printf '#!/bin/sh\\ntouch ~/fired\\n' >\"$1/pre-commit\"; chmod +x \"$1/pre-commit\"; }
";

const SUBMODULE: &str =
    "git init -q -b main ~/part && git -C ~/part commit -q --allow-empty -m part
    git -c protocol.file.allow=always submodule --quiet add ~/part sub && git commit -q -m sub";

const ROWS: &[Row] = &[
    Row {
        name: "hook",
        inside: "hook .git/hooks",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row { name: "fsmonitor", inside: "git config core.fsmonitor 'touch ~/fired; false'", ..ROW },
    Row {
        name: "ssh-command",
        inside: "git config core.sshCommand 'touch ~/fired; false'; git config remote.o.url ssh://x.invalid/y",
        outside: "git fetch o",
        ..ROW
    },
    Row { name: "include", inside: "evil >evil; git config include.path ../evil", ..ROW },
    Row {
        name: "include-if",
        inside: "evil >evil; git config \"includeIf.gitdir:/.path\" ../evil",
        ..ROW
    },
    Row {
        name: "hooks-path",
        inside: "hook h; git config core.hooksPath h",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row { name: "alias", inside: "git config alias.st '!touch ~/fired'", outside: "git st", ..ROW },
    Row {
        name: "filter",
        inside: "git config filter.x.clean 'touch ~/fired; cat'; echo 'f filter=x' >.gitattributes",
        outside: "echo 9 >f; git add f",
        ..ROW
    },
    Row {
        name: "diff-external",
        inside: "git config diff.external 'touch ~/fired; true'; echo 9 >f",
        outside: "git --no-pager diff",
        ..ROW
    },
    Row {
        name: "attributes-in-git",
        made: "git config filter.x.clean 'touch ~/fired; cat'",
        inside: "mkdir -p .git/info; echo 'f filter=x' >.git/info/attributes",
        outside: "echo 9 >f; git add f",
        ..ROW
    },
    Row {
        name: "config-worktree",
        made: "git config extensions.worktreeConfig true",
        inside: "evil >.git/config.worktree",
        ..ROW
    },
    Row {
        name: "config-worktree-later",
        inside: "evil >.git/config.worktree",
        outside: "git sparse-checkout set --cone . ; git status",
        ..ROW
    },
    Row {
        name: "commondir",
        inside: "cp -r .git evil; rm -f evil/config evil/commondir; evil >evil/config; rm -f .git/commondir; echo ../evil >.git/commondir",
        ..ROW
    },
    Row { name: "config-written", inside: "evil >new; cat new >.git/config", ..ROW },
    Row { name: "config-renamed-over", inside: "evil >.git/new; mv .git/new .git/config", ..ROW },
    Row { name: "config-removed", inside: "rm -f .git/config; evil >.git/config", ..ROW },
    Row { name: "config-linked", inside: "evil >evil; ln -sf ../evil .git/config", ..ROW },
    Row { name: "folder-moved", inside: "mv .git .g2; cp -r .g2 .git; evil >.git/config", ..ROW },
    Row {
        name: "folder-made-anew",
        inside: "rm -rf .git; git init -q -b main .; evil >>.git/config",
        ..ROW
    },
    Row {
        name: "include-that-is-there",
        made: "echo >inc; git config include.path ../inc",
        inside: "evil >inc; rm -f inc; evil >inc",
        ..ROW
    },
    Row {
        name: "include-through-a-link",
        made: "mkdir d; echo >d/inc; ln -s d/inc link; git config include.path ../link",
        inside: "evil >evil; evil >d/inc; rm -f link d/inc; mv d e; mkdir d; ln -s ../evil d/inc; ln -s evil link",
        ..ROW
    },
    Row {
        name: "hooks-path-that-is-there",
        made: "mkdir hooks; echo >hooks/x; git config core.hooksPath hooks",
        inside: "hook hooks; mv hooks h2; hook hooks",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row {
        name: "hooks-path-as-husky-has-it",
        made: "mkdir -p .husky/_; echo '*' >.husky/_/.gitignore; git config core.hooksPath .husky/_",
        inside: "hook .husky/_; mv .husky .h2; hook .husky/_",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row {
        name: "hooks-through-a-link",
        made: "rm -rf .git/hooks; mkdir hooks; ln -s ../hooks .git/hooks",
        inside: "hook hooks; hook .git/hooks; rm -f .git/hooks; hook .git/hooks",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row {
        name: "hooks-that-are-missing",
        made: "rm -rf .git/hooks .git/info",
        inside: "hook .git/hooks",
        outside: "git commit -q --allow-empty -m x",
        ..ROW
    },
    Row {
        name: "attributes-file-that-is-there",
        made: "echo >attrs; git config core.attributesFile attrs; git config filter.x.clean 'touch ~/fired; cat'",
        inside: "echo 'f filter=x' >attrs; rm -f attrs; echo 'f filter=x' >attrs",
        outside: "echo 9 >f; git add f",
        ..ROW
    },
    Row {
        name: "submodule-config",
        made: SUBMODULE,
        inside: "evil >>.git/modules/sub/config; git -C sub config core.fsmonitor 'touch ~/fired; false'",
        outside: "git -C sub status",
        ..ROW
    },
    Row {
        name: "submodule-hook",
        made: SUBMODULE,
        inside: "hook .git/modules/sub/hooks",
        outside: "git -C sub commit -q --allow-empty -m x",
        ..ROW
    },
    Row {
        name: "submodule-pointer",
        made: SUBMODULE,
        inside: "git init -q evil; evil >evil/.git/config; rm -f sub/.git; echo gitdir: ../evil/.git >sub/.git; mv sub s2; mkdir sub; echo gitdir: ../evil/.git >sub/.git",
        outside: "git -C sub status",
        ..ROW
    },
    Row {
        name: "worktree-pointer",
        made: "git worktree add -q ~/side",
        folder: "side",
        inside: "git init -q evil; evil >evil/.git/config; rm -f .git; echo gitdir: evil/.git >.git",
        ..ROW
    },
    Row {
        name: "worktree-in-the-project",
        made: "git worktree add -q tree",
        inside: "git init -q evil; evil >evil/.git/config; rm -f tree/.git; echo gitdir: ../evil/.git >tree/.git; mv tree t2; cp -r t2 tree; echo gitdir: ../evil/.git >tree/.git",
        outside: "git -C tree status",
        ..ROW
    },
    Row {
        name: "worktree-commondir",
        made: "git worktree add -q ~/side",
        folder: "side",
        inside: "git init -q evil; evil >evil/.git/config; rm -f ~p/.git/worktrees/side/commondir; echo $PWD/evil/.git >~p/.git/worktrees/side/commondir",
        ..ROW
    },
    Row {
        name: "worktree-config",
        made: "git worktree add -q ~/side; git config extensions.worktreeConfig true",
        folder: "side",
        inside: "evil >~p/.git/worktrees/side/config.worktree",
        ..ROW
    },
    Row {
        name: "worktree-shared-config",
        made: "git worktree add -q ~/side",
        folder: "side",
        inside: "git config core.fsmonitor 'touch ~/fired; false'; evil >>~p/.git/config",
        ..ROW
    },
    Row {
        name: "bare-repository",
        made: "git clone -q --bare . ~/bare.git",
        folder: "bare.git",
        inside: "hook hooks; mv hooks h2; hook hooks; rm -f hooks/pre-receive; cp hooks/pre-commit hooks/pre-receive",
        outside: "cd ~/project; git push -q ~/bare.git HEAD:refs/heads/x",
    },
    Row {
        name: "git-that-is-a-link",
        made: "mv .git .repository; ln -s .repository .git",
        inside: "evil >evil; git config core.fsmonitor 'touch ~/fired; false'; cat evil >>.repository/config; rm -f .git; cp -r .repository .git; cat evil >.git/config",
        ..ROW
    },
];

fn jail(caller: Caller, row: &Row) -> Jail {
    let jail = plain(caller).op(InsideOp::Worktree);
    prepare(
        &jail,
        &format!("git init -q -b main .; echo 1 >f; git add f; git commit -qm one\n{}", row.made),
    );
    jail
}

/// Whether what was left inside has run on the host.
fn fires(jail: &Jail, row: &Row) -> bool {
    let folder = jail.folder.path().join(match row.folder {
        "project" => "project".into(),
        other => format!("home/{other}"),
    });
    let project = jail.project().display().to_string();
    let inside = format!("{EVIL}{}", row.inside.replace("~p", &project));
    let ran = run_in(jail, &folder, &format!("{{ {inside}\n}} 2>&1; true"));
    assert_eq!(ran.code, Some(0), "{}: {ran:?}", row.name);
    let fired = jail.home().join("fired");
    assert!(!fired.exists(), "{}: it ran inside", row.name);
    let mut outside = jail.command("sh");
    outside
        .current_dir(&folder)
        .args(["-c", &format!("{{ {}; }} >/dev/null 2>&1; true", row.outside)]);
    assert!(outside.status().expect("it starts").success(), "{}", row.name);
    fired.exists()
}

#[test]
fn nothing_that_a_jail_leaves_in_git_runs_on_the_host() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        for row in ROWS {
            assert!(fires(&jail(caller, row), row), "the control of {} does not work", row.name);
            let jail = jail(caller, row).op(apart(GitChanges::Reported));
            assert!(!fires(&jail, row), "{} {caller:?}", row.name);
            assert_eq!(left_over(&jail.project()), "", "{}", row.name);
        }
    }
}

/// Placeholders that are still there.
fn left_over(project: &Path) -> String {
    let mut found = String::new();
    for name in ["commondir", "config.worktree", "info/attributes", "objects/info/alternates"] {
        let path = project.join(".git").join(name);
        if std::fs::read(&path)
            .is_ok_and(|text| matches!(&*text, b".\n" | b"") || text.starts_with(b"# jailgen"))
        {
            found.push_str(name);
        }
    }
    found
}
