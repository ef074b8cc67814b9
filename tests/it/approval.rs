//! C29: a spec that was changed is not built unasked. Its jail may have changed it.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::Command;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::harness::Scratch;
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SPEC: &str = r#"jail "jailed-sh" pkgs.bashInteractive [ mount-cwd (add-runtime (import ./hook.nix)) (add-pkg-deps [ pkgs.coreutils ]) ]"#;
const HOOK: &str = "\"echo \\\"$(cat ${./word})\\\" >&2\"\n";
const WIDER: &str = "(readonly (noescape \"~/.ssh\")) mount-cwd";

/// A spec in a project that its jail writes.
struct Project {
    setup: Setup,
    scratch: Scratch,
}

impl Project {
    fn new() -> Option<Self> {
        let setup = setup()?;
        let scratch = Scratch::outside_of_tmp();
        for (name, text) in [("sh.jail", SPEC), ("hook.nix", HOOK), ("word", "first\n")] {
            scratch.write(&format!("project/{name}"), text.as_bytes());
        }
        scratch.write(".ssh/key", b"key");
        has_user_namespaces().then_some(Self { setup, scratch })
    }

    fn command(&self, words: &[&str]) -> Command {
        let command = self.scratch.jailgen(words);
        let mut plain = Command::new(command.get_program());
        plain.args(command.get_args()).env("HOME", self.scratch.path(""));
        plain.env("NIX_CONFIG", self.setup.config()).current_dir(self.scratch.path("project"));
        plain
    }

    fn jailgen(&self, words: &[&str]) -> (i32, String) {
        let output = self.command(words).output().unwrap();
        let all = [&output.stdout[..], &output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8(all).unwrap())
    }

    fn build(&self) -> String {
        let (status, said) =
            self.jailgen(&[&["build", "sh.jail"][..], &self.setup.overrides()].concat());
        assert_eq!(status, 0, "{said}");
        said
    }

    #[track_caller]
    fn runs(&self) {
        let (status, said) = self.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
        assert!(status == 0 && said.contains("inside"), "{said}");
    }

    #[track_caller]
    fn refused(&self, word: &str) {
        for words in [
            &["run", "sh.jail", "--", "-c", "echo inside"][..],
            &["shell", "sh.jail", "-c", "echo inside"],
            &["audit", "sh.jail"],
        ] {
            let (status, said) = self.jailgen(words);
            assert_eq!(status, 1, "{words:?}: {said}");
            assert!(said.contains("has changed since it was built"), "{words:?}: {said}");
            assert!(said.contains(word) && said.contains("jailgen build sh.jail"), "{said}");
            assert!(!said.contains("inside"), "{words:?}: {said}");
        }
    }

    fn write(&self, file: &str, text: &str) {
        self.scratch.write(&format!("project/{file}"), text.as_bytes());
    }
}

#[test]
fn what_a_jail_wrote_into_its_own_spec_is_shown_and_not_built() {
    let Some(project) = Project::new() else { return };
    project.build();
    let script = format!(
        "s=$(cat sh.jail); echo \"${{s/mount-cwd/{}}}\" > sh.jail",
        WIDER.replace('"', "\\\"")
    );
    let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", &script]);
    assert_eq!(status, 0, "{said}");
    let written = fs::read_to_string(project.scratch.path("project/sh.jail")).unwrap();
    assert!(written.contains(WIDER), "the control: {written}");
    project.refused("jailed-sh: + read-only");
    // The user asks for it, and is told.
    let said = project.build();
    assert!(said.contains("changed jailed-sh: + read-only") && said.contains("~/.ssh"), "{said}");
    project.runs();
}

#[test]
fn a_spec_that_has_become_a_link_stands_for_another_one() {
    let Some(project) = Project::new() else { return };
    // The user's own, which grants more, and is built.
    let wide = SPEC.replace("mount-cwd", WIDER).replace("jailed-sh", "jailed-wide");
    project.scratch.write("wide/wide.jail", wide.as_bytes());
    for file in ["hook.nix", "word"] {
        fs::copy(
            project.scratch.path(&format!("project/{file}")),
            project.scratch.path(&format!("wide/{file}")),
        )
        .unwrap();
    }
    project.build();
    let words = [&["build", "../wide/wide.jail"][..], &project.setup.overrides()].concat();
    assert_eq!(project.jailgen(&words).0, 0);
    project.write("other.jail", &wide.replace("jailed-wide", "jailed-other"));
    let link = |to: &str| {
        fs::remove_file(project.scratch.path("project/sh.jail")).unwrap();
        std::os::unix::fs::symlink(to, project.scratch.path("project/sh.jail")).unwrap();
    };
    link("other.jail");
    project.refused(": + read-only");
    link("../wide/wide.jail");
    let (status, said) = project.jailgen(&["run", "sh.jail", "--", "-c", "echo inside"]);
    assert!(status == 1 && !said.contains("inside"), "{said}");
    let (status, said) = project.jailgen(&["run", "../wide/wide.jail", "--", "-c", "echo inside"]);
    assert!(status == 0 && said.contains("inside"), "by its own name: {said}");
}

#[test]
fn what_a_spec_imports_and_copies_counts_and_comments_do_not() {
    let Some(project) = Project::new() else { return };
    project.build();
    project.write("sh.jail", &format!("# a comment\n{SPEC}"));
    project.runs();
    project.write("hook.nix", &HOOK.replace("echo", "echo more"));
    project.refused("+ ");
    project.write("hook.nix", HOOK);
    project.runs();
    project.write("word", "another\n");
    project.refused("the content of");
    project.write("word", "first\n");
    project.runs();
    // Less is a change too: somebody may have needed it.
    project.write("sh.jail", &SPEC.replace(" mount-cwd", ""));
    project.refused("jailed-sh: - read-write");
    // Text of the spec sends nothing to the terminal.
    project.write("sh.jail", &SPEC.replace("mount-cwd", "mount-cwd (set-env \"A\" \"\u{1b}[2J\")"));
    let (_, said) = project.jailgen(&["run", "sh.jail"]);
    assert!(said.contains("\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn on_a_terminal_the_user_is_asked() {
    let Some(project) = Project::new() else { return };
    project.build();
    project.write("sh.jail", &SPEC.replace("mount-cwd", WIDER));
    let words = ["run", "sh.jail", "--", "-c", "echo in-$((40+2))"];
    for (answer, runs) in [("n\n", false), ("\n", false), ("y\n", true)] {
        let said = answered(project.command(&words), answer);
        assert!(said.contains("+ read-only") && said.contains("[y/N]"), "{said}");
        assert_eq!(said.contains("in-42"), runs, "{answer:?}: {said}");
    }
    project.runs();
}

/// What a command prints on a terminal on which this is typed.
fn answered(mut command: Command, answer: &str) -> String {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let side = || -> OwnedFd {
        rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
            .unwrap()
    };
    let (stdin, stdout, stderr) = (side(), side(), side());
    let mut child = command.stdin(stdin).stdout(stdout).stderr(stderr).spawn().unwrap();
    drop(command);
    let mut terminal = File::from(master);
    terminal.write_all(answer.as_bytes()).unwrap();
    let mut said = Vec::new();
    // The end of a terminal is an error of its reader (EIO).
    let _ = terminal.read_to_end(&mut said);
    child.wait().unwrap();
    String::from_utf8_lossy(&said).into_owned()
}
