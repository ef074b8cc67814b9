//! What agrees and what does not, by pairs of jailgen's reading and the JSON of Nix's.

use expect_test::{Expect, expect};
use jail_policy::{Output, Package, Piece, Text};

use super::difference;
use crate::testing::{built, jail, list, p, pkg, s, script, x};
use crate::{Jail, Term, Value};

const GIT: &str = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-git-2.50";

/// Nix's reading of a jail with these permissions. `@` is a store path.
fn nix(permissions: &str) -> Jail {
    let text = format!(
        r#"{{"version": 1, "packages": {{"nixpkgs": {{}}, "agents": {{}}}},
            "jail": {{"name": "demo", "entry": {{"package": {{"out": "@", "bin": "@", "program": "@/bin/x"}}}}, "permissions": [{permissions}]}}}}"#
    );
    let term = Term::from_json(&text.replace('@', GIT)).unwrap();
    assert_eq!(term.faults, []);
    term.jail
}

fn compared(spec: &Jail, nix: &Jail) -> String {
    difference(spec, nix, "/nix/store").map_or_else(|| "they agree".into(), |fault| fault.message)
}

#[track_caller]
fn check(permission: Value, read_by_nix: &str, expected: &Expect) {
    expected.assert_eq(&compared(&jail(vec![permission]), &nix(read_by_nix)));
}

#[track_caller]
fn agrees(permission: Value, read_by_nix: &str) {
    assert_eq!(compared(&jail(vec![permission]), &nix(read_by_nix)), "they agree");
}

/// `set-env "A"` with a text.
fn env(pieces: impl IntoIterator<Item = Piece>) -> Value {
    p("set-env", [s("A"), Value::Text(Text::new(false, pieces))])
}

fn nix_env(text: &str) -> String {
    let text = serde_json::Value::from(text.replace('@', GIT));
    format!(r#"{{"combinator": "set-env", "arguments": ["A", {text}]}}"#)
}

fn part(output: Output) -> Piece {
    Piece::Package { package: Package::Symbolic { nix: "pkgs.git".into() }, output }
}

fn literal(text: &str) -> Piece {
    Piece::Literal(text.into())
}

#[test]
fn the_same_terms_agree() {
    agrees(
        p("compose", [list([p("network", []), p("readonly", [x("~/a")])])]),
        r#"{"combinator": "compose", "arguments": [[{"combinator": "network", "arguments": []},
            {"combinator": "readonly", "arguments": [{"noescape": "~/a"}]}]]}"#,
    );
    agrees(
        p("x", [Value::Null, Value::Bool(true), Value::Integer(1), list([pkg("git")])]),
        r#"{"combinator": "x", "arguments": [null, true, 1, [{"package": {"out": "@", "bin": "@", "program": "@/bin/git"}}]]}"#,
    );
    agrees(
        p("wrap-entry", [script("exec @@ -x")]),
        r#"{"combinator": "wrap-entry", "arguments": [{"script": ["exec ", " -x"]}]}"#,
    );
}

#[test]
fn a_package_in_a_text_is_any_path_of_the_store() {
    agrees(env([part(Output::Out)]), &nix_env("@"));
    agrees(env([part(Output::Out), literal(". And "), part(Output::Bin)]), &nix_env("@. And @"));
    agrees(env([part(Output::Out), literal("-doc/x")]), &nix_env("@-doc/x"));
    agrees(env([part(Output::Program), literal(" -x")]), &nix_env("@/bin/git -x"));
}

#[test]
fn what_nix_alone_knows_may_be_any_text_that_names_no_path_outside_of_the_store() {
    agrees(env([literal("v"), part(Output::Out), literal("!")]), &nix_env("v2.50 of May!"));
    agrees(env([part(Output::Out)]), &nix_env("@/lib:@/lib64"));
    agrees(env([part(Output::Out)]), &nix_env("[a]\nb=c\n"));
    agrees(env([part(Output::Out), literal("/"), part(Output::Out)]), &nix_env("@/git-2.50"));
    agrees(
        env([literal("cp ~/.x /srv; exec "), part(Output::Out), literal(" \"$1\"")]),
        &nix_env("cp ~/.x /srv; exec git \"$1\""),
    );
    for (pieces, text) in [
        (vec![literal("/home/u/"), part(Output::Out)], "/home/u/.ssh"),
        (vec![literal("~/"), part(Output::Out)], "~/.ssh"),
        (vec![literal("$"), part(Output::Out)], "$HOME"),
        (vec![part(Output::Out), literal("/.ssh")], "x/.ssh"),
        (vec![part(Output::Out), literal("/x")], "@/../../../home/x"),
        (vec![literal("--bind "), part(Output::Out)], "--bind @ /x --bind /home/u /y"),
        (vec![part(Output::Out)], "@/lib:/home/u"),
        (vec![part(Output::Out)], "a\n$(id)"),
        (vec![literal("a"), part(Output::Out)], "a"),
    ] {
        let found = compared(&jail(vec![env(pieces)]), &nix(&nix_env(text)));
        assert!(found.starts_with("Nix reads "), "{text}: {found}");
    }
}

