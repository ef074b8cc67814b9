//! Placeholders in what a program sends: as they stand, and as a program may have changed them.
//!
//! They are not secrets, so what looks for them is an ordinary automaton. A changed one that is
//! overlooked gives nothing away: the server gets a text that means nothing. It is found so that
//! its sender learns why it does not work.

use std::io;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use percent_encoding::percent_decode;

use super::super::encoded;
use super::super::placeholder::Placeholder;

/// The number of random characters that distinguish a part of a placeholder from everything else:
/// digits alone, hexadecimal, and letters of which it does not matter whether they are capitals.
const PART_DIGITS: usize = 14;
const PART_HEXADECIMAL: usize = 12;
const PART_LETTERS: usize = 9;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trace {
    /// The placeholder of this secret, as it stands.
    Whole(usize),
    /// It was changed, encoded or cut.
    Changed(usize),
}

/// Looks for the placeholders of all secrets.
#[derive(Debug)]
pub(crate) struct Traces {
    placeholders: Vec<Option<String>>,
    /// Whole ones and their encodings, without regard to capitals.
    whole: Automaton,
    /// Those, and parts.
    parts: Automaton,
}

#[derive(Debug)]
struct Automaton {
    search: AhoCorasick,
    /// For each pattern its secret.
    secrets: Vec<usize>,
    longest: usize,
}

impl Traces {
    /// A secret that only a `SecretSocket` adds has no placeholder.
    pub(crate) fn new(placeholders: &[Option<Placeholder>]) -> io::Result<Self> {
        let mut patterns: Vec<(Vec<u8>, usize)> = Vec::new();
        let all = placeholders.iter().enumerate();
        let all: Vec<_> = all.filter_map(|(secret, one)| Some((secret, one.as_ref()?))).collect();
        for (secret, placeholder) in &all {
            let forms = forms(placeholder.as_str().as_bytes());
            patterns.extend(forms.into_iter().map(|form| (form, *secret)));
        }
        let whole = Automaton::new(&patterns)?;
        for (secret, placeholder) in &all {
            let core = placeholder.as_str().as_bytes().get(placeholder.shared()..);
            let parts = parts(core.unwrap_or_default());
            patterns.extend(parts.map(|part| (part.to_vec(), *secret)));
        }
        let parts = Automaton::new(&patterns)?;
        let placeholders = placeholders
            .iter()
            .map(|one| one.as_ref().map(|placeholder| placeholder.as_str().to_owned()));
        Ok(Self { placeholders: placeholders.collect(), whole, parts })
    }

    /// The first trace in a text that is there as a whole: a field, a path.
    pub(crate) fn in_field(&self, text: &[u8]) -> Option<Trace> {
        if let Some(trace) = self.first(&self.whole, text) {
            return Some(trace);
        }
        if let Some((secret, _)) = self.parts.first(text) {
            return Some(Trace::Changed(secret));
        }
        if !text.contains(&b'%') {
            return None;
        }
        let decoded: Vec<u8> = percent_decode(text).collect();
        self.parts.first(&decoded).map(|(secret, _)| Trace::Changed(secret))
    }

    fn first(&self, automaton: &Automaton, text: &[u8]) -> Option<Trace> {
        let (secret, found) = automaton.first(text)?;
        let is_whole = self
            .placeholders
            .get(secret)
            .and_then(Option::as_ref)
            .is_some_and(|placeholder| placeholder.as_bytes() == found);
        Some(if is_whole { Trace::Whole(secret) } else { Trace::Changed(secret) })
    }
}

impl Automaton {
    fn new(patterns: &[(Vec<u8>, usize)]) -> io::Result<Self> {
        let search = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(patterns.iter().map(|(pattern, _)| pattern))
            .map_err(io::Error::other)?;
        Ok(Self {
            search,
            secrets: patterns.iter().map(|(_, secret)| *secret).collect(),
            longest: patterns.iter().map(|(pattern, _)| pattern.len()).max().unwrap_or_default(),
        })
    }

    fn first<'a>(&self, text: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let found = self.search.find(text)?;
        let secret = *self.secrets.get(found.pattern().as_usize())?;
        Some((secret, text.get(found.range())?))
    }
}

/// A placeholder as it stands, and as others write it.
fn forms(placeholder: &[u8]) -> Vec<Vec<u8>> {
    let pieces = encoded::base64_pieces(placeholder);
    let mut forms: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    forms.push(placeholder.to_vec());
    forms.push(encoded::percent_all_marks(placeholder));
    forms
}

