//! Finds texts in a stream that comes in pieces, and puts others in their place.
//!
//! What comes out does not depend on where the stream was cut. Only what may be the beginning of a
//! text is held back, and never longer than one text is: an event that a server sends is not kept
//! until the next one comes.
//!
//! When pieces come and how long they are the jail sees. So what is held back follows from what is
//! public about a text, and not from the text: otherwise a program that makes a server send guesses
//! would learn how far each one is right.

mod traces;

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;
use zeroize::Zeroizing;

use super::value::Texts;

pub(crate) use traces::{Trace, Traces, Watch};

/// Texts, each with what stands in its place.
#[derive(Debug)]
pub(crate) struct Replacements {
    /// The text and what replaces it in turns.
    pairs: Texts,
    rows: Vec<Row>,
}

/// What else is known of a text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Which secret it is about.
    pub(crate) secret: usize,
    /// The number of bytes of its beginning that are passed on before it is known whether the rest
    /// follows; they are not secret. Only where its replacement has the same length and beginning.
    pub(crate) open: usize,
    /// The number of bytes of its beginning that are public. Behind them anything may be the
    /// beginning of the text that has only characters of a key: so what is held back does not show
    /// whether it is.
    pub(crate) known: usize,
}

/// Characters that keys have, however they are written.
fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=%".contains(&byte)
}

/// Those of a value that has others, too.
fn is_of_text(byte: u8) -> bool {
    !byte.is_ascii_control()
}

/// A text, what replaces it, and the rest.
pub(crate) type Pair = (Zeroizing<Vec<u8>>, Zeroizing<Vec<u8>>, Row);

/// The place of a text that was found.
struct FoundText {
    at: Range<usize>,
    row: usize,
}

/// Looks for all texts in bytes, from front to back, and for each of them once.
struct Finder<'a> {
    bytes: &'a [u8],
    /// For each text its search, its length, and where it was found last.
    rows: Vec<(memmem::Finder<'a>, usize, Option<usize>)>,
}

impl<'a> Finder<'a> {
    fn new(replacements: &'a Replacements, bytes: &'a [u8]) -> Self {
        let rows = (0..replacements.rows.len()).map(|row| {
            let text = replacements.text(row);
            let finder = memmem::Finder::new(text);
            let at = finder.find(bytes);
            (finder, text.len(), at)
        });
        Self { bytes, rows: rows.collect() }
    }

    /// The first one from a place on, which is never before that of the last call.
    fn first(&mut self, from: usize) -> Option<FoundText> {
        for (finder, _, at) in &mut self.rows {
            if at.is_some_and(|at| at < from) {
                let rest = self.bytes.get(from..).unwrap_or_default();
                *at = finder.find(rest).map(|at| from + at);
            }
        }
        let found = self.rows.iter().enumerate();
        let found = found.filter_map(|(row, (_, length, at))| {
            at.map(|at| FoundText { at: at..at + length, row })
        });
        found.min_by_key(|found| found.at.start)
    }
}

impl Replacements {
    /// Of texts that are empty, or that begin with another one, there is nothing to find.
    pub(crate) fn new(pairs: Vec<Pair>) -> std::io::Result<Self> {
        let mut kept: Vec<Pair> = Vec::new();
        for pair in pairs {
            let begins_alike = |other: &Pair| pair.0.starts_with(&other.0);
            if pair.0.is_empty() || kept.iter().any(begins_alike) {
                continue;
            }
            kept.retain(|other| !other.0.starts_with(&pair.0));
            kept.push(pair);
        }
        let rows = kept.iter().map(|(text, other, row)| Row {
            open: if text.len() == other.len() { row.open.min(text.len() - 1) } else { 0 },
            ..*row
        });
        let rows = rows.collect();
        let pairs = kept.into_iter().flat_map(|(text, other, _)| [text, other]).collect();
        Ok(Self { pairs: Texts::new(pairs)?, rows })
    }

    /// Whether no replacement changes the length.
    pub(crate) fn keep_length(&self) -> bool {
        (0..self.rows.len()).all(|row| self.text(row).len() == self.other(row).len())
    }

    fn text(&self, row: usize) -> &[u8] {
        self.pairs.get(2 * row)
    }

    fn other(&self, row: usize) -> &[u8] {
        self.pairs.get(2 * row + 1)
    }

    fn longest(&self) -> usize {
        (0..self.rows.len()).map(|row| self.text(row).len()).max().unwrap_or_default()
    }

    /// Where in `bytes`, from a place on, a text may begin of which the rest has not come.
    fn begun(&self, bytes: &[u8], from: usize) -> impl Iterator<Item = (usize, usize)> {
        let first = (bytes.len() + 1).saturating_sub(self.longest()).max(from);
        let ends: Vec<usize> =
            (0..self.rows.len()).map(|row| self.last_other(row, bytes)).collect();
        (first..bytes.len()).flat_map(move |at| {
            let tail = bytes.get(at..).unwrap_or_default();
            let rows = ends.iter().enumerate();
            let fits = rows.filter(|(row, end)| self.may_begin(*row, tail, end.saturating_sub(at)));
            fits.map(|(row, _)| (at, row)).collect::<Vec<_>>()
        })
    }

    /// From where on bytes have nothing but characters that a text may have.
    fn last_other(&self, row: usize, bytes: &[u8]) -> usize {
        let is_of_key = self.text(row).iter().all(|byte| is_of_key(*byte));
        let is_part = if is_of_key { self::is_of_key } else { is_of_text };
        bytes.iter().rposition(|byte| !is_part(*byte)).map_or(0, |at| at + 1)
    }

