//! Private copies: what lies in a folder that a jail may write, and a program on the host executes
//! or believes, such as an agent's hooks.
//!
//! Each file has a copy, and each folder a layer that takes what the jail changes; where nothing is
//! there, a placeholder stands for as long as a jail runs. Files of the same folder that its
//! settings name are kept in the same way.

use std::ffi::OsStr;
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use jail_plan::git::{How, Private};
use rustix::fs::{CWD, Mode, OFlags, open};

use super::Refusal;
use super::file;
use super::find::{Search, failed};
use super::followed::{Followed, followed};
use super::held::Held;
use super::links::{self, Target};
use super::placeholder::Placeholder;
use super::programs::NextTo;
use super::reported::{Reported, reported};

/// A folder that the jail may write, and has private copies in.
pub(super) struct Folder {
    pub(super) held: Held,
    /// As the plan names it.
    pub(super) named: PathBuf,
    /// What its settings name and what is not there, so that nothing can be put in its place.
    pub(super) missing: Vec<PathBuf>,
    /// Folders with programs that its settings name, and with state.
    pub(super) next_to: Vec<NextTo>,
    /// Files that stay shared, and how they were.
    pub(super) reported: Vec<Reported>,
    /// State that stays shared and that later sessions follow, once it was looked at.
    pub(super) followed: Vec<Followed>,
}

impl Folder {
    /// Looks at the state that later sessions follow, while the stub makes the jail: no payload
    /// runs yet.
    pub(super) fn look(&mut self, home: &Path) {
        self.followed = followed(home, &self.named, &self.held);
    }

    /// The folders that files lie in which are not in this one.
    pub(super) fn beside(&self) -> Vec<OwnedFd> {
        let outside = self.reported.iter().map(|reported| &reported.path);
        let outside = outside.filter(|path| !path.starts_with(&self.named));
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        outside.filter_map(|path| open(path.parent()?, flags, Mode::empty()).ok()).collect()
    }
}

impl Search {
    /// Takes in where a folder is, and which of its names are kept apart.
    pub(super) fn state(&mut self, private: &Private) {
        let Some(real) = real(private) else { return };
        let names = private.names.iter().map(|name| real.join(OsStr::from_bytes(name)));
        self.states.extend(names);
        self.found.roots.push(real);
    }

    /// Finds what of a folder the jail has copies of.
    pub(super) fn private(&mut self, private: &Private) -> Result<(), Refusal> {
        let named = PathBuf::from(OsStr::from_bytes(&private.folder));
        let Some(real) = real(private) else { return Ok(()) };
        let held = Held::open(&real).map_err(|error| failed(&real, &error))?;
        let reported = reported(&self.found.home, &named);
        let (missing, next_to, followed) = (Vec::new(), Vec::new(), Vec::new());
        let mut folder = Folder { held, named, missing, next_to, reported, followed };
        let done = private.names.iter().try_for_each(|name| self.private_name(&folder.held, name));
        let done = done.and_then(|()| self.named_by_settings(&mut folder));
        self.found.private.push(folder);
        done
    }

    fn private_name(&mut self, held: &Held, name: &[u8]) -> Result<(), Refusal> {
        let is_folder = name.ends_with(b"/");
        let name = Path::new(OsStr::from_bytes(name));
        if !name.components().all(|part| matches!(part, Component::Normal(_))) {
            return Ok(());
        }
        let Some(real) = self.way(held, name)? else { return Ok(()) };
        let Ok(below) = real.strip_prefix(&held.path) else { return Ok(()) };
        let placeholder = match is_folder {
            true => Placeholder::MarkedFolder,
            false => Placeholder::of_file(name),
        };
        held.make(below, placeholder).map_err(|error| failed(&real, &error))?;
        let Ok(found) = real.symlink_metadata() else { return Ok(()) };
        match (is_folder, found.is_dir()) {
            (false, _) => match links::target(CWD, &real, &self.found.roots) {
                Target::Elsewhere(to) => self.unfollowed(&real, to),
                Target::Own | Target::Store(_) | Target::Nothing => {
                    self.keep_or_link(of_file(&found), &real)
                }
            },
            (true, true) => self.keep(How::Layer, &real),
            (true, false) => self.folder_link(&real),
        }
    }

    /// Where the name is: folders on the way are made, and a link on the way is kept. Nothing,
    /// where that leads out of the folder. If it leads to where the jail may write, what is there
    /// is kept; what is not there cannot be made here.
    fn way(&mut self, held: &Held, name: &Path) -> Result<Option<PathBuf>, Refusal> {
        let mut way = held.path.clone();
        for part in name.parent().into_iter().flat_map(Path::components) {
            way.push(part);
            if way.is_symlink() {
                self.keep(How::ReadOnly, &way)?;
                match fs::canonicalize(&way) {
                    Ok(real) if real.starts_with(&held.path) => way = real,
                    Ok(_) => return self.elsewhere(&held.path.join(name)).map(|()| None),
                    Err(_) => return Ok(None),
                }
            }
            let Ok(below) = way.strip_prefix(&held.path) else { return Ok(None) };
            held.make(below, Placeholder::MarkedFolder).map_err(|error| failed(&way, &error))?;
        }
        Ok(name.file_name().map(|last| way.join(last)))
    }

    /// Keeps what is at a path that leads out of its folder.
    fn elsewhere(&mut self, path: &Path) -> Result<(), Refusal> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => self.keep_or_link(How::Layer, path),
            Ok(found) => self.keep_or_link(of_file(&found), path),
            Err(_) => self.keep_way(path).map(|_| ()),
        }
    }

    /// What stands where a folder should be: a link stays one, and what it leads to is kept where
    /// the jail may write it.
    fn folder_link(&mut self, path: &Path) -> Result<(), Refusal> {
        match links::target(CWD, path, &self.found.roots) {
            Target::Store(_) => return self.keep(How::Link, path),
            Target::Elsewhere(to) => return self.unfollowed(path, to),
            Target::Own | Target::Nothing => {}
        }
        self.keep(How::ReadOnly, path)?;
        match fs::canonicalize(path) {
            Ok(real) if real != path && real.is_dir() => self.keep(How::Layer, &real),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A link that leads out of the folder stays one: it works if the spec grants what it leads to.
    fn unfollowed(&mut self, link: &Path, to: PathBuf) -> Result<(), Refusal> {
        self.found.unfollowed.push((link.to_path_buf(), to));
        self.keep(How::ReadOnly, link)
    }
}

/// Where a folder is, if it is there: what is not a folder is not in the jail either.
fn real(private: &Private) -> Option<PathBuf> {
    let real = fs::canonicalize(OsStr::from_bytes(&private.folder)).ok()?;
    real.is_dir().then_some(real)
}

/// A file that is too large for a copy is read-only.
pub(super) fn of_file(found: &fs::Metadata) -> How {
    if found.len() > file::BYTES_MAX { How::ReadOnly } else { How::Link }
}
