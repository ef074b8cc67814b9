//! The hand-off record: what a session leaves that programs outside would execute or trust is
//! reported, and nothing else.

use jail_plan::handoff::{FOLDER, LEDGER};
use jail_plan::{HandOff, Host, HostOp, Step};
use jail_seccomp::Sockets;

use crate::cage::cage;
use crate::jail::{Caller, Jail, Ran, by, callers};
use crate::programs::host;

fn jail(caller: Caller) -> Jail {
    looked_through(Jail::new(caller))
}

fn looked_through(jail: Jail) -> Jail {
    jail.change(|plan| {
        let program = host().to_str().expect("UTF-8").to_owned();
        plan.host = Some(Host { program, shell: None });
        plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: false })));
    })
}

/// What `jailgen handoff` runs.
fn ledger(jail: &Jail, mode: &str, paths: &[&str]) -> Ran {
    let mut command = jail.command(host());
    command.args([LEDGER, mode]).arg(jail.folder.path().join("state/jailgen").join(FOLDER));
    command.arg(jail.project());
    Ran::of(command.args(paths.iter().map(|path| jail.project().join(path))))
}

/// Runs a script inside; what is reported at its end.
fn told(jail: &Jail, script: &str) -> String {
    let ran = jail.sh(script);
    assert_eq!(ran.code, Some(0), "{script}: {}", ran.stderr);
    ran.stderr
}

/// What a session does, and what is reported about it.
const LEFT: &[(&str, &str)] = &[
    (
        "mkdir .vscode; echo x >.vscode/tasks.json",
        "new      .vscode/tasks.json: VS Code runs tasks",
    ),
    ("mkdir -p a/.VSCode; echo x >a/.VSCode/Tasks.JSON", "new      a/.VSCode/Tasks.JSON: VS Code"),
    ("echo x >.envrc", "new      .envrc: direnv runs this file"),
    ("echo x >.mcp.json", "new      .mcp.json: agents start the servers"),
    (
        "mkdir -p .claude/hooks; echo x >.claude/hooks/y",
        "new      .claude/hooks/y: Claude Code runs",
    ),
    (
        "mkdir -p .github/workflows; echo x >.github/workflows/y.yml",
        "new      .github/workflows/y.yml: GitHub runs",
    ),
    ("mkdir venv; echo x >venv/pyvenv.cfg", "new      venv/pyvenv.cfg: Python and editors"),
    ("echo FROM x >Dockerfile", "new      Dockerfile: a container"),
    (
        r#"echo '{"scripts":{"postinstall":"evil"}}' >package.json"#,
        "new      package.json scripts.postinstall = evil: npm",
    ),
    ("printf '#!/bin/sh\\n' >tool; chmod +x tool", "new      tool: a program that is called"),
    ("chmod +x known", "new      known: a program that is called"),
    (
        "ln -s /etc/passwd out",
        "new      out (/etc/passwd): what is written or read through this link lies outside",
    ),
    ("mkdir d; ln -s ../../x d/out", "new      d/out (../../x): what is written"),
    (
        "ln -s d/e l; mkdir -p d/e; ln -s l/../../../x out",
        "new      out (l/../../../x): what is written",
    ),
    ("mkfifo pipe", "new      pipe (a pipe): programs that open this"),
    (
        "git config core.fsmonitor 'touch /tmp/x'",
        "new      .git/config core.fsmonitor = touch /tmp/x: git runs programs",
    ),
    (
        "git config remote.x.url 'ext::sh -c y'",
        "new      .git/config remote.x.url = ext::sh -c y: git",
    ),
    ("echo x >.git/hooks/pre-commit", "new      .git/hooks/pre-commit: git runs hooks"),
    (
        "echo /x >.git/objects/info/alternates",
        "new      .git/objects/info/alternates: git believes",
    ),
    (
        "mkdir objects refs; echo 'ref: refs/heads/x' >HEAD",
        "new      .: git takes this folder for a repository",
    ),
    (
        "mkdir -p b/objects b/refs; echo 'ref: refs/heads/x' >b/HEAD; printf '[core]\\nfsmonitor=y\\n' >b/config",
        "new      b/config core.fsmonitor = y: git",
    ),
    (
        "mkdir decoy; echo x >decoy/tasks.json; mv decoy .vscode",
        "new      .vscode/tasks.json: VS Code",
    ),
    (
        "mkdir editor; echo x >editor/tasks.json; ln -s editor .vscode",
        "new      .vscode (editor): VS Code",
    ),
    (
        "mkdir .git/rebase-merge; echo 'exec x' >.git/rebase-merge/git-rebase-todo",
        "new      .git/rebase-merge/git-rebase-todo: `git rebase --continue` runs",
    ),
    (
        "mkdir .git/remotes; echo 'URL: .git/x' >.git/remotes/origin",
        "new      .git/remotes/origin: git believes where",
    ),
    ("echo x >.git/lazygit.yml", "new      .git/lazygit.yml: lazygit runs commands"),
    ("echo changed >flake.nix", "changed  flake.nix: Nix evaluates"),
    ("echo changed >hooks-of-mine/pre-push", "changed  hooks-of-mine/pre-push: git runs hooks"),
    ("printf '[alias]\\na=!b\\n' >included", "new      included alias.a = !b: git"),
];

