//! The objects of both sides. An object of the layer counts only if its content is what its name
//! says: the index of a pack, or the name of a file, merely says where to look. Neither side's
//! `info/alternates` is read.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::rc::Rc;

use miniz_oxide::inflate::decompress_to_vec_zlib_with_limit;
use rustix::fs::{Mode, OFlags, openat};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::super::layer::Layer;
use super::super::place::{Tree, entries, join};
use super::id::Id;
use crate::objects::packed::{self, Entry};
use crate::objects::{SHA1, index, loose};

/// More packs are not read of one side. Each is held open.
const PACKS_MAX: usize = 2000;
/// The largest object that is taken over.
pub(super) const BYTES_MAX: usize = 256 << 20;
/// What is made of all the stage's objects together, so that a small stage cannot be unpacked for
/// hours.
const MADE_MAX: u64 = 32 << 30;
/// The longest head of an object in a file of its own, and so much of the file has it.
const HEADER_MAX: usize = 32;
const HEAD_READ: u64 = 4 << 10;
/// Each step of a chain of differences counts for so much.
const STEP: u64 = 4 << 10;
const CHAIN_MAX: usize = 4_095;
/// What is held for other objects that are made of it.
const HELD_MAX: usize = 96 << 20;

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    Commit,
    Tree,
    Blob,
    Tag,
}

impl Kind {
    fn of_pack(number: u8) -> Option<Self> {
        [Self::Commit, Self::Tree, Self::Blob, Self::Tag]
            .into_iter()
            .find(|it| it.number() == number)
    }

    /// In a pack.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Commit => 1,
            Self::Tree => 2,
            Self::Blob => packed::BLOB,
            Self::Tag => 4,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Commit => "commit",
            Self::Tree => "tree",
            Self::Blob => "blob",
            Self::Tag => "tag",
        }
    }

    pub(super) fn of_word(word: &[u8]) -> Option<Self> {
        let all = [Self::Commit, Self::Tree, Self::Blob, Self::Tag];
        all.into_iter().find(|it| it.word().as_bytes() == word)
    }
}

/// Why something cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Missing(Id),
    /// What is wrong with it.
    Bad(Id, &'static str),
    TooMuch,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(id) => write!(f, "the object {} is missing", id.text()),
            Self::Bad(id, why) => write!(f, "the object {} {why}", id.text()),
            Self::TooMuch => f.write_str("its objects are more than is read"),
        }
    }
}

pub(super) type Content = Rc<Vec<u8>>;

struct Pack {
    file: OwnedFd,
    index: OwnedFd,
}

/// What others may be made of, by pack and place.
#[derive(Default)]
struct Held {
    contents: HashMap<(usize, u64), (Kind, Content)>,
    bytes: usize,
}

/// The objects of one side.
pub(super) struct Side<'a> {
    tree: &'a Tree,
    /// Where they are.
    folder: Vec<u8>,
    packs: Vec<Pack>,
    held: RefCell<Held>,
    made: Cell<u64>,
}

impl<'a> Side<'a> {
    pub(super) fn new(tree: &'a Tree, repository: &[u8]) -> io::Result<Self> {
        let folder = join(repository, b"objects");
        let mut packs = Vec::new();
        if let Ok(opened) = tree.folder(&join(&folder, b"pack")) {
            let (listed, is_all) = entries(&opened, PACKS_MAX * 8)?;
            for entry in listed {
                let Some(stem) = entry.name.strip_suffix(b".idx") else { continue };
                let file = open(&opened, &[stem, b".pack"].concat());
                packs.extend(
                    open(&opened, &entry.name).zip(file).map(|(index, file)| Pack { file, index }),
                );
            }
            if !is_all || packs.len() > PACKS_MAX {
                return Err(io::Error::other("it has too many packs"));
            }
        }
        let (held, made) = (RefCell::default(), Cell::new(0));
        Ok(Self { tree, folder, packs, held, made })
    }

