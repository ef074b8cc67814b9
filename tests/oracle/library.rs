//! `lib`: what each function gives is known from nixpkgs' own library, which is not on every machine. So the results stand in a
//! table, and where `JAIL_ORACLE_LIB` names a nixpkgs library, real Nix and that library judge the table itself.

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
