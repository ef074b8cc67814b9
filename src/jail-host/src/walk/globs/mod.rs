//! Globs of gitignore(5), in one list: the last one that matches a path counts, and one
//! with `!` excepts it again.

use bstr::BStr;
use gix_glob::Pattern;
use gix_glob::pattern::{Case, Mode};
use gix_glob::wildmatch;
use rustix::fs::FileType;

/// A list of globs.
pub(crate) struct Globs {
    globs: Vec<Glob>,
    hint: Hint,
    lifts_by_folder: bool,
}

struct Glob {
    pattern: Pattern,
    /// Whether it depends on the folders around a file, and not on its name alone.
    by_folder: bool,
}

impl Globs {
    /// Parses them. The error is the number of the first one that is not a glob.
    pub(crate) fn parse<T: AsRef<[u8]>>(globs: impl IntoIterator<Item = T>) -> Result<Self, usize> {
        let mut list = Self { globs: Vec::new(), hint: Hint::new(), lifts_by_folder: false };
        for (number, glob) in globs.into_iter().enumerate() {
            let text = without_trailing_spaces(glob.as_ref());
            // In a file, a line that starts with `#` is a comment, so it matches nothing here.
            let pattern = (!text.starts_with(b"#")).then(|| Pattern::from_bytes(text)).flatten();
            list.push(pattern.ok_or(number)?);
        }
        Ok(list)
    }

    fn push(&mut self, pattern: Pattern) {
        let by_name =
            pattern.mode.contains(Mode::NO_SUB_DIR) && !pattern.mode.contains(Mode::ABSOLUTE);
        let by_folder = !by_name;
        self.lifts_by_folder |= by_folder && pattern.is_negative();
        self.hint.add(&pattern.text);
        self.globs.push(Glob { pattern, by_folder });
    }

    /// Whether a name can match at all. It is fast, and returns true too often.
    pub(crate) fn may_match(&self, name: &[u8]) -> bool {
        self.hint.allows(name)
    }

    /// The number of the glob that matches this path. The name starts at `name_at`. What is in a
    /// folder that matches is not asked for: it matches with its folder.
    pub(crate) fn find(&self, path: &[u8], name_at: usize, kind: FileType) -> Option<usize> {
        let is_folder = Some(kind == FileType::Directory);
        let found = self.globs.iter().rposition(|glob| {
            glob.pattern.matches_repo_relative_path(
                BStr::new(path),
                (name_at > 0).then_some(name_at),
                is_folder,
                Case::Sensitive,
                wildmatch::Mode::NO_MATCH_SLASH_LITERAL,
            )
        })?;
        self.globs.get(found).filter(|glob| !glob.pattern.is_negative()).map(|_| found)
    }

    /// Whether something that matches by this glob would no longer match if one of
    /// its folders were renamed.
    pub(crate) fn depends_on_folders(&self, glob: usize) -> bool {
        self.lifts_by_folder || self.globs.get(glob).is_none_or(|glob| glob.by_folder)
    }
}

/// Spaces at the end count only after a backslash.
fn without_trailing_spaces(text: &[u8]) -> &[u8] {
    let mut end = 0;
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += if *byte == b'\\' { 2 } else { 1 };
        if *byte != b' ' {
            end = at.min(text.len());
        }
    }
    text.get(..end).unwrap_or_default()
}

/// The two bytes at the start or the end of a name, so most names of a project need one lookup.
struct Hint {
    first: Pairs,
    last: Pairs,
    /// A glob says neither.
    any: bool,
}

struct Pairs(Vec<u64>);

impl Pairs {
    fn place(pair: [u8; 2]) -> (usize, u64) {
        let number = u16::from_le_bytes(pair);
        (usize::from(number / 64), 1 << (number % 64))
    }

    fn add(&mut self, pair: [u8; 2]) {
        let (at, bit) = Self::place(pair);
        if let Some(word) = self.0.get_mut(at) {
            *word |= bit;
        }
    }

    fn has(&self, pair: [u8; 2]) -> bool {
        let (at, bit) = Self::place(pair);
        self.0.get(at).is_some_and(|word| word & bit != 0)
    }
}

/// The characters with a meaning in a glob.
const SPECIAL: &[u8] = b"*?[]\\";

impl Hint {
    fn new() -> Self {
        let none = || Pairs(vec![0; usize::from(u16::MAX) / 64 + 1]);
        Self { first: none(), last: none(), any: false }
    }

    fn add(&mut self, glob: &[u8]) {
        let name = glob.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let is_plain = |pair: &[u8; 2]| pair.iter().all(|byte| !SPECIAL.contains(byte));
        if let Some(first) = name.first_chunk().filter(|pair| is_plain(pair)) {
            self.first.add(*first);
        } else if let Some(last) = name.last_chunk().filter(|pair| is_plain(pair)) {
            self.last.add(*last);
        } else {
            self.any = true;
        }
    }

    fn allows(&self, name: &[u8]) -> bool {
        let [Some(first), Some(last)] = [name.first_chunk(), name.last_chunk()] else {
            return true;
        };
        self.any || self.first.has(*first) || self.last.has(*last)
    }
}

#[cfg(test)]
mod tests;
