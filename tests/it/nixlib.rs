//! The Nix library, evaluated by real Nix over the stand-in packages.

use serde_json::{Value, json};

use crate::harness::{Scratch, project};
use crate::real_nix::{Setup, setup};

/// Evaluates an expression with `pkgs`, `nixlib` and `storePaths` in scope, by every Nix that
/// is here; all must agree.
fn eval(setup: &Setup, expression: &str) -> Value {
    let nixlib = project().join("nixlib");
    let nixpkgs = setup.nixpkgs.trim_start_matches("path:");
    let source = format!(
        "let pkgs = import {nixpkgs} {{ system = \"x86_64-linux\"; }}; \
             nixlib = import {folder} {{ toolsFor = system: throw \"no tools for ${{system}}\"; }}; \
             storePaths = import {folder}/store-paths.nix; in {expression}",
        folder = nixlib.display(),
    );
    let scratch = Scratch::new();
    let words = ["eval", "--json", "--impure", "--expr", &source];
    let mut answers = setup.programs.iter().map(|nix| {
        let json = setup.nix_ok(nix, &scratch.path("."), &words);
        serde_json::from_str::<Value>(&json).unwrap()
    });
    let first = answers.next().unwrap();
    assert!(answers.all(|answer| answer == first));
    first
}

#[test]
fn a_wrapper_has_what_nix_run_and_shells_look_at() {
    let Some(setup) = setup() else { return };
    let policy = "{ version = 1; name = \"jailed-x\"; grants = [ ]; places = { }; }";
    let tools = "{ stub = \"/stub\"; host = \"/host\"; jailgen = \"/jailgen\"; }";
    let jail = format!("((nixlib.init {{ inherit pkgs; tools = {tools}; }}).mkJail {policy})");
    let answer = eval(
        &setup,
        &format!(
            "let jail = {jail}; in [ jail.name jail.meta.mainProgram jail.type (pkgs.lib.getExe jail == \"${{jail}}/bin/jailed-x\") ]"
        ),
    );
    assert_eq!(answer, json!(["jailed-x", "jailed-x", "derivation", true]));
}

#[test]
fn the_tools_are_those_that_came_with_the_library_unless_others_are_given() {
    let Some(setup) = setup() else { return };
    let tried = |argument: &str| {
        let policy = "{ version = 1; name = \"x\"; grants = [ ]; places = { }; }";
        let jail = format!("((nixlib.init {argument}).mkJail {policy}).drvPath");
        eval(&setup, &format!("(builtins.tryEval {jail}).success"))
    };
    assert_eq!(tried("pkgs"), json!(false), "the library of this test has no tools");
    assert_eq!(tried("{ inherit pkgs; }"), json!(false));
    assert_eq!(
        tried("{ inherit pkgs; tools = { stub = \"/s\"; host = \"/h\"; jailgen = \"/j\"; }; }"),
        json!(true)
    );
}

#[test]
fn the_store_paths_of_a_string_are_found_whatever_stands_behind_them() {
    let Some(setup) = setup() else { return };
    let check = |string: &str, paths: &str| {
        let same = "map builtins.unsafeDiscardStringContext";
        let sorted = format!("builtins.sort builtins.lessThan (map toString {paths})");
        let found = eval(
            &setup,
            &format!("{{ found = {same} (storePaths {string}); wanted = {same} ({sorted}); }}"),
        );
        assert_eq!(found["found"], found["wanted"], "{string}");
    };
    check("\"see ${pkgs.git}. And ${pkgs.git}?\"", "[ pkgs.git ]");
    check(
        "\"${pkgs.jq.out}/lib:${pkgs.lib.getBin pkgs.jq}/bin\"",
        "[ pkgs.jq.out (pkgs.lib.getBin pkgs.jq) ]",
    );
    check("\"none\"", "[ ]");
    check("\"/nix/store/00000000000000000000000000000000-by-hand\"", "[ ]");
    check(
        "(builtins.toJSON { a = [ pkgs.bash ]; b.c = \"${pkgs.git}/x\"; })",
        "[ pkgs.bash pkgs.git ]",
    );
    check("\"${builtins.toFile \"a.txt\" \"x\"}.\"", "[ (builtins.toFile \"a.txt\" \"x\") ]");
}
