//! Makes text from outside safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The same text with everything replaced that a terminal would obey or a reader would not see:
/// control characters but line breaks and tabs, marks that change the direction of writing, and
/// characters without width.
#[must_use]
pub fn sanitise(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a string cannot fail.
            let _ = write!(safe, "{}", c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The same JSON with such characters escaped: it means the same, and can be shown on a terminal.
#[must_use]
pub fn sanitise_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_unsafe) {
        return Cow::Borrowed(json);
    }
    let mut safe = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_unsafe(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(safe, "\\u{unit:04x}");
            }
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The renderer of snippets replaces the control characters of ASCII itself. The others of Latin-1
/// (U+009B begins a control sequence) become a sign of the same length here, so that byte offsets
/// stay true.
pub(super) fn without_latin_controls(source: &str) -> Cow<'_, str> {
    let is_latin_control = |c| ('\u{80}'..='\u{9f}').contains(&c);
    if source.contains(is_latin_control) {
        Cow::Owned(source.replace(is_latin_control, "\u{b7}"))
    } else {
        Cow::Borrowed(source)
    }
}

fn is_unsafe(c: char) -> bool {
    let changes_direction = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks_lines = matches!(c, '\u{2028}' | '\u{2029}');
    let has_no_width = matches!(c, '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    changes_direction || breaks_lines || has_no_width || (c.is_control() && c != '\n' && c != '\t')
}
