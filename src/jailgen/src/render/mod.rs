//! How diagnostics look: for people with the line of the spec underlined, for programs as JSON.
//!
//! Everything that comes from a spec passes through [`sanitise()`] or through the renderer's own
//! replacement, so that a spec cannot send control sequences to the terminal.

mod human;
mod json;
mod line;
mod position;
mod sanitise;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jail_registry::FileId;

pub use human::human;
pub use json::json;
pub use line::{sanitise_line, shortened};
pub use position::Position;
pub use sanitise::{sanitise, sanitise_json};

/// The files of a compilation, by their number.
pub trait Sources {
    /// The file's name as it is shown, and its text.
    fn source(&self, file: FileId) -> Option<(Cow<'_, str>, &str)>;
}
