//! What is written down of a project: for each thing that counts its content, by hash, and the
//! stamp that shows whether that is to be read again. One form for what was there before, what is
//! not approved and what was approved.
//!
//! Names come from jails, so the fields end with a NUL, which no path holds.

use std::collections::BTreeMap;

use super::place::Stamp;
use super::tree::Seen;

const HEADER: &[u8] = b"hand-off 1\0";

/// A path below the project, and the part of the file.
pub(super) type Key = (Vec<u8>, String);

/// What is known of one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) hash: String,
    pub(super) stamp: Stamp,
}

/// What is known of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known(pub(super) BTreeMap<Key, Content>);

/// How much one thing takes at most. A NUL in a part becomes three bytes.
pub(super) fn length_of((path, part): &Key, content: &Content) -> usize {
    path.len() + 3 * part.len() + content.hash.len() + NUMBERS_MAX
}

/// Four numbers, and what stands behind each field.
const NUMBERS_MAX: usize = 90;

impl Seen {
    pub(super) fn key(&self) -> Key {
        (self.path.clone(), self.part.name.clone())
    }

    pub(super) fn content(&self) -> Content {
        Content { hash: self.part.hash.clone(), stamp: self.stamp }
    }
}

impl Known {
    /// The content of a file that counts as a whole, if it has not changed since.
    pub(super) fn unchanged(&self, path: &[u8], stamp: Stamp) -> Option<&str> {
        let content = self.0.get(&(path.to_vec(), String::new()))?;
        (content.stamp == stamp).then_some(content.hash.as_str())
    }

    /// Whether this is the content that is known.
    pub(super) fn has(&self, seen: &Seen) -> bool {
        self.0.get(&seen.key()).is_some_and(|content| content.hash == seen.part.hash)
    }

    /// The length of what is written down, at most.
    pub(super) fn length(&self) -> usize {
        self.0.iter().map(|(key, content)| length_of(key, content)).sum::<usize>() + HEADER.len()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = HEADER.to_vec();
        for ((path, part), Content { hash, stamp }) in &self.0 {
            let Stamp { changed: (seconds, nanoseconds), inode, size } = stamp;
            let numbers = format!("{seconds} {nanoseconds} {inode} {size}");
            // A key of a configuration may hold anything.
            let part = part.replace('\0', "\u{fffd}");
            for field in [path, part.as_bytes(), hash.as_bytes(), numbers.as_bytes()] {
                bytes.extend_from_slice(field);
                bytes.push(0);
            }
        }
        bytes
    }

    /// What [`Known::encode`] wrote; `None` for anything else.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(HEADER)?;
        let mut known = BTreeMap::new();
        let mut fields = rest.strip_suffix(b"\0").map(|rest| rest.split(|byte| *byte == 0));
        let Some(fields) = &mut fields else { return rest.is_empty().then(Self::default) };
        while let Some(path) = fields.next() {
            let mut text = || std::str::from_utf8(fields.next()?).ok();
            let (part, hash, numbers) = (text()?, text()?, text()?);
            let mut numbers = numbers.split(' ');
            let changed = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
            let inode = numbers.next()?.parse().ok()?;
            let stamp = Stamp { changed, inode, size: numbers.next()?.parse().ok()? };
            known
                .insert((path.to_vec(), part.to_owned()), Content { hash: hash.to_owned(), stamp });
        }
        Some(Self(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        let stamp = Stamp { changed: (-1, 2), inode: 3, size: 4 };
        let content = Content { hash: "abc".into(), stamp };
        let odd = (b"a\n\xff/\x1b[2J".to_vec(), "filter.a b.clean".into());
        let known =
            Known([(odd, content.clone()), ((b"b".to_vec(), String::new()), content)].into());
        let written = known.encode();
        assert_eq!(Known::decode(&written), Some(known));
        assert_eq!(Known::decode(&Known::default().encode()), Some(Known::default()));
        for end in [0, 5, written.len() - 1, written.len() - 3] {
            assert_eq!(Known::decode(written.get(..end).unwrap()), None, "{end}");
        }
        assert_eq!(Known::decode(b"hand-off 2\0"), None);
    }
}
