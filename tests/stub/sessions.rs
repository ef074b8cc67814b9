//! State that several sessions share: in a folder that is granted whole none loses what
//! another one has changed.
//!
//! `make test-sessions` has 200 rounds; there a real Claude Code is tried
//! too, where CLAUDE names one.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jail_plan::{Access, InsideOp, Missing, SharedFile};

use crate::jail::{Caller, Jail, bind_to, callers, expand, literal, tmpfs};

/// One of them is not a jail.
const SESSIONS: usize = 8;

/// What each session does in each round, as agents do: takes the lock, which is a folder; reads;
/// writes a new file with a line more; renames it over the old one.
const ROUNDS: &str = r#"
cd "$1"
for round in $(seq "$3"); do
    until mkdir lock 2>/dev/null; do
        sleep 0.01
    done
    new=state.$2.$round
    cat state >"$new"
    echo "$2 $round" >>"$new"
    mv -T "$new" state
    rmdir lock
done
"#;

fn rounds() -> usize {
    let asked = std::env::var("SESSIONS_ROUNDS").ok();
    asked.map_or(10, |rounds| rounds.parse().expect("a number"))
}

/// Starts all sessions at once, the first one outside in `folder`, the others in the jail at
/// `inside`; waits for all.
fn run(jail: &Jail, folder: &Path, inside: &str) {
    let wrapper = jail.wrapper();
    let session = |number: usize| -> Child {
        let (mut command, place) = match number {
            0 => (jail.command("/bin/sh"), folder.to_str().expect("UTF-8")),
            _ => (jail.command(&wrapper), inside),
        };
        command.args(["-euc", ROUNDS, "session", place]);
        command.args([number.to_string(), rounds().to_string()]);
        command.stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let sessions: Vec<Child> = (0..SESSIONS).map(session).collect();
    for session in sessions {
        let output = session.wait_with_output().expect("its end");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// How many changes are not in the file.
fn lost(state: &Path) -> usize {
    let text = std::fs::read_to_string(state).expect("the state");
    let lines: BTreeSet<&str> = text.lines().collect();
    let all = (0..SESSIONS).flat_map(|session| (1..=rounds()).map(move |round| (session, round)));
    all.filter(|(session, round)| !lines.contains(format!("{session} {round}").as_str())).count()
}

#[test]
fn a_folder_that_is_shared_loses_nothing() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let state = jail.file("home/.agent/state", "");
        let folder = for_the_caller(state.parent().expect("a folder"), caller);
        let jail = jail.op(bind_to(&folder, "/h", Access::ReadWrite, Missing::Fail));
        run(&jail, &folder, "/h");
        assert_eq!(lost(&state), 0, "of {}", SESSIONS * rounds());
        assert_eq!(std::fs::read_dir(folder).expect("a folder").count(), 1, "nothing is left over");
    }
}

/// The control: the same sessions, each with a copy of the file and so with a lock of its own.
#[test]
fn copies_of_a_file_lose_what_they_are_said_to_lose() {
    for caller in callers() {
        let jail = Jail::new(caller);
        let state = jail.file("home/.agent/state", "");
        let folder = for_the_caller(state.parent().expect("a folder"), caller);
        let shared = SharedFile { from: expand("~/.agent/state"), to: literal("/h/state") };
        let jail = jail.op(tmpfs("/h")).op(InsideOp::SharedFile(shared));
        run(&jail, &folder, "/h");
        assert!(lost(&state) > 0, "of {}", SESSIONS * rounds());
    }
}

fn for_the_caller(folder: &Path, caller: Caller) -> PathBuf {
    std::os::unix::fs::chown(folder, caller.uid, caller.uid).expect("for the caller");
    folder.to_path_buf()
}

/// Every session adds servers to the agent's own file, as fast as it goes.
const ADDS: &str = r#"
for number in $(seq 8); do
    /claude mcp add -s user "s$1-$number" echo >/dev/null
done
"#;

#[test]
fn the_real_agent_loses_no_entry_in_its_folder() {
    let Some(claude) = std::env::var_os("JAIL_TEST_CLAUDE").filter(|path| !path.is_empty()) else {
        println!("skipped: JAIL_TEST_CLAUDE names no Claude Code");
        return;
    };
    for caller in callers() {
        let jail = Jail::new(caller);
        let state = jail.file("home/.claude/.config.json", "{}\n");
        let folder = for_the_caller(state.parent().expect("a folder"), caller);
        let program = jail.folder.path().join("claude");
        std::fs::copy(&claude, &program).expect("a copy");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it");
        let shared = SharedFile { from: expand("~/.claude.json"), to: literal("/h/.claude.json") };
        let jail = jail
            .op(tmpfs("/h"))
            .op(bind_to(&folder, "/h/.claude", Access::ReadWrite, Missing::Fail))
            .op(InsideOp::SharedFile(shared))
            .op(bind_to(&program, "/claude", Access::ReadOnly, Missing::Fail))
            .set("HOME", "/h")
            .set("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        let wrapper = jail.wrapper();
        let outside = ADDS.replace("/claude", program.to_str().expect("UTF-8"));
        let session = |number: usize| -> Child {
            let (mut command, script): (Command, &str) = match number {
                0 => (jail.command("/bin/sh"), &outside),
                _ => (jail.command(&wrapper), ADDS),
            };
            command
                .args(["-euc", script, "session"])
                .arg(number.to_string())
                .spawn()
                .expect("it starts")
        };
        let sessions: Vec<Child> = (0..SESSIONS).map(session).collect();
        for mut session in sessions {
            assert!(session.wait().expect("its end").success());
        }
        let text = std::fs::read_to_string(&state).expect("the state");
        let names =
            (0..SESSIONS).flat_map(|session| (1..=8).map(move |n| format!("\"s{session}-{n}\"")));
        let gone: Vec<String> = names.filter(|name| !text.contains(name)).collect();
        assert_eq!(gone, [""; 0], "of {}", SESSIONS * 8);
        assert!(!jail.home().join(".claude.json").exists(), "and makes no other file");
    }
}
