//! What the references of the project were when a jail began to write over them: the base of a
//! three-way comparison.
//!
//! ```text
//! jailgen-stage-references 1
//! R PATH\0                          a repository, and then for each of its references:
//! V FORM PACKED OURS VALUE NAME\0   FORM is f for a file of its own, p for one in `packed-refs`
//! ```
//! PACKED is what the project's `packed-refs` said about it, `0` for nothing, and OURS what the
//! layer's own said, `-` without such a file. VALUE is `?` where it is not known what the jail saw.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, openat, renameat};

use super::super::place::{Time, Tree};
use super::id::Id;
use super::refs::{Refs, Statements, Value};

const HEAD: &[u8] = b"jailgen-stage-references 1\n";
const NAME: &str = "references";
const FRESH: &str = "references.new";
const BYTES_MAX: u64 = 128 << 20;

/// By repository.
#[derive(Default)]
pub(in super::super) struct Known {
    repositories: BTreeMap<Vec<u8>, BTreeMap<Vec<u8>, Was>>,
}

/// What a reference was. One that is not listed was not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Was {
    pub(super) value: Value,
    pub(super) is_loose: bool,
    /// What the project's `packed-refs` said.
    pub(super) packed: Option<Id>,
    /// What the layer's own said, if it had one.
    pub(super) ours: Option<Option<Id>>,
}

/// What of the project's references can be taken for what the jail saw.
#[derive(Clone, Copy)]
pub(in super::super) struct Trust {
    /// What was written from then on can not.
    pub(in super::super) since: Option<Time>,
    /// No jail has written to the stage before.
    pub(in super::super) is_first: bool,
}

impl Known {
    pub(in super::super) fn read(record: &OwnedFd) -> io::Result<Self> {
        let record = Tree::new(record.try_clone()?);
        let Some((bytes, _)) = super::refs::read(&record, NAME.as_bytes(), BYTES_MAX)? else {
            return Ok(Self::default());
        };
        parse(&bytes).ok_or_else(|| io::Error::other("its record of references is damaged"))
    }

