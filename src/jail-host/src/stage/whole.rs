//! What of a project, and of a layer over it, decides who executes a file: where links lead, which
//! folders git takes for repositories, and what their configurations name. Both sides count, so
//! nothing depends on which changes are applied.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::OwnedFd;

use rustix::fs::FileType;

use super::command::{At, Configuration, Word, words};
use super::executed::Reason;
pub(super) use super::folded::names;
use super::folded::{Names, climbs};
use super::layer::{DEPTH_MAX, NAMES_MAX};
use super::place::{Entry, Found, Kind, Tree, entries, join, split, target};
use crate::handoff::git_config::counted_keys;
use crate::handoff::names::fold;

/// At most this many other ends of names of one folder are known, after so many rounds.
const TAILS_MAX: usize = 4096;
const ROUNDS_MAX: usize = 64;
/// As many links as the kernel follows (path_resolution(7)), and so many ways to follow them.
const LINKS_MAX: usize = 40;
const TRIED_MAX: usize = 400;
/// At most this many configurations are read.
const CONFIGURATIONS_MAX: usize = 200;

/// It.
#[derive(Default)]
pub(super) struct Whole {
    /// Where the project is.
    place: Names,
    /// Links, and where each leads: of a path that has one on each side, both.
    links: BTreeMap<Names, Vec<Vec<u8>>>,
    /// Links of one side that are folders of the other.
    folders_too: BTreeSet<Names>,
    /// What is led to.
    led: BTreeMap<Names, Led>,
    /// Folders with names that a repository has.
    marks: BTreeMap<Names, Marks>,
    /// What configurations of git name.
    named: BTreeSet<Names>,
    /// Files with an ending that is not named.
    named_stems: BTreeSet<Names>,
    /// Folders, which they name: of hooks, and those that commands work in.
    named_folders: BTreeSet<Names>,
    /// Something was not looked at.
    pub(super) is_partial: bool,
}

/// The other names of something that links lead to. There may be more of them than can be listed,
/// as links lead to folders with links; but only their ends decide what looks for them.
#[derive(Default)]
struct Led {
    tails: BTreeSet<Names>,
    /// Everything below one of them counts.
    below: Option<Reason>,
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

impl Whole {
    /// Looks through both sides. `place` is the path of the project; so many names at the end of a
    /// path decide what looks for it, and `below` says whether everything below a path counts.
    pub(super) fn new(
        place: &[u8],
        project: &Tree,
        layer: &Tree,
        longest: usize,
        below: impl Fn(&[String]) -> Option<Reason>,
    ) -> Self {
        let mut whole = Self { place: names(place), ..Self::default() };
        whole.walk(project, None);
        whole.walk(layer, Some(project));
        let ways = whole.find_ways();
        whole.find_tails(&ways, longest, below);
        whole.find_named(project, layer);
        whole.resolve_named();
        whole
    }

