//! Parses git's index (gitformat-index(5), versions 2 to 4, with SHA-1 or SHA-256, split, or
//! sparse): the object of each path. An earlier jail may have written the file, so every length is
//! checked, and the caller must not trust anything in it.

mod bitmap;

use std::collections::{BTreeMap, BTreeSet};

use self::bitmap::Bitmap;
use crate::objects::hexadecimal;

/// The name of an object: 20 bytes, or 32.
pub(crate) type Name = Vec<u8>;

/// What the index has for the paths that were asked for.
pub(crate) type Tracked = BTreeMap<Vec<u8>, Vec<Name>>;

/// Looks paths up. `shared` reads the other part of a split index, by its name. An index that
/// cannot be read has no results.
pub(crate) fn look_up(
    index: &[u8],
    wanted: &BTreeSet<&[u8]>,
    shared: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<Tracked> {
    // No field gives the length of names, but with the wrong one, later fields are
    // not where they should be.
    [20, 32].into_iter().find_map(|length| look_up_of(index, length, wanted, &shared))
}

fn look_up_of(
    index: &[u8],
    length: usize,
    wanted: &BTreeSet<&[u8]>,
    shared: &impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<Tracked> {
    let mut tracked = Tracked::new();
    // Entries of a split index that replace some of the other part's have no path.
    let mut instead = Vec::new();
    let link = read(index, length, |path, fields| {
        let object = fields.object;
        if path.is_empty() {
            instead.push(object.to_vec());
        } else if wanted.contains(path) {
            tracked.entry(path.to_vec()).or_default().push(object.to_vec());
        }
    })?
    .link;
    let Some(Link { base, mut deleted, mut replaced }) = link else {
        return instead.is_empty().then_some(tracked);
    };
    let base = shared(&format!("sharedindex.{}", hexadecimal(&base)))?;
    let mut instead = instead.into_iter();
    let mut number = 0;
    let mut is_whole = true;
    let nested = read(&base, length, |path, fields| {
        let object = match replaced.has(number) {
            true => instead.next(),
            false => Some(fields.object.to_vec()),
        };
        is_whole &= object.is_some();
        let is_there = !deleted.has(number);
        if let (Some(object), true, true) = (object, is_there, wanted.contains(path)) {
            tracked.entry(path.to_vec()).or_default().push(object);
        }
        number += 1;
    })?;
    (nested.link.is_none() && is_whole).then_some(tracked)
}

/// What an index says of its other part.
struct Link {
    base: Name,
    deleted: Bitmap,
    replaced: Bitmap,
}

/// What stands in an entry besides its path.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'i> {
    /// Times, numbers, the mode and the size of the file.
    pub(crate) stat: &'i [u8],
    pub(crate) object: &'i [u8],
    pub(crate) flags: u16,
    /// Of an extended entry.
    pub(crate) further: u16,
}

/// The entry has more flags than fit into one field.
pub(crate) const EXTENDED: u16 = 0x4000;
/// Of the path, as far as it fits.
pub(crate) const LENGTH: u16 = 0x0fff;

/// Passes on all entries of an index that has all in one file, and a name for each file. Of another
/// one nothing is returned.
pub(crate) fn whole(
    index: &[u8],
    length: usize,
    entry: impl FnMut(&[u8], Fields<'_>),
) -> Option<()> {
    let rest = read(index, length, entry)?;
    (rest.link.is_none() && !rest.is_sparse).then_some(())
}

/// What follows the entries of a file.
struct Rest {
    /// Where its other part is, if it has one.
    link: Option<Link>,
    is_sparse: bool,
}

/// Reads the entries of one file.
fn read(index: &[u8], length: usize, mut entry: impl FnMut(&[u8], Fields<'_>)) -> Option<Rest> {
    let (body, _) = index.split_at_checked(index.len().checked_sub(length)?)?;
    let mut rest = body.strip_prefix(b"DIRC")?;
    let version = number(&mut rest)?;
    if !(2..=4).contains(&version) {
        return None;
    }
    let mut path = Vec::new();
    for _ in 0..number(&mut rest)? {
        let fields = next_entry(&mut rest, version, length, &mut path)?;
        entry(&path, fields);
    }
    let (mut link, mut is_sparse) = (None, false);
    while !rest.is_empty() {
        let signature = take(&mut rest, 4)?;
        let size = usize::try_from(number(&mut rest)?).ok()?;
        let data = take(&mut rest, size)?;
        match signature {
            b"link" => link = linked(data, length)?,
            // A sparse index: folders that are not checked out are entries, too.
            b"sdir" => is_sparse = true,
            // Extensions that must be understood, as in git.
            [b'a'..=b'z', ..] => return None,
            _ => {}
        }
    }
    Some(Rest { link, is_sparse })
}

/// Reads an entry. Its path replaces the one before.
fn next_entry<'a>(
    rest: &mut &'a [u8],
    version: u32,
    length: usize,
    path: &mut Vec<u8>,
) -> Option<Fields<'a>> {
    const TIMES_AND_NUMBERS: usize = 40;
    let before = rest.len();
    let stat = take(rest, TIMES_AND_NUMBERS)?;
    let object = take(rest, length)?;
    let flags = u16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
    let mut further = 0;
    if flags & EXTENDED != 0 {
        let bytes = take(rest, if version > 2 { 2 } else { return None })?;
        further = u16::from_be_bytes(bytes.try_into().ok()?);
    }
    match version {
        4 => {
            let cut = usize::try_from(compressed(rest)?).ok()?;
            path.truncate(path.len().checked_sub(cut)?);
        }
        _ => path.clear(),
    }
    let end = rest.iter().position(|byte| *byte == 0)?;
    path.extend_from_slice(take(rest, end)?);
    let padding = match version {
        4 => 1,
        // At least one, up to a multiple of eight.
        _ => 8 - (before - rest.len()) % 8,
    };
    if take(rest, padding)?.iter().any(|byte| *byte != 0) {
        return None;
    }
    let said = usize::from(flags & LENGTH);
    let fields = Fields { stat, object, flags, further };
    (said == path.len().min(usize::from(LENGTH))).then_some(fields)
}

fn linked(data: &[u8], length: usize) -> Option<Option<Link>> {
    let mut rest = data;
    let base = take(&mut rest, length)?.to_vec();
    if base.iter().all(|byte| *byte == 0) {
        return Some(None);
    }
    if rest.is_empty() {
        let (deleted, replaced) = (Bitmap::default(), Bitmap::default());
        return Some(Some(Link { base, deleted, replaced }));
    }
    let (deleted, replaced) = (Bitmap::read(&mut rest)?, Bitmap::read(&mut rest)?);
    Some(Some(Link { base, deleted, replaced }))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, others) = rest.split_at_checked(count)?;
    *rest = others;
    Some(taken)
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    take(rest, 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// A number of several bytes, the highest first; each except the last has its highest bit set.
fn compressed(rest: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    loop {
        let byte = *take(rest, 1)?.first()?;
        value = value.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
        value = value.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests;
