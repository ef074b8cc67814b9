//! Which contents of protected paths are not the session's: what was there when the jail was
//! started, what the repository had, what was approved, and what the user has brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use rustix::fs::FileType;

use super::had::Objects;
use crate::handoff::content::{Form, Part, hash, parts};
use crate::handoff::held::HELD_MAX;
use crate::handoff::place::{Data, Links, Place, target};
use crate::handoff::store::Store;

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    File(Vec<u8>),
    /// Where a link leads.
    Link(Vec<u8>),
    /// A socket, a pipe or a device.
    Special,
    /// More than can be moved aside.
    Large,
}

impl Content {
    /// Reads what stands there.
    pub(super) fn read(place: &Place, path: &[u8], found: Data) -> io::Result<Self> {
        match found.kind {
            FileType::RegularFile => {
                let (_, bytes) = place.read(path, HELD_MAX, Links::Refused)?;
                Ok(bytes.map_or(Self::Large, Self::File))
            }
            FileType::Symlink => {
                let (folder, name) = place.parent(path)?;
                Ok(Self::Link(target(&folder, name)?))
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Directory
            | FileType::Unknown => Ok(Self::Special),
        }
    }

    /// What it is known by.
    pub(super) fn id(&self) -> Option<String> {
        match self {
            Self::File(bytes) => Some(format!("file {}", hash(bytes))),
            Self::Link(bytes) => Some(format!("link {}", hash(bytes))),
            Self::Special | Self::Large => None,
        }
    }

    /// What git keeps of it.
    fn blob(&self) -> Option<&[u8]> {
        match self {
            Self::File(bytes) | Self::Link(bytes) => Some(bytes),
            Self::Special | Self::Large => None,
        }
    }
}

/// So much of what was there is kept to be put back.
const ORIGINALS_MAX: usize = 16 << 20;

/// What is known.
pub(super) struct Known {
    objects: Objects,
    /// By path and content.
    there: BTreeSet<(Vec<u8>, String)>,
    /// Files that were there, with their modes, as far as they are small: they are put back in the
    /// place of what is moved aside.
    originals: BTreeMap<Vec<u8>, (u32, Vec<u8>)>,
    room: usize,
    /// What this process has moved aside, by path and content, and the name that it is held by.
    moved: BTreeMap<(Vec<u8>, String), String>,
}

impl Known {
    pub(super) fn new(objects: Objects) -> Self {
        Self {
            objects,
            there: BTreeSet::new(),
            originals: BTreeMap::new(),
            room: ORIGINALS_MAX,
            moved: BTreeMap::new(),
        }
    }

    /// It was there when the jail was started.
    pub(super) fn add(&mut self, path: &[u8], mode: u32, content: Content) {
        self.add_masked(path, &content);
        if let Content::File(bytes) = content
            && let Some(room) = self.room.checked_sub(bytes.len())
        {
            self.room = room;
            self.originals.insert(path.to_vec(), (mode, bytes));
        }
    }

    /// The same for what is masked, of which no copy is kept: a jail that renames the folder of the
    /// file would get it back where no mount lies over it.
    pub(super) fn add_masked(&mut self, path: &[u8], content: &Content) {
        self.there.extend(content.id().map(|id| (path.to_vec(), id)));
    }

    /// What was there when the jail was started, and its mode.
    pub(super) fn original(&self, path: &[u8]) -> Option<(u32, &[u8])> {
        self.originals.get(path).map(|(mode, bytes)| (*mode, bytes.as_slice()))
    }

    /// Whether something was there when the jail was started.
    pub(super) fn was_there(&self, path: &[u8]) -> bool {
        let first = (path.to_vec(), String::new());
        self.there.range(first..).next().is_some_and(|(known, _)| known == path)
    }

    /// What was there at a path and below it.
    pub(super) fn below(&self, path: &[u8]) -> Vec<Vec<u8>> {
        let from = (path.to_vec(), String::new());
        let all = self.there.range(from..).map(|(known, _)| known);
        let is_below = |known: &&Vec<u8>| {
            known.strip_prefix(path).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')))
        };
        // Names such as `a-b` stand between `a` and `a/b`.
        let mut all: Vec<_> =
            all.take_while(|known| known.starts_with(path)).filter(is_below).cloned().collect();
        all.dedup();
        all
    }

    /// Whether the repository had this content.
    pub(super) fn is_in_git(&self, place: &Place, content: &Content) -> bool {
        match content.blob() {
            // Git makes a file and then writes it. Nothing is executed of one in which nothing is.
            Some(b"") => true,
            Some(blob) => self.objects.had(place, blob),
            None => false,
        }
    }

    /// Whether it has what was at this path when the jail was started.
    pub(super) fn has_original_in_git(&self, place: &Place, path: &[u8]) -> bool {
        self.original(path).is_some_and(|(_, bytes)| self.objects.had(place, bytes))
    }

    /// It was moved aside.
    pub(super) fn moved(&mut self, path: &[u8], content: &Content, held: String) {
        self.moved.extend(content.id().map(|id| ((path.to_vec(), id), held)));
    }

    /// Whether the content was at this path when the jail was started, or was brought back.
    pub(super) fn has_id(&self, store: &Store, path: &[u8], id: &str) -> bool {
        let key = (path.to_vec(), id.to_owned());
        // Only the user takes it out of there, and puts it back.
        let is_back = |held: &String| !store.has(&format!("held/{held}"));
        self.there.contains(&key) || self.moved.get(&key).is_some_and(is_back)
    }

    /// Whether the user has approved this content. The record is read each time: it may have
    /// changed, and this is rare.
    pub(super) fn is_approved(
        &self,
        store: &Store,
        path: &[u8],
        content: &Content,
    ) -> io::Result<bool> {
        let Content::File(bytes) = content else { return Ok(false) };
        let Some(approved) = store.known("approved")? else { return Ok(false) };
        let is = |form| {
            let parts = parts(form, bytes);
            let is_known = |part: &Part| {
                let known = approved.0.get(&(path.to_vec(), part.name.clone()));
                known.is_some_and(|known| known.hash == part.hash)
            };
            !parts.is_empty() && parts.iter().all(is_known)
        };
        Ok(is(Form::Whole) || path.ends_with(b"package.json") && is(Form::Scripts))
    }
}
