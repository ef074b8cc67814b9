//! `jailgen import`: files in the manner of people who use today's libraries, and the specs next to them that they become.

use std::fs;

use expect_test::{ExpectFile, expect, expect_file};

use crate::harness::{Outcome, Scratch, project};

fn import(name: &str) -> (Scratch, Outcome) {
    let nix = fs::read_to_string(project().join(format!("tests/import/{name}.nix"))).unwrap();
    let scratch = Scratch::with(&[("flake.nix", &nix)]);
    let outcome = scratch.run(&["import", "flake.nix", "-o", "spec.jail"]);
    (scratch, outcome)
}

/// The file becomes the spec next to it, completely; the compiler finds nothing wrong with that.
fn check(name: &str, expected: &ExpectFile) {
    let (scratch, outcome) = import(name);
    let outcome = outcome.assert_status(0);
    expected.assert_eq(&scratch.read("spec.jail"));
    assert_eq!(outcome.stdout, "");
    let checked = scratch.run(&["check", "spec.jail"]);
    checked.assert_status(0);
    assert!(checked.stderr.contains("0 errors"), "{}", checked.stderr);
}

#[test]
fn an_agent_in_a_development_shell() {
    check("devshell", &expect_file![project().join("tests/import/devshell.jail")]);
}

#[test]
fn common_options_and_factories() {
    check("playground", &expect_file![project().join("tests/import/playground.jail")]);
}

#[test]
fn a_module_that_gets_the_library_as_an_argument() {
    check("module", &expect_file![project().join("tests/import/module.jail")]);
}

#[test]
fn what_is_left_out_is_told_with_its_line() {
    let (scratch, outcome) = import("left-out");
    expect_file![project().join("tests/import/left-out.jail")]
        .assert_eq(&scratch.read("spec.jail"));
    expect![[r#"
        warning[not-imported]: `additionalCombinators` is not taken over
          --> flake.nix:10:33
           |
        10 |         additionalCombinators = builtin: { offline = builtin.reset; };
           |                                 ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
           |
           = help: write each as a function in a `let` of the spec, and name it where it was used
        warning[not-imported]: `name` is an argument of a function around this jail
          --> flake.nix:15:32
           |
        15 |         many = map (name: jail name pkgs.hello [ ]) [ "a" "b" ];
           |                                ^^^^ only the caller of that function knows it
           |
           = help: put the function in a `let` of the spec and call it there
        warning[not-imported]: a spec has nothing like `self.rev`
          --> flake.nix:16:72
           |
        16 |         versioned = jail "versioned" pkgs.hello (c: [ (c.set-env "REV" self.rev) ]);
           |                                                                        ^^^^^^^^
           |
           = help: a spec knows nothing of the flake that it came from
             wrote spec.jail: read it, then `jailgen run spec.jail`
    "#]]
    .assert_eq(&outcome.assert_status(0).stderr);
}

#[test]
fn nothing_is_written_over_and_nothing_invented() {
    let scratch = Scratch::with(&[
        ("flake.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ ]"),
        ("none.nix", "{ pkgs }: pkgs.hello"),
        ("broken.nix", "{ outputs = "),
        ("raw.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ (state: state // { }) ]"),
        ("x.jail", "mine"),
    ]);
    let outcome = scratch.run(&["import", "flake.nix", "-o", "x.jail"]);
    outcome.assert_status(1);
    expect![[r#"
        error: `x.jail` exists, and is left as it is
          help: name another file with `-o FILE`, or print the spec with `-o -`
    "#]]
    .assert_eq(&outcome.stderr);
    assert_eq!(scratch.read("x.jail"), "mine");
    let printed = scratch.run(&["import", "flake.nix"]);
    printed.assert_status(0);
    expect![[r##"
        # Imported from flake.nix.
        jail "x" pkgs.hello [ ]
    "##]]
    .assert_eq(&printed.stdout);
    for file in ["none.nix", "broken.nix", "absent.nix"] {
        let outcome = scratch.run(&["import", file]);
        outcome.assert_status(1);
        assert_eq!(outcome.stdout, "", "{file}");
        assert!(outcome.stderr.starts_with("error"), "{}", outcome.stderr);
    }
    let raw = scratch.run(&["import", "raw.nix"]);
    raw.assert_status(1);
    expect![[r#"
        error[param-type]: expected a permission, got a function
         --> raw.jail:2:24
          |
        2 | jail "x" pkgs.hello [ (state: state // { }) ]
          |                        ^^^^^^^^^^^^^^^^^^^ this is a function
          |
          = help: a call in a list needs parentheses: `[ (f x) ]`
    "#]]
    .assert_eq(&raw.stderr);
}
