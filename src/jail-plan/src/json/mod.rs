//! Reads plans from JSON, strictly: no unknown field, none twice, none missing, no
//! number that is not an integer.
//!
//! It is for the stub, which must trust it and page it in at each launch: the text becomes a
//! small tree, and each type reads itself from that. A derived reader would be several times as
//! large, because the compiler makes one for each type and format. serde does the writing, and
//! tests keep the two consistent.

mod parse;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use parse::{Parser, text_in};

/// A type that can be read from a value.
///
/// It is filled in place, through a table: returning each field of each structure and checking each
/// result would make up a tenth of the stub.
pub(crate) trait FromJson {
    /// The value before it is read. It never leaves the reader: a field that
    /// is not filled is an error.
    fn blank() -> Self
    where
        Self: Sized;

    /// Fills itself from the value.
    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error>;
}

/// A choice of several forms, each with a word: `{"word": value}` or `"word"`.
pub(crate) trait Choice: Sized {
    /// See [`FromJson::blank`].
    fn first() -> Self;

    /// Reads the form that `word` and its value name. They are at `at`.
    fn choose(at: &Value<'_>, word: &str, value: Option<&Value<'_>>) -> Result<Self, Error>;
}

impl<T: Choice> FromJson for T {
    fn blank() -> Self {
        Self::first()
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        let (word, inner) = value.form()?;
        *self = Self::choose(value, word, inner)?;
        Ok(())
    }
}

/// What `value` says.
#[inline(never)]
pub(crate) fn from_value<T: FromJson>(value: &Value<'_>) -> Result<T, Error> {
    let mut read = T::blank();
    read.fill(value)?;
    Ok(read)
}

/// Why something cannot be read, and at which byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error(Box<(usize, Cow<'static, str>)>);

impl Error {
    #[cold]
    #[inline(never)]
    pub(crate) fn new(at: usize, why: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new((at, why.into())))
    }

    /// In words, with the line and column in `text`.
    #[cold]
    pub(crate) fn text(&self, text: &[u8]) -> String {
        let (at, why) = &*self.0;
        let before = text.get(..*at).unwrap_or(text);
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        format!("{why} at line {} column {}", line + 1, before.len() - start + 1)
    }
}

/// A value, and the byte at which it starts.
#[derive(Debug)]
pub(crate) struct Value<'a> {
    pub(crate) at: usize,
    pub(crate) data: Data<'a>,
}

#[derive(Debug)]
pub(crate) enum Data<'a> {
    Null,
    Bool(bool),
    Number(u64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Object(Vec<Entry<'a>>),
}

/// A name in an object, and its value.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    name: Cow<'a, str>,
    value: Value<'a>,
}

impl<'a> Value<'a> {
    #[cold]
    #[inline(never)]
    fn not(&self, wanted: &str) -> Error {
        let found = match &self.data {
            Data::Null => "null",
            Data::Bool(_) => "a truth value",
            Data::Number(_) => "a number",
            Data::Text(_) => "a text",
            Data::List(_) => "a list",
            Data::Object(_) => "an object",
        };
        Error::new(self.at, format!("expected {wanted}, got {found}"))
    }

    /// The member of this name, if this is an object that has it.
    pub(crate) fn member(&self, name: &str) -> Option<&Self> {
        match &self.data {
            Data::Object(entries) => {
                entries.iter().find(|entry| entry.name == name).map(|entry| &entry.value)
            }
            _ => None,
        }
    }

    /// Reads the values of a list, one after the other.
    #[inline(never)]
    fn each(&self, take: &mut dyn FnMut(&Self) -> Result<(), Error>) -> Result<(), Error> {
        match &self.data {
            Data::List(list) => list.iter().try_for_each(take),
            _ => Err(self.not("a list")),
        }
    }

    fn number(&self) -> Result<u64, Error> {
        match self.data {
            Data::Number(number) => Ok(number),
            _ => Err(self.not("a number")),
        }
    }

