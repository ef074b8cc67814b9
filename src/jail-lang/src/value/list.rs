//! Lists, and where their elements were written.

use std::rc::Rc;

use jail_registry::Place;

use super::Value;
use super::weight::Weight;
use crate::deferred_drop::{defer_drop, holds_more};
use crate::ir::{Code, Expr};
use crate::limits::ELEMENT;

/// The size of a list besides its elements.
const OVERHEAD: usize = 64;

/// A list. It remembers the literals that it was written as, so a fault can
/// be shown at the element.
pub(crate) struct List {
    pub(crate) items: Box<[Value]>,
    pub(crate) origin: Origin,
    _weight: Weight,
}

#[derive(Clone)]
pub(crate) enum Origin {
    None,
    Literal(Code),
    /// Literals, and the index of their first element.
    Segments(Rc<Vec<(usize, Code)>>),
}

impl List {
    /// A list that was written as `origin` says.
    pub(crate) fn with_origin(items: impl Into<Box<[Value]>>, origin: Origin) -> Value {
        let items = items.into();
        let weight = Weight::new(items.len() * ELEMENT + OVERHEAD);
        Value::List(Rc::new(Self { items, origin, _weight: weight }))
    }

    /// The place of the element `index`, if it was written in a literal.
    pub(crate) fn place_of(&self, index: usize) -> Option<Place> {
        let element = self.items.get(index)?.written_at();
        element.or_else(|| self.origin.place_of(index))
    }
}

impl Origin {
    /// The most pieces that are remembered: they are for messages, and must not slow down a fold.
    const SEGMENTS_MAX: usize = 16;

    fn segments(&self) -> Vec<(usize, Code)> {
        match self {
            Self::None => Vec::new(),
            Self::Literal(code) => vec![(0, Rc::clone(code))],
            Self::Segments(segments) => segments.to_vec(),
        }
    }

    /// The origin of two lists joined, the first of which has `len` elements.
    pub(crate) fn concat(&self, len: usize, other: &Self) -> Self {
        if matches!((self, other), (Self::None, Self::None)) {
            return Self::None;
        }
        let mut segments = self.segments();
        segments.extend(other.segments().into_iter().map(|(at, code)| (at + len, code)));
        segments.truncate(Self::SEGMENTS_MAX);
        Self::Segments(Rc::new(segments))
    }

    fn place_of(&self, index: usize) -> Option<Place> {
        let segments = self.segments();
        let (at, code) = segments.iter().rev().find(|(at, _)| *at <= index)?;
        let Expr::List(items) = &code.expr else { return None };
        items.get(index - at).map(|item| item.place)
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(holds_more) {
            defer_drop(std::mem::take(&mut self.items));
        }
    }
}