    /// Whether a tail may be the beginning of a text. From `end` on it has nothing but characters
    /// that the text may have.
    fn may_begin(&self, row: usize, tail: &[u8], end: usize) -> bool {
        let text = self.text(row);
        let known = self.rows.get(row).map_or(0, |row| row.known).min(tail.len());
        text.len() > tail.len() && end <= known && text.get(..known) == tail.get(..known)
    }

    /// Replaces in a text that is whole, and says for which secrets it did.
    pub(crate) fn replace(&self, bytes: &[u8]) -> (Zeroizing<Vec<u8>>, Vec<usize>) {
        let mut stream = Stream::default();
        let mut out = Zeroizing::new(stream.feed(self, &Bytes::copy_from_slice(bytes)).to_vec());
        out.extend_from_slice(&stream.end(self));
        (out, stream.found)
    }
}

#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// What came last and may be the beginning of a text.
    held: Zeroizing<Vec<u8>>,
    /// So much of that was passed on.
    passed: usize,
    /// The secrets whose texts were found, each as often as it was.
    found: Vec<usize>,
}

impl Stream {
    /// Takes the next piece, and gives what can be passed on.
    pub(crate) fn feed(&mut self, replacements: &Replacements, piece: &Bytes) -> Bytes {
        // Mostly there is nothing to find, and the piece is passed on as it came.
        let mut finder = Finder::new(replacements, piece);
        if self.held.is_empty() && finder.first(0).is_none() {
            let (held, passed) = limits(replacements, &mut finder, 0);
            let hold = piece.get(held..).unwrap_or_default();
            self.held = Zeroizing::new(hold.to_vec());
            self.passed = passed - held;
            return piece.slice(..passed);
        }
        let all = Zeroizing::new([&self.held, piece.as_ref()].concat());
        self.search(replacements, &all)
    }

    fn search(&mut self, replacements: &Replacements, all: &[u8]) -> Bytes {
        let begun: Vec<usize> = replacements.begun(all, 0).map(|(at, _)| at).collect();
        let mut finder = Finder::new(replacements, all);
        let (mut out, at) = self.replace(replacements, &mut finder, &begun);
        let (held, passed) = limits(replacements, &mut finder, at);
        out.push(all, at..passed);
        // What was passed on before it was held stays so.
        self.passed = passed.max(out.from) - held;
        self.held = Zeroizing::new(all.get(held..).unwrap_or_default().to_vec());
        super::value::passing(Zeroizing::new(out.bytes))
    }

    /// Replaces what can be, and says up to where.
    fn replace(
        &mut self,
        replacements: &Replacements,
        finder: &mut Finder<'_>,
        begun: &[usize],
    ) -> (Out, usize) {
        let all = finder.bytes;
        let mut out = Out { bytes: Vec::with_capacity(all.len()), from: self.passed };
        let mut at = 0;
        while let Some(found) = finder.first(at) {
            // What began before may be a text that this one is a part of.
            if begun.iter().any(|begun| (at..found.at.start).contains(begun)) {
                break;
            }
            out.push(all, at..found.at.start);
            out.replace(replacements.other(found.row), &found.at);
            self.found.extend(replacements.rows.get(found.row).map(|row| row.secret));
            at = found.at.end;
        }
        (out, at)
    }

    /// Nothing more comes: what was held is not a beginning.
    pub(crate) fn end(&mut self, replacements: &Replacements) -> Bytes {
        let all = std::mem::take(&mut self.held);
        let (mut out, at) = self.replace(replacements, &mut Finder::new(replacements, &all), &[]);
        out.push(&all, at..all.len());
        self.passed = 0;
        super::value::passing(Zeroizing::new(out.bytes))
    }

    /// How many bytes came and were not passed on.
    pub(crate) fn held(&self) -> usize {
        self.held.len().saturating_sub(self.passed)
    }

    /// The secrets whose texts were found since this was last asked.
    pub(crate) fn found(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.found)
    }
}

/// From where on the bytes are held, and up to where they are passed on.
fn limits(replacements: &Replacements, finder: &mut Finder<'_>, from: usize) -> (usize, usize) {
    let (mut held, mut passed) = (finder.bytes.len(), finder.bytes.len());
    for (at, row) in replacements.begun(finder.bytes, from) {
        let open = replacements.rows.get(row).map_or(0, |row| row.open);
        held = held.min(at);
        passed = passed.min(at + open);
    }
    // A text that is whole, and inside of one that may come to be.
    if let Some(found) = finder.first(from) {
        passed = passed.min(found.at.start);
    }
    (held, passed.max(held))
}

/// What is passed on, without what was passed on before.
struct Out {
    bytes: Vec<u8>,
    /// The first byte that was not.
    from: usize,
}

impl Out {
    fn push(&mut self, all: &[u8], range: Range<usize>) {
        let range = range.start.max(self.from)..range.end;
        self.bytes.extend_from_slice(all.get(range).unwrap_or_default());
    }

    /// Where a part of it was passed on already, the replacement is as long as the text.
    fn replace(&mut self, other: &[u8], at: &Range<usize>) {
        let skipped = self.from.saturating_sub(at.start);
        self.bytes.extend_from_slice(other.get(skipped..).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
