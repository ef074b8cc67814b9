//! A value of a settings file, with its place in the text. JSON and TOML are read into the same
//! values.

/// A range of bytes.
pub(super) type TextRange = std::ops::Range<usize>;

/// A value, and its range.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) range: TextRange,
    pub(super) shape: Shape,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Shape {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    List(Vec<Node>),
    Fields(Vec<Field>),
}

/// A field of an object or a table.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    /// Where the name stands.
    pub(super) range: TextRange,
    pub(super) value: Node,
}

impl Node {
    /// The fields of an object; of anything else there are none.
    pub(super) fn fields(&self) -> &[Field] {
        match &self.shape {
            Shape::Fields(fields) => fields,
            Shape::Null | Shape::Bool(_) | Shape::Number(_) | Shape::Text(_) | Shape::List(_) => {
                &[]
            }
        }
    }

    /// A field; the last one of this name, as readers of JSON take it.
    pub(super) fn field(&self, name: &str) -> Option<&Self> {
        self.fields().iter().rev().find(|field| field.name == name).map(|field| &field.value)
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        self.shape == Shape::Bool(true)
    }

    pub(super) fn is_false(&self) -> bool {
        matches!(self.shape, Shape::Bool(false) | Shape::Null)
    }

    /// The elements of a list. Many tools take a single value for a list of one.
    pub(super) fn elements(&self) -> &[Self] {
        match &self.shape {
            Shape::List(elements) => elements,
            Shape::Null => &[],
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn number(&self) -> Option<u16> {
        match &self.shape {
            Shape::Number(number) => number.parse().ok(),
            _ => None,
        }
    }
}
