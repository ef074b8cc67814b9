//! Independent faults are reported together, and each of them once.

use expect_test::expect;

use super::{check, jail, outcome, shown};
use crate::{Limits, MemorySources, evaluate};

#[test]
fn faults_of_all_kinds_are_told_together() {
    check(
        r#"
        let common = [ (readonly 1) ] ++ nothing ++ [ (readwrite "~/x" 3) (add-path) ];
        in {
          a = jail "a" pkgs.hello [ (readonyl "/src") (hostname 1) ];
          b = jail "b" pkgs.hello (common ++ [ (throw "b") (tmpfs 2) ]);
          c = jail (1 + "x") pkgs.hello [ (hostname null) ];
          d = makeJailedCrush { extraPkgs = misspelt; nmae = "x"; };
          e = throw "e";
          f = import ./missing.jail;
        }
        "#,
        expect![[r#"
            param-type: `readonly` takes a string for `path`, got a whole number at `1`
              help: write `"1"`
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`
            param-count: `readwrite` takes 1 argument, got 2 at `3`
              help: write `(readwrite PATH)`
            param-count: `add-path` takes 1 argument, got none at `add-path`
              help: write `(add-path FOLDER)`
            unknown-combinator: unknown combinator `readonyl` at `readonyl`
              help: did you mean `readonly`?
            undefined-variable: undefined variable `hostname` at `hostname`
              help: write a package as `pkgs.hostname`
            thrown: b at `throw "b"`
            param-type: `tmpfs` takes a string for `to`, got a whole number at `2`
              help: write `"2"`
            type-mismatch: expected a number, got a string at `"x"`
            undefined-variable: undefined variable `hostname` at `hostname`
              help: write a package as `pkgs.hostname`
            undefined-variable: undefined variable `misspelt` at `misspelt`
              help: write a package as `pkgs.misspelt`
            unknown-argument: `makeJailedCrush` has no argument `nmae` at `nmae`
              help: did you mean `name`?
            thrown: e at `throw "e"`
            missing-file: `missing.jail` does not exist at `./missing.jail`"#]],
    );
    check(
        "[ nothing (builtins.head nothing) (nothing.a or 1) (builtins.tryEval nothing) ]",
        expect![[r#"
            no-jail: the spec is a list, not a jail at `[ nothing (builtins.head nothing) (nothing.a or 1) (builtins.tryEval nothing) ]`
              help: permissions stand inside a jail: `jail "name" pkgs.hello [ … ]`
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`"#]],
    );
    check(
        "let a = nothing; in jail \"a\" a [ a a (readonly a) ]",
        expect![[r#"
            undefined-variable: undefined variable `nothing` at `nothing`
              help: write a package as `pkgs.nothing`"#]],
    );
}

#[test]
fn faults_of_imported_files_are_told_with_those_of_the_spec() {
    let sources = MemorySources::new([
        (
            "spec.jail",
            "{ a = jail \"a\" pkgs.hello (import ./a.nix); b = import ./b.nix; c = import ./b.nix; d = nothing; }",
        ),
        ("a.nix", "[ (readonly 1) nothing2 ]"),
        ("b.nix", "{ x = ; y = ; }"),
    ]);
    expect![[r#"
        undefined-variable: undefined variable `nothing` at `nothing`
          help: write a package as `pkgs.nothing`
        param-type: `readonly` takes a string for `path`, got a whole number at `1`
          help: write `"1"`
        undefined-variable: undefined variable `nothing2` at `nothing2`
          help: write a package as `pkgs.nothing2`
        syntax: unexpected `;`, expected an expression at `;`
        syntax: unexpected `;`, expected an expression at `;`"#]]
    .assert_eq(&shown(&evaluate(&sources, "spec.jail", Limits::SPEC)));
}

#[test]
fn an_evaluation_that_is_stopped_is_told_once() {
    let limits = Limits { steps: 1_000, calls: 10_000, bytes: 64 << 20 };
    let spec = "let f = x: f x; in { a = f 1; b = jail \"b\" (f 2) [ (f 3) ]; }";
    let sources = MemorySources::new([("spec.jail", spec)]);
    let outcome = evaluate(&sources, "spec.jail", limits);
    assert_eq!(outcome.diagnostics.len(), 1, "{}", shown(&outcome));
}

#[test]
fn sound_jails_are_there_beside_faulty_ones() {
    let outcome = outcome("{ a = jail \"a\" pkgs.hello [ ]; b = jail \"b\" nothing [ ]; }");
    assert!(outcome.spec.is_none());
    let names: Vec<_> = outcome.sound.iter().map(jail).collect();
    assert_eq!(names, ["jail a <pkgs.hello> [\n]"]);
}

#[test]
fn slips_and_habits_have_a_help() {
    for (spec, help) in [
        ("jail \"a\" pkgs.hello [ (readonyl \"/x\") ]", "did you mean `readonly`?"),
        ("jail \"a\" pkgs.hello [ (jail.combinators.netwrok) ]", "did you mean `network`?"),
        ("let tools = 1; in toolz", "did you mean `tools`?"),
        ("{ editor = 1; }.edtior", "did you mean `editor`?"),
        ("builtins.lenght [ ]", "did you mean `length`?"),
        ("with lib; optionls", "did you mean `optionals`?"),
        ("makeJailedPi { extraPkg = [ ]; }", "did you mean `extraPkgs`?"),
        ("({ name }: name) { nmae = 1; name = 2; }", "did you mean `name`?"),
        ("ripgrep", "write a package as `pkgs.ripgrep`"),
        ("jail \"a\" pkgs.hello [ readwrite \"~/x\" ]", "write `(readwrite \"~/x\")`"),
        ("jail \"a\" pkgs.hello [ (f: f) ]", "a call in a list needs parentheses"),
        ("jail \"a\" pkgs.hello [ \"/x\" ]", "is a combinator missing before it?"),
        ("jail \"a\" pkgs.hello [ pkgs.git ]", "write `(add-pkg-deps [ … ])`"),
        ("jail \"a\" pkgs.hello [ (readonly ~/x) ]", "write `(noescape \"~/…\")`"),
        ("jail \"a\" pkgs.hello [ a, b ]", "drop the comma"),
        ("jail \"a\" pkgs.hello", "write `jail \"a\" pkgs.hello [ ]`"),
        ("[ network ]", "permissions stand inside a jail"),
    ] {
        let outcome = outcome(spec);
        let helps: Vec<_> =
            outcome.diagnostics.iter().filter_map(|fault| fault.help.clone()).collect();
        assert!(helps.iter().any(|it| it.contains(help)), "{spec}: {}", shown(&outcome));
    }
}

#[test]
fn of_what_was_being_evaluated_five_places_are_told() {
    let deep = "let f = n: if n == 0 then throw \"deep\" else { x = f (n - 1); }.x + 1; in jail (f 40) pkgs.hello [ ]";
    let outcome = outcome(deep);
    let stacks: Vec<_> = outcome.diagnostics.iter().map(|fault| fault.stack.len()).collect();
    assert_eq!(stacks.len(), 1, "{}", shown(&outcome));
    assert!(stacks[0] > 1 && stacks[0] <= 5, "{stacks:?}");
}
