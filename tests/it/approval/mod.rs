//! C29, E18: what is built was approved, byte by byte: what a spec does on the host the first
//! time, and what has changed.

mod changes;
mod first;
mod race;
mod store;

use std::fs::File;
use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use crate::harness::Scratch;
use crate::real_nix::{Setup, has_user_namespaces, setup};
use crate::terminal::{side_of, terminal};

pub(super) const SPEC: &str = r#"jail "jailed-sh" pkgs.bashInteractive [ mount-cwd (add-runtime (import ./hook.nix)) (add-pkg-deps [ pkgs.coreutils ]) ]"#;
pub(super) const HOOK: &str = "\"echo \\\"$(cat ${./word})\\\" >&2\"\n";
pub(super) const WIDER: &str = "(readonly (noescape \"~/.ssh\")) mount-cwd";

/// A spec in a project that its jail writes.
pub(super) struct Project {
    pub(super) setup: Setup,
    pub(super) scratch: Scratch,
}

impl Project {
    pub(super) fn new() -> Option<Self> {
        let setup = setup()?;
        let scratch = Scratch::outside_of_tmp();
        for (name, text) in [("sh.jail", SPEC), ("hook.nix", HOOK), ("word", "first\n")] {
            scratch.write(&format!("project/{name}"), text.as_bytes());
        }
        scratch.write(".ssh/key", b"key");
        has_user_namespaces().then_some(Self { setup, scratch })
    }

    pub(super) fn command(&self, words: &[&str]) -> Command {
        let command = self.scratch.jailgen(words);
        let mut plain = Command::new(command.get_program());
        plain.args(command.get_args()).env("HOME", self.scratch.path(""));
        plain.env("NIX_CONFIG", self.setup.config()).current_dir(self.scratch.path("project"));
        plain
    }

    /// What a command prints. One that waits for something for ever fails.
    pub(super) fn jailgen(&self, words: &[&str]) -> (i32, String) {
        let mut command = assert_cmd::Command::from_std(self.command(words));
        let output = command.timeout(Duration::from_secs(600)).output().unwrap();
        let all = [&output.stdout[..], &output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(all).unwrap())
    }

    pub(super) fn build(&self) -> String {
        let (status, said) =
            self.jailgen(&[&["build", "sh.jail"][..], &self.setup.overrides()].concat());
        assert_eq!(status, 0, "{said}");
        said
    }

    #[track_caller]
    pub(super) fn runs(&self) {
        let (status, said) = self.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
        assert!(status == 0 && said.contains("inside"), "{said}");
    }

    #[track_caller]
    pub(super) fn refused(&self, word: &str) {
        for words in [
            &["run", "sh.jail", "--", "-c", "echo inside"][..],
            &["shell", "sh.jail", "-c", "echo inside"],
            &["audit", "sh.jail"],
        ] {
            let (status, said) = self.jailgen(words);
            assert_eq!(status, 1, "{words:?}: {said}");
            assert!(said.contains("has changed since it was approved"), "{words:?}: {said}");
            assert!(said.contains(word) && said.contains("jailgen approve sh.jail"), "{said}");
            assert!(!said.contains("inside"), "{words:?}: {said}");
        }
    }

    pub(super) fn write(&self, file: &str, text: &str) {
        self.scratch.write(&format!("project/{file}"), text.as_bytes());
    }
}

/// What a command prints on a terminal on which this is typed.
pub(crate) fn answered(mut command: Command, answer: &str) -> String {
    let (name, master) = terminal();
    let side = || side_of(&name);
    let (stdin, stdout, stderr) = (side(), side(), side());
    let mut child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
    drop(command);
    let mut terminal = File::from(master);
    let mut answers = answer.split_inclusive('\n');
    let (mut said, mut asked, mut part) = (String::new(), 0, [0; 4096]);
    // The end of a terminal is an error of its reader (EIO).
    while let Ok(count @ 1..) = terminal.read(&mut part) {
        said.push_str(&String::from_utf8_lossy(&part[..count]));
        // What is typed before the question, a program that runs until then may read.
        while said.matches("[y/N] ").count() > asked {
            asked += 1;
            terminal.write_all(answers.next().unwrap_or_default().as_bytes()).unwrap();
        }
    }
    child.wait().unwrap();
    said
}
