//! What has to be done to the project so that it is what the stage shows, file by file: a three-way
//! comparison of the layer, the project and what the project was.

use std::io;

use sha2::{Digest as _, Sha256};

use super::base::{Base, Hash, Was};
use super::change::{Act, Change, applied_mode};
use super::executed::Executed;
use super::layer::{DEPTH_MAX, Layer, NAMES_MAX, Written};
use super::place::{Entry, Found, Kind, Tree, join, sorted, split};

/// What stands behind a name where both sides have changed.
pub(super) const ASIDE: &str = ".jailgen-theirs";

const CLOSED_HERE: &str = "the project's cannot be looked at";

/// What a folder of the layer has.
type Listed = Vec<(Entry, Found, Written)>;

/// The paths that are meant, as they are below the project.
pub(super) struct Scope {
    paths: Vec<Vec<u8>>,
}

impl Scope {
    pub(super) fn new(paths: Vec<Vec<u8>>) -> Self {
        Self { paths }
    }

    pub(super) fn is_all(&self) -> bool {
        self.paths.is_empty()
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = &[u8]> {
        self.paths.iter().map(Vec::as_slice)
    }

    /// Whether what is at a path is meant: it, or a folder that it lies in.
    pub(super) fn has(&self, path: &[u8]) -> bool {
        self.paths.is_empty() || self.paths.iter().any(|wanted| is_at_or_below(path, wanted))
    }

    /// Whether something below a folder may be meant.
    pub(super) fn leads_below(&self, path: &[u8]) -> bool {
        self.has(path) || self.paths.iter().any(|wanted| is_at_or_below(wanted, path))
    }
}

fn is_at_or_below(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty()
        || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

/// Compares the three.
pub(super) struct Decider<'a> {
    layer: &'a Layer,
    project: &'a Tree,
    base: &'a Base,
    scope: &'a Scope,
    /// What the user's own new files are not open for.
    umask: u32,
    changes: Vec<Change>,
    count: usize,
}

/// Where a folder of the stage is in the project.
struct Way<'p> {
    path: &'p [u8],
    to: &'p [u8],
    /// The project has no such folder, or one that was made just now.
    is_new: bool,
    depth: usize,
}

impl<'a> Decider<'a> {
    pub(super) fn new(
        layer: &'a Layer,
        project: &'a Tree,
        base: &'a Base,
        scope: &'a Scope,
        umask: u32,
    ) -> Self {
        Self { layer, project, base, scope, umask, changes: Vec::new(), count: 0 }
    }

