//! From bytes to the protocol's positions and back: lines and UTF-16 units, both from zero.

use std::ops::Range;

use gen_lsp_types::{self as lsp, Position};

/// The position of a byte; one inside of a character or past the end is moved back.
pub(super) fn position(text: &str, byte: usize) -> Position {
    let byte = floor(text, byte);
    let (mut line, mut start) = (0, 0);
    for (next, _) in line_starts(text).take_while(|(next, _)| *next <= byte) {
        (line, start) = (line + 1, next);
    }
    let units = text.get(start..byte).unwrap_or_default().encode_utf16().count();
    Position { line, character: u32::try_from(units).unwrap_or(u32::MAX) }
}

/// The positions of a range of bytes.
pub(super) fn range(text: &str, bytes: &Range<usize>) -> lsp::Range {
    lsp::Range { start: position(text, bytes.start), end: position(text, bytes.end) }
}

/// The byte at a position; one past the end of its line is that end, one inside of a character is
/// the character's start.
pub(super) fn offset(text: &str, position: Position) -> usize {
    let starts = line_starts(text).map(|(next, break_at)| (next, Some(break_at)));
    let mut start = 0;
    let mut breaks = starts.chain([(text.len(), None)]);
    for _ in 0..position.line {
        match breaks.next() {
            Some((next, Some(_))) => start = next,
            Some((_, None)) | None => return text.len(),
        }
    }
    let end = breaks.next().and_then(|(_, end)| end).unwrap_or(text.len());
    let mut units = 0;
    let mut at = start;
    for c in text.get(start..end).unwrap_or_default().chars() {
        units += c.len_utf16();
        if units > position.character as usize {
            break;
        }
        at += c.len_utf8();
    }
    at
}

/// The byte after each line break, and the byte of the break itself. A break is `\n`, `\r\n` or
/// `\r`.
fn line_starts(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    (0..bytes.len()).filter_map(move |at| match (bytes.get(at), bytes.get(at + 1)) {
        (Some(b'\n'), _) => {
            let is_second = at.checked_sub(1).and_then(|before| bytes.get(before)) == Some(&b'\r');
            Some((at + 1, if is_second { at - 1 } else { at }))
        }
        (Some(b'\r'), next) if next != Some(&b'\n') => Some((at + 1, at)),
        _ => None,
    })
}

/// The nearest start of a character at or before `byte`.
fn floor(text: &str, byte: usize) -> usize {
    let mut byte = byte.min(text.len());
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}
