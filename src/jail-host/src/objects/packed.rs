//! Reads one object of a pack (gitformat-pack(5)). A jail of an earlier session may have written
//! it: everything is bounded, and what git would not write counts as absent.

use std::os::fd::OwnedFd;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use rustix::io::{Errno, pread};

/// The largest object, and the largest difference.
const BYTES_MAX: usize = 64 << 20;
/// The most that is made on the way to one: a short difference can copy all of its base.
const MADE_MAX: usize = 256 << 20;
/// The longest chain. git makes it 50 long, and at most 4,095.
const CHAIN_MAX: usize = 4_095;

pub(crate) const BLOB: u8 = 3;
const OFFSET_DELTA: u8 = 6;
const NAME_DELTA: u8 = 7;

/// The entry at an offset.
pub(crate) enum Entry {
    /// An object of the kind with this number.
    Whole { kind: u8, content: Vec<u8> },
    /// A difference to the entry at another offset.
    Delta { base: u64, delta: Vec<u8> },
}

/// The content of the file at an offset. `find` returns where an object of this name is.
pub(crate) fn blob(
    pack: &OwnedFd,
    offset: u64,
    name_length: usize,
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Option<Vec<u8>> {
    let (mut at, mut deltas, mut size) = (offset, Vec::new(), 0_usize);
    let mut content = loop {
        match entry(pack, at, name_length, BYTES_MAX, &find)? {
            Entry::Whole { kind: BLOB, content } => break content,
            Entry::Whole { .. } => return None,
            Entry::Delta { base, delta } => {
                size += delta.len();
                at = base;
                deltas.push(delta);
            }
        }
        if deltas.len() > CHAIN_MAX || size > BYTES_MAX {
            return None;
        }
    };
    let mut left = MADE_MAX;
    while let Some(delta) = deltas.pop() {
        content = apply(&content, &delta, BYTES_MAX)?;
        left = left.checked_sub(content.len())?;
    }
    Some(content)
}

/// What stands before the compressed data of an entry.
struct Head {
    kind: u8,
    /// Of what is compressed.
    size: usize,
    /// Where that is.
    at: u64,
    /// The entry that a difference is to.
    base: Option<u64>,
}

fn head(
    pack: &OwnedFd,
    offset: u64,
    name_length: usize,
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Option<Head> {
    const HEADER_MAX: usize = 64;
    let header = read(pack, offset, HEADER_MAX).ok()?;
    let mut bytes = header.iter().copied();
    let first = bytes.next()?;
    let kind = (first >> 4) & 7;
    let size = match first & 0x80 {
        0 => usize::from(first & 15),
        _ => number(&mut bytes)?.checked_mul(16)?.checked_add(usize::from(first & 15))?,
    };
    let base = match kind {
        OFFSET_DELTA => Some(offset.checked_sub(distance(&mut bytes)?).filter(|at| *at < offset)?),
        NAME_DELTA => {
            let name: Vec<u8> = bytes.by_ref().take(name_length).collect();
            Some(find(&name)?)
        }
        _ => None,
    };
    let begin = header.len().checked_sub(bytes.len())?;
    let at = offset.checked_add(u64::try_from(begin).ok()?)?;
    Some(Head { kind, size, at, base })
}

/// The number of the kind of an object, which is that of what it is a difference to.
pub(crate) fn kind(
    pack: &OwnedFd,
    offset: u64,
    name_length: usize,
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Option<u8> {
    let mut at = offset;
    for _ in 0..=CHAIN_MAX {
        match head(pack, at, name_length, &find)? {
            Head { base: Some(base), .. } => at = base,
            Head { kind, .. } => return Some(kind),
        }
    }
    None
}

/// The entry at an offset, of at most this many bytes.
pub(crate) fn entry(
    pack: &OwnedFd,
    offset: u64,
    name_length: usize,
    most: usize,
    find: impl Fn(&[u8]) -> Option<u64>,
) -> Option<Entry> {
    let Head { kind, size, at, base } = head(pack, offset, name_length, find)?;
    if size > most {
        return None;
    }
    let content = inflated(pack, at, size)?;
    match (kind, base) {
        (_, Some(base)) => Some(Entry::Delta { base, delta: content }),
        (1..=4, None) => Some(Entry::Whole { kind, content }),
        (_, None) => None,
    }
}

/// The data compressed at an offset, of this length.
fn inflated(pack: &OwnedFd, at: u64, size: usize) -> Option<Vec<u8>> {
    let compressed = read(pack, at, compressed_most(size)).ok()?;
    let content = decompress_to_vec_zlib_with_limit(&compressed, size.max(1)).ok()?;
    (content.len() == size).then_some(content)
}

/// Data that cannot be compressed takes a little more than its length.
pub(crate) fn compressed_most(size: usize) -> usize {
    size + size / 512 + 1024
}

/// Seven bits in each byte, the lowest first.
fn number(bytes: &mut impl Iterator<Item = u8>) -> Option<usize> {
    let (mut value, mut shift) = (0_usize, 0_u32);
    loop {
        let byte = bytes.next()?;
        value |= usize::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 42)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
}

/// How far before an entry its base is: the highest bits first, and no number in two forms.
fn distance(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut byte = bytes.next()?;
    let mut value = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = bytes.next()?;
        value = value.checked_add(1)?.checked_mul(128)? | u64::from(byte & 0x7f);
    }
    Some(value)
}

/// The content that a difference makes from its base, of at most this many bytes.
pub(crate) fn apply(base: &[u8], delta: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut bytes = delta.iter().copied();
    let (before, after) = (number(&mut bytes)?, number(&mut bytes)?);
    if before != base.len() || after > most {
        return None;
    }
    let mut content = Vec::with_capacity(after);
    while let Some(code) = bytes.next() {
        if code & 0x80 == 0 {
            // This many bytes follow. None is reserved.
            let count = usize::from(code);
            let begin = delta.len().checked_sub(bytes.len())?;
            content.extend_from_slice(delta.get(begin..begin + count).filter(|_| count > 0)?);
            bytes.nth(count - 1)?;
        } else {
            let mut part = |bits: std::ops::Range<u8>| {
                bits.enumerate().try_fold(0_usize, |value, (at, bit)| match code >> bit & 1 {
                    0 => Some(value),
                    _ => Some(value | usize::from(bytes.next()?) << (8 * at)),
                })
            };
            let (from, count) = (part(0..4)?, part(4..7)?);
            let count = if count == 0 { 0x10000 } else { count };
            content.extend_from_slice(base.get(from..from.checked_add(count)?)?);
        }
        if content.len() > after {
            return None;
        }
    }
    (content.len() == after).then_some(content)
}

/// The bytes at an offset, as far as the file goes.
fn read(file: &OwnedFd, at: u64, most: usize) -> Result<Vec<u8>, Errno> {
    let mut bytes = vec![0; most];
    let mut length = 0;
    while let Some(rest) = bytes.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let from = at.checked_add(u64::try_from(length).unwrap_or(u64::MAX));
        match pread(file, rest, from.ok_or(Errno::OVERFLOW)?) {
            Err(Errno::INTR) => {}
            Ok(0) => break,
            other => length += other?,
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use miniz_oxide::deflate::compress_to_vec_zlib;

    use super::*;

    /// Seven bits in each byte, the lowest first.
    fn number(mut value: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        while value >= 0x80 {
            bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
            value >>= 7;
        }
        bytes.push(u8::try_from(value).unwrap());
        bytes
    }

    /// An entry as git writes it, with `base` between its head and its content.
    fn entry(kind: u8, base: &[u8], content: &[u8]) -> Vec<u8> {
        let (low, high) = (u8::try_from(content.len() & 15).unwrap(), content.len() >> 4);
        let head = [vec![kind << 4 | low | 0x80], number(high)].concat();
        [&head, base, &compress_to_vec_zlib(content, 1)].concat()
    }

    /// A difference that copies all of its base.
    fn copy(length: usize) -> Vec<u8> {
        let mut delta = [number(length), number(length)].concat();
        let mut at = 0;
        while at < length {
            let count = (length - at).min(0xff_ffff);
            delta.push(0xff);
            delta.extend(&u32::try_from(at).unwrap().to_le_bytes());
            delta.extend(&u32::try_from(count).unwrap().to_le_bytes()[..3]);
            at += count;
        }
        delta
    }

    /// What is read of a content of this many bytes, with this many
    /// differences, each to the one before.
    fn read_chain(length: usize, differences: usize) -> Option<usize> {
        let mut pack = entry(BLOB, &[], &vec![b'x'; length]);
        let mut last = 0;
        for _ in 0..differences {
            let distance = pack.len() - last;
            last = pack.len();
            // The highest bits first; each byte except the last means one more than it says.
            let mut bytes = vec![u8::try_from(distance & 0x7f).unwrap()];
            let mut rest = distance >> 7;
            while rest > 0 {
                rest -= 1;
                bytes.insert(0, u8::try_from(rest & 0x7f).unwrap() | 0x80);
                rest >>= 7;
            }
            pack.extend(entry(OFFSET_DELTA, &bytes, &copy(length)));
        }
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&pack).unwrap();
        let read = blob(&file.into(), u64::try_from(last).unwrap(), 20, |_| None)?;
        assert!(read.iter().all(|byte| *byte == b'x'));
        Some(read.len())
    }

    #[test]
    fn a_chain_of_differences_is_read_and_one_that_makes_too_much_is_not() {
        assert_eq!(read_chain(1000, 50), Some(1000));
        let large = BYTES_MAX - 1024;
        assert_eq!(read_chain(large, 2), Some(large));
        assert_eq!(read_chain(large, 6), None);
    }
}
