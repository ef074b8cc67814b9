//! What `protect` names: globs as gitignore(5) has them, kinds of the table, and, with `!` in
//! front, what is not looked at at all.

use std::ffi::OsString;

use jail_plan::handoff::{MASKED, PROTECT, globs};
use rustix::fs::FileType;

use super::names::fold;
use super::place::folders_above;
use crate::mask;
use crate::walk::globs::Globs;

/// The globs, in the form that names are compared in: without regard to case.
pub(super) struct Patterns {
    protected: Globs,
    is_empty: bool,
    lifted: Globs,
    lifts: Vec<String>,
    /// As `mask` has them.
    masked: Globs,
    has_masks: bool,
    /// Folders that globs have on the way to what they match.
    ways: Globs,
}

impl Patterns {
    /// Reads them; `None` if one of them is not a glob.
    pub(super) fn read<'a>(elements: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let folded = |element| globs(element).into_iter().map(|glob| fold(glob.as_bytes()));
        let (mut protected, mut lifted, mut lifts) = (Vec::new(), Vec::new(), Vec::new());
        for element in elements {
            match element.strip_prefix('!') {
                Some(name) => {
                    lifted.extend(folded(name));
                    lifts.push(element.to_owned());
                }
                None => protected.extend(folded(element)),
            }
        }
        let ways: Vec<String> = protected.iter().flat_map(|glob| ways(glob)).collect();
        Some(Self {
            is_empty: protected.is_empty(),
            lifts,
            protected: Globs::parse(&protected).ok()?,
            lifted: Globs::parse(&lifted).ok()?,
            ways: Globs::parse(&ways).ok()?,
            masked: mask::globs(&[])?,
            has_masks: false,
        })
    }

    /// Those among the words behind [`PROTECT`], and behind [`MASKED`]; none where these are not
    /// there.
    pub(super) fn of_words(words: &[OsString]) -> Option<Self> {
        let elements = words.iter().skip_while(|word| *word != PROTECT).skip(1);
        let elements: Vec<&str> = elements.map(|word| word.to_str()).collect::<Option<_>>()?;
        let mut parts = elements.splitn(2, |word| *word == MASKED);
        let protected = Self::read(parts.next().into_iter().flatten().copied())?;
        let masks: Vec<String> = parts.flatten().map(|glob| (*glob).to_owned()).collect();
        Some(Self { masked: mask::globs(&masks)?, has_masks: !masks.is_empty(), ..protected })
    }

    /// Whether a file with so many names may be masked. One that is because a link leads to it is
    /// held by mounts.
    pub(super) fn may_mask(&self, path: &[u8], names: u32) -> bool {
        self.has_masks && (names > 1 || is_in(&self.masked, path, FileType::RegularFile))
    }

    /// Whether nothing is protected.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Whether what is at this path is protected: it, or a folder that it lies in, is named, and
    /// neither is lifted.
    pub(super) fn protects(&self, path: &[u8], kind: FileType) -> bool {
        let path = folded(path);
        is_in(&self.protected, &path, kind) && !is_in(&self.lifted, &path, kind)
    }

    /// Whether what is at this path, which is no folder, is lifted.
    pub(super) fn lifts(&self, path: &[u8]) -> bool {
        !self.lifts.is_empty() && is_in(&self.lifted, &folded(path), FileType::RegularFile)
    }

    /// The elements that lift something.
    pub(super) fn lifted(&self) -> &[String] {
        &self.lifts
    }

    /// Whether something in a folder at this path may be protected though the folder is not.
    pub(super) fn is_way(&self, path: &[u8]) -> bool {
        let path = folded(path);
        self.ways.find(&path, name_at(&path), FileType::Directory).is_some()
    }
}

/// The folders in a glob, as globs: of `**/.jj/repo/x`, `**/.jj` and `**/.jj/repo`, and not each
/// folder that is called `repo`.
fn ways(glob: &str) -> Vec<String> {
    let names: Vec<&str> = glob.split('/').filter(|name| !name.is_empty()).collect();
    let ends = (1..names.len()).filter_map(|end| names.get(..end));
    let ways = ends.filter(|names| names.last().is_some_and(|last| *last != "**"));
    let is_anywhere = names.first().is_some_and(|first| *first == "**");
    ways.map(|names| format!("{}{}", if is_anywhere { "" } else { "/" }, names.join("/"))).collect()
}

fn is_in(globs: &Globs, path: &[u8], kind: FileType) -> bool {
    let folders = folders_above(path).map(|path| (path, FileType::Directory));
    let mut all = folders.chain([(path, kind)]);
    all.any(|(path, kind)| globs.find(path, name_at(path), kind).is_some())
}

/// Where the last name of a path begins.
fn name_at(path: &[u8]) -> usize {
    path.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1)
}

fn folded(path: &[u8]) -> Vec<u8> {
    path.split(|byte| *byte == b'/').map(fold).collect::<Vec<_>>().join("/").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_the_way_by_its_path_and_not_by_its_name() {
        let patterns = Patterns::read(["@hosts", "conf/*.key", "a/**/b/c", "by-name"]).unwrap();
        for (path, expected) in [
            (".vscode", true),
            ("sub/.VSCode", true),
            (".jj", true),
            ("x/.jj/repo", true),
            ("repo", false),
            ("x/repo", false),
            (".github/hooks", true),
            ("src/hooks", false),
            ("conf", true),
            ("x/conf", false),
            ("a", true),
            ("a/x/b", true),
            ("b", false),
            ("by-name", false),
        ] {
            assert_eq!(patterns.is_way(path.as_bytes()), expected, "{path}");
        }
    }
}
