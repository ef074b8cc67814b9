//! What is not settings, or is broken, has a message; nothing of a file is printed raw.

mod limits;

use super::{InputKind, import};

const FIXTURES: [(InputKind, &str); 5] = [
    (InputKind::Srt, include_str!("../../../../../../tests/import/srt.json")),
    (InputKind::ClaudeCode, include_str!("../../../../../../tests/import/claude-code.json")),
    (InputKind::Nono, include_str!("../../../../../../tests/import/nono.json")),
    (InputKind::Codex, include_str!("../../../../../../tests/import/codex.toml")),
    (InputKind::Bwrap, include_str!("../../../../../../tests/import/bwrap.sh")),
];

/// Imports a text, and looks at all that comes out.
fn check(kind: InputKind, text: &str) {
    let imported = import(kind, "x", text);
    assert!(imported.spec.is_some() || !imported.diagnostics.is_empty(), "{text}");
    let texts =
        imported.diagnostics.iter().flat_map(|it| [Some(it.message.clone()), it.help.clone()]);
    for text in texts.flatten().chain(imported.spec) {
        let is_raw =
            |it: char| it.is_control() && it != '\n' || matches!(it, '\u{202e}' | '\u{2066}');
        assert!(!text.contains(is_raw), "{text:?}");
    }
}

#[test]
fn a_file_is_known_by_its_name_and_its_content() {
    for ((kind, text), name) in
        FIXTURES.into_iter().zip(["a.json", "b.json", "settings", "config.toml", "run"])
    {
        assert_eq!(InputKind::detected(name, text), Some(kind), "{name}");
    }
    assert_eq!(InputKind::detected("flake.nix", ""), Some(InputKind::Nix));
    for text in ["", "hello", "{}", "[]", "{\"a\": 1}", "# bwrap --bind a b\n"] {
        assert_eq!(InputKind::detected("x", text), None, "{text}");
    }
}

#[test]
fn what_is_cut_off_anywhere_has_a_message_or_a_spec() {
    for (kind, text) in FIXTURES {
        for (at, _) in text.char_indices() {
            check(kind, &text[..at]);
        }
    }
}

#[test]
fn a_changed_character_anywhere_does_no_harm() {
    for (kind, text) in FIXTURES {
        for (at, old) in text.char_indices() {
            for new in ['"', '{', ']', '\\', '$', '\u{1b}', '\u{202e}', '0'] {
                let changed = format!("{}{new}{}", &text[..at], &text[at + old.len_utf8()..]);
                check(kind, &changed);
            }
        }
    }
}

#[test]
fn any_file_is_taken_for_any_kind_without_harm() {
    let deep = "[".repeat(100_000);
    let deep_table = "a = ".to_owned() + &deep;
    let odd = [
        "",
        "\0",
        "null",
        "[]",
        "1",
        "\"x\"",
        "{\"a\":",
        &deep,
        &deep_table,
        "bwrap",
        "bwrap --",
        "bwrap --bind",
    ];
    for (_, kind) in InputKind::ALL.iter().skip(1) {
        for text in odd.into_iter().chain(FIXTURES.map(|(_, text)| text)) {
            check(*kind, text);
        }
    }
}

#[test]
fn escapes_of_a_file_are_not_printed() {
    let evil = "\\u001b]0;x\\u0007\\u202e";
    for (kind, text) in [
        (
            InputKind::Srt,
            format!(
                "{{\"{evil}\": 1, \"network\": {{\"allowedDomains\": [\"{evil}\"]}}, \"filesystem\": {{\"allowWrite\": [\"{evil}\", \"~/{evil}\"], \"denyRead\": [\"{evil}\"]}}}}"
            ),
        ),
        (
            InputKind::ClaudeCode,
            format!(
                "{{\"permissions\": {{\"deny\": [\"Bash({evil})\"], \"allow\": [\"{evil}\"]}}}}"
            ),
        ),
        (
            InputKind::Nono,
            format!(
                "{{\"meta\": {{\"name\": \"{evil}\"}}, \"extends\": \"{evil}\", \"environment\": {{\"set_vars\": {{\"{evil}\": \"{evil}\"}}}}}}"
            ),
        ),
    ] {
        check(kind, &text);
    }
    check(
        InputKind::Bwrap,
        "bwrap --bind /a\u{1b}[2J /b --setenv A \u{1b}[1m --wrong\u{1b} x bash\u{1b}",
    );
}
