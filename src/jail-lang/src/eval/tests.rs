use expect_test::{Expect, expect};

use crate::{Expression, Form, Limits, MemorySources, eval_expression};

const LIMITS: Limits = Limits { steps: 2_000_000, calls: 10_000, bytes: 256 << 20 };

fn eval(text: &str) -> String {
    let sources = MemorySources::new([("a.nix", "{ b = import ./b; }"), ("b/default.nix", "42")]);
    let evaluated = eval_expression(&sources, Expression::Text(text), Form::Json, LIMITS);
    match evaluated.text {
        Some(json) => json,
        None => {
            let fault = evaluated.diagnostics.first().unwrap();
            let under = fault.primary.map(|place| evaluated.files.text(place).to_owned());
            let mut lines = vec![format!(
                "{}: {} at `{}`",
                fault.code.as_str(),
                fault.message,
                under.unwrap_or_default()
            )];
            for (place, what) in &fault.stack {
                lines.push(format!("  {what}: `{}`", evaluated.files.text(*place)));
            }
            lines.join("\n")
        }
    }
}

fn gives(text: &str, expected: Expect) {
    expected.assert_eq(&eval(text));
}

#[test]
fn files_are_imported_once_and_relative_to_themselves() {
    gives("(import ./a.nix).b", expect!["42"]);
    gives("import ./b + import ./b", expect!["84"]);
}

