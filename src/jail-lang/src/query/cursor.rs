//! What may be typed at a place. It is found from the tokens before it, because text that is being
//! typed rarely parses to a tree.

use std::ops::Range;

use super::is_word;
use super::levels::Levels;

/// What may be typed at a place. The word that is being typed starts at `start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Text, a comment, a number, or a name that only the author can choose.
    Nothing,
    /// A place where an expression, or its first name, starts.
    Value {
        /// Where the word begins.
        start: usize,
    },
    /// The `name` of `base.name`.
    Attribute {
        /// The names before the last dot; empty when it is more than names.
        base: Vec<String>,
        /// Where the word begins.
        start: usize,
    },
    /// A name in the set that a function is called with, or in a set inside of it.
    Argument {
        /// Where the set goes.
        slot: Slot,
        /// The names that the set has so far.
        given: Vec<String>,
        /// Where the word begins.
        start: usize,
    },
    /// The content of a string, up to an interpolation.
    Text {
        /// Where the string goes.
        slot: Slot,
        /// The bytes of the content.
        place: Range<usize>,
    },
}

/// Where a value goes: to a function, as an argument or inside of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The function's name.
    pub function: String,
    /// Which argument it is, from 0.
    pub argument: usize,
    /// The way from the argument to the value.
    pub steps: Vec<Step>,
}

/// From a value to one inside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An element of a list.
    Element,
    /// An attribute of a set.
    Field(String),
}

impl Slot {
    pub(super) fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// What may be typed at a byte of a text.
#[must_use]
pub fn cursor(text: &str, offset: usize) -> Cursor {
    let mut levels = Levels::new();
    let mut at = 0;
    for (kind, token) in rnix::tokenize(text) {
        let end = at + token.len();
        if end >= offset {
            return levels.at(kind, token, at, offset);
        }
        levels.take(kind, token);
        at = end;
    }
    levels.here(offset)
}

/// The text up to a byte, with everything closed that is open there. Parsed to a tree, it has the
/// scopes that the place has.
#[must_use]
pub fn completed(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let mut levels = Levels::new();
    rnix::tokenize(before).for_each(|(kind, token)| levels.take(kind, token));
    let mut completed = before.to_owned();
    levels.complete(&mut completed);
    completed
}

/// The call that is being typed at a byte, and which argument comes there.
#[must_use]
pub fn open_call(text: &str, offset: usize) -> Option<Slot> {
    let mut levels = Levels::new();
    let mut at = 0;
    for (kind, token) in rnix::tokenize(text) {
        let end = at + token.len();
        // A word that touches the place is being typed.
        if at >= offset || end > offset && !is_word(token) {
            break;
        }
        levels.take(kind, token);
        at = end;
    }
    levels.call()
}
