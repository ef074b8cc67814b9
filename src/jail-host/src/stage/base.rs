//! What the project was when a jail began to write over it: the base of a three-way comparison,
//! which overlayfs does not keep.
//!
//! ```text
//! jailgen-stage-base 1
//! KIND MODE INODE SIZE MODIFIED CHANGED HASH PATH\0      one for each file, folder and link; KIND is f, d or l
//! ```
//! The hash is that of a small file, or of where a link leads; `-` of others, and `?` where it is
//! not known what the jail saw.

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat, renameat};
use rustix::io::Errno;

use super::place::{Found, Kind, Time};

const HEAD: &[u8] = b"jailgen-stage-base 1\n";
const NAME: &str = "manifest";
const FRESH: &str = "manifest.new";
/// It is there once a jail has begun to write over the project, whether or not that was recorded.
const BEGUN: &str = "begun";

/// It is not larger.
const BYTES_MAX: u64 = 512 << 20;

/// What is known of the project.
#[derive(Default)]
pub(super) struct Base {
    pub(super) known: BTreeMap<Vec<u8>, Was>,
    /// Without it nothing is known of what is not in it.
    pub(super) is_there: bool,
}

/// What stood at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Was {
    pub(super) kind: Kind,
    pub(super) mode: u32,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: Time,
    pub(super) changed: Time,
    pub(super) hash: Hash,
}

/// What is known of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Is(String),
    /// It was not read.
    Unread,
    /// The jail may have seen another one.
    Unsure,
}

impl Was {
    pub(super) fn new(found: &Found, hash: Hash) -> Self {
        let Found { kind, mode, inode, size, modified, changed, .. } = *found;
        Self { kind, mode, inode, size, modified, changed, hash }
    }

    /// Whether a file is still untouched.
    pub(super) fn has_stamp_of(&self, found: &Found) -> bool {
        self.kind == found.kind
            && self.mode == found.mode
            && self.inode == found.inode
            && self.size == found.size
            && self.modified == found.modified
            && self.changed == found.changed
    }
}

impl Base {
    /// Reads it; one that is not there is empty.
    pub(super) fn read(record: &OwnedFd) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = match openat(record, NAME, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Ok(Self::default()),
            other => std::fs::File::from(other?),
        };
        let mut bytes = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut bytes)?;
        let Some(rest) = bytes.strip_prefix(HEAD) else {
            return Err(io::Error::other(
                "its record was written by another version of jailgen; apply or drop the stage with that one",
            ));
        };
        let known = rest.split(|byte| *byte == 0).filter(|line| !line.is_empty()).map(parse);
        let known = known.collect::<Option<_>>();
        let known =
            known.ok_or_else(|| io::Error::other("its record of the project is damaged"))?;
        Ok(Self { known, is_there: true })
    }

    /// Writes it whole or not at all.
    pub(super) fn write(&self, record: &OwnedFd) -> io::Result<()> {
        super::journal::remove(record, FRESH)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(record, FRESH, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = io::BufWriter::new(std::fs::File::from(file));
        file.write_all(HEAD)?;
        for (path, was) in &self.known {
            file.write_all(head(was).as_bytes())?;
            file.write_all(path)?;
            file.write_all(b"\0")?;
        }
        file.flush()?;
        Ok(renameat(record, FRESH, record, NAME)?)
    }

    /// What was applied is no longer in the stage: what the project has now is what the next jail
    /// begins with.
    pub(super) fn learn<'a>(&mut self, paths: impl Iterator<Item = &'a (Vec<u8>, Option<Found>)>) {
        for (path, now) in paths {
            match now {
                Some(now) => self.known.insert(path.clone(), Was::new(now, Hash::Unread)),
                None => self.known.remove(path),
            };
        }
    }
}

/// Notes that a jail begins: whether it is the first.
pub(super) fn begin(record: &OwnedFd) -> io::Result<bool> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    match openat(record, BEGUN, flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::EXIST) => Ok(false),
        other => Ok(other.map(|_| true)?),
    }
}

fn head(was: &Was) -> String {
    let Was { kind, mode, inode, size, modified, changed, hash } = was;
    let kind = match kind {
        Kind::File => 'f',
        Kind::Folder => 'd',
        Kind::Link => 'l',
        Kind::Whiteout | Kind::Special(_) => 's',
    };
    let hash = match hash {
        Hash::Is(hash) => hash,
        Hash::Unread => "-",
        Hash::Unsure => "?",
    };
    let ((modified, m), (changed, c)) = (modified, changed);
    format!("{kind} {mode:o} {inode} {size} {modified}.{m} {changed}.{c} {hash} ")
}

fn parse(line: &[u8]) -> Option<(Vec<u8>, Was)> {
    let mut parts = line.splitn(8, |byte| *byte == b' ');
    let mut next = || parts.next();
    let text = |part: Option<&[u8]>| std::str::from_utf8(part?).ok().map(str::to_owned);
    let kind = match next()? {
        b"f" => Kind::File,
        b"d" => Kind::Folder,
        b"l" => Kind::Link,
        b"s" => Kind::Special("something else"),
        _ => return None,
    };
    let mode = u32::from_str_radix(&text(next())?, 8).ok()?;
    let inode = text(next())?.parse().ok()?;
    let size = text(next())?.parse().ok()?;
    let modified = time(&text(next())?)?;
    let changed = time(&text(next())?)?;
    let hash = match text(next())?.as_str() {
        "-" => Hash::Unread,
        "?" => Hash::Unsure,
        hash => Hash::Is(hash.into()),
    };
    Some((next()?.to_vec(), Was { kind, mode, inode, size, modified, changed, hash }))
}

fn time(text: &str) -> Option<Time> {
    let (seconds, nanoseconds) = text.split_once('.')?;
    Some((seconds.parse().ok()?, nanoseconds.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let record = super::super::open(folder.path()).unwrap();
        assert!(!Base::read(&record).unwrap().is_there);
        let was = |kind, hash| Was {
            kind,
            mode: 0o644,
            inode: 7,
            size: 9,
            modified: (-3, 5),
            changed: (1, 999_999_999),
            hash,
        };
        let mut base = Base::default();
        base.known.insert(b"a b\n\xff".to_vec(), was(Kind::File, Hash::Is("ab".into())));
        base.known.insert(b"d".to_vec(), was(Kind::Folder, Hash::Unread));
        base.known.insert(b"l".to_vec(), was(Kind::Link, Hash::Unsure));
        base.write(&record).unwrap();
        let read = Base::read(&record).unwrap();
        assert!(read.is_there);
        assert_eq!(read.known, base.known);
        std::fs::write(folder.path().join(NAME), "jailgen-stage-base 9\n").unwrap();
        assert!(Base::read(&record).is_err());
    }
}
