//! The index of a pack: the place of each object in it (gitformat-pack(5), version 2).

use std::os::fd::AsFd;

use rustix::io::{Errno, pread};

/// `\377tOc`, version 2.
const HEADER: [u8; 8] = [0xff, b't', b'O', b'c', 0, 0, 0, 2];
/// How many names of objects start with each byte or a lower one.
const FANOUT: u64 = 256 * 4;

/// Whether the pack has an object.
///
/// # Errors
/// Where the index cannot be read.
pub(crate) fn has(index: impl AsFd, name: &[u8]) -> Result<bool, Errno> {
    Ok(find(index, name)?.is_some())
}

/// Where the object with this name is in the pack.
///
/// # Errors
/// Where the index cannot be read.
pub(crate) fn offset(index: impl AsFd, name: &[u8]) -> Result<Option<u64>, Errno> {
    let Some((at, count)) = find(&index, name)? else { return Ok(None) };
    // After the names come a checksum for each, and then the places. A place far
    // behind is in another list.
    let places = 8 + FANOUT + count * (length_of(name) + 4);
    let mut place = [0; 4];
    read(&index, &mut place, places + at * 4)?;
    let place = u32::from_be_bytes(place);
    let Some(far) = place.checked_sub(1 << 31) else { return Ok(Some(place.into())) };
    let mut place = [0; 8];
    read(&index, &mut place, places + count * 4 + u64::from(far) * 8)?;
    Ok(Some(u64::from_be_bytes(place)))
}

/// Looks a name up in the sorted list, and returns its index and the length of the list.
fn find(index: impl AsFd, name: &[u8]) -> Result<Option<(u64, u64)>, Errno> {
    let mut header = [0; HEADER.len()];
    read(&index, &mut header, 0)?;
    let Some(first) = name.first().filter(|_| header == HEADER) else { return Ok(None) };
    let count_up_to = |byte: u8| -> Result<u64, Errno> {
        let mut number = [0; 4];
        read(&index, &mut number, 8 + u64::from(byte) * 4)?;
        Ok(u64::from(u32::from_be_bytes(number)))
    };
    let mut low = first.checked_sub(1).map_or(Ok(0), count_up_to)?;
    let (mut high, count) = (count_up_to(*first)?, count_up_to(u8::MAX)?);
    let mut there = vec![0; name.len()];
    while low < high {
        let middle = low.midpoint(high);
        read(&index, &mut there, 8 + FANOUT + middle * length_of(name))?;
        match there.as_slice().cmp(name) {
            std::cmp::Ordering::Equal => return Ok(Some((middle, count))),
            std::cmp::Ordering::Less => low = middle + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(None)
}

fn length_of(name: &[u8]) -> u64 {
    u64::try_from(name.len()).unwrap_or(u64::MAX)
}

fn read(index: impl AsFd, bytes: &mut [u8], from: u64) -> Result<(), Errno> {
    match pread(index, &mut *bytes, from)? {
        length if length == bytes.len() => Ok(()),
        _ => Err(Errno::IO),
    }
}
