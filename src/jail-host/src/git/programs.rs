//! Programs in a state folder that its settings name, what these name in turn, and what lies next
//! to them: a script reads its neighbours, and Python imports what lies in its folder.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jail_plan::git::How;

use super::Refusal;
use super::file;
use super::find::{Search, refusal};
use super::links;
use super::mentions::named_in;
use super::private::{Folder, of_file};

/// At most this many settings and programs are read.
const TEXTS_MAX: usize = 256;

/// How the names of files end that interpreters run or load.
const ENDINGS: [&str; 20] = [
    "bash", "cjs", "fish", "js", "jsx", "lua", "mjs", "mts", "php", "pl", "pm", "ps1", "py", "pyc",
    "rb", "sh", "so", "ts", "tsx", "zsh",
];

/// Folders that interpreters load from by their names.
const LOADED: [&str; 3] = ["__pycache__", "node_modules", "lib"];

/// A folder with a program that settings name: what is new in it may be loaded by that.
pub(super) struct NextTo {
    folder: PathBuf,
    before: BTreeSet<OsString>,
}

impl Search {
    /// Keeps the programs of a folder that its settings name.
    pub(super) fn named_by_settings(&mut self, folder: &mut Folder) -> Result<(), Refusal> {
        let root = folder.held.path.clone();
        let links = self.found.places.iter().filter(|place| place.how == How::Link);
        let links = links.map(|place| PathBuf::from(OsStr::from_bytes(&place.path)));
        let all = links.chain(self.found.squeezed.iter().cloned());
        let mut texts: VecDeque<PathBuf> = all.filter(|path| path.starts_with(&root)).collect();
        let mut seen: BTreeSet<PathBuf> = texts.iter().cloned().collect();
        while let Some(text) = texts.pop_front() {
            if seen.len() > TEXTS_MAX {
                return Err(refusal(&text, "its settings name more programs than are kept apart"));
            }
            let text = links::read(&text, &self.found.roots).unwrap_or_default();
            self.mentions_of_store(&text);
            for path in named_in(&text, &self.found.home, &folder.named, &root) {
                let program = self.named_one(folder, &path)?;
                texts.extend(program.filter(|path| seen.insert(path.clone())));
            }
        }
        Ok(())
    }

    /// Keeps what settings, or a program, name: the program that it is, if it is one.
    fn named_one(&mut self, folder: &mut Folder, path: &Path) -> Result<Option<PathBuf>, Refusal> {
        let Some(path) = self.keep_way(path)? else { return Ok(None) };
        let Ok(found) = path.symlink_metadata() else {
            if self.is_writable(&path) && !self.is_copied(&path) {
                folder.missing.push(path);
            }
            return Ok(None);
        };
        if found.is_symlink() {
            self.link_to_store(&path);
            if !self.is_copied(&path) {
                self.keep(How::ReadOnly, &path)?;
                self.neighbours(folder, &path)?;
            }
            // Once: its own links are followed to the end.
            return match fs::canonicalize(&path) {
                Ok(real) if !real.is_symlink() => self.named_one(folder, &real),
                Ok(_) | Err(_) => Ok(None),
            };
        }
        if !found.is_file() || !self.is_writable(&path) {
            return Ok(None);
        }
        let is_program = is_program(&path, &found);
        if is_program {
            self.neighbours(folder, &path)?;
        }
        if !self.is_copied(&path) {
            self.keep(of_file(&found), &path)?;
        }
        Ok(is_program.then_some(path))
    }

    /// Whether the jail has a copy of it already, by itself or with its folder.
    fn is_copied(&self, path: &Path) -> bool {
        self.found.places.iter().any(|place| {
            let kept = Path::new(OsStr::from_bytes(&place.path));
            place.how != How::ReadOnly && path.starts_with(kept)
        })
    }

    /// Keeps what lies next to a program, which no setting names: an earlier jail may have made it.
    fn neighbours(&mut self, folder: &mut Folder, program: &Path) -> Result<(), Refusal> {
        let before = self.found.places.len();
        let done = self.keep_neighbours(folder, program);
        self.beside.extend(before..self.found.places.len());
        done
    }

    /// All of the folder, or the programs in it where it holds state, too.
    fn keep_neighbours(&mut self, folder: &mut Folder, program: &Path) -> Result<(), Refusal> {
        let Some(parent) = program.parent().filter(|parent| self.is_writable(parent)) else {
            return Ok(());
        };
        let is_known = folder.next_to.iter().any(|known| known.folder == parent);
        if is_known || self.is_copied(parent) {
            return Ok(());
        }
        if !self.holds_state(parent) {
            return self.keep(How::Layer, parent);
        }
        let mut before = BTreeSet::new();
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let path = entry.path();
            before.insert(entry.file_name());
            let Ok(found) = path.symlink_metadata() else { continue };
            // What sessions share may be a link, too.
            let is_other_link = found.is_symlink() && !is_program_behind(&path);
            if is_other_link || !is_loaded(&path, &found) || self.is_copied(&path) {
                continue;
            }
            if found.is_dir() {
                // One that holds state is looked into where something in it is named.
                if !self.holds_state(&path) {
                    self.keep(How::Layer, &path)?;
                }
            } else if found.is_symlink() {
                self.keep(How::ReadOnly, &path)?;
                let real = fs::canonicalize(&path).ok();
                let target = real.and_then(|real| Some((real.metadata().ok()?, real)));
                if let Some((found, real)) = target.filter(|(found, _)| found.is_file()) {
                    self.keep(of_file(&found), &real)?;
                }
            } else {
                self.keep(of_file(&found), &path)?;
            }
        }
        folder.next_to.push(NextTo { folder: parent.to_path_buf(), before });
        Ok(())
    }

    /// Whether a folder holds what sessions share: it is one of an agent's, or around something
    /// that one has copies of.
    fn holds_state(&self, folder: &Path) -> bool {
        let is_around = |path: &PathBuf| path.starts_with(folder) && path != folder;
        self.found.roots.iter().any(|root| root.starts_with(folder))
            || self.states.iter().any(is_around)
    }
}

impl NextTo {
    /// What is new and may be loaded by a program in the folder.
    pub(super) fn made(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let new = entries.filter(|entry| !self.before.contains(&entry.file_name()));
        let mut new: Vec<PathBuf> = new.map(|entry| entry.path()).collect();
        new.retain(|path| path.symlink_metadata().is_ok_and(|found| is_loaded(path, &found)));
        new.sort();
        new
    }
}

/// Whether a program in the same folder may run or load it.
fn is_loaded(path: &Path, found: &Metadata) -> bool {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    match found.is_dir() {
        // With such a file, Python takes any folder for a package.
        true => LOADED.contains(&name) || path.join("__init__.py").symlink_metadata().is_ok(),
        false => found.is_symlink() || found.is_file() && is_program(path, found),
    }
}

/// Whether a link leads to a program, or has the name of one.
fn is_program_behind(link: &Path) -> bool {
    let real = fs::canonicalize(link).ok();
    let found = real.and_then(|real| Some((real.metadata().ok()?, real)));
    found.is_some_and(|(found, real)| found.is_file() && is_program(&real, &found))
        || has_program_name(link)
}

fn has_program_name(path: &Path) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|ending| ENDINGS.contains(&&*ending.to_ascii_lowercase()))
}

fn is_program(path: &Path, found: &Metadata) -> bool {
    has_program_name(path)
        || found.permissions().mode() & 0o111 != 0
        || path.extension().is_none() && file::begins_with(path, b"#!")
}
