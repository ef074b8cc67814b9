//! Makes text fit into one line.

use super::sanitise;

/// Text of any origin in one line, with everything escaped that a terminal would obey.
#[must_use]
pub fn sanitise_line(text: &str) -> String {
    sanitise(text).replace(['\n', '\t'], " ")
}

/// The start of a text that has more than `most` characters, with a mark that there is more.
#[must_use]
pub fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}
