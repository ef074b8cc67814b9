//! The references of the project, and what the layer says about them. A reference is a file, a line
//! of `packed-refs`, or both, of which the file counts (gitrepository-layout(5)).
//!
//! Of the layer it counts what it says itself. What shows through is the project's; and its
//! `packed-refs`, once written, hides what the project writes there later.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};

use super::super::layer::{Layer, Written};
use super::super::place::{Kind, Time, Tree, entries, folders_above, found, join};
use super::id::Id;
use super::refname::BRANCHES;

/// More are not read of one side.
const REFERENCES_MAX: usize = 200_000;
const DEPTH_MAX: usize = 40;
pub(super) const PACKED_MAX: u64 = 64 << 20;
/// A reference in a file of its own, or `HEAD`.
const FILE_MAX: u64 = 4096;

/// What a reference says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Is(Id),
    /// It leads to another one.
    Symbolic(Vec<u8>),
    Unreadable,
}

impl Value {
    /// The object that it names itself.
    pub(super) fn id(&self) -> Option<Id> {
        match self {
            Self::Is(id) => Some(*id),
            Self::Symbolic(_) | Self::Unreadable => None,
        }
    }
}

/// What `packed-refs` says.
type Packed = BTreeMap<Vec<u8>, Id>;

/// The references of the project, with when each was written.
#[derive(Default)]
pub(super) struct Refs {
    pub(super) loose: BTreeMap<Vec<u8>, (Value, Time)>,
    pub(super) packed: Packed,
    pub(super) packed_at: Time,
    pub(super) head: Option<(Value, Time)>,
}

impl Refs {
    pub(super) fn read(project: &Tree, path: &[u8], length: usize) -> io::Result<Self> {
        let mut refs = Self::default();
        if let Some((packed, at)) = packed_file(project, path, length)? {
            (refs.packed, refs.packed_at) = (packed, at);
        }
        refs.head = read(project, &join(path, b"HEAD"), FILE_MAX)?
            .map(|(text, at)| (value(&text, length), at));
        let mut queue = vec![(b"refs".to_vec(), 0)];
        let mut count = 0;
        while let Some((folder, depth)) = queue.pop() {
            let opened = project.folder(&join(path, &folder)).map_err(io::Error::from)?;
            let (listed, is_all) = entries(&opened, REFERENCES_MAX - count)?;
            count += listed.len();
            if !is_all || depth > DEPTH_MAX {
                return Err(io::Error::other("it has too many references"));
            }
            for entry in listed {
                let name = join(&folder, &entry.name);
                // What git itself does not look at.
                if entry.name.starts_with(b".") || entry.name.ends_with(b".lock") {
                    continue;
                }
                match found(&opened, &entry.name)?.map(|found| found.kind) {
                    Some(Kind::Folder) => queue.push((name, depth + 1)),
                    Some(Kind::File) => {
                        if let Some((text, at)) = read(project, &join(path, &name), FILE_MAX)? {
                            refs.loose.insert(name, (value(&text, length), at));
                        }
                    }
                    Some(_) => {
                        refs.loose.insert(name, (Value::Unreadable, (i64::MAX, 0)));
                    }
                    None => {}
                }
            }
        }
        Ok(refs)
    }

    pub(super) fn packed_of(
        project: &Tree,
        path: &[u8],
        length: usize,
    ) -> io::Result<BTreeMap<Vec<u8>, Id>> {
        Ok(packed_file(project, path, length)?.map(|(packed, _)| packed).unwrap_or_default())
    }

    pub(super) fn value(&self, name: &[u8]) -> Option<Value> {
        let loose = self.loose.get(name).map(|(value, _)| value.clone());
        loose.or_else(|| self.packed.get(name).map(|id| Value::Is(*id)))
    }

    /// The object that a reference names itself.
    pub(super) fn id(&self, name: &[u8]) -> Option<Id> {
        self.value(name)?.id()
    }

    /// When what it says was written.
    pub(super) fn written(&self, name: &[u8]) -> Time {
        self.loose.get(name).map_or(self.packed_at, |(_, at)| *at)
    }

