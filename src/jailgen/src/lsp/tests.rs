//! Positions and URIs; what the server does as a whole is tested through its streams
//! (`tests/it/lsp.rs`).

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use gen_lsp_types::{Position, Uri};
use jail_lang::MemorySources;
use jail_registry::{Code, Diagnostic};
use proptest::prelude::*;

use super::{fixes, formatting, position, uri};
use crate::compile::compile_from;

#[test]
fn positions_count_lines_and_utf16_units() {
    let text = "aé😀b\r\nx\ry\n\nz";
    for (byte, line, character) in [
        (0, 0, 0),
        (1, 0, 1),
        (3, 0, 2),
        (7, 0, 4),
        (8, 0, 5),
        (10, 1, 0),
        (12, 2, 0),
        (14, 3, 0),
        (15, 4, 0),
        (16, 4, 1),
    ] {
        let position = Position { line, character };
        assert_eq!(position::position(text, byte), position, "byte {byte}");
        assert_eq!(position::offset(text, position), byte, "{position:?}");
    }
}

#[test]
fn positions_that_do_not_exist_are_moved_to_one_that_does() {
    let text = "a😀\nb";
    for (line, character, byte) in [(0, 2, 1), (0, 99, 5), (1, 99, 7), (99, 0, 7)] {
        assert_eq!(position::offset(text, Position { line, character }), byte);
    }
    assert_eq!(position::position(text, 3), Position { line: 0, character: 1 });
    assert_eq!(position::position(text, 99), Position { line: 1, character: 1 });
}

proptest! {
    #[test]
    fn every_character_has_a_position_of_its_own(text in "[a\né😀\r]{0,12}") {
        for (byte, c) in text.char_indices() {
            let back = position::offset(&text, position::position(&text, byte));
            // The second half of a line break is the end of its line.
            let is_break = c == '\n' && byte > 0 && text.as_bytes()[byte - 1] == b'\r';
            prop_assert_eq!(back, if is_break { byte - 1 } else { byte });
        }
    }
}

#[test]
fn paths_and_uris_are_each_other() {
    for (path, text) in [
        ("/home/me/a.jail", "file:///home/me/a.jail"),
        ("/a b/é%.jail", "file:///a%20b/%C3%A9%25.jail"),
    ] {
        assert_eq!(uri::uri(Path::new(path)), Uri::from(text));
        assert_eq!(uri::path(&Uri::from(text)), Some(PathBuf::from(path)));
    }
    assert_eq!(uri::path(&Uri::from("file:///a+b%2Bc")), Some("/a+b+c".into()));
    assert_eq!(uri::path(&Uri::from("untitled:Untitled-1")), None);
    assert_eq!(uri::path(&Uri::from("file://elsewhere/a")), None);
}

/// The specs of the project below a folder, with their texts.
fn specs(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    let files = entries.map(|entry| entry.unwrap().into_path());
    let specs = files.filter(|path| path.extension().is_some_and(|it| it == "jail"));
    specs.filter_map(|path| Some((path.clone(), std::fs::read_to_string(path).ok()?))).collect()
}

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    let sources = MemorySources::new([("a.jail", text)]);
    compile_from(&sources, Path::new("/a.jail")).diagnostics
}

/// Applies each fix to the text that it was made for, and looks whether it is one.
#[test]
fn a_fix_removes_the_fault_and_adds_none() {
    let (mut shown, mut wrong) = (String::new(), String::new());
    for (path, text) in specs("tests/diagnostics") {
        let before = diagnostics(&text);
        for fault in &before {
            for fix in fixes::fixes(fault, &text) {
                let fixed = fix.applied(&text);
                let name = path.file_name().unwrap().to_string_lossy();
                let line = format!("{name}: {} => {}\n", fix.old, fix.new);
                shown.push_str(&line);
                let after = diagnostics(&fixed);
                let same = |list: &[Diagnostic]| {
                    list.iter()
                        .filter(|it| (it.code, &it.message) == (fault.code, &fault.message))
                        .count()
                };
                // The rest of a spec is evaluated only when its syntax is right.
                let is_broken = |list: &[Diagnostic]| list.iter().any(|it| it.code == Code::Syntax);
                if same(&after) >= same(&before) || is_broken(&after) && !is_broken(&before) {
                    wrong.push_str(&line);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    expect_file!["fixes.txt"].assert_eq(&shown);
}

#[test]
fn layout_changes_no_meaning_and_is_final() {
    let mut laid_out = 0;
    for folder in ["examples", "tests/users", "tests/import", "tests/diagnostics"] {
        for (path, text) in specs(folder) {
            let Some(new) = formatting::formatted(&text) else {
                // What has faults stays as it is.
                assert!(
                    jail_lang::check_syntax(&text).is_err() || folder == "tests/diagnostics",
                    "{}",
                    path.display()
                );
                continue;
            };
            laid_out += 1;
            assert_eq!(formatting::formatted(&new).as_ref(), Some(&new), "{}", path.display());
            let terms = |text: &str| {
                let compiled =
                    compile_from(&MemorySources::new([("a.jail", text)]), Path::new("/a.jail"));
                compiled
                    .diagnostics
                    .iter()
                    .map(|it| (it.code, it.message.clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(terms(&text), terms(&new), "{}", path.display());
        }
    }
    assert!(laid_out > 100, "{laid_out}");
}
