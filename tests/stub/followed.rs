//! Agents' memory and approvals: sessions share them, and what a session has changed there is
//! reported, because later sessions follow it.

use std::os::unix::fs::symlink;

use crate::jail::{Caller, Jail, callers};
use crate::news::agent;

const MEMORY: &str = "projects/-home-me-x/memory/MEMORY.md";

fn claude(caller: Caller) -> Jail {
    let files = [
        (MEMORY, "tests need a database\n"),
        ("projects/-home-me-x/memory/more/style.md", "four spaces\n"),
        ("projects/-home-me-x/1.jsonl", "{}\n"),
        ("projects/-home-me-y/1.jsonl", "{}\n"),
    ];
    agent(caller, ".claude", &["settings.json"], &files)
}

/// What is reported of what a script does: the part of the line with the names.
fn reported(jail: &Jail, script: &str) -> String {
    let ran = jail.sh(&format!("set -e; {script}"));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let line = ran.stderr.lines().find(|line| line.contains("that later sessions follow"));
    let names = line.and_then(|line| line.split(" in the session: ").nth(1));
    names.and_then(|names| names.split("; look at them").next()).unwrap_or_default().to_owned()
}

#[test]
fn memory_stays_and_what_changed_in_it_is_reported() {
    for caller in callers() {
        let jail = claude(caller);
        let memory = jail.home().join(".claude").join(MEMORY);
        // What is not memory is not reported, nor is memory that is only read.
        let usual = "cd ~/.claude/projects; cat ./*/memory/*.md; echo {} >>-home-me-x/1.jsonl; mkdir new; echo {} >new/1.jsonl";
        assert_eq!(reported(&jail, usual), "");
        let script = "cd ~/.claude/projects; echo 'run x first' >>-home-me-x/memory/MEMORY.md";
        assert_eq!(reported(&jail, script), format!("`{MEMORY}`"));
        assert!(std::fs::read_to_string(memory).unwrap().ends_with("run x first\n"));
        // Of this session, and not of the one before.
        assert_eq!(reported(&jail, "true"), "");
        let script = "cd ~/.claude/projects; mkdir -p -- -home-me-y/memory -home-me-z/memory/a; echo 1 >-home-me-y/memory/MEMORY.md; echo 1 >-home-me-z/memory/a/b.md";
        assert_eq!(
            reported(&jail, script),
            "`projects/-home-me-y/memory/MEMORY.md`, `projects/-home-me-z/memory/a/b.md`"
        );
    }
}

#[test]
fn every_way_to_change_it_is_reported() {
    for caller in callers() {
        for (script, names) in [
            ("rm -- -home-me-x/memory/more/style.md", "`projects/-home-me-x/memory/more/style.md`"),
            (
                "mv -- -home-me-x -home-me-w",
                "`projects/-home-me-w/memory/MEMORY.md`, `projects/-home-me-w/memory/more/style.md`, \
                 `projects/-home-me-x/memory/MEMORY.md`, `projects/-home-me-x/memory/more/style.md`",
            ),
            // A link to what is there is one to what can be changed later.
            (
                "ln -s ../-home-me-x/memory ./-home-me-y/memory",
                "`projects/-home-me-y/memory`, `projects/-home-me-y/memory/MEMORY.md`, `projects/-home-me-y/memory/more/style.md`",
            ),
            ("ln -s /tmp ./-home-me-y/memory", "`projects/-home-me-y/memory`"),
            (
                "ln -- -home-me-x/1.jsonl -home-me-x/memory/MEMORY2.md",
                "`projects/-home-me-x/memory/MEMORY2.md`",
            ),
            // Times and lengths that a program can set are as they were.
            (
                "m=-home-me-x/memory/MEMORY.md; touch -r ./$m /tmp/t; echo 'tests need a databank' >./$m; touch -r /tmp/t ./$m",
                "`projects/-home-me-x/memory/MEMORY.md`",
            ),
            // Names of the jail's are not printed raw.
            (
                "printf x >./-home-me-x/memory/\"$(printf 'a\\033[2J')\"",
                "`projects/-home-me-x/memory/a\\u{1b}[2J`",
            ),
        ] {
            let jail = claude(caller);
            let script = format!("cd ~/.claude/projects; {script}");
            assert_eq!(reported(&jail, &script), names, "{script}");
        }
    }
}

#[test]
fn a_link_that_leads_out_of_the_state_is_reported_each_time() {
    for caller in callers() {
        let jail = claude(caller);
        let memory = jail.home().join(".claude/projects/-home-me-y/memory");
        jail.file("project/notes/MEMORY.md", "x\n");
        let notes = jail.home().parent().expect("a folder").join("project/notes");
        symlink(notes, memory).expect("a link");
        for script in ["true", "echo evil >notes/MEMORY.md"] {
            assert_eq!(reported(&jail, script), "`projects/-home-me-y/memory`", "{script}");
        }
    }
}

#[test]
fn what_is_behind_a_link_in_the_state_is_compared() {
    for caller in callers() {
        let jail = claude(caller);
        jail.file("home/.claude/notes/MEMORY.md", "x\n");
        crate::private::own(&jail.home(), caller);
        let memory = jail.home().join(".claude/projects/-home-me-y/memory");
        symlink("../../notes", memory).expect("a link");
        assert_eq!(reported(&jail, "true"), "");
        let script = "echo evil >~/.claude/notes/MEMORY.md";
        assert_eq!(reported(&jail, script), "`projects/-home-me-y/memory/MEMORY.md`");
    }
}

#[test]
fn approvals_are_reported_before_memory_and_more_than_is_looked_at_too() {
    for caller in callers() {
        let jail =
            agent(caller, ".cursor", &["mcp.json"], &[("projects/a/.workspace-trusted", "{}\n")]);
        let script = "cd ~/.cursor/projects; mkdir -p b/rules; echo [] >a/mcp-approvals.json; echo {} >b/.workspace-trusted; echo x >a/transcript; echo x >b/rules/a.mdc";
        assert_eq!(
            reported(&jail, script),
            "`projects/a/mcp-approvals.json`, `projects/b/.workspace-trusted`, `projects/b/rules/a.mdc`"
        );
        let jail = claude(caller);
        let script = "cd ~/.claude/projects/-home-me-x/memory; d=.; for n in 1 2 3 4 5 6 7 8 9 10 11 12; do d=$d/d; mkdir $d; done; echo x >$d/x";
        assert_eq!(reported(&jail, script), "`projects/*/memory/`");
    }
}
