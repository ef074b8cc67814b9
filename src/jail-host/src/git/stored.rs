//! What of the Nix store the jail sees because of its state: links there lead to it, or settings
//! name it. Every user can read the store, so none of it is secret, and it does not matter who made
//! the link. But nothing in it can be executed: a link must not bring in a program that the spec
//! left out. `follow-links` lifts that for what the spec or settings name and the jail cannot
//! change: its copies, and the folders that have layers.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use jail_plan::git::{About, Guarded, How, Outside, PLACES_MAX};
use rustix::fs::CWD;

use super::closure::Closures;
use super::copies::open_folder;
use super::find::Search;
use super::links::{LOOKS_MAX, is_filled, names};
use super::mentions::in_store;
use super::store::{self, STORE};
use crate::sys::name_of;

/// Folders of state are looked through no deeper.
const DEPTH_MAX: usize = 8;
/// State leads to no more paths of the store.
const PATHS_MAX: usize = 256;
/// The jail sees no more of the store because of it, with all that is needed. Each is a mount.
const STORED_MAX: usize = 1024;

/// Which paths of the store state leads to, by their names.
#[derive(Default)]
pub(super) struct Stored {
    /// Of what the spec or settings name, and the jail cannot change.
    kept: Led,
    /// Of what sessions share, and of what lies next to programs. An earlier jail may have made any
    /// of these links.
    shared: Led,
}

#[derive(Default)]
struct Led {
    /// What a link, or a setting, leads to in the end.
    ends: BTreeSet<String>,
    /// What it leads through. Only itself is needed.
    passed: BTreeSet<String>,
    /// There is more.
    is_cut: bool,
}

impl Led {
    /// Takes in where a link, or a word, of this text leads.
    fn add(&mut self, text: &Path) {
        let Some((_, mut way)) = store::way(text) else { return };
        if self.ends.len() >= PATHS_MAX && way.last().is_some_and(|end| !self.ends.contains(end)) {
            self.is_cut = true;
            return;
        }
        self.ends.extend(way.pop());
        self.passed.extend(way);
    }
}

impl Search {
    /// Takes in which paths of the store a setting names.
    pub(super) fn mentions_of_store(&mut self, text: &[u8]) {
        in_store(text).iter().for_each(|path| self.stored.kept.add(path));
    }

    /// The same for a link that a setting names.
    pub(super) fn link_to_store(&mut self, path: &Path) {
        link(CWD, path, &mut self.stored.kept);
    }

    /// Adds the places in the store.
    pub(super) fn add_stored(&mut self, outside: &Outside) {
        let (mut kept, mut beside) = (LOOKS_MAX, LOOKS_MAX);
        let places = self.found.places.iter().zip(&self.found.about).enumerate();
        for (number, (place, about)) in places {
            let (led, looks) = match self.beside.contains(&number) {
                true => (&mut self.stored.shared, &mut beside),
                false => (&mut self.stored.kept, &mut kept),
            };
            let path = Path::new(OsStr::from_bytes(&place.path));
            match (about, place.how) {
                (About::Private, How::Link | How::ReadOnly) => {
                    link(CWD, path, led);
                }
                (About::Private, How::Layer) => {
                    if let Ok(folder) = open_folder(CWD, path.as_os_str()) {
                        walk(&folder, DEPTH_MAX, looks, led);
                    }
                }
                (About::Private, How::Copy | How::Stored | How::StoredPrograms)
                | (About::Git, _) => {}
            }
        }
        let mut looks = LOOKS_MAX;
        for folder in &self.found.private {
            walk(&folder.held.folder, DEPTH_MAX, &mut looks, &mut self.stored.shared);
        }
        let home = self.found.home.clone();
        let closures = Closures::open(Path::new(OsStr::from_bytes(&outside.state)), &home);
        let programs = if outside.follow_links { How::StoredPrograms } else { How::Stored };
        let stored = std::mem::take(&mut self.stored);
        let most = STORED_MAX.min(PLACES_MAX.saturating_sub(self.found.places.len()));
        let mut places = Places { most, places: BTreeMap::new(), is_cut: false };
        // The jail may have made any number of links in what is shared, so these come last.
        for (led, how) in [(&stored.kept, programs), (&stored.shared, How::Stored)] {
            places.is_cut |= led.is_cut;
            led.passed.iter().for_each(|name| places.add(std::slice::from_ref(name), how));
            for name in &led.ends {
                match closures.of(name) {
                    Some(names) => places.add(&names, how),
                    None => self.found.unasked.push(PathBuf::from(format!("{STORE}/{name}"))),
                }
            }
        }
        self.found.is_cut = places.is_cut;
        for (name, how) in places.places {
            let path = PathBuf::from(format!("{STORE}/{name}"));
            // Nothing in the jail leads out of the store, or to what others may not read.
            if store::way(&path).is_none() {
                self.found.withheld.push(path);
                continue;
            }
            let path = path.into_os_string().into_encoded_bytes();
            self.found.places.push(Guarded { how, path });
            self.found.about.push(About::Private);
        }
    }
}

/// The names in the store that the jail sees.
struct Places {
    most: usize,
    places: BTreeMap<String, How>,
    is_cut: bool,
}

impl Places {
    /// Adds all of these, or none: a program works only with all that it needs.
    fn add(&mut self, names: &[String], how: How) {
        let new = names.iter().filter(|name| !self.places.contains_key(*name));
        let new: BTreeSet<_> = new.cloned().collect();
        if self.places.len() + new.len() > self.most {
            self.is_cut = true;
            return;
        }
        self.places.extend(new.into_iter().map(|name| (name, how)));
    }
}

/// Takes in where a link leads, if it is one.
fn link(folder: impl std::os::fd::AsFd, name: impl rustix::path::Arg, led: &mut Led) {
    if let Ok(text) = store::text(folder, name) {
        led.add(Path::new(&text));
    }
}

/// The same for all links in a folder, and below it.
fn walk(folder: &OwnedFd, depth: usize, looks: &mut usize, led: &mut Led) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let names = names(Path::new(&name_of(folder))).unwrap_or_default();
    let (folders, others): (Vec<_>, Vec<_>) = names.iter().partition(|(_, kind)| kind.is_dir());
    // What lies nearer is found first, however much lies below.
    *looks = looks.saturating_sub(names.len());
    for (name, _) in others.iter().filter(|(_, kind)| kind.is_symlink()) {
        link(folder, name, led);
    }
    for (name, _) in folders.iter().filter(|(name, _)| !is_filled(name)) {
        if *looks == 0 {
            return;
        }
        // Another session may have put something else there.
        if let Ok(inner) = open_folder(folder, name) {
            walk(&inner, depth, looks, led);
        }
    }
}
