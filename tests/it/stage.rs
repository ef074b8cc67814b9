//! Stages from a spec to the command: what a real jail writes under `stage-cwd` is listed, shown,
//! applied and dropped.

use std::fs;
use std::process::Command;

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, path_with, setup};

const SPEC: &str =
    "jail \"staged-work\" pkgs.bashInteractive [ stage-cwd (add-pkg-deps [ pkgs.coreutils ]) ]\n";

#[test]
fn what_a_jail_has_staged_is_listed_shown_applied_and_dropped() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch =
        Scratch::with(&[("stage.jail", SPEC), ("project/a", "one\n"), ("project/b", "b\n")]);
    setup.build(&scratch, "stage.jail");
    let project = scratch.path("project").canonicalize().unwrap();
    let run = |script: &str| {
        let mut command = Command::new(scratch.path(".local/state/jailgen/bin/staged-work"));
        command.args(["-c", script]).env("HOME", scratch.path("")).current_dir(&project);
        assert!(command.status().unwrap().success(), "{script}");
    };
    let jailgen = |words: &[&str]| {
        let mut command = scratch.jailgen(words);
        let output = command.current_dir(&project).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    // Until there is one.
    let (code, _, said) = jailgen(&["changes", "staged-work"]);
    assert!(code == Some(1) && said.contains("has no stage"), "{said}");
    run("sleep 0.2");
    run("echo two >a; rm b; mkdir sub; echo n >sub/n; echo x >.envrc");
    assert_eq!(fs::read_to_string(project.join("a")).unwrap(), "one\n");

    let (_, listed, _) = jailgen(&["stages", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed[0]["jail"], "staged-work");
    assert_eq!(listed[0]["project"], project.to_str().unwrap());
    assert_eq!(listed[0]["files"], 4);
    let (_, shown, _) = jailgen(&["changes", "../stage.jail"]);
    assert!(shown.contains("changed    a  +1 -1") && shown.contains("! direnv runs"), "{shown}");
    let (_, diff, _) = jailgen(&["changes", "staged-work", "a", "--diff"]);
    assert!(diff.contains("-one\n+two\n") && !diff.contains("envrc"), "{diff}");

    // A shell of the jail sees it, from a folder below the project, too.
    fs::create_dir_all(project.join("below")).unwrap();
    let shell = |spec: &str| {
        let words = ["shell", "--staged", spec, "-c", "cat a sub/n; echo more >sub/m"];
        let mut command = scratch.jailgen(&words);
        command.env("PATH", path_with(&setup.programs[0]));
        let output = command.current_dir(project.join("below")).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let (code, shown, said) = shell("../../stage.jail");
    assert!(code == Some(0) && shown.contains("two\nn\n"), "{shown}{said}");
    assert!(!project.join("sub").exists());

    // No user can be asked here.
    let (code, _, said) = jailgen(&["apply", "staged-work"]);
    assert!(code == Some(1) && said.contains("no terminal to ask on"), "{said}");
    let (code, said, error) = jailgen(&["apply", "staged-work", "--yes"]);
    assert!(code == Some(0) && said.contains("  .envrc: direnv"), "{said}{error}");
    assert_eq!(fs::read_to_string(project.join("a")).unwrap(), "two\n");
    assert!(project.join("sub/n").exists() && !project.join("b").exists());
    assert!(!project.join(".envrc").exists());
    // From a folder of the project, and outside of it.
    let mut drop = scratch.jailgen(&["drop", "staged-work", "../.envrc", "--yes"]);
    assert!(drop.current_dir(project.join("sub")).output().unwrap().status.success());
    let (_, shown, _) = jailgen(&["changes", "staged-work"]);
    assert_eq!(shown, "");
    let (code, _, said) = jailgen(&["changes", "staged-work", "/etc/passwd"]);
    assert!(code == Some(1) && said.contains("is not in the project"), "{said}");
    run("test ! -e .envrc && test \"$(cat a sub/n)\" = \"$(printf 'two\\nn')\"");
}

#[test]
fn explain_and_diff_say_that_nothing_in_the_folder_is_written() {
    let live = SPEC.replace("stage-cwd", "mount-cwd");
    let scratch = Scratch::with(&[("stage.jail", SPEC), ("live.jail", &live)]);
    let said = scratch.run(&["explain", "stage.jail"]).assert_status(0).stdout.clone();
    assert!(said.contains("Writes   nothing of yours"), "{said}");
    assert!(said.contains("the stage `default`"), "{said}");
    let said = scratch.run(&["diff", "stage.jail", "live.jail"]).assert_status(1).stdout.clone();
    assert!(said.contains("read-write"), "{said}");
    let said = scratch.run(&["diff", "live.jail", "stage.jail"]).stdout.clone();
    assert!(said.contains("staged"), "{said}");
}
