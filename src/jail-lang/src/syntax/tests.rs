use expect_test::{Expect, expect};
use jail_registry::FileId;
use rnix::Root;

use super::check;

fn fault(text: &str) -> String {
    match check(text) {
        Ok(()) => "fine".into(),
        Err(fault) => {
            let place = fault.primary.unwrap();
            let under = text.get(place.start as usize..place.end as usize).unwrap_or("");
            let help = fault.help.map(|help| format!("; {help}")).unwrap_or_default();
            format!("{} at `{under}` ({}){help}", fault.message, fault.label)
        }
    }
}

fn says(text: &str, expected: Expect) {
    expected.assert_eq(&fault(text));
}

#[test]
fn syntax_errors_say_what_to_do() {
    says(
        "[ if a then b else c ]",
        expect![[
            r#"unexpected `if` in a list at `if` (a list element that needs parentheses); put the element into parentheses: `[ (if …) ]`"#
        ]],
    );
    says(
        "[ a + b ]",
        expect![
            "unexpected `+` in a list at `+` (a list element that needs parentheses); write `[ (… + …) ]`: list elements are separated by spaces"
        ],
    );
    says(
        "[ a, b ]",
        expect![
            "unexpected `,` in a list at `,` (list elements are separated by spaces); drop the comma"
        ],
    );
    says(
        "{ a = 1 }",
        expect![
            "unexpected `}`, expected `;` at `}` (before this, `;` is missing); a binding ends with `;`"
        ],
    );
    says(
        "{ a = 1; b = 2 c = 3; }",
        expect![
            "unexpected `=`, expected `;` at `=` (before this, `;` is missing); a binding ends with `;`"
        ],
    );
    says(
        "let a = 1 in a",
        expect![
            "unexpected `in`, expected `;` at `in` (before this, `;` is missing); a binding ends with `;`"
        ],
    );
    says(
        "let a = 1; b",
        expect![
            "the file ends where `=` is missing at `b` (after this); check that every bracket and string is closed"
        ],
    );
    says(
        "( a",
        expect![
            "the file ends in the middle of an expression at `a` (after this); check that every bracket and string is closed"
        ],
    );
    says("{ a: 1 }", expect!["unexpected `:`, expected `=` at `:` (before this, `=` is missing)"]);
    says(
        "a )",
        expect![
            "unexpected `)` after the expression at `)` (the expression ended before this); check that every bracket is closed in the right place"
        ],
    );
    says(
        "a = 1;",
        expect![
            "unexpected `=` after the expression at `=` (the expression ended before this); bindings belong in a set or a `let`: `let x = 1; in …`"
        ],
    );
    says(
        "\"abc",
        expect![[
            r#"a string is not closed at `"` (it starts here); close it with the same quotes"#
        ]],
    );
    says(
        "if a then b",
        expect![
            "the file ends where `else` is missing at `b` (after this); check that every bracket and string is closed"
        ],
    );
    says(
        "",
        expect![[
            r#"the file is empty at `` (expected an expression); write a jail: `jail "name" pkgs.hello [ ]`"#
        ]],
    );
    says("{ a, b, a }: 1", expect!["fine"]);
    says(
        "a.",
        expect![
            "the file ends where a name is missing at `.` (after this); check that every bracket and string is closed"
        ],
    );
    says("[ x: x ]", expect!["fine"]);
    says(
        "''${",
        expect![
            "the file ends in the middle of an expression at `{` (after this); check that every bracket and string is closed"
        ],
    );
}

/// What Nix and the parser read differently.
#[test]
fn what_nix_reads_otherwise_is_refused() {
    says(
        "1 # x\r+ 1",
        expect![
            "the file holds a carriage return without a line feed at `\r` (Nix ends a comment here, but editors do not show it); save the file with Unix line endings"
        ],
    );
    says("1 # x\r\n+ 1", expect!["fine"]);
    says(
        "1\u{a0}+ 1",
        expect![
            "the character U+00A0 is not a space at `\u{a0}` (Nix does not read this); write a plain space"
        ],
    );
    says("\"\u{a0}\u{85}\" # \u{c}", expect!["fine"]);
    says(
        "1\u{c}",
        expect![
            "the character U+000C is not a space at `\u{c}` (Nix does not read this); write a plain space"
        ],
    );
    says(
        "0.e5 or 1",
        expect![
            "`0.e5` is not a number at `0.e5` (a digit is missing after the point); write `0.0`"
        ],
    );
    says(
        "\u{feff}1",
        expect![
            "unexpected `﻿`, expected an expression at `﻿` (before this, an expression is missing)"
        ],
    );
}

