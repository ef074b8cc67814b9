//! Which objects a reference of the stage needs that the project has not. Everything that is taken
//! over leads only to what is there: a walk ends at what the project's own references reach, and
//! what is missing on both sides stops it.

use std::collections::{BinaryHeap, HashMap, HashSet};

use super::id::Id;
use super::objects::{Fault, Kind, Of, Store};
use super::strict::{self, Commit, FOLDER, SUBMODULE};

/// More commits, or objects, are not taken over at once.
const COMMITS_MAX: usize = 1_000_000;
const OBJECTS_MAX: usize = 4_000_000;
/// The trees of so many commits are known before a walk begins. Of others each name is looked up.
const KNOWN_MAX: usize = 64;
const TAGS_MAX: usize = 50;
/// So many older commits are looked at once nothing seems to be left.
const FURTHER: usize = 256;

/// What walks have found.
pub(super) struct Walker<'a> {
    store: &'a Store<'a>,
    /// What the project's references name.
    tips: Vec<Id>,
    /// At these the project's history ends.
    shallow: HashSet<Id>,
    /// With all that they lead to they are there, or will be.
    whole: HashMap<Id, Kind>,
    /// What is to be taken over.
    pub(super) wanted: Vec<(Id, Kind)>,
}

/// What one walk has found.
#[derive(Default)]
struct Found {
    seen: HashMap<Id, Kind>,
    /// What names submodules, and is as git wants it.
    modules: HashSet<Id>,
    wanted: Vec<(Id, Kind)>,
}

pub(super) const OTHER_KIND: &str = "is not of the kind that is said";

/// Which side a commit is reached from.
const OURS: u8 = 1;
const THEIRS: u8 = 2;

impl<'a> Walker<'a> {
    pub(super) fn new(store: &'a Store<'a>, tips: Vec<Id>, shallow: HashSet<Id>) -> Self {
        Self { store, tips, shallow, whole: HashMap::new(), wanted: Vec::new() }
    }

    /// Notes all that a reference needs, and counts the commits that the project's references do
    /// not reach.
    pub(super) fn reach(&mut self, tip: Id, kind: Option<Kind>) -> Result<usize, Fault> {
        let mut found = Found::default();
        let commits = self.tip(tip, kind, &mut found)?;
        self.whole.extend(found.seen);
        self.wanted.extend(found.wanted);
        if self.wanted.len() > OBJECTS_MAX { Err(Fault::TooMuch) } else { Ok(commits) }
    }

    /// Whether it is met for the first time. What is one kind of object is not another one too.
    fn is_new(&self, id: Id, kind: Kind, found: &mut Found) -> Result<bool, Fault> {
        let known = self.whole.get(&id).or_else(|| found.seen.get(&id)).copied();
        match known {
            None => Ok(found.seen.insert(id, kind).is_none()),
            Some(known) if known == kind => Ok(false),
            Some(_) => Err(Fault::Bad(id, OTHER_KIND)),
        }
    }

    fn tip(
        &self,
        mut tip: Id,
        mut expected: Option<Kind>,
        found: &mut Found,
    ) -> Result<usize, Fault> {
        for _ in 0..TAGS_MAX {
            let (of, kind, content) = self.store.object(&tip)?;
            if expected.is_some_and(|expected| expected != kind) {
                return Err(Fault::Bad(tip, OTHER_KIND));
            }
            match kind {
                Kind::Tag => {
                    let is_new = self.is_new(tip, kind, found)?;
                    let is_taken = of == Of::Stage && is_new;
                    let target = match is_taken {
                        true => strict::check_tag(&content, self.store.length),
                        false => strict::tag(&content, self.store.length),
                    };
                    let (target, of_target) = target.map_err(|why| Fault::Bad(tip, why))?;
                    if is_taken {
                        found.wanted.push((tip, kind));
                    }
                    (tip, expected) = (target, Some(of_target));
                }
                Kind::Commit => return self.commits(tip, found),
                Kind::Tree => return self.tree(tip, found).map(|()| 0),
                Kind::Blob => return self.blob(tip, found).map(|()| 0),
            }
        }
        Err(Fault::Bad(tip, "is a tag of too many tags"))
    }

