//! Reads plans from JSON, strictly: no unknown field, none twice, none missing, no number that is no whole one.
//!
//! It is for the stub, which has to trust it and to page it in at each launch: the text becomes a small tree, and each
//! type takes itself from that. A derived reader is several times as large, because it is made anew for each type and
//! each way to read. What is written is left to serde, and the tests hold the two together.

mod parse;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

pub(crate) use parse::{Parser, text_in};

/// What a type is read from.
pub(crate) trait FromJson: Sized {
    /// Takes the value for what it says.
    fn from_json(value: Value<'_>) -> Result<Self, Error>;
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

    #[cold]
    #[inline(never)]
    pub(crate) fn unknown(at: usize, name: &str) -> Self {
        Self::new(at, format!("unknown variant `{name}`"))
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

/// A value, and at which byte it begins.
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

/// A name in an object, and what stands there.
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
        Error::new(self.at, format!("{wanted} is needed, and this is {found}"))
    }

    pub(crate) fn list(self) -> Result<Vec<Value<'a>>, Error> {
        match self.data {
            Data::List(list) => Ok(list),
            _ => Err(self.not("a list")),
        }
    }

    fn number(&self) -> Result<u64, Error> {
        match self.data {
            Data::Number(number) => Ok(number),
            _ => Err(self.not("a number")),
        }
    }

    /// The fields of a structure.
    pub(crate) fn fields(self) -> Result<Fields<'a>, Error> {
        match self.data {
            Data::Object(entries) => Ok(Fields { at: self.at, entries }),
            _ => Err(self.not("an object")),
        }
    }

    /// One of several forms: `"name"`, or `{"name": value}`.
    pub(crate) fn form(self) -> Result<Form<'a>, Error> {
        let Self { at, data } = self;
        match data {
            Data::Text(name) => Ok(Form { at, name, value: None }),
            Data::Object(mut entries) if entries.len() == 1 => match entries.pop() {
                Some(Entry { name, value }) => Ok(Form { at, name, value: Some(value) }),
                None => Err(Error::new(at, "an object with one field is needed")),
            },
            Data::Object(_) => Err(Error::new(at, "an object with one field is needed")),
            data => Err(Self { at, data }.not("a text or an object with one field")),
        }
    }

    /// The place of a word in `words`.
    pub(crate) fn word(self, words: &[&str]) -> Result<usize, Error> {
        let form = self.form()?;
        match words.iter().position(|word| *word == form.name) {
            Some(index) if form.value.is_none() => Ok(index),
            Some(_) | None => Err(Error::unknown(form.at, &form.name)),
        }
    }
}

/// What [`Value::form`] found.
pub(crate) struct Form<'a> {
    pub(crate) at: usize,
    pub(crate) name: Cow<'a, str>,
    pub(crate) value: Option<Value<'a>>,
}

/// The fields of a structure that are still to be taken.
pub(crate) struct Fields<'a> {
    at: usize,
    entries: Vec<Entry<'a>>,
}

impl<'a> Fields<'a> {
    /// Takes a field, which must be there.
    pub(crate) fn take<T: FromJson>(&mut self, name: &str) -> Result<T, Error> {
        self.value(name).and_then(T::from_json)
    }

    #[inline(never)]
    fn value(&mut self, name: &str) -> Result<Value<'a>, Error> {
        match self.entries.iter().position(|entry| entry.name == name) {
            Some(index) => Ok(self.entries.remove(index).value),
            None => Err(Error::new(self.at, format!("missing field `{name}`"))),
        }
    }

    /// Nothing may be left when the structure has taken what it has.
    pub(crate) fn end(self) -> Result<(), Error> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => {
                Err(Error::new(entry.value.at, format!("unknown field `{}`", entry.name)))
            }
        }
    }
}

/// Reads all of `text`.
pub(crate) fn read<T: FromJson>(text: &[u8]) -> Result<T, String> {
    let mut parser = Parser::new(text);
    let value = parser.value().and_then(|value| parser.end().map(|()| value));
    value.and_then(T::from_json).map_err(|error| error.text(text))
}

impl FromJson for bool {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        match value.data {
            Data::Bool(bool) => Ok(bool),
            _ => Err(value.not("a truth value")),
        }
    }
}

impl FromJson for u64 {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        value.number()
    }
}

impl FromJson for u32 {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        Self::try_from(value.number()?).map_err(|_| Error::new(value.at, "the number is too large"))
    }
}

impl FromJson for u16 {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        Self::try_from(value.number()?).map_err(|_| Error::new(value.at, "the number is too large"))
    }
}

impl FromJson for String {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        match value.data {
            Data::Text(text) => Ok(text.into_owned()),
            _ => Err(value.not("a text")),
        }
    }
}

impl<T: FromJson> FromJson for Option<T> {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        match value.data {
            Data::Null => Ok(None),
            _ => T::from_json(value).map(Some),
        }
    }
}

impl<T: FromJson> FromJson for Vec<T> {
    fn from_json(value: Value<'_>) -> Result<Self, Error> {
        let list = value.list()?;
        let mut read = Self::with_capacity(list.len());
        for value in list {
            read.push(T::from_json(value)?);
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