    /// Whether there is something under this name, right or wrong.
    pub(super) fn names(&self, id: &Id) -> bool {
        self.packs.iter().any(|pack| index::has(&pack.index, id.bytes()).unwrap_or(false))
            || self.tree.file(&join(&self.folder, loose(id.bytes()).as_bytes())).is_ok()
    }

    /// What the head of an object says that it is, without its content; nothing where there is
    /// none, or it cannot be read.
    pub(super) fn kind(&self, id: &Id) -> Option<Kind> {
        for pack in &self.packs {
            let find = |name: &[u8]| index::offset(&pack.index, name).ok().flatten();
            if let Some(offset) = find(id.bytes()) {
                let number = packed::kind(&pack.file, offset, id.bytes().len(), find);
                return number.and_then(Kind::of_pack);
            }
        }
        let file = self.tree.file(&join(&self.folder, loose(id.bytes()).as_bytes())).ok()?;
        let (mut bytes, mut begin) = (Vec::new(), Vec::new());
        std::fs::File::from(file).take(HEAD_READ).read_to_end(&mut bytes).ok()?;
        // It goes on behind what is read.
        match decompress_to_vec_zlib_with_limit(&bytes, HEADER_MAX) {
            Ok(whole) => begin.extend(whole),
            Err(partial) => begin.extend(partial.output),
        }
        Kind::of_word(begin.get(..begin.iter().position(|byte| *byte == b' ')?)?)
    }

    /// The object, unproved.
    fn object(&self, id: &Id) -> Result<Option<(Kind, Content)>, Fault> {
        for (number, pack) in self.packs.iter().enumerate() {
            if let Ok(Some(offset)) = index::offset(&pack.index, id.bytes())
                && let Some(found) = self.packed(number, offset, id)?
            {
                return Ok(Some(found));
            }
        }
        self.loose(id)
    }

    /// An object as its name says.
    fn proved(&self, id: &Id) -> Result<Option<(Kind, Content)>, Fault> {
        let Some((kind, content)) = self.object(id)? else { return Ok(None) };
        // To prove it again takes time again, also where the content is held.
        self.count(content.len())?;
        match name(kind, &content, id.bytes().len()) == Some(*id) {
            true => Ok(Some((kind, content))),
            false => Err(Fault::Bad(*id, "is not what its name says")),
        }
    }

    fn count(&self, bytes: usize) -> Result<(), Fault> {
        let made = self.made.get() + STEP + u64::try_from(bytes).unwrap_or(u64::MAX >> 1);
        self.made.set(made);
        if made > MADE_MAX { Err(Fault::TooMuch) } else { Ok(()) }
    }

    fn loose(&self, id: &Id) -> Result<Option<(Kind, Content)>, Fault> {
        let path = join(&self.folder, loose(id.bytes()).as_bytes());
        let most = u64::try_from(packed::compressed_most(BYTES_MAX)).unwrap_or(u64::MAX);
        let Ok(Some((bytes, _))) = super::refs::read(self.tree, &path, most) else {
            return Ok(None);
        };
        let limit = BYTES_MAX + HEADER_MAX;
        let Ok(mut whole) = decompress_to_vec_zlib_with_limit(&bytes, limit) else {
            return Err(Fault::Bad(*id, "cannot be read, or is too large"));
        };
        self.count(whole.len())?;
        let bad = Fault::Bad(*id, "cannot be read");
        let Some(end) = whole.iter().take(HEADER_MAX).position(|byte| *byte == 0) else {
            return Err(bad);
        };
        let header = whole.get(..end).unwrap_or_default();
        let space = header.iter().position(|byte| *byte == b' ').unwrap_or(end);
        let (word, size) = header.split_at(space);
        let (Some(kind), Some(size)) = (Kind::of_word(word), size.strip_prefix(b" ")) else {
            return Err(bad);
        };
        let is_size = size == (whole.len() - end - 1).to_string().as_bytes();
        whole.drain(..=end);
        if is_size { Ok(Some((kind, Rc::new(whole)))) } else { Err(bad) }
    }