#[test]
fn the_way_to_a_fault_has_five_steps_at_most() {
    gives(
        "let f = x: g x; g = x: h x; h = x: i x; i = x: j x; j = x: k x; k = x: throw \"here\"; in f 1",
        expect![[r#"
            thrown: here at `throw "here"`
              while calling `k`: `k x`
              while calling `j`: `j x`
              while calling `i`: `i x`
              while calling `h`: `h x`
              while calling `g`: `g x`"#]],
    );
}

#[test]
fn recursion_and_steps_are_bounded() {
    gives(
        "let f = x: f x; in f 1",
        expect![[r#"
        recursion-limit: the recursion is too deep at `f x`
          while calling `f`: `f x`
          while calling `f`: `f 1`"#]],
    );
    gives(
        "let f = x: 1 + f x; in f 1",
        expect![[r#"
        recursion-limit: the recursion is too deep at `f x`
          while calling `f`: `f x`
          while calling `f`: `f 1`"#]],
    );
    gives(
        "let n = builtins.genList (x: x) 3000; in builtins.foldl' (a: x: builtins.foldl' (a: x: 0) 0 n) 0 n",
        expect![[r#"
            step-limit: the evaluation takes too many steps at `builtins.foldl' (a: x: 0) 0 n`
              while calling a function: `builtins.foldl' (a: x: builtins.foldl' (a: x: 0) 0 n) 0 n`"#]],
    );
    gives(
        "let xs = [ xs ]; in xs",
        expect![
            "infinite-recursion: the value contains itself, so it has no JSON form at `let xs = [ xs ]; in xs`"
        ],
    );
    gives(
        "let x = { y = x; }; in builtins.toJSON x",
        expect![
            "infinite-recursion: the value contains itself, so it has no JSON form at `builtins.toJSON x`"
        ],
    );
    gives(
        "let a = { b = a; }; in a == a.b",
        expect!["recursion-limit: the recursion is too deep at `a == a.b`"],
    );
    gives(
        "let a = { b = a; c = 1; }; d = { b = d; c = 1; }; in a == d",
        expect!["recursion-limit: the recursion is too deep at `a == d`"],
    );
}

/// Long chains are dropped without recursion, and are read within the stack that is left.
#[test]
fn long_chains_do_not_overflow_the_stack() {
    gives(
        "builtins.length (builtins.foldl' (list: x: [ list ]) [ ] (builtins.genList (x: x) 300000))",
        expect!["1"],
    );
    gives(
        "builtins.isAttrs (builtins.foldl' (set: x: { inherit set; }) { } (builtins.genList (x: x) 300000))",
        expect!["true"],
    );
    gives(
        "builtins.isFunction (builtins.foldl' (f: x: (y: f)) (x: x) (builtins.genList (x: x) 300000))",
        expect!["true"],
    );
    gives(
        "(builtins.foldl' (n: x: { v = n.v + 1; }) { v = 0; } (builtins.genList (x: x) 20000)).v",
        expect!["20000"],
    );
}

#[test]
fn integers_do_not_wrap() {
    gives(
        "9223372036854775807 + 1",
        expect![
            "integer-overflow: the result does not fit into 64 bits at `9223372036854775807 + 1`"
        ],
    );
}

#[test]
fn suggestions() {
    gives(
        "let value = 1; in valeu",
        expect!["undefined-variable: undefined variable `valeu` at `valeu`"],
    );
    gives(
        "{ name = 1; }.nmae",
        expect!["missing-attribute: the set has no attribute `nmae` at `nmae`"],
    );
    gives(
        "({ name }: name) { nmae = 1; }",
        expect![[r#"
        unexpected-argument: the function takes no argument `nmae` at `nmae`
          while calling a function: `({ name }: name) { nmae = 1; }`"#]],
    );
    gives(
        "lib.optionls true [ ]",
        expect![
            "symbolic-value: the value of `lib.optionls true [ ]` is not known here at `lib.optionls true [ ]`"
        ],
    );
}

#[test]
fn the_library() {
    gives(
        "lib.concatMapStringsSep \", \" (x: \"<${x}>\") [ \"a\" \"b\" ]",
        expect![[r#""<a>, <b>""#]],
    );
    gives(
        "lib.mapAttrsToList (n: v: \"${n}=${toString v}\") { a = 1; b = 2; }",
        expect![[r#"["a=1","b=2"]"#]],
    );
    gives("lib.optionals false [ 1 ] ++ lib.optional true 2", expect!["[2]"]);
    gives("lib.filterAttrs (n: v: v != null) { a = null; b = 1; }", expect![[r#"{"b":1}"#]]);
    gives(
        "lib.recursiveUpdate { a.b = 1; a.c = 2; } { a.b = 3; }",
        expect![[r#"{"a":{"b":3,"c":2}}"#]],
    );
    gives("lib.genAttrs [ \"x\" \"y\" ] (name: name + \"!\")", expect![[r#"{"x":"x!","y":"y!"}"#]]);
    gives("lib.splitString \".\" \"1.2.3\"", expect![[r#"["1","2","3"]"#]]);
    gives(
        "map lib.escapeShellArg [ \"a b\" \"it's\" \"plain\" ]",
        expect![[r#"["'a b'","'it'\\''s'","plain"]"#]],
    );
    gives("lib.trim \"  x y \\n\"", expect![[r#""x y""#]]);
    gives("lib.unique [ 1 2 1 3 2 ]", expect!["[1,2,3]"]);
    gives("lib.flatten [ 1 [ 2 [ 3 ] ] ]", expect!["[1,2,3]"]);
    gives("lib.pipe 1 [ (x: x + 1) toString ]", expect![[r#""2""#]]);
    gives(
        "lib.foldr (a: b: a + b) \"\" [ \"a\" \"b\" ] + lib.foldl (a: b: b + a) \"\" [ \"a\" \"b\" ]",
        expect![[r#""abba""#]],
    );
    gives(
        "with lib; [ (toUpper \"abc\") (removePrefix \"a\" \"abc\") (removeSuffix \"c\" \"abc\") (hasInfix \"b\" \"abc\") ]",
        expect![[r#"["ABC","bc","ab",true]"#]],
    );
    gives("lib.strings.toInt \" 12 \" + lib.lists.last [ 1 2 ]", expect!["14"]);
    gives(
        "lib.cartesianProduct { a = [ 1 2 ]; b = [ 3 ]; }",
        expect![[r#"[{"a":1,"b":3},{"a":2,"b":3}]"#]],
    );
    gives(
        "lib.attrByPath [ \"a\" \"b\" ] 0 { a.b = 1; } + lib.getAttrFromPath [ \"c\" ] { c = 1; }",
        expect!["2"],
    );
    gives("lib.naturalSort [ \"a10\" \"a2\" \"a1\" ]", expect![[r#"["a1","a2","a10"]"#]]);
    gives("lib.toHexString 255 + lib.fixedWidthNumber 3 7", expect![[r#""FF007""#]]);
    gives("lib.head [ ]", expect!["out-of-bounds: `head` of an empty list at `lib.head [ ]`"]);
    gives(
        "lib.toInt \"x\"",
        expect![[r#"
        thrown: toInt: could not convert "x" to an integer at `lib.toInt "x"`
          while calling a function: `lib.toInt "x"`"#]],
    );
}

/// Each entry of the library's files parses and refers to nothing that is not there.
#[test]
fn every_library_function_loads() {
    for name in crate::library::names() {
        let found = eval(&format!("builtins.seq lib.{name} true"));
        assert_eq!(found, "true", "lib.{name}");
    }
}

#[test]
fn what_holds_itself_has_no_json() {
    for expression in [
        "let a = { x = a; }; in a",
        "let a = [ 1 [ a ] ]; in builtins.toJSON a",
        "let f = x: [ (f x) ]; in f 1",
    ] {
        let found = eval(expression);
        let words = ["contains itself", "too deep", "too many steps"];
        assert!(words.iter().any(|word| found.contains(word)), "{found}");
    }
    assert_eq!(eval("let a = [ 1 ]; in [ a a { b = a; } ]"), r#"[[1],[1],{"b":[1]}]"#);
}

/// A few characters may be thousands of states, and each takes its time.
#[test]
fn a_pattern_is_charged_for_what_it_compiles_to() {
    let compiled = |pattern: &str| {
        let matched = format!("builtins.match \"{pattern}${{toString i}}\" \"\"");
        let all = format!("builtins.genList (i: {matched}) 400");
        let text = format!("builtins.length (builtins.filter (x: x != null) ({all}))");
        eval(&text)
    };
    assert_eq!(compiled("(a{1,20}){1,2}"), "0");
    assert!(compiled("(a{1,200}){1,20}").starts_with("step-limit"));
}
