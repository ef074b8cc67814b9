//! Specs and expressions that would take all memory: each ends with a diagnostic, under a bound on
//! the address space that leaves 512 MB besides the stack that is reserved. The bound is one of
//! steps and bytes, so nothing is timed.

use std::process::Command;

use crate::harness::Scratch;

/// The address space of a run, in KB.
const ADDRESS_SPACE: u64 = (512 + 192) << 10;

/// A string that doubles so many times.
fn doubled(times: u32) -> String {
    format!("builtins.foldl' (a: n: a + a) \"x\" (builtins.genList (n: n) {times})")
}

/// Expressions, and the code that ends them.
fn attacks() -> Vec<(String, &'static str)> {
    let (mega, much) = (doubled(20), doubled(25));
    let with = |text: &str| text.replace("MEGA", &mega).replace("MUCH", &much);
    [
        ("builtins.foldl' (a: n: a + a) \"x\" (builtins.genList (n: n) 100)", "memory-limit"),
        ("builtins.foldl' (a: n: \"${a}${a}\") \"x\" (builtins.genList (n: n) 100)", "memory-limit"),
        ("builtins.foldl' (a: n: a ++ a) [ 0 ] (builtins.genList (n: n) 100)", "memory-limit"),
        ("builtins.foldl' (p: n: p + \"/${MEGA}\") ./. [ 1 2 ]", "memory-limit"),
        ("builtins.genList (n: n) 100000000", "memory-limit"),
        ("builtins.genList (n: MEGA) 1000000", "memory-limit"),
        ("builtins.concatStringsSep (MEGA) (builtins.genList (n: \"\") 1000)", "memory-limit"),
        ("builtins.replaceStrings [ \"x\" ] [ (MEGA) ] (MEGA)", "memory-limit"),
        ("builtins.deepSeq (builtins.genList (n: MEGA + toString n) 1000) 1", "memory-limit"),
        ("builtins.toJSON (builtins.genList (n: MEGA) 1000)", "memory-limit"),
        ("let s = MEGA; in builtins.toJSON (builtins.genList (n: s) 1000)", "memory-limit"),
        ("let s = MEGA; in builtins.genList (n: s) 1000", "memory-limit"),
        ("builtins.fromJSON \"[${builtins.replaceStrings [ \"x\" ] [ \"0,\" ] (MUCH)}0]\"", "memory-limit"),
        ("builtins.splitVersion (MUCH)", "memory-limit"),
        ("lib.stringToCharacters (MUCH)", "memory-limit"),
        ("let l = builtins.genList (n: n) 100000; in builtins.concatLists (builtins.genList (n: l) 1000)", "memory-limit"),
        ("lib.cartesianProduct { a = builtins.genList (n: n) 3000; b = builtins.genList (n: n) 3000; }", "memory-limit"),
        ("let s = MEGA; in builtins.foldl' (a: n: { ${s + toString n} = n; }) { } (builtins.genList (n: n) 1000)", "memory-limit"),
        ("builtins.match (MUCH) \"x\"", "pattern"),
        ("builtins.match \"(x{1,900}){1,900}\" \"x\"", "pattern"),
        ("throw (MUCH)", "thrown"),
        ("{ }.${MUCH}", "missing-attribute"),
    ]
    .map(|(expression, code)| (with(expression), code))
    .to_vec()
}

/// Specs that are small as values and large written out.
const SPECS: &[&str] = &[
    "jail \"d\" pkgs.hello (builtins.genList (n: set-env \"X${toString n}\" (MEGA)) 1000)",
    "jail \"d\" pkgs.hello (builtins.genList (n: readonly \"/a${toString n}\") 200000)",
    "builtins.listToAttrs (builtins.genList (n: { name = toString n; value = jail \"d${toString n}\" pkgs.hello [ ]; }) 50000)",
    "let p = pkgs.hello.override { a = builtins.substring 0 100000 (MEGA); }; in jail \"d\" pkgs.hello [ (add-pkg-deps (builtins.genList (n: p) 1000)) ]",
];

fn bounded(scratch: &Scratch, arguments: &[&str]) -> (Option<i32>, String) {
    let script = format!("ulimit -v {ADDRESS_SPACE}; exec \"$0\" \"$@\"");
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(assert_cmd::cargo::cargo_bin!("jailgen"))
        .args(arguments)
        .current_dir(scratch.path("."))
        .env("HOME", scratch.path("."))
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.stdout.len() + told.len() < 100_000, "{arguments:?}: {} bytes", told.len());
    (output.status.code(), told)
}

#[test]
fn an_expression_that_takes_all_memory_is_stopped_with_the_reason() {
    let scratch = Scratch::new();
    for (expression, code) in attacks() {
        let (status, told) = bounded(&scratch, &["eval", "-E", &expression]);
        let first = told.lines().next().unwrap_or_default();
        assert!(
            status == Some(1) && told.starts_with(&format!("error[{code}]")),
            "{expression}: {status:?} {first}"
        );
    }
}

#[test]
fn a_spec_that_is_larger_written_out_is_stopped_with_the_reason() {
    let scratch = Scratch::new();
    for spec in SPECS {
        scratch.write("x.jail", spec.replace("MEGA", &doubled(20)).as_bytes());
        for command in ["check", "explain"] {
            let (status, told) = bounded(&scratch, &[command, "x.jail"]);
            let first = told.lines().next().unwrap_or_default();
            assert!(
                status == Some(1) && told.contains("error[memory-limit]"),
                "{spec}: {status:?} {first}"
            );
        }
    }
}

/// The control: what is large and within the bounds has its value.
#[test]
fn what_is_within_the_bounds_is_evaluated() {
    let scratch = Scratch::new();
    for (expression, value) in [
        ("builtins.stringLength (MUCH)", "33554432"),
        ("builtins.length (builtins.genList (n: n) 500000)", "500000"),
        (
            "builtins.stringLength (builtins.replaceStrings [ \"x\" \"a\" ] [ \"yz\" \"\" ] (MEGA))",
            "2097152",
        ),
        ("builtins.stringLength (builtins.toJSON (builtins.genList (n: n) 100000))", "588891"),
    ] {
        let expression = expression.replace("MUCH", &doubled(25)).replace("MEGA", &doubled(20));
        let outcome = scratch.run(&["eval", "-E", &expression]);
        assert_eq!(outcome.assert_status(0).stdout.trim(), value, "{expression}");
    }
}
