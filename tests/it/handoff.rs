//! The hand-off ledger from a spec to the command: what a real jail leaves is
//! reported, listed and approved.

use std::process::Command;

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "{
  writes = jail \"leaves\" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.coreutils ]) ];
  reads = jail \"reads\" pkgs.bashInteractive [ mount-cwd-readonly (add-pkg-deps [ pkgs.coreutils ]) ];
}
";

#[test]
fn what_a_jail_leaves_is_told_listed_and_approved() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("leaves.jail", SPEC), ("project/x", "")]);
    setup.build(&scratch, "leaves.jail");
    let run = |name: &str, script: &str| {
        let mut command = Command::new(scratch.path(".local/state/jailgen/bin").join(name));
        command.args(["-c", script]).env("HOME", scratch.path(""));
        let output = command.current_dir(scratch.path("project")).output().unwrap();
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    // What this kernel lacks is reported by the first launch.
    run("leaves", "sleep 0.2");
    let told = run("leaves", "echo x >.envrc; mkdir sub");
    assert!(told.contains("new      .envrc: direnv runs this file"), "{told}");
    // Where nothing can be written nothing is looked at.
    assert_eq!(run("reads", "true"), "");

    let listed = scratch.run(&["handoff", "project"]);
    assert!(listed.assert_status(0).stdout.contains("new      .envrc: direnv"), "{}", listed.all());
    // Also from a folder of the project.
    let listed = scratch.run(&["handoff", "project/sub", "--json"]).assert_status(0).stdout.clone();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["left"][0]["path"], ".envrc");
    assert_eq!(listed["left"][0]["kind"], "shell");
    let mut approve = scratch.jailgen(&["handoff", "approve", "../project/.envrc"]);
    let approve = approve.current_dir(scratch.path("project")).output().unwrap();
    let said = String::from_utf8_lossy(&approve.stderr);
    assert!(approve.status.success() && said.contains("1 approved"), "{said}");
    let nothing = scratch.run(&["handoff", "project"]);
    assert_eq!(nothing.assert_status(0).stdout, "");
    // No session ran here, and there is no such thing.
    let other = scratch.run(&["handoff"]).assert_status(1).all();
    assert!(other.contains("no session that was examined ran here"), "{other}");
    scratch.run(&["handoff", "nothing"]).assert_status(1);
}
