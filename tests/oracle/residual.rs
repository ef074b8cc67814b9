//! Symbolic packages: the Nix source that a spec's expression becomes gives, over a pretended
//! `pkgs`, what the expression itself gives there.

use jail_lang::{Limits, MemorySources, evaluate};
use jail_policy::Package;
use jail_registry::{Made, Value as Term};

use crate::{has_nix, nix};

/// A `pkgs` that is made of plain values, so that what is done with it can be compared.
const PKGS: &str = r#"
  let
    package = name: {
      inherit name;
      pname = name;
      version = "1.2";
      override = args: package (name + "-override") // { inherit args; };
      overrideAttrs = f: package (name + "-attrs") // { attrs = f { pname = name; buildInputs = [ 1 ]; }; };
      passthru.list = [ 1 2 ];
      outPath = "/nix/store/${name}";
    };
    lib = {
      getExe = p: "${p}/bin/${p.pname}";
      getBin = p: p;
      optionals = c: l: if c then l else [ ];
      optional = c: x: if c then [ x ] else [ ];
      concatMapStringsSep = sep: f: l: builtins.concatStringsSep sep (map f l);
      hasPrefix = a: b: builtins.substring 0 (builtins.stringLength a) b == a;
    };
    pkgs = {
      inherit lib;
      git = package "git";
      curl = package "curl";
      hello = package "hello";
      numbers = [ 1 2 3 ];
      isLinux = true;
      python3 = package "python3" // {
        pkgs = { numpy = package "numpy"; rich = package "rich"; };
        withPackages = f: package "python3-env" // { packages = f pkgs.python3.pkgs; };
      };
      writeShellScriptBin = name: text: package name // { inherit text; };
      callPackage = f: args: let found = builtins.intersectAttrs (builtins.functionArgs f) pkgs; in package "called" // { value = f (found // args); };
      symlinkJoin = args: package args.name // { inherit args; };
      call = f: package "call" // { result = f 1; };
    };
  in
"#;

/// The source that the entry of a jail becomes.
fn source(expression: &str) -> String {
    let spec = format!("jail \"x\" ({expression}) [ ]");
    let sources = MemorySources::new([("x.jail", spec.as_str())]);
    let outcome = evaluate(&sources, "x.jail", Limits::SPEC);
    let spec = outcome.spec.unwrap_or_else(|| panic!("{expression}: {:?}", outcome.diagnostics));
    match &spec.jails[0].made {
        Made::Plain { entry, .. } => match &entry.value {
            Term::Package(Package::Symbolic { nix }) => nix.clone(),
            other => panic!("{expression}: {other:?}"),
        },
        Made::Built(_) => panic!("no plain jail"),
    }
}

/// Sets that hold functions or themselves cannot be compared as JSON; these parts can.
fn observed(expression: &str) -> String {
    format!(
        "{PKGS} let value = ({expression}); part = name: if value ? ${{name}} then value.${{name}} else null; in {{ path = \"${{value}}\"; parts = builtins.toJSON (map part [ \"args\" \"attrs\" \"text\" \"packages\" \"value\" \"result\" \"name\" ]); }}"
    )
}