    pub(super) fn names(&self) -> BTreeSet<&[u8]> {
        self.loose.keys().chain(self.packed.keys()).map(Vec::as_slice).collect()
    }

    /// The branches that name an object.
    pub(super) fn branches(&self) -> impl Iterator<Item = (Vec<u8>, Id)> {
        let names = self.names().into_iter().filter(|name| name.starts_with(BRANCHES));
        names.filter_map(|name| Some((name.to_vec(), self.id(name)?)))
    }

    /// All objects that are named.
    pub(super) fn tips(&self) -> impl Iterator<Item = Id> {
        let loose = self.loose.values().chain(&self.head).filter_map(|(value, _)| value.id());
        loose.chain(self.packed.values().copied())
    }
}

/// What the layer says.
#[derive(Default)]
pub(super) struct Statements {
    pub(super) loose: BTreeMap<Vec<u8>, Value>,
    /// What is gone, files and folders.
    gone: BTreeSet<Vec<u8>>,
    /// Its own `packed-refs`, if it has one, or has removed it.
    pub(super) packed: Option<Packed>,
    pub(super) head: Option<Value>,
}

impl Statements {
    /// # Errors
    /// The layer has the repository in a form that is not applied; the text says so.
    pub(super) fn read(layer: &Layer, path: &[u8], length: usize) -> io::Result<Self> {
        let mut all = Self::default();
        let tree = layer.tree();
        match over(layer, path)? {
            Over::Nothing => return Ok(all),
            Over::Whole => return Err(io::Error::other("the jail has made the repository anew")),
            Over::Parts => {}
        }
        for (entry, _, written) in layer.list(path, REFERENCES_MAX)? {
            match (entry.name.as_slice(), written) {
                (b"reftable", Written::Folder { .. }) => {
                    let why = "the jail keeps references in the format `reftable`, which is not supported";
                    return Err(io::Error::other(why));
                }
                (b"packed-refs", Written::Gone) => all.packed = Some(BTreeMap::new()),
                (b"packed-refs", Written::File) => {
                    let packed = packed_file(tree, path, length)?.map(|(packed, _)| packed);
                    all.packed = Some(packed.ok_or_else(unreadable)?);
                }
                (b"HEAD", Written::File) => {
                    let text = read(tree, &join(path, b"HEAD"), FILE_MAX)?;
                    all.head =
                        Some(text.map_or(Value::Unreadable, |(text, _)| value(&text, length)));
                }
                (b"packed-refs" | b"HEAD", _) => {
                    return Err(io::Error::other("what stands in it is no repository of git"));
                }
                (b"refs", Written::Folder { is_opaque: false }) => {
                    all.folders(layer, path, length)?;
                }
                (b"refs", _) => {
                    return Err(io::Error::other("the jail has made its references anew"));
                }
                (_, _) => {}
            }
        }
        Ok(all)
    }

    fn folders(&mut self, layer: &Layer, path: &[u8], length: usize) -> io::Result<()> {
        let mut queue = vec![(b"refs".to_vec(), 0)];
        let mut count = 0;
        while let Some((folder, depth)) = queue.pop() {
            let listed = layer.list(&join(path, &folder), REFERENCES_MAX - count)?;
            count += listed.len();
            if depth > DEPTH_MAX {
                return Err(io::Error::other("it has too many references"));
            }
            for (entry, _, written) in listed {
                let name = join(&folder, &entry.name);
                if entry.name.starts_with(b".") || entry.name.ends_with(b".lock") {
                    continue;
                }
                match written {
                    Written::Gone => drop(self.gone.insert(name)),
                    Written::Folder { is_opaque } => {
                        if is_opaque {
                            self.gone.insert(name.clone());
                        }
                        queue.push((name, depth + 1));
                    }
                    Written::File => {
                        let text = read(layer.tree(), &join(path, &name), FILE_MAX)?;
                        let value =
                            text.map_or(Value::Unreadable, |(text, _)| value(&text, length));
                        // In the place of a folder, it hides what was in there.
                        self.gone.insert(name.clone());
                        self.loose.insert(name, value);
                    }
                    Written::Link | Written::Dropped(_) | Written::Refused(_) => {
                        self.gone.insert(name.clone());
                        self.loose.insert(name, Value::Unreadable);
                    }
                }
            }
        }
        Ok(())
    }

