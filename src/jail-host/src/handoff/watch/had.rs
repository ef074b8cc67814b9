//! Which contents the project's repository had before the session: `git checkout` and its like
//! bring these back, and no other process has to be asked about them.
//!
//! A jail may write the index, branches and new objects, so none of those says anything. What was
//! there before the jail is known by times that a program cannot set. An object counts by its
//! content, not by its name: a jail can write a file, or the index of a pack, that names an object
//! which is not there. No git is run.

use std::os::fd::OwnedFd;

use jail_plan::git::settings;
use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use rustix::fs::{FileType, Mode, OFlags, openat};

use crate::handoff::place::{Links, Place, Stamp, data, entries};
use crate::objects::{self, index, packed};

/// More packs are not looked into.
const PACKS_MAX: usize = 512;
/// Nor is a content looked for in more of those whose indexes name it: an index that a jail has
/// written names anything.
const NAMED_MAX: usize = 4;
/// No configuration is larger.
const CONFIG_MAX: u64 = 1 << 20;

/// The objects of the repository at the project's root.
pub(super) struct Objects {
    is_sha256: bool,
    packs: Vec<Pack>,
    since: (i64, u32),
}

/// A pack and its index, which git never changes.
struct Pack {
    index: Unchanged,
    pack: Unchanged,
}

/// A file that was there before the session.
struct Unchanged {
    file: OwnedFd,
    stamp: Stamp,
}

impl Objects {
    /// Opens the indexes of all packs, where there is a repository. `since` is the time from which
    /// on a jail could write.
    pub(super) fn open(place: &Place, since: (i64, u32)) -> Self {
        let mut objects = Self { is_sha256: is_sha256(place), packs: Vec::new(), since };
        let Ok(folder) = place.open_folder(b".git/objects/pack", Links::Refused) else {
            return objects;
        };
        let names = entries(&folder, PACKS_MAX * 8).map(|(entries, _)| entries);
        for entry in names.unwrap_or_default() {
            let is_index =
                entry.kind == FileType::RegularFile && entry.name.ends_with(b".idx".as_slice());
            if !is_index || objects.packs.len() >= PACKS_MAX {
                continue;
            }
            let name = entry.name.strip_suffix(b"idx".as_slice()).unwrap_or_default();
            let index = Unchanged::open(&folder, &entry.name, since);
            let pack = Unchanged::open(&folder, &[name, b"pack"].concat(), since);
            objects.packs.extend(index.zip(pack).map(|(index, pack)| Pack { index, pack }));
        }
        objects
    }

    /// Whether the repository had a file with this content.
    pub(super) fn had(&self, place: &Place, content: &[u8]) -> bool {
        let name = self.name(content);
        let mut named = self.packs.iter().filter(|pack| pack.names(&name)).take(NAMED_MAX);
        self.has_loose(place, &name, content) || named.any(|pack| pack.has(&name, content))
    }

    /// The name of the object that a content is.
    pub(super) fn name(&self, content: &[u8]) -> Vec<u8> {
        objects::name(content, if self.is_sha256 { objects::SHA256 } else { objects::SHA1 })
    }

    fn has_loose(&self, place: &Place, name: &[u8], content: &[u8]) -> bool {
        let path = format!(".git/objects/{}", objects::loose(name));
        let header = objects::header(content);
        let length = header.len() + content.len();
        let most = u64::try_from(packed::compressed_most(length)).unwrap_or(u64::MAX);
        let Ok((found, Some(bytes))) = place.read(path.as_bytes(), most, Links::Refused) else {
            return false;
        };
        let is_it = || {
            let whole = decompress_to_vec_zlib_with_limit(&bytes, length).unwrap_or_default();
            whole.strip_prefix(header.as_bytes()) == Some(content)
        };
        found.stamp.changed < self.since && is_it()
    }
}

impl Unchanged {
    fn open(folder: &OwnedFd, name: &[u8], since: (i64, u32)) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::empty()).ok()?;
        let found = data(&file, b"").ok()?;
        let is_old = found.kind == FileType::RegularFile && found.stamp.changed < since;
        is_old.then_some(Self { file, stamp: found.stamp })
    }

    fn is_unchanged(&self) -> bool {
        data(&self.file, b"").is_ok_and(|found| found.stamp == self.stamp)
    }
}

impl Pack {
    fn names(&self, name: &[u8]) -> bool {
        index::has(&self.index.file, name).unwrap_or(false)
    }

    fn has(&self, name: &[u8], content: &[u8]) -> bool {
        let find = |name: &[u8]| index::offset(&self.index.file, name).ok().flatten();
        let read = || packed::blob(&self.pack.file, find(name)?, name.len(), find);
        // Looked at last: what was changed while it was read has another time by then.
        read().is_some_and(|found| found == content)
            && self.index.is_unchanged()
            && self.pack.is_unchanged()
    }
}

/// Whether the repository names its objects by SHA-256. A wrong answer finds nothing.
fn is_sha256(place: &Place) -> bool {
    let Ok((_, Some(config))) = place.read(b".git/config", CONFIG_MAX, Links::Refused) else {
        return false;
    };
    settings(&config).iter().any(|setting| {
        setting.section == b"extensions"
            && setting.key == b"objectformat"
            && setting.value.eq_ignore_ascii_case(b"sha256")
    })
}