const EXPRESSIONS: &[&str] = &[
    "pkgs.git",
    "pkgs.python3.withPackages (ps: with ps; [ numpy rich ])",
    "let extra = [ pkgs.git ]; in pkgs.python3.withPackages (ps: with ps; [ numpy ] ++ extra)",
    "let extra = [ ]; in pkgs.python3.withPackages (ps: [ ps.numpy ] ++ extra)",
    "with pkgs; python3.withPackages (ps: with ps; [ numpy git ])",
    "with pkgs; with python3.pkgs; python3.withPackages (ps: [ numpy git ])",
    "pkgs.git.override { a = 1; b = [ true null 1.5 \"x\" ]; }",
    "pkgs.git.override { curl = pkgs.curl; text = \"a ${pkgs.hello} b\"; }",
    "let f = n: if n == 0 then [ ] else [ n ] ++ f (n - 1); in pkgs.python3.withPackages (ps: f 3)",
    "let even = n: n == 0 || odd (n - 1); odd = n: n != 0 && even (n - 1); in pkgs.call (n: [ (even n) (odd n) ])",
    "pkgs.git.overrideAttrs (old: { buildInputs = old.buildInputs ++ [ pkgs.curl ]; name = \"${old.pname}-x\"; })",
    "pkgs.git.overrideAttrs (old: old // { inherit (pkgs.curl) name; })",
    "pkgs.writeShellScriptBin \"x\" ''\n  ${pkgs.git}/bin/git \"$@\"\n    echo ''${HOME} $$ \\\n  ''",
    "pkgs.writeShellScriptBin \"a b\" \"line\\n  two\\n\"",
    "pkgs.writeShellScriptBin \"x\" \"\\${not} $ $$ \\\\ \\\" '' ''' \\t end$\"",
    "pkgs.writeShellScriptBin \"x\" ''\n  if true; then\n\n    echo 'a'\n  fi\n''",
    "pkgs.callPackage ({ git, curl, extra ? git, ... }: [ git.name extra.name ]) { curl = 1; }",
    "pkgs.callPackage ({ git, lib, n ? 3 }@args: [ n (args ? git) (lib.optionals true [ 1 ]) ]) { }",
    "let pkgs' = pkgs; in pkgs'.call (pkgs: [ pkgs pkgs'.git.name ])",
    "pkgs.call (n: let pkgs = n; in pkgs + 1)",
    "pkgs.call (x: (y: x + y) 2)",
    "pkgs.call (x: (x: x) (x + 1))",
    "pkgs.call (x: let y = x + 1; z = y * 2; in { inherit x y z; w = rec { a = y; b = a + 1; }; })",
    "pkgs.call (x: if x > 0 && pkgs.isLinux then \"yes\" else throw \"no\")",
    "pkgs.call (x: { \"a b\" = x; ${\"c\"} = 2; }.\"a b\" or 3)",
    "pkgs.call (x: { a.b = x; } ? a.b)",
    "pkgs.call (x: -x - 1 * 2 + (3 - (4 - 5)))",
    "pkgs.call (x: !(x == 1) || x != 2 -> true)",
    "pkgs.call (x: [ 1 ] ++ ([ 2 ] ++ [ x ]) == [ 1 2 x ])",
    "pkgs.call (x: (a: b: c: a - b - c) 9 x 3)",
    "pkgs.call (x: assert x == 1; x)",
    "pkgs.call (x: builtins.map (y: y * x) [ 1 2 ])",
    "pkgs.call (x: map toString [ x 2.5 ])",
    "let compose = f: g: x: f (g x); inc = x: x + 1; in pkgs.call (compose inc (compose inc inc))",
    "let s = { a = 1; f = x: x + s.a; }; in pkgs.call s.f",
    "let lib' = lib; in pkgs.call (x: lib'.optional (x == 1) pkgs.git.name)",
    "builtins.head [ pkgs.git pkgs.curl ]",
    "builtins.head (map (p: p.override { x = 1; }) [ pkgs.git ])",
    "if true then pkgs.git else throw \"x\"",
    "pkgs.git.override (builtins.listToAttrs [ { name = \"n\"; value = pkgs.curl.name; } ])",
    "pkgs.git.override { n = builtins.length pkgs.numbers; s = builtins.substring 0 2 pkgs.git.name; }",
    "pkgs.git.override { n = map (x: x + 1) pkgs.numbers; f = builtins.foldl' (a: b: a + b) 0 pkgs.numbers; }",
    "pkgs.git.override { b = pkgs.isLinux && true; c = !pkgs.isLinux; d = pkgs.git.name == \"git\"; e = pkgs.git ? name; }",
    "pkgs.git.override { v = pkgs.git.nothing or (pkgs.git.name or 1); }",
    "pkgs.git.override { v = lib.optionals pkgs.isLinux [ 1 2 ]; w = lib.hasPrefix \"g\" pkgs.git.name; }",
    "pkgs.git.override { lazy = [ 1 (if false then throw \"x\" else 2) ]; }",
    "pkgs.git.override { min = -9223372036854775807 - 1; neg = -3; f = -0.5; big = 1.0e30; }",
    "pkgs.\"git\"",
    "pkgs.${\"gi\" + \"t\"}",
    "pkgs.symlinkJoin { name = \"j\"; paths = with pkgs; [ git (python3.withPackages (ps: [ ps.rich ])) ]; }",
    "pkgs.git.override { nested = { a = { b = [ { } [ ] ] ; }; \"x.y\" = 1; \"\" = 2; if' = 3; \"if\" = 4; }; }",
];

#[test]
fn residual_source_gives_what_the_expression_gives() {
    if !has_nix() {
        return;
    }
    let mut faults = Vec::new();
    for expression in EXPRESSIONS {
        let source = source(expression);
        jail_lang::check_syntax(&source).unwrap_or_else(|error| panic!("{source}: {error}"));
        let original = format!("let inherit (pkgs) lib; in {expression}");
        let emitted = format!("let inherit (pkgs) lib; in {source}");
        let (wanted, got) = (nix(&observed(&original)), nix(&observed(&emitted)));
        match (&wanted, &got) {
            (Ok(wanted), Ok(got)) if wanted == got => {}
            _ => faults.push(format!(
                "{expression}\n  source: {source}\n  wanted: {wanted:?}\n  got: {got:?}"
            )),
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

#[test]
fn source_is_laid_out_and_stable() {
    let long = "pkgs.python3.withPackages (ps: with ps; [ aaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbb cccccccccccccccc dddddddddddddddd eeeeeeeeeeeeee ])";
    expect_test::expect![[r#"
        pkgs.python3.withPackages (ps: [
          ps.aaaaaaaaaaaaaaaa
          ps.bbbbbbbbbbbbbbbb
          ps.cccccccccccccccc
          ps.dddddddddddddddd
          ps.eeeeeeeeeeeeee
        ])"#]]
    .assert_eq(&source(long));
    assert_eq!(source(long), source(long));
}