    /// A commit and all that it follows; counts the new ones.
    fn commits(&self, tip: Id, found: &mut Found) -> Result<usize, Fault> {
        let Painted { ours, edge } = self.paint(tip, &self.tips)?;
        let count = ours.len();
        for id in edge.iter().take(KNOWN_MAX) {
            self.know(*id, found);
        }
        // The oldest first, so that the new trees of each are compared with those before.
        for id in ours.into_iter().rev() {
            if !self.is_new(id, Kind::Commit, found)? {
                continue;
            }
            let (of, kind, content) = self.store.object(&id)?;
            if kind != Kind::Commit {
                return Err(Fault::Bad(id, "is no commit"));
            }
            let commit = match of {
                Of::Stage => strict::check_commit(&content, self.store.length),
                Of::Project => strict::commit(&content, self.store.length),
            };
            let commit = commit.map_err(|why| Fault::Bad(id, why))?;
            if of == Of::Stage {
                found.wanted.push((id, kind));
            }
            self.tree(commit.tree, found)?;
        }
        Ok(count)
    }

    /// Notes what a commit of the project has, which is there with all that it leads to.
    fn know(&self, id: Id, found: &mut Found) {
        let Ok((Of::Project, _, content)) = self.store.object(&id) else { return };
        let Ok(commit) = strict::commit(&content, self.store.length) else { return };
        let mut queue = vec![commit.tree];
        while let Some(id) = queue.pop() {
            if !self.is_new(id, Kind::Tree, found).unwrap_or(false) {
                continue;
            }
            let Ok((Of::Project, Kind::Tree, content)) = self.store.object(&id) else { continue };
            for named in strict::tree(&content, self.store.length).unwrap_or_default() {
                match named.mode {
                    FOLDER => queue.push(named.id),
                    SUBMODULE => {}
                    _ => drop(self.is_new(named.id, Kind::Blob, found)),
                }
            }
        }
    }

    fn tree(&self, root: Id, found: &mut Found) -> Result<(), Fault> {
        let mut queue = vec![root];
        while let Some(id) = queue.pop() {
            if !self.is_new(id, Kind::Tree, found)? {
                continue;
            }
            let (of, kind, content) = self.store.object(&id)?;
            if kind != Kind::Tree {
                return Err(Fault::Bad(id, "is no tree"));
            }
            let names = match of {
                Of::Stage => strict::check_tree(&content, self.store.length),
                Of::Project => strict::tree(&content, self.store.length),
            };
            let names = names.map_err(|why| Fault::Bad(id, why))?;
            if of == Of::Stage {
                found.wanted.push((id, kind));
            }
            for named in names {
                match named.mode {
                    FOLDER => queue.push(named.id),
                    SUBMODULE => {}
                    _ => {
                        self.blob(named.id, found)?;
                        if of == Of::Stage && is_modules(named.name) {
                            self.modules(named.id, found)?;
                        }
                    }
                }
            }
            if found.wanted.len() > OBJECTS_MAX {
                return Err(Fault::TooMuch);
            }
        }
        Ok(())
    }

    /// The content of a file is proved when it is written.
    fn blob(&self, id: Id, found: &mut Found) -> Result<(), Fault> {
        if !self.is_new(id, Kind::Blob, found)? {
            return Ok(());
        }
        if self.store.project.names(&id) {
            let is_blob = self.store.project.kind(&id) == Some(Kind::Blob);
            return if is_blob { Ok(()) } else { Err(Fault::Bad(id, OTHER_KIND)) };
        }
        if !self.store.stage.names(&id) {
            return Err(Fault::Missing(id));
        }
        found.wanted.push((id, Kind::Blob));
        Ok(())
    }

    /// What names submodules is read, also where its content is known under another name.
    fn modules(&self, id: Id, found: &mut Found) -> Result<(), Fault> {
        if found.modules.contains(&id) {
            return Ok(());
        }
        let (_, kind, content) = self.store.object(&id)?;
        if kind != Kind::Blob {
            return Err(Fault::Bad(id, OTHER_KIND));
        }
        strict::check_modules(&content).map_err(|why| Fault::Bad(id, why))?;
        found.modules.insert(id);
        Ok(())
    }

    /// The commits that `tip` reaches and `theirs` do not, the newest first.
    fn paint(&self, tip: Id, theirs: &[Id]) -> Result<Painted, Fault> {
        let mut painter = Painter {
            walker: self,
            colours: HashMap::new(),
            queue: BinaryHeap::new(),
            open: HashSet::new(),
        };
        for id in theirs {
            painter.add(*id, THEIRS)?;
        }
        painter.add(tip, OURS)?;
        painter.paint()
    }

