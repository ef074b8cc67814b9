//! The trust store's record of what a jail could ever write: the names of its files and their
//! content.
//!
//! A tree has two keys and a file for each, so adding one is one atomic create, looking one up is
//! one stat, and forgetting one is two removals. Names are hashes: where two keys have the same
//! one, the answer is only stricter.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The folder of the trees, in jailgen's state folder.
pub const TREES: &str = "trust/trees";
/// The folder of the linked worktrees whose repository was granted, in jailgen's state folder.
pub const WORKTREES: &str = "trust/worktrees";

const HEADER: &[u8] = b"tree 1\n";

/// The identity of a folder, whatever its name. It is valid for as long as the folder exists, and
/// never becomes another folder's.
///
/// Device and inode alone would not do: ext4 gives an inode to the next folder at once, and
/// btrfs numbers devices anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity<'a> {
    /// By the handle from the file system (name_to_handle_at(2)).
    Handle {
        /// The file system's id (statfs(2)).
        file_system: u64,
        /// The handle's type.
        kind: i32,
        /// The handle. It contains the inode's generation.
        handle: &'a [u8],
        /// See [`Born`].
        born: Born,
    },
    /// If the file system has no handles.
    Inode {
        /// The device's number.
        device: u64,
        /// The inode's number.
        inode: u64,
        /// See [`Born`].
        born: Born,
    },
}

/// Its creation time, in seconds and nanoseconds; zero if the file system does not keep it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Born {
    /// Since the epoch.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanoseconds: u32,
}

impl Identity<'_> {
    /// The key from which the file's name is made.
    #[must_use]
    pub fn key(&self) -> Vec<u8> {
        let born = |born: &Born| {
            let seconds = born.seconds.to_le_bytes();
            [seconds.as_slice(), &born.nanoseconds.to_le_bytes()].concat()
        };
        match self {
            Self::Handle { file_system, kind, handle, born: at } => [
                b"handle".as_slice(),
                &file_system.to_le_bytes(),
                &kind.to_le_bytes(),
                &born(at),
                handle,
            ]
            .concat(),
            Self::Inode { device, inode, born: at } => {
                [b"inode".as_slice(), &device.to_le_bytes(), &inode.to_le_bytes(), &born(at)]
                    .concat()
            }
        }
    }
}

/// The name of the file for a tree by its identity.
#[must_use]
pub fn identity_name(key: &[u8]) -> String {
    name('h', key)
}

/// The name of the file for a tree by its path, absolute and as the kernel gives it.
#[must_use]
pub fn path_name(path: &[u8]) -> String {
    name('p', path)
}

/// The name of the file for a working folder and the repository whose linked worktree it is, each
/// by the key of its identity.
#[must_use]
pub fn worktree_name(folder: &[u8], repository: &[u8]) -> String {
    let length = u64::try_from(folder.len()).unwrap_or(u64::MAX).to_le_bytes();
    name('w', &[length.as_slice(), folder, repository].concat())
}

fn name(letter: char, key: &[u8]) -> String {
    let [high, low] = fnv(key);
    format!("{letter}-{high:016x}{low:016x}")
}

/// FNV-1a with 128 bits, as its two halves.
fn fnv(bytes: &[u8]) -> [u64; 2] {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash =
        bytes.iter().fold(START, |hash, byte| (hash ^ u128::from(*byte)).wrapping_mul(PRIME));
    let [a, b, c, d, e, f, g, h, rest @ ..] = hash.to_be_bytes();
    [u64::from_be_bytes([a, b, c, d, e, f, g, h]), u64::from_be_bytes(rest)]
}

/// The content of a file of the record, for people who look at it. Only its existence counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The first jail that it was given to.
    pub jail: String,
    /// Where it was then.
    pub path: Vec<u8>,
}

impl Tree {
    /// As the file's content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let jail: String =
            self.jail.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        [HEADER, jail.as_bytes(), b"\n", &self.path].concat()
    }

    /// Reads what [`Tree::encode`] wrote. `None` for anything else.
    #[must_use]
    pub fn parse(content: &[u8]) -> Option<Self> {
        let rest = content.strip_prefix(HEADER)?;
        let (jail, path) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'\n')?)?;
        let path = path.strip_prefix(b"\n").filter(|path| path.starts_with(b"/"))?;
        Some(Self { jail: core::str::from_utf8(jail).ok()?.into(), path: path.to_vec() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_hashes_so_that_another_version_finds_the_same_files() {
        // The published values of FNV-1a for no bytes and for `a`.
        assert_eq!(path_name(b""), "p-6c62272e07bb014262b821756295c58d");
        assert_eq!(path_name(b"a"), "p-d228cb696f1a8caf78912b704e4a8964");
        assert_eq!(identity_name(b"a"), "h-d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn identities_that_differ_in_anything_have_other_names() {
        let born = Born { seconds: 1, nanoseconds: 2 };
        let handle =
            |file_system, kind, handle, born| Identity::Handle { file_system, kind, handle, born };
        let all = [
            handle(1, 2, b"ab".as_slice(), born),
            handle(2, 2, b"ab", born),
            handle(1, 3, b"ab", born),
            handle(1, 2, b"ac", born),
            handle(1, 2, b"ab", Born { seconds: 1, nanoseconds: 3 }),
            Identity::Inode { device: 1, inode: 2, born },
            Identity::Inode { device: 1, inode: 2, born: Born::default() },
        ];
        for (index, one) in all.iter().enumerate() {
            for other in all.iter().skip(index + 1) {
                assert_ne!(identity_name(&one.key()), identity_name(&other.key()));
            }
        }
        assert_ne!(worktree_name(b"ab", b"c"), worktree_name(b"a", b"bc"));
    }

    #[test]
    fn a_tree_is_read_as_it_was_written() {
        let tree = Tree { jail: "jailed-x".into(), path: b"/a\nb\xff".to_vec() };
        assert_eq!(Tree::parse(&tree.encode()), Some(tree));
        let odd = Tree { jail: "a\nb".into(), path: b"/p".to_vec() };
        let read = Tree::parse(&odd.encode()).map(|tree| (tree.jail, tree.path));
        assert_eq!(read, Some(("a\u{fffd}b".into(), b"/p".to_vec())));
        for other in ["", "tree 2\nx\n/p", "tree 1\nx", "tree 1\nx\nrelative", "tree 1\nx\n"] {
            assert_eq!(Tree::parse(other.as_bytes()), None, "{other:?}");
        }
    }
}
