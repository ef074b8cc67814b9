//! What of a project, and of a layer over it, decides who executes a file: where links lead, which
//! folders git takes for repositories, and what their configurations name. Both sides count, so
//! nothing depends on which changes are applied.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

use rustix::fs::FileType;

use super::layer::{DEPTH_MAX, NAMES_MAX};
use super::place::{Entry, Tree, entries, join, split, target};
use crate::handoff::git_config::counted_keys;
use crate::handoff::names::fold;

/// The names in a path, folded.
pub(super) type Names = Vec<String>;

/// At most this many other names of one path are looked at.
const WAYS_MAX: usize = 4096;
/// As many links as the kernel follows (path_resolution(7)), and twice as many ways to follow them.
const LINKS_MAX: usize = 40;
const TRIED_MAX: usize = 80;
/// At most this many configurations are read.
const CONFIGURATIONS_MAX: usize = 200;

/// It.
#[derive(Default)]
pub(super) struct Whole {
    /// Where the project is.
    place: Names,
    /// Links, and where each leads: of a path that has one on each side, both.
    links: BTreeMap<Names, Vec<Vec<u8>>>,
    /// What is led to, and by which links.
    ways: BTreeMap<Names, Vec<Names>>,
    /// Folders with names that a repository has.
    marks: BTreeMap<Names, Marks>,
    /// What configurations of git name.
    named: BTreeSet<Names>,
    /// Folders with hooks, which they name.
    named_folders: BTreeSet<Names>,
    /// Something was not looked at.
    pub(super) is_partial: bool,
}

/// What a folder has of a repository.
#[derive(Default)]
struct Marks {
    paths: BTreeSet<Vec<u8>>,
    head: bool,
    common: bool,
    objects: bool,
    refs: bool,
}

impl Marks {
    /// As git decides it.
    fn is_repository(&self) -> bool {
        self.head && (self.common || self.objects && self.refs)
    }
}

/// A configuration that is to be read.
struct Configuration {
    path: Vec<u8>,
    /// The folder that git works in.
    work: Vec<u8>,
    /// It lies in a folder `.git`.
    is_git: bool,
}

impl Whole {
    /// Looks through both sides. `place` is the path of the project.
    pub(super) fn new(place: &[u8], project: &Tree, layer: &Tree) -> Self {
        let mut whole = Self { place: names(place), ..Self::default() };
        whole.walk(project);
        whole.walk(layer);
        whole.find_ways();
        whole.find_named(project, layer);
        whole
    }

    fn walk(&mut self, tree: &Tree) {
        let mut count = 0;
        let mut queue = vec![(Vec::new(), 0)];
        while let Some((path, depth)) = queue.pop() {
            // What cannot be opened leads no program anywhere.
            let Ok(folder) = tree.folder(&path) else { continue };
            let Ok((listed, is_all)) = entries(&folder, NAMES_MAX - count) else {
                self.is_partial = true;
                continue;
            };
            count += listed.len();
            self.is_partial |= !is_all || depth > DEPTH_MAX;
            for entry in listed {
                let is_folder = entry.kind == FileType::Directory;
                self.entry(&folder, &path, &entry);
                if is_folder && depth <= DEPTH_MAX && !super::decide::is_git(&entry.name) {
                    queue.push((join(&path, &entry.name), depth + 1));
                }
            }
        }
    }

    fn entry(&mut self, folder: &OwnedFd, path: &[u8], entry: &Entry) {
        let below = join(path, &entry.name);
        match entry.kind {
            FileType::Symlink => match target(folder, &entry.name) {
                Ok(target) => self.links.entry(names(&below)).or_default().push(target),
                Err(_) => self.is_partial = true,
            },
            // A whiteout.
            FileType::CharacterDevice => return,
            _ => {}
        }
        if super::decide::is_git(&entry.name) {
            self.marks.entry(names(&below)).or_default().paths.insert(below);
            return;
        }
        let set: fn(&mut Marks) = match fold(&entry.name).as_str() {
            "head" => |marks| marks.head = true,
            "commondir" => |marks| marks.common = true,
            "objects" => |marks| marks.objects = true,
            "refs" => |marks| marks.refs = true,
            _ => return,
        };
        let marks = self.marks.entry(names(path)).or_default();
        marks.paths.insert(path.to_vec());
        set(marks);
    }