    /// Writes it whole or not at all.
    pub(in super::super) fn write(&self, record: &OwnedFd) -> io::Result<()> {
        super::super::journal::remove(record, FRESH)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(record, FRESH, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = io::BufWriter::new(std::fs::File::from(file));
        file.write_all(HEAD)?;
        for (path, references) in &self.repositories {
            file.write_all(&[b"R ", path.as_slice(), b"\0"].concat())?;
            for (name, was) in references {
                file.write_all(&line(name, was))?;
            }
        }
        file.flush()?;
        Ok(renameat(record, FRESH, record, NAME)?)
    }

    pub(super) fn of(&self, repository: &[u8]) -> Option<&BTreeMap<Vec<u8>, Was>> {
        self.repositories.get(repository)
    }

    /// Learns what the project has: where the stage shows the same, that is the new base.
    pub(super) fn learn(
        &mut self,
        repository: &[u8],
        refs: &Refs,
        statements: &Statements,
        trust: Trust,
    ) {
        let before = self.repositories.get(repository);
        let mut names = refs.names();
        names.insert(b"HEAD");
        names.extend(before.into_iter().flat_map(BTreeMap::keys).map(Vec::as_slice));
        let now = names.into_iter().filter(|name| is_recorded(name)).filter_map(|name| {
            let old = before.and_then(|before| before.get(name));
            let was = was(refs, statements, name, old, before.is_some(), trust)?;
            Some((name.to_vec(), was))
        });
        let now = now.collect();
        self.repositories.insert(repository.to_vec(), now);
    }

    /// Forgets repositories that are no longer there.
    pub(super) fn keep_only(&mut self, paths: &BTreeSet<Vec<u8>>) {
        self.repositories.retain(|path, _| paths.contains(path));
    }
}

fn was(
    refs: &Refs,
    statements: &Statements,
    name: &[u8],
    old: Option<&Was>,
    is_known: bool,
    trust: Trust,
) -> Option<Was> {
    let is_head = name == b"HEAD";
    let (theirs, at) = match (is_head, &refs.head) {
        (true, Some((value, at))) => (Some(value.clone()), *at),
        (true, None) => (None, refs.packed_at),
        (false, _) => (refs.value(name), refs.written(name)),
    };
    let seen = match is_head {
        true => statements.head.clone().or_else(|| theirs.clone()),
        false => statements.seen(refs, name),
    };
    let is_loose = is_head || refs.loose.contains_key(name);
    let packed = refs.packed.get(name).copied();
    let ours = statements.packed.as_ref().map(|packed| packed.get(name).copied());
    if theirs != seen && (is_known || !trust.is_first) {
        let unknown = Was { value: Value::Unreadable, is_loose, packed, ours };
        return if is_known { old.cloned() } else { theirs.map(|_| unknown) };
    }
    let value = theirs?;
    let is_late = trust.since.is_some_and(|since| at >= since);
    match old {
        Some(old) if is_late && old.value == value => Some(old.clone()),
        _ if is_late => Some(Was { value: Value::Unreadable, is_loose, packed, ours }),
        _ => Some(Was { value, is_loose, packed, ours }),
    }
}

/// Whether a name fits into the record. Git gives references no other ones.
fn is_recorded(name: &[u8]) -> bool {
    !name.iter().any(|byte| *byte <= b' ')
}

fn line(name: &[u8], was: &Was) -> Vec<u8> {
    let form = if was.is_loose { "f" } else { "p" };
    let packed = was.packed.map_or_else(|| "0".to_owned(), |id| id.text());
    let ours = match was.ours {
        None => "-".to_owned(),
        Some(None) => "0".to_owned(),
        Some(Some(id)) => id.text(),
    };
    let value = match &was.value {
        Value::Is(id) => id.text().into_bytes(),
        Value::Symbolic(target) if is_recorded(target) => [b"@", target.as_slice()].concat(),
        Value::Symbolic(_) | Value::Unreadable => b"?".to_vec(),
    };
    [format!("V {form} {packed} {ours} ").as_bytes(), &value, b" ", name, b"\0"].concat()
}

fn parse(bytes: &[u8]) -> Option<Known> {
    let mut known = Known::default();
    let mut repository = None;
    let rest = bytes.strip_prefix(HEAD)?;
    for line in rest.split(|byte| *byte == 0).filter(|line| !line.is_empty()) {
        if let Some(path) = line.strip_prefix(b"R ") {
            repository = Some(known.repositories.entry(path.to_vec()).or_default());
            continue;
        }
        let mut parts = line.strip_prefix(b"V ")?.splitn(5, |byte| *byte == b' ');
        let is_loose = parts.next()? == b"f";
        let packed = match parts.next()? {
            b"0" => None,
            id => Some(Id::parse(id, id.len() / 2)?),
        };
        let ours = match parts.next()? {
            b"-" => None,
            b"0" => Some(None),
            id => Some(Some(Id::parse(id, id.len() / 2)?)),
        };
        let value = match parts.next()? {
            b"?" => Value::Unreadable,
            [b'@', target @ ..] => Value::Symbolic(target.to_vec()),
            id => Value::Is(Id::parse(id, id.len() / 2)?),
        };
        let was = Was { value, is_loose, packed, ours };
        repository.as_mut()?.insert(parts.next()?.to_vec(), was);
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let record = super::super::super::open(folder.path()).unwrap();
        assert!(Known::read(&record).unwrap().repositories.is_empty());
        let id = Id::new(&[7; 20]).unwrap();
        let was = |value, is_loose, ours: Option<Option<Id>>| Was {
            value,
            is_loose,
            packed: ours.flatten(),
            ours,
        };
        let references = [
            (b"HEAD".to_vec(), was(Value::Symbolic(b"refs/heads/x".to_vec()), true, None)),
            (b"refs/heads/x".to_vec(), was(Value::Is(id), true, Some(None))),
            (b"refs/heads/y".to_vec(), was(Value::Unreadable, false, Some(Some(id)))),
        ];
        let known = Known { repositories: [(b"a b/.git".to_vec(), references.into())].into() };
        known.write(&record).unwrap();
        assert_eq!(Known::read(&record).unwrap().repositories, known.repositories);
        std::fs::write(folder.path().join(NAME), "jailgen-stage-references 2\n").unwrap();
        assert!(Known::read(&record).is_err());
    }
}