    /// Fills a structure: each of its fields must be there, and no other field.
    #[inline(never)]
    pub(crate) fn fill(&self, fields: &mut [(&str, &mut dyn FromJson)]) -> Result<(), Error> {
        let Data::Object(entries) = &self.data else { return Err(self.not("an object")) };
        for (name, field) in &mut *fields {
            match entries.iter().find(|entry| entry.name == *name) {
                Some(entry) => field.fill(&entry.value)?,
                None => return Err(Error::new(self.at, format!("missing field `{name}`"))),
            }
        }
        let is_known = |entry: &&Entry<'_>| fields.iter().any(|(name, _)| entry.name == *name);
        match entries.iter().find(|entry| !is_known(entry)) {
            None => Ok(()),
            Some(Entry { name, value }) => {
                Err(Error::new(value.at, format!("unknown field `{name}`")))
            }
        }
    }

    /// One of several forms: `"name"`, or `{"name": value}`.
    pub(crate) fn form(&self) -> Result<(&str, Option<&Self>), Error> {
        match &self.data {
            Data::Text(name) => Ok((name, None)),
            Data::Object(entries) => match entries.as_slice() {
                [Entry { name, value }] => Ok((name, Some(value))),
                _ => Err(Error::new(self.at, "expected an object with one field")),
            },
            _ => Err(self.not("a text or an object with one field")),
        }
    }

    /// The origin, and one of several forms: `{"by": "origin", "name": value}`. A form that
    /// is only a name has null.
    pub(crate) fn step(&self) -> Result<(&Self, &str, Option<&Self>), Error> {
        let Data::Object(entries) = &self.data else { return Err(self.not("an object")) };
        match entries.as_slice() {
            [by, op] | [op, by] if by.name == "by" => {
                let value = (!matches!(op.value.data, Data::Null)).then_some(&op.value);
                Ok((&by.value, &op.name, value))
            }
            _ => Err(Error::new(self.at, "expected an operation and the field `by`")),
        }
    }

    /// The index of a word in `words`.
    pub(crate) fn word(&self, words: &[&str]) -> Result<usize, Error> {
        let index = match self.form()? {
            (name, None) => words.iter().position(|word| *word == name),
            (_, Some(_)) => None,
        };
        index.ok_or_else(|| self.unknown())
    }

    /// It has none of the possible forms.
    #[cold]
    #[inline(never)]
    pub(crate) fn unknown(&self) -> Error {
        self.unknown_word(self.form().map_or("", |(name, _)| name))
    }

    /// The same, if `word` would be the name of the form.
    #[cold]
    #[inline(never)]
    pub(crate) fn unknown_word(&self, word: &str) -> Error {
        Error::new(self.at, format!("unknown variant `{word}`"))
    }
}

/// What is in `text` where `value` was read, or nothing.
pub(crate) fn text_of<'a>(text: &'a [u8], value: Option<&Value<'_>>) -> &'a [u8] {
    let from = value.and_then(|value| text.get(value.at..)).unwrap_or_default();
    let mut parser = Parser::new(from);
    match parser.value() {
        Ok(_) => from.get(..from.len() - parser.rest().len()).unwrap_or_default(),
        Err(_) => &[],
    }
}

/// Reads all of `text`.
pub(crate) fn read<T: FromJson>(text: &[u8]) -> Result<T, String> {
    let mut parser = Parser::new(text);
    let value = parser.value().and_then(|value| parser.end().map(|()| value));
    value.and_then(|value| from_value(&value)).map_err(|error| error.text(text))
}

impl FromJson for bool {
    fn blank() -> Self {
        false
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        match value.data {
            Data::Bool(bool) => *self = bool,
            _ => return Err(value.not("a truth value")),
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($type:ty)*) => { $(
        impl FromJson for $type {
            fn blank() -> Self {
                0
            }

            fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
                *self = Self::try_from(value.number()?)
                    .map_err(|_| Error::new(value.at, "the number is too large"))?;
                Ok(())
            }
        }
    )* };
}

numbers! { u16 u32 u64 }

impl FromJson for String {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        match &value.data {
            Data::Text(text) => self.push_str(text),
            _ => return Err(value.not("a text")),
        }
        Ok(())
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn blank() -> Self {
        None
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        match value.data {
            Data::Null => Ok(()),
            _ => self.insert(T::blank()).fill(value),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn blank() -> Self {
        Self::new()
    }

    fn fill(&mut self, value: &Value<'_>) -> Result<(), Error> {
        value.each(&mut |value| {
            self.push(T::blank());
            self.last_mut().map_or(Ok(()), |last| last.fill(value))
        })
    }
}

#[cfg(test)]
mod tests;