    /// How many commits each of two has that the other has not.
    pub(super) fn apart(&self, ours: Id, theirs: Id) -> Result<(usize, usize), Fault> {
        let ahead = self.paint(ours, &[theirs])?.ours.len();
        let behind = self.paint(theirs, &[ours])?.ours.len();
        Ok((ahead, behind))
    }

    /// Whether one of these reaches a commit.
    pub(super) fn is_merged(&self, id: Id, into: &[Id]) -> bool {
        self.paint(id, into).is_ok_and(|painted| painted.ours.is_empty())
    }
}

/// A commit of either side.
pub(super) fn commit(store: &Store<'_>, id: Id) -> Result<Commit, Fault> {
    let (_, kind, content) = store.object(&id)?;
    if kind != Kind::Commit {
        return Err(Fault::Bad(id, "is no commit"));
    }
    strict::commit(&content, store.length).map_err(|why| Fault::Bad(id, why))
}

struct Painted {
    /// The newest first.
    ours: Vec<Id>,
    /// The commits of theirs that ours follow.
    edge: Vec<Id>,
}

struct Painter<'w, 'a> {
    walker: &'w Walker<'a>,
    colours: HashMap<Id, (u8, Vec<Id>, u64)>,
    queue: BinaryHeap<(u64, Id)>,
    /// What waits, and is reached from ours alone.
    open: HashSet<Id>,
}

impl Painter<'_, '_> {
    fn add(&mut self, id: Id, colour: u8) -> Result<(), Fault> {
        if let Some((colours, _, time)) = self.colours.get_mut(&id) {
            if *colours & colour != colour {
                *colours |= colour;
                let (colours, time) = (*colours, *time);
                self.wait(id, colours, time);
            }
            return Ok(());
        }
        let (parents, time) = match commit(self.walker.store, id) {
            Ok(commit) if self.walker.shallow.contains(&id) => (Vec::new(), commit.time),
            Ok(commit) => (commit.parents, commit.time),
            // What the project lacks of its own is not for us to judge.
            Err(_) if colour == THEIRS => return Ok(()),
            Err(fault) => return Err(fault),
        };
        if self.colours.len() >= COMMITS_MAX {
            return Err(Fault::TooMuch);
        }
        self.colours.insert(id, (colour, parents, time));
        self.wait(id, colour, time);
        Ok(())
    }

    fn wait(&mut self, id: Id, colours: u8, time: u64) {
        match colours {
            OURS => drop(self.open.insert(id)),
            _ => drop(self.open.remove(&id)),
        }
        self.queue.push((time, id));
    }

    fn paint(mut self) -> Result<Painted, Fault> {
        let (mut order, mut oldest, mut further) = (Vec::new(), u64::MAX, FURTHER);
        while let Some((time, id)) = self.queue.pop() {
            if self.open.is_empty() && time < oldest {
                // Times need not be in the order of the commits.
                further -= 1;
                if further == 0 {
                    break;
                }
            }
            self.open.remove(&id);
            let Some((colours, parents, _)) = self.colours.get(&id) else { continue };
            let (colours, parents) = (*colours, parents.clone());
            if colours == OURS {
                oldest = oldest.min(time);
            }
            order.push(id);
            for parent in parents {
                self.add(parent, colours)?;
            }
        }
        let mut listed = HashSet::new();
        order.retain(|id| listed.insert(*id));
        let colours = |id: &Id| self.colours.get(id).map_or(0, |(colours, ..)| *colours);
        let ours: Vec<Id> = order.into_iter().filter(|id| colours(id) == OURS).collect();
        let parents = ours.iter().filter_map(|id| self.colours.get(id)).flat_map(|it| &it.1);
        let mut edge: Vec<Id> = parents.filter(|id| colours(id) & THEIRS != 0).copied().collect();
        edge.sort_unstable();
        edge.dedup();
        Ok(Painted { ours, edge })
    }
}

/// Whether git may take a file for the one that names submodules.
fn is_modules(name: &[u8]) -> bool {
    crate::handoff::names::fold(name) == ".gitmodules"
        || name.to_ascii_lowercase().starts_with(b"gitmod~")
        || name.to_ascii_lowercase().starts_with(b"gi7eba~")
}