fn parts(core: &[u8]) -> impl Iterator<Item = &[u8]> {
    let has = |test: fn(&u8) -> bool| core.iter().any(test);
    let length = if has(|byte| byte.is_ascii_alphabetic() && !byte.is_ascii_hexdigit()) {
        PART_LETTERS
    } else if has(u8::is_ascii_alphabetic) {
        PART_HEXADECIMAL
    } else {
        PART_DIGITS
    };
    core.chunks_exact(length)
}

/// Traces in a body, which comes in pieces and is passed on as it comes.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The end of what came before.
    last: Vec<u8>,
}

impl Watch {
    /// Takes the next piece, and says the first trace that `is_allowed` objects to.
    pub(crate) fn feed(
        &mut self,
        traces: &Traces,
        piece: &[u8],
        is_allowed: impl Fn(Trace) -> bool,
    ) -> Option<Trace> {
        let keep = traces.whole.longest.saturating_sub(1);
        let begin = piece.get(..keep.min(piece.len())).unwrap_or_default();
        let border = [&self.last, begin].concat();
        let found = [border.as_slice(), piece].into_iter().find_map(|bytes| {
            let all = traces
                .whole
                .search
                .find_iter(bytes)
                .filter_map(|found| traces.first(&traces.whole, bytes.get(found.range())?));
            all.into_iter().find(|trace| !is_allowed(*trace))
        });
        self.last = if piece.len() >= keep {
            piece.get(piece.len() - keep..).unwrap_or_default().to_vec()
        } else {
            border.get(border.len().saturating_sub(keep)..).unwrap_or_default().to_vec()
        };
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn traces() -> (Traces, String) {
        let placeholder =
            Placeholder::for_value(b"sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2").unwrap();
        let text = placeholder.as_str().to_owned();
        (Traces::new(&[None, Some(placeholder)]).unwrap(), text)
    }

    #[test]
    fn a_placeholder_is_found_in_whatever_form() {
        let (traces, text) = traces();
        let core = &text["sk-ant-api03-".len()..];
        let all_encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for (field, trace) in [
            (format!("Bearer {text}"), Some(Trace::Whole(1))),
            (text.to_uppercase(), Some(Trace::Changed(1))),
            (text.replace('-', "%2D"), Some(Trace::Changed(1))),
            (all_encoded, Some(Trace::Changed(1))),
            (
                String::from_utf8(encoded::base64_pieces(text.as_bytes())[2].to_vec()).unwrap(),
                Some(Trace::Changed(1)),
            ),
            (core[..14].to_owned(), Some(Trace::Changed(1))),
            (core[14..].to_owned(), Some(Trace::Changed(1))),
            ("sk-ant-api03-".into(), None),
            ("sk-ant-api03-aB3cD4eF5gH6iJ7k-L8mN9oP0qR1sT2".into(), None),
            ("text/html,application/xhtml+xml;q=0.9,*/*;q=0.8".into(), None),
        ] {
            assert_eq!(traces.in_field(field.as_bytes()), trace, "{field}");
        }
    }

    #[test]
    fn every_number_of_a_part_is_not_taken_for_one() {
        let placeholder = Placeholder::for_value(b"123456789012345").unwrap();
        let traces = Traces::new(&[Some(placeholder)]).unwrap();
        for number in 0..10_000_u64 {
            assert_eq!(traces.in_field((number * 7_919_131).to_string().as_bytes()), None);
        }
    }

    proptest! {
        #[test]
        fn a_body_may_be_cut_anywhere(
            before in ".{0,200}",
            after in ".{0,200}",
            form in 0..4_usize,
            cuts in prop::collection::vec(0..500_usize, 0..12),
        ) {
            let (traces, text) = traces();
            let encoded = String::from_utf8(encoded::base64_pieces(text.as_bytes())[0].to_vec()).unwrap();
            let form = [text.clone(), text.to_lowercase(), encoded, String::new()][form].clone();
            let body = [before.as_bytes(), form.as_bytes(), after.as_bytes()].concat();
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut <= body.len()).collect();
            cuts.extend([0, body.len()]);
            cuts.sort_unstable();
            let mut watch = Watch::default();
            let found = cuts.windows(2).find_map(|cut| watch.feed(&traces, &body[cut[0]..cut[1]], |_| false));
            let expected = match form.as_str() {
                "" => None,
                form if form == text => Some(Trace::Whole(1)),
                _ => Some(Trace::Changed(1)),
            };
            prop_assert_eq!(found, expected);
            let mut watch = Watch::default();
            let is_allowed = |trace| trace == Trace::Whole(1);
            let objected = body.chunks(1).find_map(|piece| watch.feed(&traces, piece, is_allowed));
            prop_assert_eq!(objected, expected.filter(|trace| !is_allowed(*trace)));
        }
    }
}