    fn find_ways(&mut self) {
        let mut ways: BTreeMap<Names, Vec<Names>> = BTreeMap::new();
        for (link, targets) in &self.links {
            let mut ends: BTreeSet<Names> = targets
                .iter()
                .filter_map(|target| self.below(self.written(link, target)))
                .collect();
            if targets.iter().any(|target| climbs(target)) {
                let (resolved, is_all) = self.ends(link);
                ends.extend(resolved.into_iter().flatten());
                self.is_partial |= !is_all;
            }
            for end in ends {
                ways.entry(end).or_default().push(link.clone());
            }
        }
        self.ways = ways;
    }

    /// Where a link leads as it is written, from the root.
    fn written(&self, link: &[String], target: &[u8]) -> Names {
        let mut way = match target.starts_with(b"/") {
            true => Vec::new(),
            false => {
                [self.place.as_slice(), link.split_last().map_or(link, |(_, above)| above)].concat()
            }
        };
        for name in names(target) {
            match name.as_str() {
                ".." => drop(way.pop()),
                _ => way.push(name),
            }
        }
        way
    }

    fn below(&self, way: Names) -> Option<Names> {
        way.strip_prefix(self.place.as_slice()).map(<[String]>::to_vec)
    }

    /// Where a link leads, by way of other ones, whichever side they are of: nothing stands for
    /// what is outside of the project. And whether those are all.
    fn ends(&self, link: &[String]) -> (Vec<Option<Names>>, bool) {
        let ahead = |names: Names| names.into_iter().rev().collect::<Names>();
        let mut tries = vec![(self.place.clone(), ahead(link.to_vec()), 0)];
        let (mut ends, mut tried) = (Vec::new(), 0);
        while let Some((mut way, mut left, links)) = tries.pop() {
            tried += 1;
            if tried > TRIED_MAX || links > LINKS_MAX {
                return (ends, false);
            }
            loop {
                let Some(name) = left.pop() else {
                    ends.push(self.below(way));
                    break;
                };
                if name == ".." {
                    way.pop();
                    continue;
                }
                way.push(name);
                let below = way.strip_prefix(self.place.as_slice()).unwrap_or_default();
                let Some(targets) = self.links.get(below) else { continue };
                for target in targets {
                    let mut from = way.clone();
                    match target.starts_with(b"/") {
                        true => from.clear(),
                        false => drop(from.pop()),
                    }
                    let left = [left.clone(), ahead(names(target))].concat();
                    tries.push((from, left, links + 1));
                }
                break;
            }
        }
        (ends, true)
    }

    /// Whether a link of the layer may lead out of the project, or into a `.git` of it, or would
    /// once what it names is there.
    pub(super) fn leads_out(&self, link: &[String], target: &[u8]) -> bool {
        let (mut ends, is_all) = self.ends(link);
        ends.push(self.below(self.written(link, target)));
        let is_apart = |end: &Option<Names>| {
            end.as_ref().is_none_or(|names| names.iter().any(|name| name == ".git"))
        };
        target.starts_with(b"/") || climbs(target) || !is_all || ends.iter().any(is_apart)
    }

    /// The names by which a path is reached, its own first; and whether those are all.
    pub(super) fn ways_to(&self, path: Names) -> (Vec<Names>, bool) {
        let mut seen = BTreeSet::from([path.clone()]);
        let mut all = vec![path.clone()];
        let mut queue: Vec<(Names, Vec<&Names>)> = vec![(path, Vec::new())];
        while let Some((path, used)) = queue.pop() {
            for end in 0..=path.len() {
                let (above, rest) = path.split_at(end);
                for link in self.ways.get(above).into_iter().flatten() {
                    let way = [link, rest].concat();
                    // A circle of links leads to no other names that count.
                    if used.contains(&link) || !seen.insert(way.clone()) {
                        continue;
                    }
                    if all.len() >= WAYS_MAX {
                        return (all, false);
                    }
                    all.push(way.clone());
                    queue.push((way, [used.as_slice(), &[link]].concat()));
                }
            }
        }
        (all, true)
    }

    /// Whether git may take a folder that a path lies in for a repository.
    pub(super) fn is_in_repository(&self, path: &[String]) -> bool {
        let mut above = (0..path.len()).filter_map(|end| self.marks.get(path.get(..end)?));
        above.any(Marks::is_repository)
    }

    /// Whether a configuration of git names a file, or a folder of hooks that it lies in.
    pub(super) fn is_named(&self, path: &[String]) -> bool {
        let mut above = (0..path.len()).filter_map(|end| path.get(..end));
        self.named.contains(path) || above.any(|above| self.named_folders.contains(above))
    }

