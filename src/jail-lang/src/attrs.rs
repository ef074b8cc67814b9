//! Attribute sets: entries sorted by symbol, found by bisection, merged like two sorted lists.

use std::rc::Rc;

use jail_registry::Place;

use crate::deferred_drop::{defer_drop, holds_more};
use crate::limits::ATTRIBUTE;
use crate::symbols::{Symbol, Symbols};
use crate::value::{Value, Weight};

/// An attribute set.
pub(crate) struct Attrs {
    entries: Vec<Entry>,
    _weight: Weight,
}

/// One attribute of a set: its name, its value, and where it was written.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Symbol,
    pub(crate) value: Value,
    /// Where it was written.
    pub(crate) place: Option<Rc<Written>>,
}

/// Where an attribute was written.
pub(crate) struct Written {
    pub(crate) name: Place,
    pub(crate) value: Place,
}

impl Entry {
    /// Where its name was written.
    pub(crate) fn named_at(&self) -> Option<Place> {
        self.place.as_ref().map(|place| place.name)
    }

    /// Where its value was written: a constant does not know that itself.
    pub(crate) fn written_at(&self) -> Option<Place> {
        self.value.written_at().or(self.place.as_ref().map(|place| place.value))
    }
}

/// What a set takes besides its attributes.
const OVERHEAD: usize = 64;

impl Default for Attrs {
    fn default() -> Self {
        Self::sorted(Vec::new())
    }
}

impl Drop for Attrs {
    fn drop(&mut self) {
        if self.entries.iter().any(|entry| holds_more(&entry.value)) {
            defer_drop(std::mem::take(&mut self.entries).into_iter().map(|entry| entry.value));
        }
    }
}

impl Attrs {
    /// The set of `entries`; of two with one name the later stays.
    pub(crate) fn new(mut entries: Vec<Entry>) -> Self {
        if !entries.is_sorted_by(|a, b| a.name < b.name) {
            entries.sort_by_key(|entry| entry.name);
            entries.reverse();
            entries.dedup_by_key(|entry| entry.name);
            entries.reverse();
        }
        Self::sorted(entries)
    }

    fn sorted(entries: Vec<Entry>) -> Self {
        let weight = Weight::new(entries.len() * ATTRIBUTE + OVERHEAD);
        Self { entries, _weight: weight }
    }

    /// The set of values without places.
    pub(crate) fn without_places(pairs: impl IntoIterator<Item = (Symbol, Value)>) -> Self {
        let entry = |(name, value)| Entry { name, value, place: None };
        Self::new(pairs.into_iter().map(entry).collect())
    }

    pub(crate) fn get(&self, name: Symbol) -> Option<&Value> {
        self.entry(name).map(|entry| &entry.value)
    }

    pub(crate) fn entry(&self, name: Symbol) -> Option<&Entry> {
        let index = self.entries.binary_search_by_key(&name, |entry| entry.name).ok()?;
        self.entries.get(index)
    }

    pub(crate) fn has(&self, name: Symbol) -> bool {
        self.entry(name).is_some()
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries in the order of their names, as Nix shows them.
    pub(crate) fn by_name(&self, symbols: &Symbols) -> Vec<(Rc<str>, &Entry)> {
        let mut named: Vec<_> =
            self.entries.iter().map(|entry| (symbols.name(entry.name), entry)).collect();
        named.sort_by(|a, b| a.0.as_bytes().cmp(b.0.as_bytes()));
        named
    }

    /// `self // other`.
    pub(crate) fn update(&self, other: &Self) -> Self {
        let mut entries = Vec::with_capacity(self.len() + other.len());
        let (mut left, mut right) =
            (self.entries.iter().peekable(), other.entries.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            if a.name < b.name {
                entries.extend(left.next().cloned());
            } else {
                if a.name == b.name {
                    left.next();
                }
                entries.extend(right.next().cloned());
            }
        }
        entries.extend(left.cloned());
        entries.extend(right.cloned());
        Self::sorted(entries)
    }

    /// The entries that `keep` accepts.
    pub(crate) fn filtered(&self, keep: impl Fn(&Entry) -> bool) -> Self {
        Self::sorted(self.entries.iter().filter(|entry| keep(entry)).cloned().collect())
    }
}
