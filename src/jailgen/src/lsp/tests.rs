//! Positions and URIs; what the server does as a whole is tested through its streams
//! (`tests/it/lsp.rs`).

use std::path::{Path, PathBuf};

use gen_lsp_types::{Position, Uri};
use proptest::prelude::*;

use super::{position, uri};

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