    /// Whether the layer hides the file that the project has for a reference.
    pub(super) fn hides(&self, name: &[u8]) -> bool {
        folders_above(name).chain([name]).any(|above| self.gone.contains(above))
    }

    /// What a jail sees as a reference.
    pub(super) fn seen(&self, refs: &Refs, name: &[u8]) -> Option<Value> {
        let loose = self.loose.get(name).cloned().or_else(|| {
            let theirs = refs.loose.get(name).filter(|_| !self.hides(name));
            theirs.map(|(value, _)| value.clone())
        });
        let packed = self.packed.as_ref().unwrap_or(&refs.packed);
        loose.or_else(|| packed.get(name).map(|id| Value::Is(*id)))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &[u8]> {
        let packed = self.packed.iter().flat_map(BTreeMap::keys);
        self.loose.keys().chain(packed).chain(&self.gone).map(Vec::as_slice)
    }
}

/// What the layer has over the project's repository.
enum Over {
    Nothing,
    Parts,
    /// It hides all of it.
    Whole,
}

fn over(layer: &Layer, path: &[u8]) -> io::Result<Over> {
    for folder in folders_above(path).chain([path]) {
        match layer.tree().found(folder)?.map(|found| found.kind) {
            Some(Kind::Folder)
                if layer.folder(folder) == (Written::Folder { is_opaque: false }) => {}
            None => return Ok(Over::Nothing),
            Some(_) => return Ok(Over::Whole),
        }
    }
    Ok(Over::Parts)
}

/// The lines of `packed-refs`, and when it was written; nothing where there is none.
fn packed_file(tree: &Tree, path: &[u8], length: usize) -> io::Result<Option<(Packed, Time)>> {
    let text = read(tree, &join(path, b"packed-refs"), PACKED_MAX)?;
    let lines = |(text, at): (Vec<u8>, Time)| Some((packed(&text, length)?, at));
    text.map(|text| lines(text).ok_or_else(unreadable)).transpose()
}

fn unreadable() -> io::Error {
    io::Error::other("its `packed-refs` cannot be read")
}

/// A file, and when it was written; nothing where there is none.
pub(super) fn read(tree: &Tree, path: &[u8], most: u64) -> io::Result<Option<(Vec<u8>, Time)>> {
    let file = match tree.file(path) {
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        other => other?,
    };
    let changed = super::super::place::of_stat(&rustix::fs::fstat(&file)?).changed;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(most + 1).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(io::Error::other("a file of it is too large"));
    }
    Ok(Some((bytes, changed)))
}

/// What a reference in a file of its own says.
pub(super) fn value(text: &[u8], length: usize) -> Value {
    if let Some(target) = text.strip_prefix(b"ref:") {
        return Value::Symbolic(target.trim_ascii().to_vec());
    }
    let name = text.get(..length * 2).and_then(|text| Id::parse(text, length));
    let is_end = text.get(length * 2).is_none_or(u8::is_ascii_whitespace);
    name.filter(|_| is_end).map_or(Value::Unreadable, Value::Is)
}

/// The lines of `packed-refs`. What a tag leads to is found by its object.
fn packed(text: &[u8], length: usize) -> Option<BTreeMap<Vec<u8>, Id>> {
    let mut all = BTreeMap::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        if matches!(line.first(), Some(b'#' | b'^')) {
            continue;
        }
        let (id, rest) = line.split_at_checked(length * 2)?;
        let name = rest.strip_prefix(b" ")?;
        all.insert(name.to_vec(), Id::parse(id, length)?);
    }
    (all.len() <= REFERENCES_MAX).then_some(all)
}