/// What would overflow the parser's stack, or take it a minute, is refused before it runs.
#[test]
fn nesting_and_chains_are_bounded() {
    let many = |head: &str, part: &str, count: usize| format!("{head}{}", part.repeat(count));
    for text in [
        many("", "[", 100_000),
        many("", "(", 100_000),
        many("", "{a=", 66_000),
        many("", "''${", 50_000),
        many("", "\"${", 66_000),
        many("a", ".b", 100_000),
        many("a", " . b", 50_000),
        many("a", "+a", 100_000),
        many("a", " + a", 50_000),
        many("a", "++a", 66_000),
        many("a", " // a", 40_000),
        many("a", " -> a", 40_000),
        many("a", " ? b", 50_000),
        many("a", " |> a", 40_000),
        many("a", "<a", 100_000),
        many("", "!", 200_000),
        many("", "- ", 100_000),
        many("", "-", 200_000),
        many("f", " x", 100_000),
        many("", "a: ", 66_000),
        many("", "{ a }: ", 30_000),
        many("", "let in ", 28_000),
        many("", "if a then b else ", 12_000),
        many("", "with a; ", 25_000),
        many("", "assert a; ", 20_000),
        many("", "a.b or ", 28_000),
        many("", "let { a = ", 20_000),
        many("./a", "/${a}", 40_000),
    ] {
        let start = std::time::Instant::now();
        let found = fault(&text);
        let head = text.get(..12).unwrap_or(&text);
        assert!(found.contains("too deep") || found.contains("without a space"), "{head}: {found}");
        assert!(start.elapsed().as_secs() < 5, "{head} took {:?}", start.elapsed());
    }
}

#[test]
fn what_is_long_but_not_deep_is_fine() {
    let list = format!("[ {} ]", "1 (a.b or c) \"x\" ".repeat(20_000));
    assert_eq!(fault(&list), "fine");
    let set = format!("{{ {} }}", "a = with b; c + d; ".repeat(20_000));
    assert_eq!(fault(&set), "fine");
    assert_eq!(fault(&format!("\"{}\"", "x".repeat(100_000))), "fine");
    assert_eq!(fault(&format!("# {}\n1", "x".repeat(100_000))), "fine");
}

#[test]
fn a_bracket_closes_what_it_opened() {
    for text in
        ["(1 ]", "(1 }", "[ 1 }", "{ a = 1; )", "\"${1)\"", "[ (1 ] 2 ]", "{ a = (1; b = 2; }"]
    {
        assert!(fault(text).starts_with("unexpected"), "{text}: {}", fault(text));
    }
    says("[ (f x ]", expect!["unexpected `]`, expected `)` at `]` (`(` is still open here)"]);
    says("(1 ; )", expect!["unexpected `;`, expected `)` at `;` (before this, `)` is missing)"]);
    let deep = format!("( ] {}", "[".repeat(100_000));
    assert!(fault(&deep).contains("are open at once"), "{}", fault(&deep));
}

/// The faults of a text, one line for each.
fn faults_of(text: &str, expected: Expect) {
    let parsed = Root::parse(text);
    let first = super::faults::first(FileId(0), text, &parsed).unwrap();
    let lines = super::faults::all(FileId(0), text, first).into_iter().map(|fault| {
        let place = fault.primary.unwrap();
        format!("{} at byte {}\n", fault.message, place.start)
    });
    expected.assert_eq(&lines.collect::<String>());
}

#[test]
fn faults_that_are_independent_are_told_together() {
    faults_of(
        "{ a = ; b = 1 +; c = 2; d = if; }",
        expect![[r#"
        unexpected `;`, expected an expression at byte 6
        unexpected `;`, expected an expression at byte 15
        unexpected `;`, expected an expression at byte 30
    "#]],
    );
    faults_of(
        "let a = 1 b = 2; c = [ 1, 2 ]; in { d = (1 + ); e = \"${ }\"; }",
        expect![[r#"
        unexpected `=`, expected `;` at byte 12
        unexpected `,` in a list at byte 24
        unexpected `)`, expected an expression at byte 45
        unexpected `}`, expected an expression at byte 56
    "#]],
    );
    faults_of(
        "[ (f if) (g +) ]",
        expect![[r#"
        unexpected `if`, expected `)` at byte 5
        unexpected `)`, expected an expression at byte 13
    "#]],
    );
    faults_of(
        "{ é = ü ö; a = ; }",
        expect![[r#"
        unexpected `é`, expected a name at byte 2
        unexpected `;`, expected an expression at byte 18
    "#]],
    );
}

#[test]
fn what_follows_from_a_fault_is_not_told() {
    faults_of(
        "{ a = 1; b = 2 c = 3; }",
        expect![[r#"
        unexpected `=`, expected `;` at byte 17
    "#]],
    );
    faults_of(
        "{ a = 1 }",
        expect![[r#"
        unexpected `}`, expected `;` at byte 8
    "#]],
    );
    faults_of(
        "{ a = ; b = 1",
        expect![[r#"
        unexpected `;`, expected an expression at byte 6
        the file ends where `;` is missing at byte 12
    "#]],
    );
    faults_of(
        "a = 1; b = 2;",
        expect![[r#"
        unexpected `=` after the expression at byte 2
    "#]],
    );
    faults_of(
        "let a = 1 in a",
        expect![[r#"
        unexpected `in`, expected `;` at byte 10
    "#]],
    );
    faults_of(
        "{ a = \"x; b = ; }",
        expect![[r#"
        a string is not closed at byte 6
    "#]],
    );
    faults_of(
        "f { a = with; b = 2; } (x: )",
        expect![[r#"
        unexpected `;`, expected an expression at byte 12
        unexpected `)`, expected an expression at byte 27
    "#]],
    );
}