    fn find_named(&mut self, project: &Tree, layer: &Tree) {
        let mut queue: Vec<Configuration> = Vec::new();
        for marks in self.marks.values() {
            for path in &marks.paths {
                let is_git = super::decide::is_git(split(path).1);
                let work = split(path).0.to_vec();
                if is_git || marks.is_repository() {
                    for name in [b"config".as_slice(), b"config.worktree"] {
                        queue.push(Configuration {
                            path: join(path, name),
                            work: work.clone(),
                            is_git,
                        });
                    }
                }
            }
        }
        let mut read = BTreeSet::new();
        while let Some(it) = queue.pop() {
            if read.len() >= CONFIGURATIONS_MAX {
                self.is_partial = true;
                return;
            }
            if read.insert(it.path.clone()) {
                self.configuration(project, &it, &mut queue);
                // Of git's own folder nothing is applied.
                if !it.is_git {
                    self.configuration(layer, &it, &mut queue);
                }
            }
        }
    }

    fn configuration(&mut self, tree: &Tree, it: &Configuration, queue: &mut Vec<Configuration>) {
        let Ok(Some(bytes)) = tree.text(&it.path) else { return };
        let Some(keys) = counted_keys(&bytes) else {
            self.is_partial = true;
            return;
        };
        let values = keys.iter().flat_map(|(key, values)| values.iter().map(move |it| (key, it)));
        for (key, value) in values {
            let own = split(&it.path).0;
            if key == "core.hookspath" {
                let folders = [&it.work, own].map(|from| self.joined(from, value.as_bytes()));
                self.named_folders.extend(folders.into_iter().flatten().map(|path| names(&path)));
            } else if key.starts_with("include.") || key.starts_with("includeif.") {
                let Some(path) = self.joined(own, value.as_bytes()) else { continue };
                self.named.insert(names(&path));
                queue.push(Configuration { path, work: it.work.clone(), is_git: false });
            } else {
                for word in words(value) {
                    // A bare repository runs it in its own folder.
                    let paths = [&it.work, own].map(|from| self.joined(from, word.as_bytes()));
                    self.named.extend(paths.into_iter().flatten().map(|path| names(&path)));
                }
            }
        }
    }

    /// A path that a configuration names, below the project; nothing of one elsewhere.
    fn joined(&self, from: &[u8], word: &[u8]) -> Option<Vec<u8>> {
        // Not folded: it is to be read.
        let plain = |path: &[u8]| -> Vec<Vec<u8>> {
            let names = path.split(|byte| *byte == b'/');
            names.filter(|name| !matches!(*name, b"" | b".")).map(<[u8]>::to_vec).collect()
        };
        let is_absolute = word.starts_with(b"/");
        let (mut way, rest) = match word.strip_prefix(b"~/") {
            // The home folder is not known here, but the project may lie below it.
            Some(rest) => {
                let rest = plain(rest);
                let folded: Names = rest.iter().map(|name| fold(name)).collect();
                let end = (1..folded.len())
                    .find(|end| folded.get(..*end).is_some_and(|it| self.place.ends_with(it)))?;
                (Vec::new(), rest.get(end..)?.to_vec())
            }
            None if is_absolute => {
                let rest = plain(word);
                let folded: Names = rest.iter().map(|name| fold(name)).collect();
                folded.strip_prefix(self.place.as_slice())?;
                (Vec::new(), rest.get(self.place.len()..)?.to_vec())
            }
            None => (plain(from), plain(word)),
        };
        for name in rest {
            match name.as_slice() {
                b".." => drop(way.pop()?),
                _ => way.push(name),
            }
        }
        Some(way.join(b"/".as_slice()))
    }
}

/// What a command may name.
fn words(value: &str) -> impl Iterator<Item = &str> {
    let is_between = |it: char| it.is_whitespace() || "!'\"`;&|()<>=$".contains(it);
    value.split(is_between).chain([value]).filter(|word| !word.is_empty())
}

/// Whether a target goes up again after it has gone down: where that leads depends on other links.
fn climbs(target: &[u8]) -> bool {
    let names = target.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.skip_while(|name| *name == b"..").any(|name| name == b"..")
}

/// The names in a path, folded.
pub(super) fn names(path: &[u8]) -> Names {
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.map(fold).collect()
}