    /// `other` is the side that was walked before.
    fn walk(&mut self, tree: &Tree, other: Option<&Tree>) {
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
                self.entry(&folder, &path, &entry, other);
                if is_folder && depth <= DEPTH_MAX && !super::decide::is_git(&entry.name) {
                    queue.push((join(&path, &entry.name), depth + 1));
                }
            }
        }
    }

    fn entry(&mut self, folder: &OwnedFd, path: &[u8], entry: &Entry, other: Option<&Tree>) {
        let below = join(path, &entry.name);
        match entry.kind {
            FileType::Symlink => match target(folder, &entry.name) {
                Ok(target) => {
                    let is_folder = |found: Found| found.kind == Kind::Folder;
                    let over = other.and_then(|other| other.found(&below).ok().flatten());
                    if over.is_some_and(is_folder) {
                        self.folders_too.insert(names(&below));
                    }
                    self.links.entry(names(&below)).or_default().push(target);
                }
                Err(_) => self.is_partial = true,
            },
            FileType::Directory if other.is_some() && !self.links.is_empty() => {
                let names = names(&below);
                if self.links.contains_key(&names) {
                    self.folders_too.insert(names);
                }
            }
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

    /// What is led to, and by which links.
    fn find_ways(&mut self) -> BTreeMap<Names, Vec<Names>> {
        let mut ways: BTreeMap<Names, Vec<Names>> = BTreeMap::new();
        for (link, targets) in &self.links {
            let written = targets.iter().map(|target| self.below(self.written(link, target)));
            let (resolved, is_all) = self.ends(link);
            let ends: BTreeSet<Names> = written.chain(resolved).flatten().collect();
            self.is_partial |= !is_all;
            for end in ends {
                ways.entry(end).or_default().push(link.clone());
            }
        }
        ways
    }

    /// Adds what links lead to by way of others, until nothing is new.
    fn find_tails(
        &mut self,
        ways: &BTreeMap<Names, Vec<Names>>,
        longest: usize,
        below: impl Fn(&[String]) -> Option<Reason>,
    ) {
        let tail =
            |path: &[String]| path.get(path.len().saturating_sub(longest)..).map(<[_]>::to_vec);
        let mut led: BTreeMap<Names, Led> = BTreeMap::new();
        for (end, links) in ways {
            let it = led.entry(end.clone()).or_default();
            it.below = links.iter().find_map(|link| below(link));
            it.tails = links.iter().filter_map(|link| tail(link)).collect();
        }
        for round in 0.. {
            let mut news: Vec<(&Names, Names, Option<Reason>)> = Vec::new();
            for (end, links) in ways {
                let known = led.get(end);
                for link in links {
                    for (above, rest) in (0..=link.len()).map(|at| link.split_at(at)) {
                        let Some(it) = led.get(above) else { continue };
                        for way in it.tails.iter().map(|begin| [begin, rest].concat()) {
                            let is_news = |tail: &Names| {
                                known.is_none_or(|known| !known.tails.contains(tail))
                            };
                            let reason = it.below.or_else(|| below(&way));
                            if let Some(tail) = tail(&way).filter(|tail| {
                                is_news(tail)
                                    || known.is_none_or(|it| it.below.is_none()) && reason.is_some()
                            }) {
                                news.push((end, tail, reason));
                            }
                        }
                    }
                }
            }
            if news.is_empty() {
                break;
            }
            for (end, tail, reason) in news {
                let it = led.entry(end.clone()).or_default();
                it.below = it.below.or(reason);
                it.tails.insert(tail);
                self.is_partial |= it.tails.len() > TAILS_MAX || round > ROUNDS_MAX;
            }
            if self.is_partial {
                break;
            }
        }
        self.led = led;
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
            if tried > TRIED_MAX {
                return (ends, false);
            }
            // The kernel follows no more, so it leads nowhere.
            if links > LINKS_MAX {
                continue;
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
                if !self.folders_too.contains(below) {
                    break;
                }
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

    /// The names by which a path is reached, its own first; of the others the ends that count.
    pub(super) fn ways_to(&self, path: &[String]) -> impl Iterator<Item = Names> {
        let others = (0..=path.len()).flat_map(move |end| {
            let (above, rest) = path.split_at(end);
            let tails = self.led.get(above).into_iter().flat_map(|led| &led.tails);
            tails.map(move |tail| [tail, rest].concat())
        });
        std::iter::once(path.to_vec()).chain(others)
    }

    /// Whether a link leads to something that a path is in from where everything below counts.
    pub(super) fn is_led_below(&self, path: &[String]) -> Option<Reason> {
        let above = (0..path.len()).filter_map(|end| self.led.get(path.get(..end)?));
        above.filter_map(|led| led.below).next()
    }

    /// Whether git may take a folder that a path lies in for a repository.
    pub(super) fn is_in_repository(&self, path: &[String]) -> bool {
        let mut above = (0..path.len()).filter_map(|end| self.marks.get(path.get(..end)?));
        above.any(Marks::is_repository)
    }

    /// Whether a configuration of git names a file, or a folder of hooks that it lies in.
    pub(super) fn is_named(&self, path: &[String]) -> bool {
        let mut above = (0..path.len()).filter_map(|end| path.get(..end));
        let stem = || {
            let (last, before) = path.split_last()?;
            let (stem, _) = last.rsplit_once('.')?;
            Some(self.named_stems.contains([before, &[stem.to_owned()]].concat().as_slice()))
        };
        self.named.contains(path)
            || above.any(|above| self.named_folders.contains(above))
            || stem().unwrap_or(false)
    }

    /// What is named by way of links is named where it is.
    fn resolve_named(&mut self) {
        let resolved = |whole: &Self, names: &BTreeSet<Names>| -> Vec<Names> {
            let ends = names.iter().flat_map(|name| whole.ends(name).0);
            ends.flatten().collect()
        };
        let (files, stems) = (resolved(self, &self.named), resolved(self, &self.named_stems));
        let folders = resolved(self, &self.named_folders);
        self.named.extend(files);
        self.named_stems.extend(stems);
        self.named_folders.extend(folders);
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
        queue.extend(self.inner_configurations(project));
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

    /// Those of submodules and linked worktrees, which lie in git's own folder.
    fn inner_configurations(&self, project: &Tree) -> Vec<Configuration> {
        let mut all = Vec::new();
        let folders = self.marks.values().flat_map(|marks| &marks.paths);
        for folder in folders.filter(|path| super::decide::is_git(split(path).1)) {
            let modules = super::git::of_project(project, folder);
            for module in modules.into_iter().filter(|module| module != folder) {
                let text = project.text(&join(&module, b"config")).ok().flatten();
                let settings = jail_plan::git::settings(&text.unwrap_or_default());
                let work =
                    settings.iter().find(|it| it.section == b"core" && it.key == b"worktree");
                let work = work.and_then(|it| self.joined(&module, &it.value));
                let work = work.unwrap_or_else(|| split(folder).0.to_vec());
                for name in [b"config".as_slice(), b"config.worktree"] {
                    let path = join(&module, name);
                    all.push(Configuration { path, work: work.clone(), is_git: true });
                }
            }
            let worktrees = join(folder, b"worktrees");
            let listed = project.folder(&worktrees).ok();
            let listed = listed.and_then(|opened| entries(&opened, CONFIGURATIONS_MAX).ok());
            for entry in listed.map(|(listed, _)| listed).unwrap_or_default() {
                let own = join(&worktrees, &entry.name);
                let place = project.text(&join(&own, b"gitdir")).ok().flatten().unwrap_or_default();
                let work = self.joined(&own, split(place.trim_ascii()).0);
                let work = work.unwrap_or_else(|| split(folder).0.to_vec());
                let path = join(&own, b"config.worktree");
                all.push(Configuration { path, work, is_git: true });
            }
        }
        all
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
                    self.add_word(it, own, &word);
                }
            }
        }
    }

    /// What a word of a command may name: a file, one with an ending, or a folder to work in.
    fn add_word(&mut self, it: &Configuration, own: &[u8], word: &Word) {
        // A bare repository runs it in its own folder.
        for from in [&it.work, own] {
            let paths = word.paths.iter().filter_map(|path| self.joined(from, path.as_bytes()));
            let paths: Vec<Names> = paths.map(|path| names(&path)).collect();
            if word.place == At::Argument {
                self.named_stems.extend(paths.iter().cloned());
            }
            // The folder that git works in is all of the project.
            let inner = paths.iter().filter(|path| !path.is_empty());
            if word.place == At::Folder {
                self.named_folders.extend(inner.cloned());
            }
            self.named.extend(paths);
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