/// What sessions do all day.
const ORDINARY: &[&str] = &[
    "true",
    "mkdir src; echo 'fn main() {}' >src/main.rs; echo all: >Makefile",
    "echo y >known; rm flake.nix",
    "touch flake.nix; cp flake.nix x; mv x flake.nix",
    r#"echo '{"version":"2"}' >package.json"#,
    "mkdir -p target/debug; printf '#!' >target/debug/p; chmod +x target/debug/p",
    "ln -s known inside; mkdir d; ln -s ../known d/inside",
    "git add -A; git -c user.name=a -c user.email=a@b commit -qm x; git branch y; git checkout -q y",
    "git remote add origin https://example.org/x.git; git config user.name z",
    // What stands there while another jail keeps git's settings apart.
    "echo . >.git/commondir; : >.git/objects/info/alternates",
    "mkdir -p node_modules/x; echo '{\"scripts\":{\"a\":\"b\"}}' >node_modules/x/package.json",
];

/// A project with something of each kind that was there before.
fn with_project(jail: &Jail) {
    let set_up = "echo x >known; echo '{ }' >flake.nix; printf '[user]\nname=a\n' >included
        mkdir hooks-of-mine; echo x >hooks-of-mine/pre-push
        git init -q . 2>/dev/null; git config core.hooksPath hooks-of-mine; git config include.path ../included
        # What changed within a tick of the kernel's clock before a launch counts as the session's.
        sleep 0.05";
    let ran = jail.outside_sh(set_up);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    // The first session of a project may be quicker than what is written down of it.
    assert_eq!(told(jail, "sleep 0.2"), "");
}

#[test]
fn what_host_programs_would_execute_is_told() {
    for caller in callers() {
        for (script, expected) in LEFT {
            let jail = jail(caller);
            with_project(&jail);
            let said = told(&jail, script);
            assert!(said.contains(expected), "{caller:?} {script}:\n{said}");
            let again = ledger(&jail, "show", &[]);
            assert!(again.stdout.contains(expected), "{caller:?} {script}: {again:?}");
        }
    }
}

