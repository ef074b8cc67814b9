//! Strings that hold more than characters: the packages they name, and the entry that a script is given.

use std::rc::Rc;

use jail_policy::Output;

use super::Value;
use crate::residual::Residual;

/// A string with parts that are not characters.
#[derive(Clone)]
pub(crate) struct TextValue {
    pub(crate) made_by: MadeBy,
    pub(crate) parts: Vec<TextPart>,
}

/// What a string is besides its characters. To Nix, what the combinators make is no string but a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MadeBy {
    /// The language: it is a string.
    Language,
    /// `noescape`: it is expanded at launch.
    Noescape,
    /// `escape`: it is taken as it stands.
    Escape,
}

#[derive(Clone)]
pub(crate) enum TextPart {
    Literal(Rc<Box<str>>),
    Package(Rc<Residual>, Output),
    Entry,
}

impl TextValue {
    pub(crate) const fn new(made_by: MadeBy) -> Self {
        Self { made_by, parts: Vec::new() }
    }

    /// A string of the language.
    pub(crate) const fn plain() -> Self {
        Self::new(MadeBy::Language)
    }

    /// Adds characters.
    pub(crate) fn push_str(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let joined = match self.parts.last() {
            Some(TextPart::Literal(last)) => format!("{last}{text}"),
            _ => text.to_owned(),
        };
        if matches!(self.parts.last(), Some(TextPart::Literal(_))) {
            self.parts.pop();
        }
        self.parts.push(TextPart::Literal(Rc::new(joined.into())));
    }

    /// Adds a part.
    pub(crate) fn push(&mut self, part: TextPart) {
        match part {
            TextPart::Literal(text) => self.push_str(&text),
            part @ (TextPart::Package(..) | TextPart::Entry) => self.parts.push(part),
        }
    }

    /// The value: an ordinary string where all parts are characters and no combinator made it.
    pub(crate) fn into_value(self) -> Value {
        match (self.made_by, self.parts.as_slice()) {
            (MadeBy::Language, []) => Value::string(""),
            (MadeBy::Language, [TextPart::Literal(text)]) => Value::Str(Rc::clone(text)),
            _ => Value::Text(Rc::new(self)),
        }
    }
}
