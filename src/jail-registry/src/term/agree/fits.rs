//! Whether a text with package parts can be the text that Nix made: its package parts must be store
//! paths there, or name no path.

use std::collections::BTreeSet;
use std::ops::Range;

use jail_policy::{Output, Piece, StorePaths, Text};

/// The length of the hash in a store path.
const HASH: usize = 32;

/// The longest text that only Nix knows, unless it is a store path.
const WORDS_MAX: usize = 4096;

/// Characters that a shell or an expansion at launch would not leave unchanged.
const EXPANDED: [char; 4] = ['~', '$', '`', '\\'];

/// The folder of the store.
#[derive(Clone, Copy)]
pub(super) struct Store<'a> {
    folder: &'a str,
    /// Whether the texts are split into words later. A part then stays within one word.
    is_split: bool,
}

/// Whether both have the same characters wherever `spec` has any.
pub(super) fn fits(spec: &Text, nix: &Text, store: &Store<'_>) -> bool {
    let is_entry = |piece: &Piece| matches!(piece, Piece::Entry { .. });
    let (spec_parts, nix_parts) = (spec.pieces().split(is_entry), nix.pieces().split(is_entry));
    let (spec_parts, nix_parts): (Vec<_>, Vec<_>) = (spec_parts.collect(), nix_parts.collect());
    spec.expand == nix.expand
        && spec_parts.len() == nix_parts.len()
        && spec_parts.iter().zip(nix_parts).all(|(pieces, nix)| match nix {
            [] => store.fits(pieces, ""),
            [Piece::Literal(characters)] => store.fits(pieces, characters),
            _ => false,
        })
}

impl<'a> Store<'a> {
    pub(super) fn new(folder: &'a str) -> Self {
        Self { folder, is_split: false }
    }

    /// The same for texts that are split into words, such as raw arguments.
    pub(super) fn for_words(self) -> Self {
        Self { is_split: true, ..self }
    }

    /// Whether these are the paths of a package.
    pub(super) fn has(&self, paths: &StorePaths) -> bool {
        let StorePaths { out, bin, program } = paths;
        let is_program = |program: &String| {
            let name = program.strip_prefix(bin).and_then(|rest| rest.strip_prefix("/bin/"));
            name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
        };
        self.is_object(out) && self.is_object(bin) && program.as_ref().is_none_or(is_program)
    }

    fn is_object(&self, path: &str) -> bool {
        self.objects(path).any(|end| end == path.len())
    }

    /// The end of a piece is not known, because a name may continue with the characters
    /// behind it. All ends are tried.
    fn fits(&self, pieces: &[Piece], text: &str) -> bool {
        let mut ends = BTreeSet::from([0]);
        let closed = self.closed(text);
        for piece in pieces {
            let further = |start: usize| {
                let rest = text.get(start..).unwrap_or_default();
                let open = closed.iter().find(|closed| closed.end > start);
                let open = open.map_or(rest.len(), |closed| closed.start.saturating_sub(start));
                let ends = self.ends(piece, rest, open);
                ends.into_iter().map(move |end| start + end)
            };
            ends = ends.into_iter().flat_map(further).collect();
        }
        ends.contains(&text.len())
    }

    /// The possible lengths of a piece at the start of a text, whose first
    /// `open` bytes may be anything.
    fn ends(&self, piece: &Piece, text: &str, open: usize) -> Vec<usize> {
        match piece {
            Piece::Literal(literal) if text.starts_with(literal) => vec![literal.len()],
            Piece::Package { output: Output::Out | Output::Bin, .. } => {
                let is_end = |c: char| self.is_split && (c.is_whitespace() || "\"'".contains(c));
                let end = text.find(is_end).unwrap_or(text.len());
                let words = 1..=open.min(end).min(WORDS_MAX);
                self.objects(text).chain(words.filter(|end| text.is_char_boundary(*end))).collect()
            }
            Piece::Package { output: Output::Program, .. } => self.programs(text).collect(),
            Piece::Literal(_) | Piece::Entry { .. } => Vec::new(),
        }
    }

    /// The possible lengths of a store path at the start of a text.
    fn objects(&self, text: &str) -> impl Iterator<Item = usize> {
        let name = text
            .strip_prefix(self.folder)
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| rest.split_at_checked(HASH))
            .filter(|(hash, _)| hash.chars().all(|char| char.is_ascii_alphanumeric()))
            .and_then(|(_, rest)| rest.strip_prefix('-'))
            .unwrap_or_default();
        let start = text.len() - name.len();
        names(name).map(move |length| start + length)
    }

    /// The possible lengths of a program's path at the start of a text.
    fn programs(&self, text: &str) -> impl Iterator<Item = usize> {
        let end = self.objects(text).last().unwrap_or(text.len());
        let name = text.get(end..).and_then(|rest| rest.strip_prefix("/bin/")).unwrap_or_default();
        let start = text.len() - name.len();
        names(name).map(move |length| start + length)
    }

    /// The words of a text that must not contain anything only Nix knows: those that name a
    /// path outside the store, or that are expanded later. So `~/${pkgs.hello.pname}`
    /// cannot be `~/.ssh` for Nix.
    fn closed(&self, text: &str) -> Vec<Range<usize>> {
        let words = words(text);
        words.filter(|word| !self.is_open(text.get(word.clone()).unwrap_or_default())).collect()
    }

    fn is_open(&self, word: &str) -> bool {
        let is_below_the_store =
            || self.objects(word).next().is_some() && !word.split('/').any(|part| part == "..");
        !word.contains(EXPANDED) && (!word.contains('/') || is_below_the_store())
    }
}

/// The possible lengths of a name at the start of a text.
fn names(text: &str) -> impl Iterator<Item = usize> {
    let is_name = |char: &char| char.is_ascii_alphanumeric() || "+-._?=".contains(*char);
    1..=text.chars().take_while(is_name).count()
}

/// The ranges of the words in a text, as a shell or a list of paths separates them.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_between = |char: char| char.is_whitespace() || ":,;=\"'()[]{}<>|&".contains(char);
    let mut from = 0;
    text.split_inclusive(is_between).map(move |word| {
        let start = from;
        from += word.len();
        start..start + word.trim_end_matches(is_between).len()
    })
}