    fn packed(&self, pack: usize, offset: u64, id: &Id) -> Result<Option<(Kind, Content)>, Fault> {
        let Some(it) = self.packs.get(pack) else { return Ok(None) };
        let find = |name: &[u8]| index::offset(&it.index, name).ok().flatten();
        let (mut at, mut deltas, mut size) = (offset, Vec::new(), 0);
        let (kind, mut content) = loop {
            if let Some((kind, content)) = self.held.borrow().contents.get(&(pack, at)) {
                break (*kind, content.clone());
            }
            let entry = packed::entry(&it.file, at, id.bytes().len(), BYTES_MAX, find);
            match entry {
                Some(Entry::Whole { kind, content }) => {
                    self.count(content.len())?;
                    let kind = Kind::of_pack(kind);
                    break (kind.ok_or(Fault::Bad(*id, "cannot be read"))?, Rc::new(content));
                }
                Some(Entry::Delta { base, delta }) => {
                    self.count(delta.len())?;
                    size += delta.len();
                    deltas.push((at, delta));
                    at = base;
                }
                None => return Err(Fault::Bad(*id, "cannot be read, or is too large")),
            }
            if deltas.len() > CHAIN_MAX || size > BYTES_MAX {
                return Err(Fault::Bad(*id, "is a difference of too many others"));
            }
        };
        self.hold(pack, at, kind, &content);
        while let Some((at, delta)) = deltas.pop() {
            let made = packed::apply(&content, &delta, BYTES_MAX);
            content = Rc::new(made.ok_or(Fault::Bad(*id, "cannot be read, or is too large"))?);
            self.count(content.len())?;
            self.hold(pack, at, kind, &content);
        }
        Ok(Some((kind, content)))
    }

    fn hold(&self, pack: usize, at: u64, kind: Kind, content: &Content) {
        let mut held = self.held.borrow_mut();
        if content.len() > HELD_MAX / 8 {
            return;
        }
        if held.bytes + content.len() > HELD_MAX {
            *held = Held::default();
        }
        held.bytes += content.len();
        held.contents.insert((pack, at), (kind, content.clone()));
    }
}

fn open(folder: &OwnedFd, name: &[u8]) -> Option<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, name, flags, Mode::empty()).ok()?;
    let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&file).ok()?.st_mode);
    (kind == rustix::fs::FileType::RegularFile).then_some(file)
}

/// The name of an object.
pub(super) fn name(kind: Kind, content: &[u8], length: usize) -> Option<Id> {
    let header = format!("{} {}\0", kind.word(), content.len());
    let parts = [header.as_bytes(), content];
    match length {
        SHA1 => Id::new(&parts.iter().fold(Sha1::new(), Sha1::chain_update).finalize()),
        _ => Id::new(&parts.iter().fold(Sha256::new(), Sha256::chain_update).finalize()),
    }
}

/// Both sides.
pub(super) struct Store<'a> {
    pub(super) project: Side<'a>,
    pub(super) stage: Side<'a>,
    pub(super) length: usize,
}

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Project,
    Stage,
}

impl<'a> Store<'a> {
    pub(super) fn new(
        layer: &'a Layer,
        project: &'a Tree,
        path: &[u8],
        length: usize,
    ) -> io::Result<Self> {
        let (project, stage) = (Side::new(project, path)?, Side::new(layer.tree(), path)?);
        Ok(Self { project, stage, length })
    }

    /// An object, the project's own before the stage's, which is proved.
    pub(super) fn object(&self, id: &Id) -> Result<(Of, Kind, Content), Fault> {
        if let Ok(Some((kind, content))) = self.project.object(id) {
            return Ok((Of::Project, kind, content));
        }
        match self.stage.proved(id)? {
            Some((kind, content)) => Ok((Of::Stage, kind, content)),
            None => Err(Fault::Missing(*id)),
        }
    }
}
