//! The layout of a whole document, as nixfmt does it.
//!
//! What comes out means the same: a text is laid out only if it parses to the same expression as
//! before, and keeps its comments.

use gen_lsp_types::TextEdit;
use jail_lang::query::{self, Tree};
use jail_lang::{Expression, MemorySources, on_large_stack, parse_expression};

use super::documents::Document;
use super::position;

/// The edits that lay a document out; none for one that is laid out, or has faults.
pub(super) fn edits(document: &Document) -> Vec<TextEdit> {
    let text = &*document.text;
    match formatted(text).filter(|new| new != text) {
        Some(new_text) => {
            vec![TextEdit { range: position::range(text, &(0..text.len())), new_text }]
        }
        None => Vec::new(),
    }
}

/// A text, laid out.
pub(super) fn formatted(text: &str) -> Option<String> {
    // The bounds of the language also bound how deep the formatter goes.
    let comments = query::read(text, Tree::comments)?;
    let meaning = meaning(text)?;
    let new = on_large_stack(|| nixfmt_rs::format(text).ok())?;
    let is_same = query::read(&new, Tree::comments)? == comments && self::meaning(&new)? == meaning;
    is_same.then_some(new)
}

/// The expression that a text parses to, in the form in which Nix shows it.
fn meaning(text: &str) -> Option<String> {
    parse_expression(&MemorySources::default(), Expression::Text(text)).text
}