#[test]
fn what_kept_something_from_running_and_is_gone_is_told_once() {
    for caller in callers() {
        for (script, name) in [
            ("rm .claude/settings.local.json", ".claude/settings.local.json"),
            ("mv .claude other", ".claude/settings.local.json"),
            ("rm -r nested/.git/hooks", "nested/.git/hooks/pre-commit"),
            ("mv nested/.git/hooks nested/h", "nested/.git/hooks/pre-commit"),
        ] {
            let jail = jail(caller);
            let set_up = "mkdir -p .claude nested; echo '{\"permissions\": {\"deny\": [\"Bash\"]}}' >.claude/settings.local.json
                git init -q nested 2>/dev/null; rm -f nested/.git/hooks/*; mkdir -p nested/.git/hooks
                echo x >nested/.git/hooks/pre-commit; echo '{ }' >flake.nix";
            assert_eq!(jail.outside_sh(set_up).code, Some(0));
            with_project(&jail);
            let said = told(&jail, &format!("{script}; rm flake.nix"));
            assert!(said.contains(&format!("gone     {name}: ")), "{caller:?} {script}: {said}");
            assert!(!said.contains("flake.nix"), "{said}");
            let again = told(&jail, "true");
            assert!(!again.contains("gone "), "{again}");
            // What the user removes between two sessions is the user's own.
            let own = "mkdir -p .claude; echo x >.claude/mine; sleep 0.05";
            assert_eq!(jail.outside_sh(own).code, Some(0));
            told(&jail, "sleep 0.2");
            assert_eq!(jail.outside_sh("rm .claude/mine; sleep 0.05").code, Some(0));
            let own = told(&jail, "sleep 0.2");
            assert!(!own.contains("gone "), "{own}");
        }
    }
}

#[test]
fn what_sessions_do_all_day_is_not_told() {
    for caller in callers() {
        for script in ORDINARY {
            let jail = jail(caller);
            with_project(&jail);
            assert_eq!(told(&jail, script), "", "{caller:?} {script}");
        }
        // The control: without a record nothing of the rest is reported either.
        let without = Jail::new(caller);
        assert_eq!(told(&without, "echo x >.envrc"), "");
    }
}

#[test]
fn what_is_approved_is_told_no_more_until_it_changes() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        assert!(told(&jail, "echo x >.envrc; echo x >.mcp.json").contains(".envrc"));
        // It waits, and is counted where there is something else to tell.
        assert_eq!(told(&jail, "true"), "");
        let said = told(&jail, "echo FROM x >Dockerfile");
        assert!(said.contains("  2 from earlier sessions") && !said.contains(".envrc"), "{said}");
        assert_eq!(ledger(&jail, "approve", &[".envrc", "Dockerfile"]).stdout, "2 approved\n");
        let rest = ledger(&jail, "show", &[]).stdout;
        assert!(rest.contains(".mcp.json") && !rest.contains(".envrc"), "{rest}");
        // The same content, written again, is what was approved.
        assert_eq!(told(&jail, "rm .envrc; echo x >.envrc"), "");
        let said = told(&jail, "echo y >.envrc");
        assert!(said.contains(" .envrc: direnv"), "{said}");
        assert_eq!(ledger(&jail, "approve", &["src"]).code, Some(1));
        assert_eq!(ledger(&jail, "approve", &[]).stdout, "2 approved\n");
        assert_eq!(ledger(&jail, "show", &[]).stdout, "");
    }
}

#[test]
fn what_the_user_changes_between_sessions_is_the_users_own() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        assert_eq!(jail.outside_sh("echo mine >.envrc; echo mine >flake.nix").code, Some(0));
        assert_eq!(ledger(&jail, "show", &[]).stdout, "");
        assert_eq!(told(&jail, "sleep 0.2"), "");
        // The control: the same from inside.
        assert!(told(&jail, "echo its >.envrc").contains("changed  .envrc"));
        // What waits is not the user's by being changed: some of it may be the session's still.
        assert_eq!(jail.outside_sh("echo mine >>.envrc").code, Some(0));
        assert!(ledger(&jail, "show", &[]).stdout.contains("changed  .envrc"));
    }
}

#[test]
fn a_launcher_that_is_killed_loses_nothing() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        let script = "\"$W\" -c 'sleep 0.3; echo x >.envrc; touch ready; sleep 60' & pid=$!
            until [ -e ready ]; do sleep 0.02; done; kill -9 $pid; wait $pid 2>/dev/null; sleep 0.3; true";
        let ran = jail.outside_sh(script);
        assert!(!ran.stderr.contains("envrc"), "{ran:?}");
        assert!(ledger(&jail, "show", &[]).stdout.contains("new      .envrc"), "{caller:?}");
        // Neither does the next session, which begins with it.
        assert_eq!(told(&jail, "sleep 0.2"), "");
        assert!(ledger(&jail, "show", &[]).stdout.contains("new      .envrc"), "{caller:?}");
    }
}

#[test]
fn two_sessions_at_once_tell_each_what_is_left() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        let script =
            "\"$W\" -c 'touch first; until [ -e end ]; do sleep 0.02; done' 2>told & pid=$!
            until [ -e first ]; do sleep 0.02; done; sleep 0.2
            \"$W\" -c 'echo x >.envrc; sleep 0.2' 2>&1; touch end; wait $pid; cat told";
        let said = jail.outside_sh(script).stdout;
        // The second one tells it; to the first it is known by then. It did not
        // become what was there before.
        assert_eq!(said.matches("new      .envrc").count(), 1, "{said}");
        assert!(ledger(&jail, "show", &[]).stdout.contains("new      .envrc"));
    }
}

#[test]
fn names_and_contents_are_not_printed_as_they_are() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        let said = told(
            &jail,
            r#"d=$(printf 'a\033[2J\nb\342\200\256'); mkdir "$d"; echo x >"$d/.envrc"; git config alias.x "$(printf '!\033]0;x\007')"; mkdir "$(printf '\377')"; echo x >"$(printf '\377')/.envrc""#,
        );
        assert!(said.contains(r"a\u{1b}[2J\nb\u{202e}/.envrc"), "{said:?}");
        assert!(said.contains(r"alias.x = !\u{1b}]0;x\u{7}"), "{said:?}");
        let json = ledger(&jail, "json", &[]).stdout;
        let shown = format!("{said}{json}");
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}') && json.is_ascii());
        // Names that are not UTF-8 are approved with the rest.
        assert_eq!(ledger(&jail, "approve", &[]).stdout, "3 approved\n");
    }
}

#[test]
fn nothing_outside_is_read_and_nothing_hangs() {
    for caller in callers() {
        let jail = jail(caller);
        with_project(&jail);
        let secret = jail.file("home/secret", "[alias]\nsecret=!x\n");
        let secret = secret.display();
        let said = told(
            &jail,
            &format!(
                "mkfifo .envrc; ln -s {secret} .mcp.json; rm .git/config; ln -s {secret} .git/config
                ln -s . loop; mkdir -p deep/$(printf 'a/%.0s' $(seq 400)); mkdir .idea; ln -s ../.idea .idea/again"
            ),
        );
        for expected in
            [".envrc (a pipe)", ".mcp.json (", ".git/config (", "deep/a/", "it is too deep"]
        {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        assert!(!said.contains("alias.secret"), "{said}");
    }
}

#[test]
fn what_is_not_approved_is_moved_aside_under_quarantine() {
    for caller in callers() {
        let jail = jail(caller).change(|plan| {
            plan.before.retain(|step| !matches!(step.op, HostOp::HandOff(_)));
            plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: true })));
        });
        with_project(&jail);
        let script = "mkdir .vscode; echo tasks >.vscode/tasks.json; echo rc >.envrc; chmod 640 .envrc; ln -s /etc/passwd out
            echo other >src.c; printf '#!' >tool; chmod +x tool; git config core.pager evil";
        let said = told(&jail, script);
        for expected in ["Moved aside", "  .vscode/tasks.json\n", "  .envrc\n", "  out\n"] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
        // What only the user runs on purpose, and what a repository needs, is reported and stays.
        assert!(said.contains("new      tool") && said.contains("core.pager"), "{said}");
        let there = || jail.outside_sh("ls -A . .vscode; stat -c %a .envrc").stdout;
        for (name, stays) in
            [("tasks.json", false), ("out", false), ("src.c", true), ("tool", true)]
        {
            assert_eq!(there().lines().any(|line| line == name), stays, "{name}");
        }
        // What the user has made in its place meanwhile stays.
        assert_eq!(jail.outside_sh("echo mine >.envrc").code, Some(0));
        assert_eq!(ledger(&jail, "restore", &[".envrc"]).code, Some(1));
        assert_eq!(jail.outside_sh("cat .envrc; rm .envrc").stdout, "mine\n");
        assert_eq!(ledger(&jail, "restore", &[".envrc"]).stdout, "1 brought back\n");
        assert_eq!(jail.outside_sh("cat .envrc; stat -c %a .envrc").stdout, "rc\n640\n");
        // Approved it is back, and stays.
        assert_eq!(ledger(&jail, "approve", &[".vscode", "out"]).stdout, "2 approved\n");
        assert_eq!(
            jail.outside_sh("cat .vscode/tasks.json; readlink out").stdout,
            "tasks\n/etc/passwd\n"
        );
        told(&jail, "sleep 0.2");
        assert_eq!(jail.outside_sh("cat .vscode/tasks.json").stdout, "tasks\n");
        // A folder that the session has replaced by a link leads nothing elsewhere.
        told(&jail, "mkdir d; echo x >d/.envrc");
        let outside = jail.folder.path().join("home").display().to_string();
        assert_eq!(jail.outside_sh(&format!("rmdir d && ln -s {outside} d")).code, Some(0));
        assert_eq!(ledger(&jail, "restore", &["d"]).code, Some(1));
        assert!(!jail.home().join(".envrc").exists());
    }
}

#[test]
fn what_a_cage_leaves_is_told_when_nothing_of_it_runs_any_more() {
    for caller in callers() {
        let jail = looked_through(cage(caller, Sockets::Tcp));
        assert_eq!(told(&jail, "sleep 0.2"), "");
        let said = told(
            &jail,
            "(sleep 0.1; echo x >.envrc; sleep 60) >/dev/null 2>&1 & echo x >.mcp.json; sleep 0.3",
        );
        assert!(said.contains(" .envrc: ") && said.contains(" .mcp.json: "), "{caller:?} {said}");
        // What is left running does not write after it was looked at.
        told(&jail, "(sleep 0.4; echo x >late) >/dev/null 2>&1 & sleep 0.1");
        assert_eq!(jail.outside_sh("sleep 0.6; ls late 2>/dev/null").stdout, "");
    }
}

#[test]
fn what_stands_in_the_place_of_something_moved_aside_keeps_nothing_else_there() {
    for caller in callers() {
        let jail = jail(caller).change(|plan| {
            plan.before.retain(|step| !matches!(step.op, HostOp::HandOff(_)));
            plan.before.push(Step::new(by(), HostOp::HandOff(HandOff { quarantine: true })));
        });
        with_project(&jail);
        for number in ["1", "2"] {
            told(&jail, &format!("echo {number} >.envrc; mkdir -p .zed; echo {number} >.zed/x"));
        }
        told(&jail, "echo x >.mcp.json; rm -rf .zed; echo x >.zed");
        let ran = ledger(&jail, "approve", &[]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        jail.outside_sh("cat .mcp.json .zed").prints("x\nx");
        let shown = ledger(&jail, "show", &[]).stdout;
        assert!(shown.contains("  .envrc\n") && shown.contains("  .zed/x\n"), "{shown}");
        assert!(!shown.contains("new "), "{shown}");
    }
}