/// If the text is split into words, one more would be an option that the spec does not have.
#[test]
fn a_package_in_raw_arguments_is_one_word() {
    let raw = || {
        let pieces = [literal("--setenv A v"), part(Output::Out)];
        p("unsafe-add-raw-args", [Value::Text(Text::new(false, pieces))])
    };
    let nix_raw = |text: &str| {
        let text = serde_json::Value::from(text.replace('@', GIT));
        format!(r#"{{"combinator": "unsafe-add-raw-args", "arguments": [{text}]}}"#)
    };
    for text in ["--setenv A v2.50", "--setenv A v@"] {
        agrees(raw(), &nix_raw(text));
    }
    for text in ["--setenv A v1 --share-net", "--setenv A v1\t--share-net", "--setenv A v1' --b'"] {
        let found = compared(&jail(vec![raw()]), &nix(&nix_raw(text)));
        assert!(found.starts_with("Nix reads "), "{text}: {found}");
    }
}

#[test]
fn a_package_in_a_text_is_no_other_path_and_nothing_that_is_expanded() {
    for text in ["/home/u/.ssh", "", "~", "$HOME", "@/../x", "/nix/store/short-x"] {
        let found = compared(&jail(vec![env([part(Output::Out)])]), &nix(&nix_env(text)));
        assert!(found.starts_with("Nix reads "), "{text}: {found}");
    }
    for text in ["@", "@/bin/", "@/bin/a/b", "git"] {
        let found = compared(&jail(vec![env([part(Output::Program)])]), &nix(&nix_env(text)));
        assert!(found.starts_with("Nix reads "), "{text}: {found}");
    }
}

#[test]
fn whatever_else_differs_is_compared() {
    check(
        p("readonly", [s("/a")]),
        r#"{"combinator": "readwrite", "arguments": ["/a"]}"#,
        &expect!["Nix reads `readwrite` where jailgen reads `readonly`"],
    );
    check(
        p("readonly", [s("/srv/data")]),
        r#"{"combinator": "readonly", "arguments": ["/srv/secret"]}"#,
        &expect![[r#"Nix reads `"/srv/secret"` where jailgen reads `"/srv/data"`"#]],
    );
    check(
        p("readonly", [s("$A")]),
        r#"{"combinator": "readonly", "arguments": [{"noescape": "$A"}]}"#,
        &expect![[r#"Nix reads `noescape "$A"` where jailgen reads `"$A"`"#]],
    );
    check(
        p("network", []),
        r#"{"combinator": "network", "arguments": []}, {"combinator": "readwrite", "arguments": ["/a"]}"#,
        &expect!["Nix reads the permission `readwrite` where jailgen reads nothing more"],
    );
    check(
        p("network", []),
        "",
        &expect!["Nix reads nothing where jailgen reads the permission `network`"],
    );
    check(
        p("limit-pids", [Value::Integer(1)]),
        r#"{"combinator": "limit-pids", "arguments": ["1"]}"#,
        &expect![[r#"Nix reads `"1"` where jailgen reads `1`"#]],
    );
    check(
        p("add-pkg-deps", [list([pkg("git")])]),
        r#"{"combinator": "add-pkg-deps", "arguments": [[{"package": {"out": "/home/u", "bin": "/home/u", "program": null}}]]}"#,
        &expect!["Nix reads a package that is not in the store where jailgen reads a package"],
    );
    check(
        env([part(Output::Out), literal("\"\\x")]),
        &nix_env("@\"y"),
        &expect![[
            r#"Nix reads `"/nix/store/0123456789abcdfghijklmnpqrsvwxyz-git-2.50\"y"` where jailgen reads `"${pkgs.git}\"\\x"`"#
        ]],
    );
    let far = format!("{}\nend", "a".repeat(100));
    check(
        p("set-env", [s("A"), s(&far)]),
        &nix_env(&format!("{}b\nend", "a".repeat(100))),
        &expect![[
            r#"Nix reads `"…aaaaaaaaaaaaaaaaaaaab\nend"` where jailgen reads `"…aaaaaaaaaaaaaaaaaaaa\nend"`"#
        ]],
    );
}

#[test]
fn builders_are_compared_by_their_arguments() {
    let nix = |arguments: &str| {
        let text = format!(
            r#"{{"version": 1, "packages": {{"nixpkgs": {{}}, "agents": {{}}}},
                "jail": {{"builder": "makeJailedPi", "arguments": {{"attributes": {{{arguments}}}}}}}}}"#
        );
        Term::from_json(&text).unwrap().jail
    };
    let pi = || built("makeJailedPi", [("name", s("a"))]);
    assert_eq!(compared(&pi(), &nix(r#""name": "a""#)), "they agree");
    expect![[r#"Nix reads `"b"` where jailgen reads `"a"`"#]]
        .assert_eq(&compared(&pi(), &nix(r#""name": "b""#)));
    expect!["Nix reads `env` where jailgen reads no such attribute"]
        .assert_eq(&compared(&pi(), &nix(r#""name": "a", "env": {"attributes": {}}"#)));
    expect!["Nix reads no such attribute where jailgen reads `name`"]
        .assert_eq(&compared(&pi(), &nix("")));
    expect!["Nix reads `makeJailedPi` where jailgen reads `makeJailedCrush`"]
        .assert_eq(&compared(&built("makeJailedCrush", []), &nix("")));
    expect!["Nix reads `makeJailedPi` where jailgen reads `jail`"]
        .assert_eq(&compared(&jail(vec![]), &nix("")));
}
