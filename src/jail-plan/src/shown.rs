//! Makes text from elsewhere safe for a message.

use alloc::string::String;

/// The text on one line, with everything escaped that a terminal would obey or that a reader would
/// not see. Quotes stay as they are: people read them, not a compiler.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(QUOTES) {
        let plain = part.strip_suffix(QUOTES).unwrap_or(part);
        shown.extend(plain.escape_debug());
        shown.push_str(part.get(plain.len()..).unwrap_or_default());
    }
    shown
}

const QUOTES: [char; 2] = ['\'', '"'];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_and_controls_do_not() {
        assert_eq!(one_line("the host's \"ö\""), "the host's \"ö\"");
        assert_eq!(one_line("a\n\u{1b}[2J\u{202e}\\"), "a\\n\\u{1b}[2J\\u{202e}\\\\");
    }
}
