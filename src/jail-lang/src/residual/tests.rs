use expect_test::{Expect, expect};
use jail_policy::Package;
use jail_registry::{Made, Value};

use crate::{Limits, MemorySources, evaluate};

fn source(expression: &str) -> String {
    let spec = format!("jail \"x\" ({expression}) [ ]");
    let sources =
        MemorySources::new([("x.jail", spec.as_str()), ("cfg/a b.txt", "x"), ("cfg/a.txt", "x")]);
    let outcome = evaluate(&sources, "x.jail", Limits::SPEC);
    let Some(spec) = outcome.spec else {
        return outcome
            .diagnostics
            .iter()
            .map(|fault| format!("{}: {}", fault.code.as_str(), fault.message))
            .collect();
    };
    match &spec.jails[0].made {
        Made::Plain { entry, .. } => match &entry.value {
            Value::Package(Package::Symbolic { nix }) => nix.clone(),
            Value::Text(text) => format!("text {text}"),
            other => format!("{other:?}"),
        },
        Made::Built(_) => String::new(),
    }
}

fn becomes(expression: &str, expected: Expect) {
    expected.assert_eq(&source(expression));
}

#[test]
fn packages_and_paths_into_them() {
    becomes("pkgs.git", expect!["pkgs.git"]);
    becomes("with pkgs; git", expect!["pkgs.git"]);
    becomes("pkgs.python3Packages.\"a.b\".${\"c\"}", expect![[r#"pkgs.python3Packages."a.b".c"#]]);
    becomes("lib.getExe pkgs.git", expect!["text ${pkgs.git}"]);
    becomes("\"${lib.getBin pkgs.git}/bin/git\"", expect!["text ${pkgs.git}/bin/git"]);
    becomes("lib.getExe' pkgs.git \"git-x\"", expect!["text ${pkgs.git}/bin/git-x"]);
    becomes("pkgs.lib.getBin pkgs.git", expect!["lib.getBin pkgs.git"]);
    becomes("\"${./cfg}/a.txt\"", expect!["text ${./files/cfg}/a.txt"]);
    becomes(
        "pkgs.copy ./cfg \"${./cfg/a.txt}\" (./cfg + \"/a b.txt\")",
        expect![[r#"pkgs.copy ./files/cfg "${./files/cfg/a.txt}" (./files + "/cfg/a b.txt")"#]],
    );
    becomes("pkgs.copy ./nothing.txt", expect!["missing-file: `nothing.txt` does not exist"]);
}

#[test]
fn outputs_and_copies_of_files_are_left_to_nix() {
    becomes("lib.getLib pkgs.git", expect!["lib.getLib pkgs.git"]);
    becomes(
        "lib.makeBinPath [ pkgs.git pkgs.jq ]",
        expect!["lib.makeBinPath [ pkgs.git pkgs.jq ]"],
    );
    becomes(
        "lib.makeSearchPath \"share\" [ pkgs.git ]",
        expect![[r#"lib.makeSearchPath "share" [ pkgs.git ]"#]],
    );
    becomes(
        "pkgs.f (builtins.toJSON { a = ./cfg; })",
        expect!["pkgs.f (builtins.toJSON { a = ./files/cfg; })"],
    );
    becomes("pkgs.f lib.lists.findFirstIndex", expect!["pkgs.f lib.lists.findFirstIndex"]);
}

#[test]
fn captured_values_are_written_in_or_bound() {
    becomes("let n = 3; in pkgs.f (x: x + n)", expect!["pkgs.f (x: x + 3)"]);
    becomes(
        "let list = [ 1 2 ]; in pkgs.f (x: list ++ list)",
        expect![[r#"
        let
          list = [ 1 2 ];
        in
        pkgs.f (x: list ++ list)"#]],
    );
    becomes(
        "let fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2); in pkgs.f (x: fib x)",
        expect![[r#"
            let
              fib = n: if n < 2 then n else fib (n - 1) + fib (n - 2);
            in
            pkgs.f (x: fib x)"#]],
    );
    becomes("let git = pkgs.git; in pkgs.f (x: [ x git ])", expect!["pkgs.f (x: [ x pkgs.git ])"]);
    becomes(
        "let extra = [ pkgs.a ]; in pkgs.f (extra: extra) (x: [ x ] ++ extra)",
        expect![[r#"
        let
          extra2 = [ pkgs.a ];
        in
        pkgs.f (extra: extra) (x: [ x ] ++ extra2)"#]],
    );
}

#[test]
fn names_never_change_their_meaning() {
    becomes(
        "let p = pkgs; in pkgs.f (pkgs: [ pkgs p.git ])",
        expect!["pkgs.f (pkgs2: [ pkgs2 pkgs.git ])"],
    );
    becomes(
        "pkgs.f (lib: inputs: [ lib inputs ])",
        expect!["pkgs.f (lib2: inputs2: [ lib2 inputs2 ])"],
    );
    becomes("pkgs.f ({ pkgs, ... }: pkgs.git)", expect!["pkgs.f ({ pkgs, ... }: pkgs.git)"]);
    becomes(
        "let p = pkgs; in pkgs.f ({ pkgs, ... }: [ pkgs.git p.git ])",
        expect![[r#"
        let
          p = pkgs;
        in
        pkgs.f ({ pkgs, ... }: [ pkgs.git p.git ])"#]],
    );
    becomes("pkgs.f (x: (x: x) x)", expect!["pkgs.f (x: (x2: x2) x)"]);
    becomes(
        "pkgs.f (x: with x; with x.y; [ a b ])",
        expect!["pkgs.f (x: [ x.y.a or x.a x.y.b or x.b ])"],
    );
    becomes("with pkgs; pkgs.f (x: with x; [ git ])", expect!["pkgs.f (x: [ x.git or pkgs.git ])"]);
    becomes(
        "pkgs.f (x: with x { }; [ a b ])",
        expect![[r#"
        pkgs.f (x: let
          scope = x { };
        in
        [ scope.a scope.b ])"#]],
    );
}

#[test]
fn operations_on_symbolic_values() {
    becomes(
        "pkgs.f { a = pkgs.n + 1; b = !pkgs.c; c = pkgs.l ++ [ 1 ]; d = pkgs.s // { }; e = -pkgs.n; }",
        expect![
            "pkgs.f { a = pkgs.n + 1; b = !pkgs.c; c = pkgs.l ++ [ 1 ]; d = pkgs.s // { }; e = -pkgs.n; }"
        ],
    );
    becomes(
        "pkgs.f (builtins.length pkgs.list) (lib.optionals pkgs.stdenv.isLinux [ pkgs.strace ])",
        expect![
            "pkgs.f (builtins.length pkgs.list) (lib.optionals pkgs.stdenv.isLinux [ pkgs.strace ])"
        ],
    );
    becomes(
        "pkgs.f (map (p: p.name) pkgs.list) (lib.unknownFunction 1)",
        expect!["pkgs.f (builtins.map (p: p.name) pkgs.list) (lib.unknownFunction 1)"],
    );
    becomes("pkgs.f (if pkgs.c then 1 else 2)", expect!["pkgs.f (if pkgs.c then 1 else 2)"]);
    becomes(
        "pkgs.f { lazy = throw \"never\"; }",
        expect![[r#"pkgs.f { lazy = builtins.throw "never"; }"#]],
    );
}

#[test]
fn builtins_keep_their_names() {
    becomes(
        "pkgs.f (x: builtins.map toString x)",
        expect!["pkgs.f (x: builtins.map builtins.toString x)"],
    );
    becomes(
        "let b = builtins; in pkgs.f (x: b.head x) b",
        expect!["pkgs.f (x: builtins.head x) builtins"],
    );
    becomes("pkgs.f (builtins: builtins.x)", expect!["pkgs.f (builtins2: builtins2.x)"]);
    becomes("with builtins; pkgs.f (x: head x)", expect!["pkgs.f (x: builtins.head x)"]);
}

#[test]
fn scripts_keep_their_lines() {
    becomes(
        "pkgs.writeShellScriptBin \"x\" ''\n  set -e\n  if true; then\n\n    echo \"''${HOME} ${pkgs.git}\"\n  fi\n''",
        expect![[r#"
            pkgs.writeShellScriptBin "x" ''
              set -e
              if true; then

                echo "''${HOME} ${pkgs.git}"
              fi
            ''"#]],
    );
    becomes(
        "pkgs.writeText \"x\" \"one line\\n\"",
        expect![[r#"pkgs.writeText "x" "one line\n""#]],
    );
}

#[test]
fn what_nests_without_end_is_refused() {
    becomes(
        "builtins.foldl' (p: n: p.override { inherit n; }) pkgs.git (builtins.genList (x: x) 5000)",
        expect!["too-nested: the package expression is nested too deeply"],
    );
    becomes(
        "let f = n: if n == 0 then pkgs.a else pkgs.f (x: let y = f (n - 1); in y); in f 200",
        expect![[r#"
            let
              f = n: if n == 0 then
                pkgs.a
              else
                pkgs.f (x: let
                  y = f (n - 1);
                in
                y);
            in
            pkgs.f (x: let
              y = f (200 - 1);
            in
            y)"#]],
    );
}

#[test]
fn functions_of_a_group_of_lib_keep_their_group() {
    for (spec, function) in [
        ("lib.lists.findFirstIndex (x: x == pkgs.a) null [ 1 pkgs.b ]", "lib.lists.findFirstIndex"),
        ("lib.strings.charToInt pkgs.a", "lib.strings.charToInt"),
        ("pkgs.f lib.versions.major", "lib.versions.major"),
        ("pkgs.f lib.lists", "pkgs.f lib.lists"),
    ] {
        let shown = source(spec);
        assert!(shown.contains(function), "{spec}: {shown}");
    }
}
