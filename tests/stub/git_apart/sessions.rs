//! What the end of one session does to another one in the same repository.

use std::process::{Child, Command, Stdio};

use jail_plan::GitChanges;

use super::{has_git, in_repository};
use crate::jail::callers;

/// Starts a session, and waits until its script has printed a word of two letters.
fn begun(mut command: Command, script: &str) -> Child {
    command.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut session = command.spawn().expect("it starts");
    let word = &mut [0; 3];
    std::io::Read::read_exact(session.stdout.as_mut().expect("a pipe"), word).expect("a word");
    session
}

#[test]
fn nothing_is_taken_over_while_another_jail_runs_in_the_repository() {
    if !has_git() {
        return;
    }
    for caller in callers() {
        let jail = in_repository(caller, GitChanges::Merged);
        let evil =
            "echo on; read x; printf '[core]\\nfsmonitor = evil\\n' >new; cat new >.git/config";
        let mut other = begun(jail.command(jail.wrapper()), evil);
        // Replacing the file removes the mount over it in the other jail.
        let ran = jail.sh("git config user.name x");
        let words =
            "(another jail runs in this repository); to take it over: `git config user.name x`";
        assert!(ran.stderr.contains(words), "{ran:?}");
        drop(other.stdin.take());
        other.wait().expect("it ends");
        jail.outside_sh("git config core.fsmonitor || echo none").prints("none");
        // The control: alone it is taken over.
        let ran = jail.sh("git config user.name x");
        assert!(ran.stderr.contains("taken over from the jail"), "{ran:?}");
        jail.outside_sh("git config user.name").prints("x");
    }
}
