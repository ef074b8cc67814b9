//! `jailgen explain`: what the examples grant, in words.

use expect_test::{Expect, expect};

use crate::harness::{Outcome, Scratch, project};

fn explain(arguments: &[&str]) -> Outcome {
    let mut all = vec!["explain"];
    all.extend(arguments);
    let scratch = Scratch::new();
    std::os::unix::fs::symlink(project().join("examples"), scratch.path("examples")).unwrap();
    scratch.run(&all)
}

fn check(example: &str, expected: &Expect) {
    let outcome = explain(&[&format!("examples/{example}.jail")]);
    expected.assert_eq(&outcome.assert_status(0).stdout);
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_shell() {
    check("shell", &expect![[""]]);
}

#[test]
fn an_agent_from_a_builder() {
    check("opencode", &expect![[""]]);
}

#[test]
fn an_explanation_fits_on_a_screen() {
    for example in ["shell", "opencode", "crush", "claude-code", "go", "python"] {
        let outcome = explain(&[&format!("examples/{example}.jail")]);
        let lines = outcome.assert_status(0).stdout.lines().count();
        assert!(lines <= 50, "{example}: {lines} lines");
    }
}

#[test]
fn the_working_folder_is_honestly_described() {
    let text = explain(&["examples/shell.jail"]).stdout;
    assert!(text.contains("a plain bind for now"), "{text}");
}

#[test]
fn json_says_the_same() {
    let outcome = explain(&["--json", "examples/team.jail"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    let jails = report["jails"].as_array().unwrap();
    let names: Vec<_> = jails.iter().map(|jail| jail["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["jailed-review", "jailed-try", "jailed-write"]);
    let text = report.to_string();
    assert!(text.contains("team.jail:"), "{text}");
    assert!(text.contains("team/common.nix:"), "{text}");
}

#[test]
fn a_spec_with_faults_is_not_explained() {
    let scratch = Scratch::with(&[("a.jail", "jail \"a\" pkgs.hello [ readonyl ]")]);
    let outcome = scratch.run(&["explain", "a.jail"]);
    assert_eq!(outcome.assert_status(1).stdout, "");
    assert!(outcome.stderr.contains("error[unknown-combinator]"), "{}", outcome.all());
}
