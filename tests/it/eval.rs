//! `jailgen eval`: what real Nix prints, and errors at their places.

use std::io::Write as _;
use std::process::{Command, Stdio};

use expect_test::expect;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::skip;

/// Values of every kind, whose text is the same in all versions of Nix.
const EXPRESSIONS: &[&str] = &[
    "null",
    "[ true false ]",
    "1 + 2 * 3",
    "9223372036854775807",
    "[ 0.1 1.5 (-2.5) 100000.0 1000000.0 123456789.0 0.00001234567 (1.0 / 3) (0.0 - 0.0) ]",
    "[ ]",
    "{ }",
    "[ [ ] { } [ 1 [ 2 ] ] ]",
    r#"{ b = 1; a.c.d = "x"; "a b" = 2; "9" = 3; a-b = 4; "a.b" = 5; "" = 6; "or" = 7; a' = 8; }"#,
    r#""quotes \" and \\ and \n and \t and \r and é and \${x} and $ and $$ and $\${""#,
    "''\n  two\n    lines\n''",
    "let f = n: if n < 2 then n else f (n - 1) + f (n - 2); in map f (builtins.genList (x: x) 10)",
    "builtins.mapAttrs (name: value: name + value) { a = \"1\"; b = \"2\"; }",
];

fn nix(arguments: &[&str], expression: &str) -> Option<String> {
    let mut command = Command::new("nix-instantiate");
    let command = command.args(["--eval", "--strict"]).args(arguments).args(["-E", expression]);
    let output = match command.output() {
        Ok(output) => output,
        Err(error) => {
            skip("nix", &format!("`nix-instantiate` cannot be run: {error}"));
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

#[test]
fn values_are_printed_as_nix_prints_them() {
    let scratch = Scratch::new();
    for expression in EXPRESSIONS {
        let Some(theirs) = nix(&[], expression) else { return };
        let ours = scratch.run(&["eval", "-E", expression]);
        assert_eq!(ours.assert_status(0).stdout.trim_end(), theirs, "{expression}");
    }
}

#[test]
fn json_is_that_of_nix() {
    let scratch = Scratch::new();
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    // Versions differ in how many digits of a float they write, and whether `1.0` has a point.
    for expression in EXPRESSIONS.iter().filter(|expression| !expression.contains("100000.0")) {
        let Some(theirs) = nix(&["--json"], expression) else { return };
        let ours = scratch.run(&["eval", "--json", "-E", expression]);
        assert_eq!(value(&ours.assert_status(0).stdout), value(&theirs), "{expression}");
    }
}

#[test]
fn files_and_standard_input_are_evaluated_too() {
    let scratch = Scratch::with(&[("a/x.nix", "import ./y.nix + 1"), ("a/y.nix", "41")]);
    assert_eq!(scratch.run(&["eval", "a/x.nix"]).all(), "status 0\n42\n");
    assert_eq!(scratch.run(&["eval", "-E", "import ./a/x.nix"]).all(), "status 0\n42\n");
    let piped = scratch.jailgen(&["eval", "-"]).write_stdin("lib.range 1 3").assert();
    assert_eq!(Outcome::of(&piped).all(), "status 0\n[ 1 2 3 ]\n");
}

#[test]
fn what_has_no_json_is_shown_all_the_same() {
    let scratch = Scratch::new();
    let shown = |text| scratch.run(&["eval", "-E", text]).assert_status(0).stdout.trim().to_owned();
    assert_eq!(shown("[ (x: x) map (map 1) ./x ]").split(' ').nth(1), Some("<LAMBDA>"));
    assert_eq!(shown("let a = { inherit a; }; in a"), "{ a = «repeated»; }");
    expect![[r#"[ «package pkgs.hello» "${pkgs.hello}/bin" «permission network» <PRIMOP> <PRIMOP-APP> «jail makeJailedCrush» ]"#]]
        .assert_eq(&shown("[ pkgs.hello \"${pkgs.hello}/bin\" network readonly (set-env \"x\") (makeJailedCrush { }) ]"));
    let deep = "let nest = n: if n == 0 then 1 else [ (nest (n - 1)) ]; in nest 2000";
    assert_eq!(shown(deep).matches('[').count(), 2000);
    let json = scratch.run(&["eval", "--json", "-E", deep]).assert_status(0).stdout.clone();
    assert_eq!(json.matches('[').count(), 2000);
    assert!(
        scratch.run(&["eval", "--json", "-E", "x: x"]).assert_status(1).stderr.contains("no JSON")
    );
}

#[test]
fn what_trace_says_goes_to_standard_error() {
    let outcome = Scratch::new().run(&["eval", "-E", "builtins.trace \"a\\u001b[31m\" 1"]);
    assert_eq!(outcome.assert_status(0).stdout, "1\n");
    assert_eq!(outcome.stderr, "trace: au001b[31m\n");
}

#[test]
fn errors_are_shown_at_their_places() {
    let scratch = Scratch::with(&[
        ("a/x.nix", "{\n  a = lenght [ ];\n  b = x;\n}\n"),
        ("a/outside.nix", "import ../x.nix"),
        ("x.nix", "1"),
    ]);
    expect![[r#"
        status 1
        error[undefined-variable]: undefined variable `lenght`
         --> a/x.nix:2:7
          |
        2 |   a = lenght [ ];
          |       ^^^^^^ nothing gives it a value
          |
          = help: write a package as `pkgs.lenght`
        error[undefined-variable]: undefined variable `x`
         --> a/x.nix:3:7
          |
        3 |   b = x;
          |       ^ nothing gives it a value
          |
          = help: write a package as `pkgs.x`
    "#]]
    .assert_eq(&scratch.run(&["eval", "a/x.nix"]).all());
    for (expression, code) in [
        ("throw \"no\"", "error[thrown]"),
        ("1 +", "error[syntax]"),
        ("1 / 0", "error[division-by-zero]"),
        ("let x = x; in x", "error[infinite-recursion]"),
        ("import ./a/outside.nix + import /etc/passwd", "error[outside-folder]"),
    ] {
        let outcome = scratch.run(&["eval", "--json", "-E", expression]);
        assert!(outcome.assert_status(1).stderr.contains(code), "{}", outcome.all());
        assert_eq!(outcome.stdout, "");
    }
    let outside = scratch.run(&["eval", "a/outside.nix"]);
    assert!(outside.assert_status(1).stderr.contains("error[outside-folder]"), "{}", outside.all());
}

#[test]
fn a_missing_file_or_expression_is_an_error_of_the_command_line() {
    let scratch = Scratch::new();
    assert!(scratch.run(&["eval", "none.nix"]).assert_status(1).stderr.contains("none.nix"));
    assert!(scratch.run(&["eval", "none/x.nix"]).assert_status(1).stderr.contains("none"));
    scratch.run(&["eval"]).assert_status(2);
    scratch.run(&["eval", "-E", "1", "a.nix"]).assert_status(2);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let mut child = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"))
        .args(["eval", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The reader is gone before there is anything to read.
    drop(child.stdout.take());
    child.stdin.take().unwrap().write_all(b"builtins.genList (x: x) 100000").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}
