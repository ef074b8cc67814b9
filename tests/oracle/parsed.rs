//! What `jailgen eval --parse` prints: Nix reads it, and it means what the expression means.

use jail_lang::{Expression, FileSources, parse_expression};
use serde_json::Value;

use crate::{NIX_CONFIG, cases, has_nix, is_old, nix, ours, same, tables};

fn parsed(expression: &str) -> Option<String> {
    let sources = FileSources::new(&tables()).unwrap();
    parse_expression(&sources, Expression::Text(expression)).text
}

/// Nix prints the same. Where its order of names is that of addresses, there is one name.
const SHOWN: [&str; 25] = [
    "1 + 2 - 3 * 4 / 5",
    "!true",
    "a: b: a b 1 (b a)",
    "{ a ? 1, ... }@x: a",
    "{ }: 1",
    "{ ... }: 1",
    "x: x.a.b or 3",
    "x: x ? a.b",
    "x: x.\"${x}\".y",
    "x: x.\"a b\".\"if\"",
    "\"a${toString 1}b\\n\"",
    "''\n  foo\n    bar ${toString 1}\n''",
    "\"${\"a\"}\"",
    "let a.\"b c\" = 1; in a",
    "x: let inherit x; in x",
    "x: { inherit x; }",
    "{ a = { b = 1; }; a.c = 2; }",
    "rec { \"q r\" = 1; ${toString 1} = 2; }",
    "if 1 < 2 then 1 >= 2 else 1 <= 2 && 1 > 2 || true -> false",
    "assert true; null",
    "[ ] ++ [ ] // { }",
    "[ (x: x) 1 \"a\" ./a ]",
    "/a/${\"b\"}",
    "with { }; foo",
    "x: -x",
];

/// What only Nix 2.8 shows so.
const SHOWN_BY_OLDER: &[&str] = &["x: let inherit (x) y; in y"];

#[test]
fn code_is_shown_as_nix_shows_it() {
    if !has_nix() {
        return;
    }
    for expression in SHOWN.iter().chain(SHOWN_BY_OLDER.iter().filter(|_| is_old())) {
        let mut command = std::process::Command::new("nix-instantiate");
        command.args(["--parse", "-E", expression]).current_dir(tables());
        let output = command.env("NIX_CONFIG", NIX_CONFIG).output().unwrap();
        let wanted = String::from_utf8(output.stdout).unwrap();
        // Nix 2.8 has a space more here than it has in `let`.
        let wanted = wanted.trim_end().replace("inherit x ;", "inherit x;");
        assert_eq!(parsed(expression).as_deref(), Some(wanted.as_str()), "{expression}");
    }
}

#[test]
fn what_is_shown_means_the_same() {
    if !has_nix() {
        return;
    }
    // A float is shown with six digits, as Nix has it.
    let has_float = |text: &str| {
        text.as_bytes().windows(2).any(|two| two[0].is_ascii_digit() && two[1] == b'.')
    };
    let all = cases().into_iter().filter(|case| !case.newer && !case.gap);
    // Nix shows `${null} = 1;` with quotes around the name, with which it is an error.
    let is_compared = |text: &String| !has_float(text) && !text.contains("${null}");
    let all = all.map(|case| case.expression).filter(is_compared);
    let all: Vec<(String, String, Value)> = all
        .filter_map(|expression| {
            let value = ours(&expression).ok()?;
            let shown = parsed(&expression).unwrap_or_else(|| panic!("not parsed: {expression}"));
            Some((expression, shown, value))
        })
        .collect();
    assert!(all.len() > 400, "only {} expressions are compared", all.len());
    let shown: Vec<&str> = all.iter().map(|(_, shown, _)| shown.as_str()).collect();
    let answers = nix(&format!("[\n({})\n]", shown.join(")\n("))).unwrap();
    for ((expression, shown, value), answer) in all.iter().zip(answers.as_array().unwrap()) {
        assert!(same(answer, value), "{expression}\nshown: {shown}\n{answer}\n{value}");
    }
}
