//! Whether a text with package parts can be what Nix made of it: the parts are store paths there.

use std::collections::BTreeSet;

use jail_policy::{Output, Piece, StorePaths, Text};

/// The length of the hash in a store path.
const HASH: usize = 32;

/// The store, by its folder.
pub(super) struct Store<'a> {
    folder: &'a str,
}

/// Whether both have the same characters wherever `spec` has any, and paths of the store where it has a package.
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
        Self { folder }
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

    /// Where a piece may end is not known, because a name may go on with the characters behind it: all ends are tried.
    fn fits(&self, pieces: &[Piece], text: &str) -> bool {
        let mut ends = BTreeSet::from([0]);
        for piece in pieces {
            let further = |start: usize| {
                let rest = text.get(start..).unwrap_or_default();
                self.ends(piece, rest).into_iter().map(move |end| start + end)
            };
            ends = ends.into_iter().flat_map(further).collect();
        }
        ends.contains(&text.len())
    }

    /// The lengths that a piece may have at the start of a text.
    fn ends(&self, piece: &Piece, text: &str) -> Vec<usize> {
        match piece {
            Piece::Literal(literal) if text.starts_with(literal) => vec![literal.len()],
            Piece::Package { output: Output::Out | Output::Bin, .. } => {
                self.objects(text).chain(words(text)).collect()
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
        names(name).map(move |length| start + length).filter(|_| !name.is_empty())
    }

    /// The lengths of the programs that a text may begin with.
    fn programs(&self, text: &str) -> impl Iterator<Item = usize> {
        let end = self.objects(text).last().unwrap_or(text.len());
        let name = text.get(end..).and_then(|rest| rest.strip_prefix("/bin/")).unwrap_or_default();
        let start = text.len() - name.len();
        names(name).map(move |length| start + length)
    }
}

/// The lengths of the names that a text may begin with.
fn names(text: &str) -> impl Iterator<Item = usize> {
    let is_name = |char: &char| char.is_ascii_alphanumeric() || "+-._?=".contains(*char);
    1..=text.chars().take_while(is_name).count()
}

/// What Nix alone knows may be a word too, such as a package's version. It cannot lead to another place: it has no `/`, and
/// nothing that is expanded at launch.
fn words(text: &str) -> impl Iterator<Item = usize> {
    let is_word = |(_, char): &(usize, char)| !matches!(char, '/' | '~' | '$');
    text.char_indices().take_while(is_word).map(|(at, char)| at + char.len_utf8())
}
