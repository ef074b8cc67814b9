//! References of git, and their logs, whose names look like those of secrets, because a branch can
//! have any name. If they were masked, git could not change them.
//!
//! A secret can look like one, and a jail can move it to where references are. So a file
//! counts as one only if the repository has the object that it names: a program that can make
//! that so knows the content.

use std::io;

use crate::handoff::place::{Links, Place, entries};
use crate::objects::{self, index};

/// The largest log.
const LOG_MAX: u64 = 64 << 20;
/// The most packs that are searched.
const PACKS_MAX: usize = 4096;

/// Whether it is one.
pub(super) fn is_reference(place: &Place, path: &[u8]) -> bool {
    let names: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
    (0..names.len()).any(|at| {
        let (git, below) = names.split_at(at);
        let git = git.join(b"/".as_slice());
        let object = match below {
            [b"refs", _, ..] => read(place, path).and_then(|content| named(&content)),
            [b"logs", b"refs", _, ..] => read(place, path).and_then(|content| logged(&content)),
            _ => None,
        };
        object.is_some_and(|object| has(place, &git, &object).unwrap_or(false))
    })
}

fn read(place: &Place, path: &[u8]) -> Option<Vec<u8>> {
    place.read(path, LOG_MAX, Links::Refused).ok()?.1
}

/// The object that a reference names.
fn named(content: &[u8]) -> Option<Vec<u8>> {
    object(content.strip_suffix(b"\n")?)
}

/// The object that the last line of a log leads to, if every line is one of a log.
fn logged(content: &[u8]) -> Option<Vec<u8>> {
    let mut last = None;
    for line in content.strip_suffix(b"\n")?.split(|byte| *byte == b'\n') {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        object(words.next()?)?;
        last = Some(object(words.next()?)?);
        let is_whole = is_signature(words.next()?.split(|byte| *byte == b'\t').next()?);
        last = last.filter(|_| is_whole);
        last.as_ref()?;
    }
    last
}

/// Whether it is a name, an address, the seconds and the zone.
fn is_signature(text: &[u8]) -> bool {
    let mut words = text.rsplitn(3, |byte| *byte == b' ');
    let (zone, seconds) = (words.next(), words.next());
    let is_number = |text: &[u8]| !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    let is_zone = |text: &[u8]| {
        text.len() == 5
            && text.strip_prefix(b"+").or(text.strip_prefix(b"-")).is_some_and(is_number)
    };
    zone.is_some_and(is_zone)
        && seconds.is_some_and(is_number)
        && words.next().is_some_and(|name| name.ends_with(b">") && name.contains(&b'<'))
}

/// The name of an object.
fn object(word: &[u8]) -> Option<Vec<u8>> {
    if !matches!(word.len(), 40 | 64) {
        return None;
    }
    let pairs = word.chunks_exact(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}

/// Whether a repository has the object.
fn has(place: &Place, git: &[u8], object: &[u8]) -> io::Result<bool> {
    let join = |name: &str| match git {
        b"" => name.as_bytes().to_vec(),
        git => [git, b"/", name.as_bytes()].concat(),
    };
    if place.open_path(&join(&format!("objects/{}", objects::loose(object)))).is_ok() {
        return Ok(true);
    }
    let packs = join("objects/pack");
    let (found, _) = entries(&place.open_folder(&packs, Links::Refused)?, PACKS_MAX)?;
    for entry in found.iter().filter(|entry| entry.name.ends_with(b".idx")) {
        let opened = place.open_file(&[packs.as_slice(), b"/", &entry.name].concat())?;
        if index::has(opened, object).unwrap_or(false) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests;
