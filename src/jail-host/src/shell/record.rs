//! Records from the shell, each ended by a NUL. They come from scripts and are not trusted.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;

use jail_plan::helper::BODY_MAX;

use super::is_name;

/// One record from the shell (see driver.bash).
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Record {
    Set(String, Vec<u8>),
    Unset(String),
    Exported(OsString, OsString),
    Argument(Vec<u8>),
    Done,
    /// The shell was about to end in or after the script of this number, with this status.
    Ended(u32, i32),
    /// The script of this number, of the cleanup, has ended with this status.
    Cleaned(u32, i32),
}

/// Records as they come in.
pub(super) struct Records {
    source: io::PipeReader,
    unread: Vec<u8>,
    /// The bytes since the last script ended.
    bytes: usize,
}

impl Records {
    pub(super) fn new(source: OwnedFd) -> Self {
        Self { source: source.into(), unread: Vec::new(), bytes: 0 }
    }

    pub(super) fn source(&self) -> &io::PipeReader {
        &self.source
    }

    /// Reads what there is. Returns 0 at the end.
    pub(super) fn read(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 65536];
        let length = self.source.read(&mut buffer)?;
        self.bytes += length;
        if self.bytes > BODY_MAX {
            return Err(io::Error::other("the script left too much in its variables"));
        }
        self.unread.extend(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }

    /// The next complete record, if one has been read.
    pub(super) fn take(&mut self) -> io::Result<Option<Record>> {
        let Some(end) = self.unread.iter().position(|byte| *byte == 0) else { return Ok(None) };
        let rest = self.unread.split_off(end + 1);
        let mut record = std::mem::replace(&mut self.unread, rest);
        record.pop();
        let record = parse(&record)
            .ok_or_else(|| io::Error::other("a script wrote to the shell's own descriptors"))?;
        if matches!(record, Record::Done | Record::Ended(..) | Record::Cleaned(..)) {
            self.bytes = self.unread.len();
        }
        Ok(Some(record))
    }
}

fn parse(record: &[u8]) -> Option<Record> {
    let (kind, rest) = record.split_first()?;
    let numbers = || {
        let (number, status) = std::str::from_utf8(rest).ok()?.split_once(' ')?;
        Some((number.parse().ok()?, status.parse().ok()?))
    };
    let name = |bytes: &[u8]| {
        let name = std::str::from_utf8(bytes).ok().filter(|name| is_name(name))?;
        Some(name.to_owned())
    };
    let variable = || {
        let equals = rest.iter().position(|byte| *byte == b'=')?;
        let (before, value) = rest.split_at(equals);
        Some((name(before)?, value.get(1..)?))
    };
    match kind {
        b'v' => variable().map(|(name, value)| Record::Set(name, value.to_vec())),
        b'u' => name(rest).map(Record::Unset),
        b'e' => variable()
            .map(|(name, value)| Record::Exported(name.into(), OsStr::from_bytes(value).into())),
        b'a' => Some(Record::Argument(rest.to_vec())),
        b'.' if rest.is_empty() => Some(Record::Done),
        b'x' => numbers().map(|(number, status)| Record::Ended(number, status)),
        b'c' => numbers().map(|(number, status)| Record::Cleaned(number, status)),
        _ => None,
    }
}
