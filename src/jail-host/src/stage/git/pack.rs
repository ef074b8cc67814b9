//! Writes objects of the stage into one pack of the project, with an index of our own
//! (gitformat-pack(5)). Each is proved once more while it is written.

use std::io::{self, Write};
use std::os::fd::OwnedFd;

use miniz_oxide::deflate::compress_to_vec_zlib;
use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags, fchmod, openat, renameat_with, unlinkat};
use rustix::io::Errno;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::id::Id;
use super::objects::{Fault, Kind, Store};
use super::walk::OTHER_KIND;
use crate::objects::{SHA1, hexadecimal};

/// Git packs it better when it next tidies up.
const LEVEL: u8 = 3;
/// What one application adds at most, so that differences of a few bytes do not fill the disk.
const PACK_MAX: u64 = 4 << 30;

/// Why nothing was written.
pub(super) enum Failure {
    Fault(Fault),
    Failed(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// Writes the objects below a name in the folder of packs, and then gives both files their names:
/// without its index a pack is none.
pub(super) fn write(
    folder: &OwnedFd,
    store: &Store<'_>,
    wanted: &[(Id, Kind)],
    temporary: [&str; 2],
) -> Result<(), Failure> {
    let [pack, index] = temporary;
    let written = write_both(folder, store, wanted, temporary);
    for name in [pack, index] {
        let _ = unlinkat(folder, name, AtFlags::empty());
    }
    written
}

fn write_both(
    folder: &OwnedFd,
    store: &Store<'_>,
    wanted: &[(Id, Kind)],
    [pack, index]: [&str; 2],
) -> Result<(), Failure> {
    let count = u32::try_from(wanted.len()).map_err(io::Error::other)?;
    let mut file = Summed::create(folder, pack, store.length)?;
    file.write_all(b"PACK\0\0\0\x02")?;
    file.write_all(&count.to_be_bytes())?;
    let mut all = Vec::with_capacity(wanted.len());
    for (id, kind) in wanted {
        // Git on the host may have got it meanwhile; it is no fault to have it twice.
        let (_, found, content) = store.object(id).map_err(Failure::Fault)?;
        if found != *kind {
            return Err(Failure::Fault(Fault::Bad(*id, OTHER_KIND)));
        }
        let mut entry = head(kind.number(), content.len());
        entry.extend(compress_to_vec_zlib(&content, LEVEL));
        all.push(Placed { id: *id, at: file.at, sum: crc32(&entry) });
        file.write_all(&entry)?;
        if file.at > PACK_MAX {
            return Err(Failure::Fault(Fault::TooMuch));
        }
    }
    let trailer = file.end()?;
    all.sort_unstable_by_key(|placed| placed.id);
    let mut file = Summed::create(folder, index, store.length)?;
    write_index(&mut file, &all, &trailer)?;
    file.end()?;
    let stem = format!("pack-{}", hexadecimal(&trailer));
    for (from, end) in [(pack, "pack"), (index, "idx")] {
        let name = format!("{stem}.{end}");
        match renameat_with(folder, from, folder, name.as_str(), RenameFlags::NOREPLACE) {
            // The same objects, from an application that was killed.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(io::Error::from(error).into()),
        }
    }
    Ok(())
}

/// Where an object is in the pack, and the sum of its bytes there.
struct Placed {
    id: Id,
    at: u64,
    sum: u32,
}

fn write_index(file: &mut Summed, all: &[Placed], trailer: &[u8]) -> io::Result<()> {
    const FAR: u64 = 1 << 31;
    file.write_all(b"\xfftOc\0\0\0\x02")?;
    let first = |placed: &Placed| placed.id.bytes().first().copied().unwrap_or_default();
    for byte in 0..=u8::MAX {
        let count = all.partition_point(|placed| first(placed) <= byte);
        file.write_all(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes())?;
    }
    for placed in all {
        file.write_all(placed.id.bytes())?;
    }
    for placed in all {
        file.write_all(&placed.sum.to_be_bytes())?;
    }
    let mut far: Vec<u64> = Vec::new();
    for placed in all {
        let place = match u32::try_from(placed.at) {
            Ok(at) if placed.at < FAR => at,
            _ => {
                far.push(placed.at);
                u32::try_from(far.len() - 1).unwrap_or(u32::MAX) | 1 << 31
            }
        };
        file.write_all(&place.to_be_bytes())?;
    }
    for at in far {
        file.write_all(&at.to_be_bytes())?;
    }
    file.write_all(trailer)
}

/// The kind and the length before an object: four bits of the length, and then seven in each byte.
fn head(kind: u8, length: usize) -> Vec<u8> {
    let low = |value: usize, bits: usize| u8::try_from(value & bits).unwrap_or_default();
    let mut bytes = vec![kind << 4 | low(length, 15)];
    let mut rest = length >> 4;
    while rest > 0 {
        if let Some(last) = bytes.last_mut() {
            *last |= 0x80;
        }
        bytes.push(low(rest, 0x7f));
        rest >>= 7;
    }
    bytes
}

/// A file that ends with the hash of what is in it.
pub(super) struct Summed {
    file: io::BufWriter<std::fs::File>,
    sum: Sum,
    at: u64,
}

enum Sum {
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Summed {
    fn create(folder: &OwnedFd, name: &str, length: usize) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(folder, name, flags, Mode::RUSR | Mode::WUSR)?;
        super::place::own(folder, &file)?;
        let mode = super::place::mode(folder)?;
        fchmod(&file, Mode::from_raw_mode(mode & 0o444))?;
        Ok(Self::new(file.into(), length))
    }

    pub(super) fn new(file: std::fs::File, length: usize) -> Self {
        let sum = match length {
            SHA1 => Sum::Sha1(Box::default()),
            _ => Sum::Sha256(Box::default()),
        };
        Self { file: io::BufWriter::with_capacity(256 << 10, file), sum, at: 0 }
    }

    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.sum {
            Sum::Sha1(sum) => sum.update(bytes),
            Sum::Sha256(sum) => sum.update(bytes),
        }
        self.at += u64::try_from(bytes.len()).unwrap_or_default();
        self.file.write_all(bytes)
    }

    pub(super) fn end(mut self) -> io::Result<Vec<u8>> {
        let sum = match self.sum {
            Sum::Sha1(sum) => sum.finalize().to_vec(),
            Sum::Sha256(sum) => sum.finalize().to_vec(),
        };
        self.file.write_all(&sum)?;
        self.file.flush()?;
        Ok(sum)
    }
}

/// The sum of zlib and Ethernet, which indexes of packs have.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |sum: u32, byte: &u8| {
        let [low, ..] = (sum ^ u32::from(*byte)).to_le_bytes();
        TABLE.get(usize::from(low)).copied().unwrap_or_default() ^ (sum >> 8)
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "it is computed by the compiler, and the index is below 256"
)]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut sum = at as u32;
        let mut bit = 0;
        while bit < 8 {
            sum = if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
            bit += 1;
        }
        table[at] = sum;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_and_heads_are_those_of_git() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
        assert_eq!(head(3, 0), [0x30]);
        assert_eq!(head(1, 15), [0x1f]);
        assert_eq!(head(2, 16), [0xa0, 1]);
        assert_eq!(head(3, 16 + (127 << 4)), [0xb0, 0x80, 1]);
    }
}
