//! The first project: what `jailgen init` writes is built, commits with its user's name, and passes
//! the audit of its own jail.

use std::fs;
use std::process::Command;

use crate::harness::Scratch;
use crate::real_nix::{Setup, has_user_namespaces, setup};

struct Project<'a> {
    setup: &'a Setup,
    scratch: Scratch,
}

impl Project<'_> {
    fn jailgen(&self, words: &[&str]) -> (i32, String) {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
        command.args(words).current_dir(self.scratch.path("project"));
        command.env("HOME", self.scratch.path("home")).env("NIX_CONFIG", self.setup.config());
        command.env_remove("XDG_STATE_HOME").env_remove("XDG_CONFIG_HOME");
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
    }

    fn spec(&self, program: &str) -> String {
        let spec = format!("{program}.jail");
        assert_eq!(self.jailgen(&["init", program]).0, 0);
        let words = [&["build", spec.as_str()][..], &self.setup.overrides()].concat();
        let (status, said) = self.jailgen(&words);
        assert_eq!(status, 0, "{said}");
        spec
    }
}

fn project(setup: &Setup) -> Project<'_> {
    let scratch = Scratch::with(&[
        ("project/file", "mine\n"),
        ("home/.gitconfig", "[user]\nname = Ann\nemail = ann@example.org\n[alias]\nx = !secret\n"),
    ]);
    let git = Command::new("git").args(["init", "-q"]).arg(scratch.path("project")).status();
    assert!(git.unwrap().success());
    Project { setup, scratch }
}

#[test]
fn the_first_commit_carries_the_users_name() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let project = project(&setup);
    let spec = project.spec("shell");
    let commit = "git add file && git commit -qm first && git log --format='%an <%ae>' && git x";
    let (status, said) = project.jailgen(&["run", &spec, "--", "-c", commit]);
    assert!(said.contains("Ann <ann@example.org>"), "{said}");
    assert!(status != 0 && said.contains("'x' is not a git command"), "{said}");
    // Who has no name is asked for one by git, and by nothing else.
    fs::remove_file(project.scratch.path("home/.gitconfig")).unwrap();
    let (status, said) = project.jailgen(&["run", &spec, "--", "-c", "git config user.name"]);
    let said: Vec<_> = said.lines().filter(|line| !line.contains("Landlock of this")).collect();
    assert_eq!((status, said.len()), (1, 0), "{said:?}");
}

#[test]
fn what_init_writes_passes_the_audit_of_its_own_jail() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let project = project(&setup);
    for program in ["shell", "opencode"] {
        let spec = project.spec(program);
        let (status, said) = project.jailgen(&["audit", &spec]);
        assert_eq!(status, 0, "{program}: {said}");
        assert!(said.contains("✓ spec-writable"), "{program}: {said}");
    }
    // Inside it is refused, in the shell that the audit was about as well.
    let before = project.scratch.read("project/shell.jail");
    let script = "echo x >>shell.jail || rm -f shell.jail || mv file shell.jail || echo kept";
    let (_, said) = project.jailgen(&["run", "shell.jail", "--", "-c", script]);
    assert!(said.contains("kept"), "{said}");
    assert_eq!(project.scratch.read("project/shell.jail"), before);
    let (_, said) = project.jailgen(&["shell", "shell.jail", "-c", script]);
    assert!(said.contains("kept"), "{said}");
}
