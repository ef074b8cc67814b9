//! A published flake of jails for agents, with this library for its input: what a launch says is
//! enough to make all of it run, in a project below /tmp too.

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{Scratch, project};
use crate::nix_front_end::nix_file;
use crate::real_nix::{Setup, has_user_namespaces, setup};

/// The flake's jails as attributes of `jails.nix`.
const JAILS: &str = "inherit (
  let
    outputs = (import ./playground.nix).outputs {
      self = { };
      nixpkgs = pkgs.path;
      jail-nix.lib = jailgen;
      flake-utils.lib.eachDefaultSystem = of: of builtins.currentSystem;
    };
    inShell = builtins.elemAt outputs.devShells.default.packages;
  in {
    agent = inShell 1;
    go = inShell 2;
    inherit (outputs.packages) python;
  }) agent go python;";

fn playground(setup: &Setup) -> Scratch {
    let nixpkgs = setup.nixpkgs.trim_start_matches("path:");
    let scratch = nix_file(setup, &JAILS.replace("pkgs.path", nixpkgs));
    scratch.write("project/mine", b"mine");
    scratch.write("home/mine", b"mine");
    scratch
}

fn build(setup: &Setup, scratch: &Scratch, text: &str) {
    // The list of its packages is what is asked for, and not the shell.
    let text = text.replace("devShells.default = pkgs.mkShell {", "devShells.default = {");
    scratch.write("playground.nix", text.as_bytes());
    for name in ["agent", "go", "python"] {
        let words = ["build", "--impure", "-f", "jails.nix", name, "--out-link", name];
        setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    }
}

fn run(scratch: &Scratch, wrapper: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(scratch.path(wrapper));
    command.env("HOME", scratch.path("home")).env_remove("XDG_STATE_HOME");
    command.args(arguments).current_dir(scratch.path("project")).output().unwrap()
}

#[track_caller]
fn prints(output: &Output, expected: &str) {
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && printed.trim() == expected, "{output:?}");
}

#[test]
fn what_a_launch_says_is_enough_to_run_it() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let published = std::fs::read_to_string(project().join("tests/import/playground.nix")).unwrap();
    let scratch = playground(&setup);
    assert!(scratch.path("project").canonicalize().unwrap().starts_with(Path::new("/tmp")));
    build(&setup, &scratch, &published);
    for (wrapper, folder) in [
        ("agent/bin/basic-agent", "~/.cache/basic-agent"),
        ("go/bin/jailed-go", "~/.cache/go-build"),
    ] {
        let stopped = run(&scratch, wrapper, &["version"]);
        let said = String::from_utf8_lossy(&stopped.stderr);
        assert_eq!(stopped.status.code(), Some(125), "{said}");
        let advice = format!("write `(state-dir (noescape \"{folder}\"))`");
        assert!(said.contains("wanted by `readwrite`") && said.contains(&advice), "{said}");
    }
    build(&setup, &scratch, &published.replace("(readwrite (noescape", "(state-dir (noescape"));
    let agent = [
        "-c",
        "echo x >~/.cache/basic-agent/kept && echo x >made && cat mine && git --version >&2",
    ];
    prints(&run(&scratch, "agent/bin/basic-agent", &agent), "mine");
    assert_eq!(scratch.read("home/.cache/basic-agent/kept"), "x\n");
    assert!(run(&scratch, "go/bin/jailed-go", &["version"]).status.success());
    // The project lies below the folder that is in memory.
    let python = "import os; open('made-by-python', 'w'); open('/tmp/gone', 'w'); print(open('mine').read(), len(os.listdir('..')))";
    prints(&run(&scratch, "python/bin/jailed-python", &["-c", python]), "mine 1");
    assert_eq!(scratch.read("project/made-by-python"), "");
    assert!(!Path::new("/tmp/gone").exists());
    assert!(
        run(&scratch, "python/bin/jailed-python", &["-c", "open('../home/mine')"]).status.code()
            == Some(1)
    );
}
