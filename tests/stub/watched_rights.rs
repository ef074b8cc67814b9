//! Protected files that their modes keep from the watcher: a program of the same user enters a
//! folder that it cannot list, and executes a file that it cannot read.

use crate::jail::callers;
use crate::watched::{jail, meanwhile, protecting};

/// How a session plants something, and where.
const PLANTED: &[(&str, &str)] = &[
    // From where it is not looked at.
    (
        "mkdir target/y; echo evil >target/y/.envrc; chmod 0311 target/y; mv target/y sub",
        "sub/.envrc",
    ),
    ("chmod 0311 .; echo evil >.envrc", ".envrc"),
    ("mkdir .vscode; chmod 0311 .vscode; echo evil >.vscode/tasks.json", ".vscode/tasks.json"),
    (
        "mkdir -p y/hooks; echo evil >y/hooks/z; chmod 0111 y y/hooks; chmod u+w y; mv y .claude",
        ".claude/hooks/z",
    ),
    ("mkdir y; cp no y/pre-commit; chmod 0311 y; mv y .githooks", ".githooks/pre-commit"),
    ("mkdir .githooks; cp no y; chmod 0111 y; mv y .githooks/pre-commit", ".githooks/pre-commit"),
    // From which nothing can be moved aside.
    ("mkdir y; cp no y/pre-commit; mv y .githooks; chmod 0555 .githooks", ".githooks/pre-commit"),
    // What was there.
    ("echo evil >mine/.envrc; chmod 0311 mine", "mine/.envrc"),
    ("echo evil >y; chmod 0311 y; mv y mine/.envrc", "mine/.envrc"),
];

/// A program that a hook runs stops a commit.
const MADE: &str = "mkdir mine target; echo mine >mine/.envrc; for d in $(echo $PATH | tr : \" \"); do [ ! -x $d/false ] || cp $d/false no; done; git config core.hooksPath .githooks; sleep 0.05";
const COMMIT: &str = "git commit -q --allow-empty -m y && echo committed";

#[test]
fn what_cannot_be_listed_or_read_and_can_be_used_is_moved_aside() {
    for caller in callers() {
        for (inside, path) in PLANTED {
            let jail = protecting(jail(caller), &["@hosts"]);
            assert_eq!(jail.outside_sh(MADE).code, Some(0));
            let look = format!(
                "reported \"\\`{path}\\` is protected\"; {COMMIT}; [ ! -e {path} ] || cat {path}"
            );
            let told = meanwhile(&jail, &format!("sleep 0.5; {inside}"), &look);
            let there = if path.starts_with("mine") { "mine\n" } else { "" };
            assert!(told.starts_with(&format!("committed\n{there}status 0\n")), "{inside}: {told}");
        }
        // The control: the hook would have stopped the commit.
        for (inside, _) in PLANTED.iter().filter(|(_, path)| path.ends_with("pre-commit")) {
            let jail = jail(caller);
            assert_eq!(jail.outside_sh(MADE).code, Some(0));
            let told = meanwhile(&jail, inside, COMMIT);
            assert!(told.starts_with("status 0\n"), "{inside}: {told}");
        }
    }
}

#[test]
fn what_no_program_can_use_is_judged_when_the_session_ends() {
    for caller in callers() {
        for (inside, path) in [
            ("mkdir .vscode; echo evil >.vscode/tasks.json; chmod 0 .vscode", ".vscode/tasks.json"),
            ("mkdir .zed; echo evil >.zed/tasks.json; chmod 0444 .zed", ".zed/tasks.json"),
            ("echo evil >mine/.envrc; chmod 0 mine", "mine/.envrc"),
            ("echo evil >.envrc; chmod 0 .envrc", ".envrc"),
        ] {
            let jail = protecting(jail(caller), &["@hosts"]);
            assert_eq!(jail.outside_sh(MADE).code, Some(0));
            let ran = jail.outside_sh(&format!("\"$W\" -c 'sleep 0.5; {inside}'"));
            assert!(ran.stderr.contains(&format!("`{path}` is protected")), "{inside}: {ran:?}");
            let look =
                format!("chmod -R u+rwX mine .vscode .zed .envrc 2>/dev/null; cat {path} || true");
            let there = jail.outside_sh(&look);
            assert!(!there.stdout.contains("evil"), "{inside}: {there:?}");
        }
    }
}

#[test]
fn a_folder_that_nothing_protected_is_in_keeps_the_rights_that_tests_take_from_it() {
    for caller in callers() {
        let jail = protecting(jail(caller), &["@hosts"]);
        let inside = "sleep 0.5; mkdir one; echo x >one/x; chmod 0 one; sleep 0.5";
        let told = meanwhile(&jail, inside, "stat -c %a one; chmod 700 one");
        assert!(told.starts_with("0\nstatus 0\n") && !told.contains("protected"), "{told}");
    }
}

#[test]
fn a_folder_that_the_ledger_cannot_look_into_is_named_each_time_it_changes() {
    for caller in callers() {
        let is_root = caller.uid.is_none() && rustix::process::geteuid().is_root();
        let made =
            "mkdir old; chmod 0311 old; mkdir shut; echo x >shut/x; chmod 0444 shut; sleep 0.05";
        let jail = jail(caller);
        assert_eq!(jail.outside_sh(made).code, Some(0));
        let told = meanwhile(&jail, "true", "true");
        assert!(!told.contains("old") && !told.contains("shut"), "{told}");
        for (inside, path) in [
            ("mkdir sub; echo evil >sub/.envrc; chmod 0311 sub", "sub"),
            ("echo evil >old/.envrc", "old"),
            ("mkdir y; echo evil >y/.envrc; chmod 0444 y; mv y later", "later"),
        ] {
            let told = meanwhile(&jail, inside, "true");
            let words = match is_root {
                true => format!("{path}/.envrc"),
                false => format!("{path} (it cannot be opened)"),
            };
            assert!(told.contains(&words), "{inside}: {told}");
        }
    }
}
