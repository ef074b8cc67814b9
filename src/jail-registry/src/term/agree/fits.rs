//! Whether a text with package parts can be what Nix made of it: the parts are paths of the store there, or name no path.

use std::collections::BTreeSet;
use std::ops::Range;

use jail_policy::{Output, Piece, StorePaths, Text};

/// The length of the hash in a store path.
const HASH: usize = 32;

/// What Nix alone knows is not longer, unless it is a path of the store.
const WORDS_MAX: usize = 4096;

/// What a shell or an expansion at launch would not leave as it stands.
const EXPANDED: [char; 4] = ['~', '$', '`', '\\'];

/// The store, by its folder.
#[derive(Clone, Copy)]
pub(super) struct Store<'a> {
    folder: &'a str,
    /// Whether the texts are split into words later: then a part stays within one.
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

    /// The same for texts that are split into words, as those of raw arguments are.
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

    /// Where a piece ends is not known, because a name may go on with the characters behind it: all ends are tried.
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

    /// The lengths that a piece may have at the start of a text, whose first `open` bytes may be anything.
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

    /// The lengths of the store paths that a text may begin with.
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

    /// The lengths of the programs that a text may begin with.
    fn programs(&self, text: &str) -> impl Iterator<Item = usize> {
        let end = self.objects(text).last().unwrap_or(text.len());
        let name = text.get(end..).and_then(|rest| rest.strip_prefix("/bin/")).unwrap_or_default();
        let start = text.len() - name.len();
        names(name).map(move |length| start + length)
    }

    /// The words of a text of which no part may be known to Nix alone: those that name a path outside of the store, or that
    /// something is put in for later. So `~/${pkgs.hello.pname}` cannot be `~/.ssh` for Nix.
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

/// The lengths of the names that a text may begin with.
fn names(text: &str) -> impl Iterator<Item = usize> {
    let is_name = |char: &char| char.is_ascii_alphanumeric() || "+-._?=".contains(*char);
    1..=text.chars().take_while(is_name).count()
}

/// Where the words of a text stand, as a shell or a list of paths has words.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_between = |char: char| char.is_whitespace() || ":,;=\"'()[]{}<>|&".contains(char);
    let mut from = 0;
    text.split_inclusive(is_between).map(move |word| {
        let start = from;
        from += word.len();
        start..start + word.trim_end_matches(is_between).len()
    })
}
