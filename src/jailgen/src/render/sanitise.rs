//! Makes text from outside safe to print.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The same text with everything replaced that a terminal would obey and nobody would see: control characters but line
/// breaks and tabs, and the marks that change the direction of writing.
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
            // All of them are in the basic plane, where JSON's four digits reach.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    Cow::Owned(safe)
}

/// The renderer of snippets replaces the control characters of ASCII itself. The others of Latin-1 (U+009B begins a
/// control sequence) become a sign of the same length here, so that byte offsets stay true.
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
    changes_direction || breaks_lines || (c.is_control() && c != '\n' && c != '\t')
}
