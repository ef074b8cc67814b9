//! From byte offsets to lines and columns.

use std::ops::Range;

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    /// The position of a byte; one that is inside of a character or past the end is moved back.
    #[must_use]
    pub fn at_byte(text: &str, byte: usize) -> Self {
        let before = text.get(..floor(text, byte)).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
        Self { line, column }
    }
}

/// The nearest start of a character at or before `byte`.
pub(super) fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

/// The lines that `range` touches and `context` lines around them, without the last line break.
pub(super) fn lines_around(text: &str, range: &Range<usize>, context: usize) -> Range<usize> {
    let mut start = floor(text, range.start);
    for _ in 0..=context {
        match text.get(..start).unwrap_or_default().rfind('\n') {
            Some(newline) => start = newline,
            None => {
                start = 0;
                break;
            }
        }
    }
    if text.get(start..).is_some_and(|rest| start > 0 && rest.starts_with('\n')) {
        start += 1;
    }
    let mut end = floor(text, range.end);
    for _ in 0..=context {
        match text.get(end..).unwrap_or_default().find('\n') {
            Some(newline) => end += newline + 1,
            None => {
                end = text.len();
                break;
            }
        }
    }
    if end > start && text.get(..end).is_some_and(|before| before.ends_with('\n')) {
        end -= 1;
    }
    start..end
}
