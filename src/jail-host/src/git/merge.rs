//! Takes harmless settings over into the real configuration: as an ordinary writer that locks as
//! git does, with a file `config.lock` that becomes the configuration. What the host has changed
//! meanwhile stays.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, fchmod, fsync, openat, renameat, statat, unlinkat};

use super::changes::{Change, values};
use super::file;

/// Why nothing was taken over.
pub(super) enum Refused {
    /// Another process is writing it.
    Locked,
    /// It is not as it was, or is not understood.
    Changed,
    /// A call failed.
    Failed(io::Error),
}

/// Takes `changes` over into the file `name` of a folder of git.
pub(super) fn merge(folder: &OwnedFd, name: &str, changes: &[Change]) -> Result<(), Refused> {
    let lock = format!("{name}.lock");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let new = match openat(folder, lock.as_str(), flags, Mode::from_raw_mode(0o600)) {
        Err(rustix::io::Errno::EXIST) => return Err(Refused::Locked),
        other => other.map_err(|error| Refused::Failed(error.into()))?,
    };
    let written = write(folder, name, File::from(new), changes)
        .and_then(|()| Ok(renameat(folder, lock.as_str(), folder, name).map_err(io::Error::from)?));
    if written.is_err() {
        let _ = unlinkat(folder, lock.as_str(), AtFlags::empty());
    }
    written
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

fn write(folder: &OwnedFd, name: &str, mut new: File, changes: &[Change]) -> Result<(), Refused> {
    let text = file::read_in(folder, name)?;
    let stat = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)?;
    let text = changed(&text, changes).ok_or(Refused::Changed)?;
    new.write_all(&text)?;
    fchmod(&new, Mode::from_raw_mode(stat.st_mode & 0o777)).map_err(io::Error::from)?;
    fsync(&new).map_err(io::Error::from)?;
    Ok(())
}

/// The text with the changes. `None` where a setting is not as it was at the launch, or where the
/// result would say something else.
fn changed(text: &[u8], changes: &[Change]) -> Option<Vec<u8>> {
    let mut expected = values(text)?;
    let mut changed = text.to_vec();
    for change in changes {
        if expected.get(&change.key).map_or(&[][..], Vec::as_slice) != change.before.as_slice() {
            return None;
        }
        changed = match change.before.as_slice() {
            [] => appended(&changed, change)?,
            [_] => replaced(&changed, change)?,
            [..] => return None,
        };
        expected.insert(change.key.clone(), change.now.clone());
    }
    (values(&changed)? == expected).then_some(changed)
}

/// A new setting stands at the end, in a section of its own: which one it joins does not matter to
/// git.
fn appended(text: &[u8], change: &Change) -> Option<Vec<u8>> {
    let mut text = text.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    let key = &change.key;
    text.push(b'[');
    text.extend_from_slice(&key.section);
    if let Some(about) = &key.about {
        text.extend([b" \"", quoted(about).as_slice(), b"\""].concat());
    }
    text.extend_from_slice(b"]\n");
    text.extend(line(change)?);
    Some(text)
}

/// A setting that is there has its line changed, where that is a line of its own.
fn replaced(text: &[u8], change: &Change) -> Option<Vec<u8>> {
    let mut found = None;
    let mut at = 0;
    for part in text.split_inclusive(|byte| *byte == b'\n') {
        let end = at + part.len();
        // Without this line that key has no value any more, so it is the one.
        let without = [text.get(..at)?, text.get(end..)?].concat();
        let is_it = values(&without).is_some_and(|values| !values.contains_key(&change.key));
        let is_setting = part.trim_ascii_start().first().is_some_and(u8::is_ascii_alphabetic);
        if is_it && is_setting {
            found = Some((at, end));
            break;
        }
        at = end;
    }
    let (start, end) = found?;
    Some([text.get(..start)?, &line(change)?, text.get(end..)?].concat())
}

fn line(change: &Change) -> Option<Vec<u8>> {
    let value = quoted(change.now.first()?);
    Some([b"\t", change.key.key.as_slice(), b" = \"", &value, b"\"\n"].concat())
}

fn quoted(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len());
    for byte in text {
        if matches!(byte, b'"' | b'\\') {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::super::changes::between;
    use super::*;

    fn merged(real: &str, before: &str, now: &str) -> Option<String> {
        let changes = between(before.as_bytes(), now.as_bytes())?;
        changed(real.as_bytes(), &changes).map(|text| String::from_utf8(text).expect("UTF-8"))
    }

    #[test]
    fn settings_are_added_at_the_end_and_changed_in_their_line() {
        let real = "[core]\n\tbare = false # x\n[user]\n\tname = Old\n";
        assert_eq!(
            merged(real, real, &real.replace("Old", "Zoë \\\"Q\\\"")).as_deref(),
            Some("[core]\n\tbare = false # x\n[user]\n\tname = \"Zoë \\\"Q\\\"\"\n")
        );
        let now = format!("{real}[branch \"a\"]\nremote = origin\n");
        assert_eq!(
            merged(real, real, &now).as_deref(),
            Some(&*format!("{real}[branch \"a\"]\n\tremote = \"origin\"\n"))
        );
        // What the host has added meanwhile stays.
        let host = format!("{real}[alias]\nst = status");
        let both = merged(&host, real, &now).expect("merged");
        assert!(both.contains("st = status\n[branch"), "{both}");
    }

    #[test]
    fn what_is_not_as_it_was_is_left_alone() {
        let (before, now) = ("[user]\nname = a\n", "[user]\nname = b\n");
        assert_eq!(merged("[user]\nname = c\n", before, now), None);
        assert_eq!(merged("", before, now), None);
        assert_eq!(merged("[user]\nname = a\n[broken\n", before, now), None);
        // In one line with its section there is no line of its own to change.
        assert_eq!(merged("[user] name = a\n", before, now), None);
        // One that goes on in the next line.
        let two_lines = "[user]\nname = a\\\nb\n";
        assert_eq!(merged(two_lines, two_lines, now), None);
    }
}
