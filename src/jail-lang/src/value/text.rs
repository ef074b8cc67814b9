//! Strings that contain more than characters: the packages that they name, and the
//! entry that a script gets.

use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

use jail_policy::Output;

use super::Value;
use super::weight::Weight;
use crate::residual::Residual;

/// A string with parts that are not characters.
pub(crate) struct TextValue {
    pub(crate) made_by: MadeBy,
    pub(crate) parts: Vec<TextPart>,
}

/// What a string is besides its characters. For Nix, the result of the combinators
/// is not a string but a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// An ordinary string of the language.
    Language,
    /// Made by `noescape`: it is expanded at launch.
    Noescape,
    /// Made by `escape`: it is used as it is.
    Escape,
}

#[derive(Clone)]
pub(crate) enum TextPart {
    Literal(Rc<Chars>),
    Package(Rc<Residual>, Output),
    Entry,
}

/// The characters of a string.
pub(crate) struct Chars {
    text: Box<str>,
    _weight: Weight,
}

impl<T: Into<Box<str>>> From<T> for Chars {
    fn from(text: T) -> Self {
        let text = text.into();
        let weight = Weight::new(text.len() + OVERHEAD);
        Self { text, _weight: weight }
    }
}

impl fmt::Display for Chars {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// The size of a string besides its characters.
const OVERHEAD: usize = 64;

impl Deref for Chars {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

/// A string that is put together part by part.
pub(crate) struct TextBuilder {
    made_by: MadeBy,
    parts: Vec<TextPart>,
    /// The characters since the last part.
    tail: String,
    len: usize,
}

impl TextBuilder {
    pub(crate) const fn new(made_by: MadeBy) -> Self {
        Self { made_by, parts: Vec::new(), tail: String::new(), len: 0 }
    }

    /// An ordinary string of the language.
    pub(crate) const fn plain() -> Self {
        Self::new(MadeBy::Language)
    }

    /// The bytes so far.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// Adds characters at the end.
    pub(crate) fn push_str(&mut self, text: &str) {
        self.tail.push_str(text);
        self.len += text.len();
    }

    /// Adds a part.
    pub(crate) fn push(&mut self, part: TextPart) {
        match part {
            TextPart::Literal(text) => self.push_str(&text),
            part @ (TextPart::Package(..) | TextPart::Entry) => {
                self.end_tail();
                self.parts.push(part);
                self.len += OVERHEAD;
            }
        }
    }

    fn end_tail(&mut self) {
        if !self.tail.is_empty() {
            let tail = std::mem::take(&mut self.tail);
            self.parts.push(TextPart::Literal(Rc::new(tail.into())));
        }
    }

    /// The finished string.
    pub(crate) fn finish(mut self) -> TextValue {
        self.end_tail();
        TextValue { made_by: self.made_by, parts: self.parts }
    }

    /// The value: an ordinary string if all parts are characters and it was
    /// not made by a combinator.
    pub(crate) fn into_value(self) -> Value {
        if self.parts.is_empty() && self.made_by == MadeBy::Language {
            return Value::string(self.tail);
        }
        Value::Text(Rc::new(self.finish()))
    }
}