    /// Every path that the layer has something to say about, folders before what is in them.
    pub(super) fn all<'e>(
        mut self,
        executed: impl Fn() -> &'e Executed,
    ) -> io::Result<Vec<Change>> {
        let listed = self.layer.list(b"", NAMES_MAX)?;
        self.folder(&Way { path: b"", to: b"", is_new: false, depth: 0 }, listed, false)?;
        if !self.changes.iter().any(Change::is_done) {
            return Ok(self.changes);
        }
        let executed = executed();
        for change in &mut self.changes {
            change.executed = match change.act {
                Act::New | Act::Replace | Act::Aside | Act::NewFolder | Act::Delete => executed
                    .reason(&change.to, change.ours.as_ref(), change.act, || {
                        self.layer.tree().target(&change.path).unwrap_or_default()
                    })
                    .or_else(|| executed.was_program(change)),
                _ => None,
            };
        }
        Ok(self.changes)
    }

    fn add(
        &mut self,
        path: &[u8],
        to: &[u8],
        act: Act,
        ours: Option<Found>,
        theirs: Option<Found>,
    ) {
        let (path, to) = (path.to_vec(), to.to_vec());
        let mode = |ours: &Found| applied_mode(ours, theirs.as_ref(), self.umask);
        let mode = ours.as_ref().map_or(0, mode);
        let (executed, from) = (None, None);
        self.changes.push(Change { path, to, act, ours, theirs, mode, executed, from });
    }

    fn counted(&mut self, more: usize) -> io::Result<()> {
        self.count += more;
        if self.count > NAMES_MAX {
            return Err(io::Error::other(format!("it has more than {NAMES_MAX} files")));
        }
        Ok(())
    }

    /// What the layer has in a folder. What of the project shows through an opaque one is gone.
    fn folder(&mut self, way: &Way<'_>, listed: Listed, is_opaque: bool) -> io::Result<()> {
        if way.depth > DEPTH_MAX {
            self.add(way.path, way.to, Act::Refused("it is too deep"), None, None);
            return Ok(());
        }
        self.counted(listed.len())?;
        if is_opaque && !way.is_new {
            let theirs = match self.project.folder(way.to).map_err(io::Error::from) {
                Ok(folder) => sorted(&folder, NAMES_MAX),
                Err(error) => Err(error),
            };
            let Ok(theirs) = theirs else {
                self.add(way.path, way.to, Act::Refused(CLOSED_HERE), None, None);
                return Ok(());
            };
            self.counted(theirs.len())?;
            for entry in theirs {
                // Both are in order.
                let name = entry.name.as_slice();
                if listed.binary_search_by(|(ours, ..)| ours.name.as_slice().cmp(name)).is_err() {
                    let (path, to) = (join(way.path, &entry.name), join(way.to, &entry.name));
                    self.gone(&path, &to, way.depth + 1)?;
                }
            }
        }
        for (entry, found, written) in listed {
            let (path, to) = (join(way.path, &entry.name), join(way.to, &entry.name));
            if !self.scope.leads_below(&path) {
                continue;
            }
            if is_git(&entry.name) {
                let count = self.below(&path, way.depth);
                self.add(&path, &to, Act::Git(count), Some(found), None);
                continue;
            }
            let theirs = if way.is_new { Ok(None) } else { self.project.found(&to) };
            let Ok(theirs) = theirs else {
                self.add(&path, &to, Act::Refused(CLOSED_HERE), Some(found), None);
                continue;
            };
            self.one(&path, &to, found, written, theirs, way)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        path: &[u8],
        to: &[u8],
        ours: Found,
        written: Written,
        theirs: Option<Found>,
        way: &Way<'_>,
    ) -> io::Result<()> {
        let is_meant = self.scope.has(path);
        match written {
            Written::Folder { is_opaque } => {
                return self.ours_is_folder(path, to, ours, theirs, is_opaque, way.depth + 1);
            }
            _ if !is_meant => {}
            Written::Gone if way.is_new => self.add(path, to, Act::Same, None, None),
            Written::Gone => drop(self.gone(path, to, way.depth + 1)?),
            Written::Dropped(what) => self.add(path, to, Act::Dropped(what), Some(ours), theirs),
            Written::Refused(why) => self.add(path, to, Act::Refused(why), Some(ours), theirs),
            Written::File | Written::Link => self.ours_is_file(path, to, ours, theirs, way)?,
        }
        Ok(())
    }

    fn ours_is_file(
        &mut self,
        path: &[u8],
        to: &[u8],
        ours: Found,
        theirs: Option<Found>,
        way: &Way<'_>,
    ) -> io::Result<()> {
        let act = match &theirs {
            // It was there, and somebody has removed it meanwhile.
            None if !way.is_new && self.base.known.contains_key(path) => Act::Aside,
            None => Act::New,
            Some(theirs) if self.is_same(path, to, &ours, theirs) => Act::Same,
            Some(theirs) if theirs.kind == Kind::Folder => {
                let before = self.changes.len();
                if self.gone(path, to, way.depth + 1)? {
                    self.add(path, to, Act::New, Some(ours), None);
                    return Ok(());
                }
                self.changes.truncate(before);
                Act::Aside
            }
            Some(theirs) if self.is_untouched(path, to, theirs) => Act::Replace,
            Some(_) => Act::Aside,
        };
        match act {
            Act::Aside => self.aside(path, to, ours),
            act => self.add(path, to, act, Some(ours), theirs),
        }
        Ok(())
    }

    fn aside(&mut self, path: &[u8], to: &[u8], ours: Found) {
        match self.free_name(to) {
            Some(to) => self.add(path, &to, Act::Aside, Some(ours), None),
            None => {
                let why = "both sides have changed it, and its name is too long to be put aside";
                self.add(path, to, Act::Refused(why), Some(ours), None);
            }
        }
    }

    /// A name next to one that is taken, that nothing has.
    fn free_name(&self, to: &[u8]) -> Option<Vec<u8>> {
        let fits = |path: &Vec<u8>| split(path).1.len() <= 255;
        let names = (0..100).map(|number| match number {
            0 => [to, ASIDE.as_bytes()].concat(),
            number => [to, format!("{ASIDE}.{number}").as_bytes()].concat(),
        });
        let is_free = |path: &Vec<u8>| {
            matches!(self.project.found(path), Ok(None))
                && matches!(self.layer.tree().found(path), Ok(None))
                && !self.changes.iter().rev().take(200).any(|change| change.to == *path)
        };
        names.take_while(fits).find(is_free)
    }

    fn ours_is_folder(
        &mut self,
        path: &[u8],
        to: &[u8],
        ours: Found,
        theirs: Option<Found>,
        is_opaque: bool,
        depth: usize,
    ) -> io::Result<()> {
        let is_meant = self.scope.has(path);
        // A jail can take from itself the right to look into it.
        let Ok(listed) = self.layer.list(path, NAMES_MAX) else {
            let why = "what is in it cannot be looked at; `chmod u+rwx` in a jail, or drop it";
            self.add(path, to, Act::Refused(why), Some(ours), theirs);
            return Ok(());
        };
        match theirs {
            None => {
                self.add(path, to, Act::NewFolder, Some(ours), None);
                self.folder(&Way { path, to, is_new: true, depth }, listed, is_opaque)
            }
            Some(theirs) if theirs.kind == Kind::Folder => {
                let was = self.base.known.get(path);
                let is_changed = |bits: u32| bits != theirs.mode & 0o777;
                let is_own = was.is_none_or(|was| !is_changed(was.mode & 0o777));
                if is_meant && is_changed(applied_mode(&ours, Some(&theirs), self.umask)) && is_own
                {
                    self.add(path, to, Act::Mode, Some(ours), Some(theirs));
                } else {
                    self.add(path, to, Act::Same, Some(ours), Some(theirs));
                }
                // Of what is no longer there only what is meant is removed.
                self.folder(&Way { path, to, is_new: false, depth }, listed, is_opaque)
            }
            Some(_) if !is_meant => Ok(()),
            Some(theirs) if self.is_untouched(path, to, &theirs) => {
                self.add(path, to, Act::Delete, None, Some(theirs));
                self.add(path, to, Act::NewFolder, Some(ours), None);
                self.folder(&Way { path, to, is_new: true, depth }, listed, is_opaque)
            }
            Some(_) => {
                let Some(to) = self.free_name(to) else {
                    let why =
                        "both sides have changed it, and its name is too long to be put aside";
                    self.add(path, to, Act::Refused(why), Some(ours), None);
                    return Ok(());
                };
                self.add(path, &to, Act::NewFolder, Some(ours), None);
                self.folder(&Way { path, to: &to, is_new: true, depth }, listed, is_opaque)
            }
        }
    }

    /// The stage has nothing here: whether nothing of the project has to stay.
    fn gone(&mut self, path: &[u8], to: &[u8], depth: usize) -> io::Result<bool> {
        if !self.scope.has(path) {
            return Ok(false);
        }
        let theirs = match self.project.found(to) {
            Ok(Some(theirs)) => theirs,
            Ok(None) => {
                self.add(path, to, Act::Same, None, None);
                return Ok(true);
            }
            Err(_) => {
                self.add(path, to, Act::Refused(CLOSED_HERE), None, None);
                return Ok(false);
            }
        };
        if is_git(split(path).1) {
            self.add(path, to, Act::Git(1), None, Some(theirs));
            return Ok(false);
        }
        if theirs.kind != Kind::Folder {
            let is_untouched = self.is_untouched(path, to, &theirs);
            let act = if is_untouched { Act::Delete } else { Act::Kept };
            self.add(path, to, act, None, Some(theirs));
            return Ok(is_untouched);
        }
        if depth > DEPTH_MAX {
            self.add(path, to, Act::Refused("it is too deep"), None, Some(theirs));
            return Ok(false);
        }
        let Ok(folder) = self.project.folder(to) else {
            self.add(path, to, Act::Refused("it cannot be opened"), None, Some(theirs));
            return Ok(false);
        };
        let Ok(entries) = sorted(&folder, NAMES_MAX) else {
            self.add(path, to, Act::Refused("it cannot be listed"), None, Some(theirs));
            return Ok(false);
        };
        self.counted(entries.len())?;
        let mut is_all = true;
        for entry in entries {
            is_all &= self.gone(&join(path, &entry.name), &join(to, &entry.name), depth + 1)?;
        }
        if is_all {
            self.add(path, to, Act::DeleteFolder, None, Some(theirs));
        }
        Ok(is_all)
    }

    /// How many files a folder of git's has.
    fn below(&self, path: &[u8], depth: usize) -> usize {
        if depth > DEPTH_MAX {
            return 0;
        }
        let Ok(listed) = self.layer.list(path, NAMES_MAX) else { return 1 };
        let files = listed.iter().map(|(entry, _, written)| match written {
            Written::Folder { .. } => self.below(&join(path, &entry.name), depth + 1),
            _ => 1,
        });
        files.sum()
    }

    /// Whether the project's is still what the jail began with.
    fn is_untouched(&self, path: &[u8], to: &[u8], theirs: &Found) -> bool {
        let Some(was) = self.base.known.get(path) else { return false };
        if was.hash == Hash::Unsure || was.kind != theirs.kind {
            return false;
        }
        if was.has_stamp_of(theirs) {
            return true;
        }
        // It may have been written anew with the same content.
        let has_size = was.kind == Kind::Link || was.mode == theirs.mode && was.size == theirs.size;
        let Hash::Is(hash) = &was.hash else { return false };
        has_size && content(self.project, to, was).is_some_and(|content| content == *hash)
    }

    /// Whether the project has already what the stage has.
    fn is_same(&self, path: &[u8], to: &[u8], ours: &Found, theirs: &Found) -> bool {
        match (ours.kind, theirs.kind) {
            (Kind::Link, Kind::Link) => {
                let ours = self.layer.tree().target(path);
                ours.is_ok_and(|ours| self.project.target(to).is_ok_and(|theirs| theirs == ours))
            }
            (Kind::File, Kind::File) => {
                ours.size == theirs.size
                    && applied_mode(ours, Some(theirs), self.umask) == theirs.mode & 0o777
                    && is_equal(self.layer.tree(), path, self.project, to).unwrap_or(false)
            }
            (_, _) => false,
        }
    }
}

