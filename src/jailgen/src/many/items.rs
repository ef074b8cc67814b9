//! The list of items: each with a name that a stage, a branch and a file can have.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

use jail_plan::stage;

use crate::nix::nar::short_hash;

/// A list is not longer.
const ITEMS_MAX: usize = 100_000;

/// The length of a name that is not the item itself, without its part of a hash.
const READABLE_MAX: usize = 28;

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is put in the place of `{}`.
    pub text: OsString,
    /// A name of its own, which is also one of a stage, of a branch and of a file.
    pub name: String,
    /// What it is known by in the record: of its text, and of how often the same came before.
    pub key: String,
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    #[error("the list has no items")]
    Empty,
    #[error("line {0} of the list contains a NUL byte, which no argument can have")]
    Nul(usize),
    #[error("the list has more than {ITEMS_MAX} items")]
    TooMany,
}

/// The items of a list. Empty lines are none.
///
/// # Errors
/// See [`ListError`].
pub fn items(list: &[u8], separator: u8) -> Result<Vec<Item>, ListError> {
    let (mut seen, mut names) = (BTreeMap::new(), BTreeSet::new());
    let mut items = Vec::new();
    for (index, line) in list.split(|byte| *byte == separator).enumerate() {
        if line.is_empty() {
            continue;
        }
        if line.contains(&0) {
            return Err(ListError::Nul(index + 1));
        }
        if items.len() == ITEMS_MAX {
            return Err(ListError::TooMany);
        }
        let before = seen.entry(line).or_insert(0_usize);
        let key = key(line, *before);
        let name = name(line, *before, &key, &mut names);
        *before += 1;
        items.push(Item { text: OsString::from_vec(line.to_vec()), name, key });
    }
    if items.is_empty() { Err(ListError::Empty) } else { Ok(items) }
}

/// Letters and digits of a hash.
fn key(line: &[u8], before: usize) -> String {
    let text = [before.to_string().as_bytes(), b" ", line].concat();
    short_hash(&text, 24).to_ascii_lowercase()
}

/// The item itself where it can be one, else what of it can, and a part of the hash.
fn name(line: &[u8], before: usize, key: &str, names: &mut BTreeSet<String>) -> String {
    if let Ok(text) = str::from_utf8(line)
        && before == 0
        && text != stage::NAME
        && is_name(text)
        && names.insert(text.to_owned())
    {
        return text.to_owned();
    }
    let plain = |byte: &u8| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '-' };
    let mut readable: String = line.iter().take(READABLE_MAX).map(plain).collect();
    while readable.contains("--") {
        readable = readable.replace("--", "-");
    }
    let readable = readable.trim_matches('-');
    let readable = if readable.is_empty() { "item" } else { readable };
    // More of the hash where other items have the name already.
    for length in (8..=11).chain([key.len()]) {
        let name = format!("{readable}-{}", key.get(..length).unwrap_or(key));
        if names.insert(name.clone()) {
            return name;
        }
    }
    key.to_owned()
}

/// Whether a text is a name of a stage, and as part of a branch's name means only itself
/// (git-check-ref-format(1)).
fn is_name(text: &str) -> bool {
    stage::is_name(text) && !text.contains("..") && !text.ends_with('.') && !text.ends_with(".lock")
}

/// The arguments with the item in the place of `mark`, wherever that stands. No shell is involved,
/// so an item is one argument or a part of one, whatever is in it.
#[must_use]
pub fn fill(arguments: &[OsString], mark: &OsStr, item: &OsStr) -> Vec<OsString> {
    let filled = |argument: &OsString| {
        let (mut rest, mut filled) = (argument.as_bytes(), Vec::new());
        while let Some(at) = find(rest, mark.as_bytes()) {
            filled.extend_from_slice(rest.get(..at).unwrap_or_default());
            filled.extend_from_slice(item.as_bytes());
            rest = rest.get(at + mark.len()..).unwrap_or_default();
        }
        filled.extend_from_slice(rest);
        OsString::from_vec(filled)
    };
    arguments.iter().map(filled).collect()
}

/// Whether the item has a place in an argument.
#[must_use]
pub fn has_mark(argument: &OsStr, mark: &OsStr) -> bool {
    find(argument.as_bytes(), mark.as_bytes()).is_some()
}

fn find(text: &[u8], mark: &[u8]) -> Option<usize> {
    if mark.is_empty() {
        return None;
    }
    text.windows(mark.len()).position(|window| window == mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[u8]) -> Vec<String> {
        items(list, b'\n').unwrap().into_iter().map(|item| item.name).collect()
    }

    #[test]
    fn a_plain_item_is_its_own_name_and_others_get_a_safe_one() {
        assert_eq!(names(b"a\n\nb.txt\nC_d-1"), ["a", "b.txt", "C_d-1"]);
        for odd in [
            &b"src/main.rs"[..],
            b"default",
            b"-x",
            b"..",
            b"a..b",
            b"a.lock",
            b"a b; rm -rf ~",
            b"\xff\xfe",
            b"\x1b[2J",
            "ä".as_bytes(),
            &[b'a'; 100],
            b"a\r",
        ] {
            let name = &names(odd)[0];
            assert!(is_name(name) && name.len() <= 40 && name.as_bytes() != odd, "{name}");
            assert_eq!(
                name,
                &names(&[b"other\n", odd].concat())[1],
                "it depends on the item alone"
            );
        }
        assert!(names(b"src/main.rs")[0].starts_with("src-main-rs-"));
    }

    #[test]
    fn the_same_item_twice_is_two_items_of_which_each_has_a_name() {
        let found = items(b"a\na\nb\na", b'\n').unwrap();
        let names: BTreeSet<&str> = found.iter().map(|item| item.name.as_str()).collect();
        let keys: BTreeSet<&str> = found.iter().map(|item| item.key.as_str()).collect();
        assert_eq!((names.len(), keys.len(), found[0].name.as_str()), (4, 4, "a"));
        assert_eq!(found[3].text, "a");
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert_eq!(items(b"", b'\n'), Err(ListError::Empty));
        assert_eq!(items(b"\n\n", b'\n'), Err(ListError::Empty));
        assert_eq!(items(b"a\nb\0c", b'\n'), Err(ListError::Nul(2)));
        assert_eq!(items(&b"a\n".repeat(ITEMS_MAX + 1), b'\n'), Err(ListError::TooMany));
        // With NUL between them, an item may have line breaks.
        assert_eq!(items(b"a\nb\0c\0", 0).unwrap()[0].text, "a\nb");
    }

    #[test]
    fn an_item_is_put_in_wherever_the_mark_stands() {
        let words = ["x", "{}", "-p=fix {}, {}!", "{"].map(OsString::from);
        let filled = fill(&words, OsStr::new("{}"), OsStr::new("$(id) {}"));
        assert_eq!(filled, ["x", "$(id) {}", "-p=fix $(id) {}, $(id) {}!", "{"]);
        assert_eq!(fill(&words, OsStr::new("@"), OsStr::new("y")), words);
    }
}
