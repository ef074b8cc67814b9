//! Which contents the project's repository had before the session: `git checkout` and its like bring these back, and no other process has
//! to be asked about them.
//!
//! A jail may write the index, branches and new objects, so none of those says anything. What was there before the jail is known by
//! times that a program cannot set. Only names of objects are looked up: no object is read, and no git is run.

use std::os::fd::OwnedFd;

use jail_plan::git::settings;
use rustix::fs::{FileType, Mode, OFlags, openat};
use rustix::io::{Errno, pread};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::handoff::place::{Links, Place, Stamp, data, entries};

/// More packs are not looked into.
const PACKS_MAX: usize = 512;
/// No configuration is larger.
const CONFIG_MAX: u64 = 1 << 20;

/// `\377tOc`, version 2 (gitformat-pack(5)).
const HEADER: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// How many names of objects begin with each byte or a lower one.
const FANOUT: u64 = 256 * 4;

/// The objects of the repository at the project's root.
pub(super) struct Objects {
    is_sha256: bool,
    packs: Vec<Pack>,
    since: (i64, u32),
}

/// The index of a pack, which git never changes.
struct Pack {
    index: OwnedFd,
    stamp: Stamp,
}

impl Objects {
    /// Opens the indexes of all packs, where there is a repository. `since` is the time from which on a jail could write.
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
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let Ok(index) = openat(&folder, entry.name, flags, Mode::empty()) else { continue };
            let Ok(found) = data(&index, b"") else { continue };
            if found.kind == FileType::RegularFile && found.stamp.changed < since {
                objects.packs.push(Pack { index, stamp: found.stamp });
            }
        }
        objects
    }

    /// Whether the repository had a file with this content.
    pub(super) fn had(&self, place: &Place, content: &[u8]) -> bool {
        let name = self.name(content);
        self.has_loose(place, &name) || self.packs.iter().any(|pack| pack.has(&name))
    }

    /// The name of the object that a content is.
    fn name(&self, content: &[u8]) -> Vec<u8> {
        let header = format!("blob {}\0", content.len());
        let parts = [header.as_bytes(), content];
        match self.is_sha256 {
            true => parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize().to_vec(),
            false => parts.iter().fold(Sha1::new(), Sha1::chain_update).finalize().to_vec(),
        }
    }

    fn has_loose(&self, place: &Place, name: &[u8]) -> bool {
        let text: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
        let (folder, rest) = text.split_at(2);
        let folder = place.open_folder(format!(".git/objects/{folder}").as_bytes(), Links::Refused);
        let found = folder.and_then(|folder| data(&folder, rest.as_bytes()));
        found.is_ok_and(|found| {
            found.kind == FileType::RegularFile && found.stamp.changed < self.since
        })
    }
}

impl Pack {
    fn has(&self, name: &[u8]) -> bool {
        let is_unchanged = data(&self.index, b"").is_ok_and(|found| found.stamp == self.stamp);
        is_unchanged && self.find(name).unwrap_or(false)
    }

    /// Looks a name up in the sorted list of them.
    fn find(&self, name: &[u8]) -> Result<bool, Errno> {
        let mut header = [0; HEADER.len()];
        self.read(&mut header, 0)?;
        let Some(first) = name.first().filter(|_| header == HEADER) else { return Ok(false) };
        let count_up_to = |byte: u8| -> Result<u64, Errno> {
            let mut number = [0; 4];
            self.read(&mut number, 8 + u64::from(byte) * 4)?;
            Ok(u64::from(u32::from_be_bytes(number)))
        };
        let mut low = first.checked_sub(1).map_or(Ok(0), count_up_to)?;
        let mut high = count_up_to(*first)?;
        let length = u64::try_from(name.len()).unwrap_or(u64::MAX);
        let mut there = vec![0; name.len()];
        while low < high {
            let middle = low + (high - low) / 2;
            self.read(&mut there, 8 + FANOUT + middle * length)?;
            match there.as_slice().cmp(name) {
                std::cmp::Ordering::Equal => return Ok(true),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(false)
    }

    fn read(&self, bytes: &mut [u8], from: u64) -> Result<(), Errno> {
        match pread(&self.index, &mut *bytes, from)? {
            length if length == bytes.len() => Ok(()),
            _ => Err(Errno::IO),
        }
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
