use expect_test::{Expect, expect};

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
            "unexpected `+` in a list at `+` (a list element that needs parentheses); write `[ (… + …) ]`: list elements stand side by side"
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
            "unexpected `}`, wanted `;` at `}` (before this, `;` is missing); a binding ends with `;`"
        ],
    );
    says(
        "{ a = 1; b = 2 c = 3; }",
        expect![
            "unexpected `=`, wanted `;` at `=` (before this, `;` is missing); a binding ends with `;`"
        ],
    );
    says(
        "let a = 1 in a",
        expect![
            "unexpected `in`, wanted `;` at `in` (before this, `;` is missing); a binding ends with `;`"
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
    says("{ a: 1 }", expect!["unexpected `:`, wanted `=` at `:` (before this, `=` is missing)"]);
    says(
        "a )",
        expect![
            "unexpected `)` after the expression at `)` (the expression has ended before this); check that every bracket is closed where it should be"
        ],
    );
    says(
        "a = 1;",
        expect![
            "unexpected `=` after the expression at `=` (the expression has ended before this); bindings stand in a set or a `let`: `let x = 1; in …`"
        ],
    );
    says(
        "\"abc",
        expect![[
            r#"a string is not closed at `"` (it begins here); close it with the quotes that it begins with"#
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
            r#"the file is empty at `` (an expression is missing); write a jail: `jail "name" pkgs.hello [ ]`"#
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