/// Git's own folder, or a file that leads to it, in a file system that knows no case, too.
pub(super) fn is_git(name: &[u8]) -> bool {
    crate::handoff::names::fold(name) == ".git"
}

/// The hash of what is there, of the kind that was.
fn content(project: &Tree, to: &[u8], was: &Was) -> Option<String> {
    match was.kind {
        Kind::File => project.text(to).ok()?.map(|bytes| hash(&bytes)),
        Kind::Link => project.target(to).ok().map(|target| hash(&target)),
        Kind::Folder | Kind::Whiteout | Kind::Special(_) => None,
    }
}

pub(super) fn hash(bytes: &[u8]) -> String {
    crate::handoff::content::hash(bytes)
}

/// Whether two files hold the same.
pub(super) fn is_equal(one: &Tree, path: &[u8], other: &Tree, to: &[u8]) -> io::Result<bool> {
    use std::io::Read as _;
    let mut one = std::fs::File::from(one.file(path)?);
    let mut other = std::fs::File::from(other.file(to)?);
    let (mut ours, mut theirs) = (vec![0; 64 << 10], vec![0; 64 << 10]);
    loop {
        let count = one.read(&mut ours)?;
        let Some(wanted) = theirs.get_mut(..count) else { return Ok(false) };
        if count == 0 {
            return Ok(other.read(&mut theirs)? == 0);
        }
        if other.read_exact(wanted).is_err() || ours.get(..count) != theirs.get(..count) {
            return Ok(false);
        }
    }
}

/// Of a folder neither size nor times: what is in it is looked at by itself.
fn in_digest(found: &Found) -> Found {
    let nothing = (0, 0);
    match found.kind {
        Kind::Folder => Found { size: 0, modified: nothing, changed: nothing, ..found.clone() },
        Kind::File | Kind::Link | Kind::Whiteout | Kind::Special(_) => found.clone(),
    }
}

/// What all of this comes to: it changes when anything of it does.
pub(super) fn digest(changes: &[Change], further: &str) -> String {
    let mut all = Sha256::new();
    all.update(further.len().to_le_bytes());
    all.update(further);
    for change in changes {
        let Change { path, to, act, ours, theirs, mode: _, executed, from: _ } = change;
        let [ours, theirs] = [ours, theirs].map(|side| side.as_ref().map(in_digest));
        let what = format!("{act:?} {ours:?} {theirs:?} {}", executed.is_some());
        for part in [path.as_slice(), to, what.as_bytes()] {
            all.update(part.len().to_le_bytes());
            all.update(part);
        }
    }
    let mut text = String::new();
    for byte in all.finalize() {
        use std::fmt::Write as _;
        let _ = write!(text, "{byte:02x}");
    }
    text
}
