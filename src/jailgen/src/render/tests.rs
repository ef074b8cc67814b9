use std::borrow::Cow;

use expect_test::{Expect, expect};
use jail_registry::{Code, Diagnostic, FileId, Place};

use super::{Position, Sources, human, json, sanitise, sanitise_json};

struct OneFile(String);

impl Sources for OneFile {
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)> {
        (file == FileId(0)).then_some(("demo.jail".into(), self.0.as_str()))
    }
}

const DEMO: &str = "\
# A demo.
jail \"demo\" pkgs.hello [
  (readonyl \"/src\")
  network
  (readwrite \"/src\")
]
";

fn place_of(text: &str, part: &str) -> Place {
    let start = text.find(part).unwrap();
    let end = u32::try_from(start + part.len()).unwrap();
    Place { file: FileId(0), start: u32::try_from(start).unwrap(), end }
}

fn misspelt() -> Diagnostic {
    let place = Some(place_of(DEMO, "readonyl"));
    Diagnostic::error(Code::UnknownCombinator, place, "unknown combinator `readonyl`")
        .label("not in the registry")
        .help("did you mean `readonly`?")
}

fn plain(diagnostic: &Diagnostic, text: &str) -> String {
    let coloured = human(diagnostic, &OneFile(text.into()), 100);
    anstream::adapter::strip_str(&coloured).to_string()
}

fn check(diagnostic: &Diagnostic, text: &str, expected: &Expect) {
    expected.assert_eq(&plain(diagnostic, text));
}

#[test]
fn the_text_is_underlined() {
    check(
        &misspelt(),
        DEMO,
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         --> demo.jail:3:4
          |
        3 |   (readonyl "/src")
          |    ^^^^^^^^ not in the registry
          |
          = help: did you mean `readonly`?"#]],
    );
}

#[test]
fn a_text_that_may_be_a_secret_is_not_shown_again() {
    let spec = "jail \"demo\" pkgs.hello [ (secret { from = \"sk-123\"; }) ]\n";
    let place = Some(place_of(spec, "\"sk-123\""));
    let fault = Diagnostic::error(Code::SecretInSpec, place, "a value").help("leave it out");
    check(
        &fault,
        spec,
        &expect![[r#"
            error[secret-in-spec]: a value
            --> demo.jail:1:43
             = help: leave it out"#]],
    );
}

#[test]
fn a_second_place_nearby_stands_in_the_same_window() {
    let mut diagnostic = misspelt();
    diagnostic.secondary.push((place_of(DEMO, "(readwrite \"/src\")"), "and here".into()));
    diagnostic.stack.push((place_of(DEMO, "jail"), "while evaluating the jail".into()));
    check(
        &diagnostic,
        DEMO,
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         --> demo.jail:3:4
          |
        3 |   (readonyl "/src")
          |    ^^^^^^^^ not in the registry
        4 |   network
        5 |   (readwrite "/src")
          |   ------------------ and here
          |
          = help: did you mean `readonly`?
          = note: while evaluating the jail (demo.jail:2:1)"#]],
    );
}

#[test]
fn a_diagnostic_without_a_place_is_a_line() {
    let mut diagnostic = misspelt();
    diagnostic.primary = None;
    check(
        &diagnostic,
        DEMO,
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         |
         = help: did you mean `readonly`?"#]],
    );
}

#[test]
fn the_end_of_the_file_is_a_place() {
    let end = u32::try_from(DEMO.len()).unwrap();
    let mut diagnostic = misspelt();
    diagnostic.primary = Some(Place { file: FileId(0), start: end, end });
    check(
        &diagnostic,
        DEMO,
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         --> demo.jail:6:3
          |
        6 | ]
          |  ^ not in the registry
          |
          = help: did you mean `readonly`?"#]],
    );
}

#[test]
fn an_empty_file_has_a_place() {
    let mut diagnostic = misspelt();
    diagnostic.primary = Some(Place { file: FileId(0), start: 0, end: 0 });
    check(
        &diagnostic,
        "",
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         --> demo.jail:1:1
          |
        1 |
          | ^ not in the registry
          |
          = help: did you mean `readonly`?"#]],
    );
}

#[test]
fn a_line_of_megabytes_is_cut() {
    let text = format!("[ {} readonyl {} ]", "x ".repeat(2_000_000), "y ".repeat(2_000_000));
    let mut diagnostic = misspelt();
    diagnostic.primary = Some(place_of(&text, "readonyl"));
    check(
        &diagnostic,
        &text,
        &expect![[r#"
        error[unknown-combinator]: unknown combinator `readonyl`
         --> demo.jail:1:4000004
          |
         ::: 
        1 | ...x x x x x x x x x x x x x x x  readonyl y y y y y y y y y y y y y y y y y y y y y y y y y ...
          |                                   ^^^^^^^^ not in the registry
          |
          = help: did you mean `readonly`?"#]],
    );
}

#[test]
fn a_place_of_megabytes_is_cut() {
    let text = format!("[\n{}\n]", "x\n".repeat(1_000_000));
    let mut diagnostic = misspelt();
    diagnostic.primary = Some(place_of(&text, &text));
    assert!(plain(&diagnostic, &text).len() < 200_000);
}

#[test]
fn a_spec_sends_no_control_sequences() {
    let text = "\u{1b}]0;title\u{7} readonyl \u{9b}31m \u{202e}";
    let mut diagnostic = misspelt();
    diagnostic.message = text.into();
    diagnostic.help = Some(text.into());
    diagnostic.primary = Some(place_of(text, "readonyl"));
    let human = plain(&diagnostic, text);
    let json = json(&diagnostic, &OneFile(text.into())).unwrap();
    for c in ['\u{1b}', '\u{7}', '\u{9b}', '\u{202e}'] {
        assert!(!human.contains(c), "{human:?}");
        assert!(!json.contains(c), "{json:?}");
    }
    let back: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(back["message"], text);
}

#[test]
fn json_has_lines_and_columns() {
    let mut diagnostic = misspelt();
    diagnostic.stack.push((place_of(DEMO, "jail"), "while evaluating the jail".into()));
    let json = json(&diagnostic, &OneFile(DEMO.into())).unwrap();
    expect![[r#"{"code":"unknown-combinator","severity":"error","message":"unknown combinator `readonyl`","place":{"file":"demo.jail","start":38,"end":46,"line":3,"column":4,"end_line":3,"end_column":12},"label":"not in the registry","help":"did you mean `readonly`?","related":[],"stack":[{"message":"while evaluating the jail","place":{"file":"demo.jail","start":10,"end":14,"line":2,"column":1,"end_line":2,"end_column":5}}]}"#]].assert_eq(&json);
}

#[test]
fn columns_count_characters() {
    let position = |byte| Position::at_byte("ä\nöü x", byte);
    assert_eq!(position(0), Position { line: 1, column: 1 });
    assert_eq!(position(7), Position { line: 2, column: 3 });
    assert_eq!(position(8), Position { line: 2, column: 4 });
    assert_eq!(position(99), Position { line: 2, column: 5 });
}

#[test]
fn line_breaks_survive() {
    assert_eq!(sanitise("a\n\tb"), "a\n\tb");
    assert_eq!(sanitise("a\u{1b}[31mb"), r"a\u{1b}[31mb");
    assert_eq!(sanitise("a\u{200b}\u{feff}\u{e0041}b"), r"a\u{200b}\u{feff}\u{e0041}b");
    let json = serde_json::to_string("a\u{202e}\u{e0041}b").unwrap();
    let safe = sanitise_json(&json);
    assert_eq!(safe, r#""a\u202e\udb40\udc41b""#);
    assert_eq!(serde_json::from_str::<String>(&safe).unwrap(), "a\u{202e}\u{e0041}b");
}
