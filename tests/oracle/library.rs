//! `lib`: what each function gives is known from nixpkgs' own library, which is not on
//! every machine. So the results stand in a table, and where `JAIL_ORACLE_LIB` names a
//! nixpkgs library, real Nix and that library judge the table itself. The names that are
//! left to Nix stand in another.

use std::fs;

use serde_json::Value;

use super::{has_nix, nix, ours, same, tables};

struct Known {
    expression: String,
    /// `None` is an error.
    result: Option<Value>,
}

fn table() -> Vec<Known> {
    let text = fs::read_to_string(tables().join("lib.known")).unwrap();
    let paragraphs = text.split("\n\n").filter(|paragraph| !paragraph.starts_with('#'));
    let known = |paragraph: &str| {
        let (expression, result) = paragraph.trim().rsplit_once("\n=> ").unwrap();
        let result = (result != "error").then(|| serde_json::from_str(result).unwrap());
        Known { expression: expression.to_owned(), result }
    };
    paragraphs.map(known).collect()
}

fn agrees(result: Option<&Value>, answer: &Result<Value, String>) -> bool {
    match (result, answer) {
        (Some(result), Ok(answer)) => same(result, answer),
        (None, Err(_)) => true,
        _ => false,
    }
}

#[test]
fn functions_of_lib_give_what_nixpkgs_gives() {
    let table = table();
    assert!(table.len() > 200, "{} cases", table.len());
    for Known { expression, result } in table {
        let ours = ours(&expression);
        assert!(agrees(result.as_ref(), &ours), "{expression}: {result:?}, ours: {ours:?}");
    }
}

#[test]
fn a_nixpkgs_library_that_is_at_hand_agrees_with_the_table() {
    let Ok(path) = std::env::var("JAIL_ORACLE_LIB") else {
        println!("skipped: JAIL_ORACLE_LIB names no nixpkgs library");
        return;
    };
    if !has_nix() {
        return;
    }
    for Known { expression, result } in table() {
        let theirs = nix(&format!("let lib = import {path}; in {expression}"));
        assert!(agrees(result.as_ref(), &theirs), "{expression}: {result:?}, nixpkgs: {theirs:?}");
    }
}

/// The names that are left to Nix.
fn left() -> Vec<String> {
    let text = fs::read_to_string(tables().join("lib.left")).unwrap();
    let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    names.map(str::to_owned).collect()
}

/// The names of `lib` that jailgen has, those of a group with its name before them.
fn has(name: &str) -> bool {
    jail_lang::query::library().any(|(known, _)| known == name)
}

#[test]
fn what_is_left_to_nix_is_not_ours() {
    let left = left();
    assert!(left.len() > 50, "{} names", left.len());
    let ours: Vec<_> = left.iter().filter(|name| has(name)).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

/// The groups whose functions are ours.
const GROUPS: &[&str] = &[
    "attrsets",
    "cli",
    "debug",
    "fixedPoints",
    "generators",
    "lists",
    "path",
    "strings",
    "trivial",
    "versions",
];

#[test]
fn every_name_of_a_nixpkgs_library_that_is_at_hand_is_ours_or_left_to_nix() {
    let Ok(path) = std::env::var("JAIL_ORACLE_LIB") else {
        println!("skipped: JAIL_ORACLE_LIB names no nixpkgs library");
        return;
    };
    if !has_nix() {
        return;
    }
    let left = left();
    let names = |group: &str| {
        let names = nix(&format!("builtins.attrNames (import {path}){group}")).unwrap();
        names.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
    };
    let top: Vec<String> = names("");
    // A function for modules is refused with its reason.
    let is_refused =
        |name: &str| ours(&format!("lib.{name}")).is_err_and(|told| told.contains("module"));
    let is_known = |name: &str| has(name) || left.iter().any(|it| it == name) || is_refused(name);
    let mut missing: Vec<_> = top.iter().filter(|name| !is_known(name)).cloned().collect();
    for group in GROUPS {
        let full =
            names(&format!(".{group}")).into_iter().map(|name: String| format!("{group}.{name}"));
        let is_missing = |full: &String| {
            let name = full.split_once('.').map_or("", |(_, name)| name);
            !is_known(full) && !is_known(name)
        };
        missing.extend(full.filter(is_missing));
    }
    assert!(missing.is_empty(), "{missing:?}");
}
