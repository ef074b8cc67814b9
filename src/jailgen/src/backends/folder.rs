//! Writing an emitted folder: never over what is not ours, each file whole or not at all; and
//! comparing one with what it should be. It may lie where a jail writes, so no link in it is
//! followed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::EmitError;
use crate::files::{Below, EntryKind, temporary_name};

const COPIES: &str = "files";

/// A folder that is to be written: file names, relative to it, and contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub files: BTreeMap<String, File>,
    /// The one that is written last: a folder without it is incomplete, and a folder with a foreign
    /// file in its place is not ours.
    pub main: &'static str,
    /// How files of ours are recognised.
    pub marks: &'static [Mark],
}

/// How a file that a back end has written is distinguished from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// How its name ends.
    pub name: &'static str,
    /// How its content begins.
    pub begins: &'static str,
}

/// A file that is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// Ours, or copied, with whether it is executable.
    Content(Vec<u8>, bool),
    /// A symbolic link that was copied.
    Link(PathBuf),
}

/// How a file of a folder is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name, relative to the folder.
    pub file: String,
    /// What is different.
    pub change: Change,
}

/// What is different about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not there.
    Missing,
    /// It is there and should not be.
    Extra,
    /// Its content is another: a unified diff.
    Content(String),
    /// Its content is another, and is not text.
    Binary,
}

impl Folder {
    /// How a file of this name begins if it is ours; nothing where none of ours is called so.
    fn mark(&self, name: &str) -> Option<&'static Mark> {
        self.marks.iter().find(|mark| name.ends_with(mark.name))
    }
}

/// Writes a folder. Its other files are not touched, and files of ours that are no
/// longer needed are removed.
///
/// # Errors
/// It holds things that are not ours and `force` is not given, or it cannot be written.
pub fn write(folder: &Folder, to: &Path, force: bool) -> Result<(), EmitError> {
    let failed = |error| EmitError::Io { path: to.into(), error };
    let Some(opened) = Below::open(to).map_err(failed)? else { return write_new(folder, to) };
    if !force {
        refuse_foreign(folder, &opened, to)?;
    }
    let obsolete = obsolete(folder, &opened).map_err(failed)?;
    write_files(folder, &opened, to)?;
    for name in obsolete {
        let removed = around(&opened, &name).and_then(|around| match around {
            Some((around, last)) => around.remove(last),
            None => Ok(()),
        });
        removed.map_err(|error| EmitError::Io { path: to.join(&name), error })?;
    }
    Ok(())
}

/// Compares a folder with what it should be. Files that are not ours do not count.
///
/// # Errors
/// It cannot be read.
pub fn check(folder: &Folder, at: &Path) -> Result<Vec<Difference>, EmitError> {
    let failed = |error| EmitError::Io { path: at.into(), error };
    let opened = Below::open(at).map_err(failed)?;
    let mut differences = Vec::new();
    for (name, file) in &folder.files {
        let found = opened.as_ref().map_or(Ok(Some(Change::Missing)), |at| change(file, at, name));
        let found = found.map_err(|error| EmitError::Io { path: at.join(name), error })?;
        differences.extend(found.map(|change| Difference { file: name.clone(), change }));
    }
    let extra =
        opened.map_or(Ok(Vec::new()), |opened| obsolete(folder, &opened)).map_err(failed)?;
    differences.extend(extra.into_iter().map(|file| Difference { file, change: Change::Extra }));
    Ok(differences)
}

/// The folder around a file of a folder, and the file's own name; nothing where it is not there.
fn around<'n>(folder: &Below, name: &'n str) -> io::Result<Option<(Below, &'n OsStr)>> {
    let (folders, last) = split(name);
    let mut at = folder.again()?;
    for part in folders {
        let Some(next) = at.enter(part.as_ref())? else { return Ok(None) };
        at = next;
    }
    Ok(Some((at, last)))
}

/// `files/cfg/a`: the names of the folders, and that of the file.
fn split(name: &str) -> (impl Iterator<Item = &str>, &OsStr) {
    let (folders, last) = name.rsplit_once('/').unwrap_or(("", name));
    (folders.split('/').filter(|part| !part.is_empty()), last.as_ref())
}

fn change(file: &File, folder: &Below, name: &str) -> io::Result<Option<Change>> {
    let Some((at, last)) = around(folder, name)? else { return Ok(Some(Change::Missing)) };
    match (file, at.kind(last)?) {
        (_, None) => Ok(Some(Change::Missing)),
        (File::Link(target), Some(EntryKind::Link)) => {
            Ok((at.read_link(last)? != *target).then_some(Change::Binary))
        }
        (File::Content(content, wanted), Some(EntryKind::File { executable })) => {
            let found = at.read(last)?.map(|(found, _)| found).unwrap_or_default();
            Ok(content_change(&found, content, executable == *wanted, name))
        }
        (File::Link(_) | File::Content(..), Some(_)) => Ok(Some(Change::Binary)),
    }
}

fn content_change(found: &[u8], wanted: &[u8], same_mode: bool, name: &str) -> Option<Change> {
    if found == wanted && same_mode {
        return None;
    }
    Some(match (str::from_utf8(found), str::from_utf8(wanted)) {
        (Ok(found), Ok(wanted)) if found != wanted => Change::Content(diff(found, wanted, name)),
        _ => Change::Binary,
    })
}

fn diff(found: &str, wanted: &str, name: &str) -> String {
    TextDiff::from_lines(found, wanted)
        .unified_diff()
        .header(name, &format!("{name} (new)"))
        .to_string()
}

/// A folder that is not there yet appears whole.
fn write_new(folder: &Folder, to: &Path) -> Result<(), EmitError> {
    let failed = |error| EmitError::Io { path: to.into(), error };
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let aside = temporary_name(to);
    let _ = fs::remove_dir_all(&aside);
    let made = fs::create_dir(&aside).and_then(|()| Below::open(&aside));
    let opened = made.and_then(|opened| opened.ok_or_else(|| io::ErrorKind::NotFound.into()));
    let written = opened
        .map_err(failed)
        .and_then(|opened| write_files(folder, &opened, to))
        .and_then(|()| fs::rename(&aside, to).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_dir_all(&aside);
    }
    written
}

/// `shown` is for messages.
fn write_files(folder: &Folder, to: &Below, shown: &Path) -> Result<(), EmitError> {
    // Until the main one is there, nothing takes the folder for a whole one.
    let (last, others): (Vec<_>, Vec<_>) =
        folder.files.iter().partition(|(name, _)| *name == folder.main);
    for (name, file) in others.into_iter().chain(last) {
        write_file(file, to, name)
            .map_err(|error| EmitError::Io { path: shown.join(name), error })?;
    }
    Ok(())
}

fn write_file(file: &File, folder: &Below, name: &str) -> io::Result<()> {
    let (folders, last) = split(name);
    let mut at = folder.again()?;
    for part in folders {
        at = at.make(part.as_ref())?;
    }
    match file {
        File::Content(content, executable) => {
            at.write(last, content, if *executable { 0o755 } else { 0o644 })
        }
        File::Link(target) => at.link(last, target),
    }
}

/// A folder is ours if its main file is. One that holds anything and is not ours is refused, and so
/// is one of ours with a foreign file in the place of one that is to be written.
fn refuse_foreign(folder: &Folder, at: &Below, shown: &Path) -> Result<(), EmitError> {
    let names = names(at).map_err(|error| EmitError::Io { path: shown.into(), error })?;
    let foreign: Vec<String> = if is_ours(folder, at, folder.main) {
        let in_the_way = |name: &&String| {
            folder.mark(name).is_some()
                && folder.files.contains_key(*name)
                && !is_ours(folder, at, name)
        };
        names.iter().filter(in_the_way).cloned().collect()
    } else {
        names.into_iter().collect()
    };
    if foreign.is_empty() {
        return Ok(());
    }
    Err(EmitError::Foreign { folder: shown.into(), names: foreign.into_iter().take(5).collect() })
}

/// Files of ours in a folder that are not to be there.
fn obsolete(folder: &Folder, at: &Below) -> io::Result<Vec<String>> {
    if !is_ours(folder, at, folder.main) {
        return Ok(Vec::new());
    }
    let own = names(at)?.into_iter();
    let mut all: Vec<String> = own.filter(|name| is_ours(folder, at, name)).collect();
    if let Some(EntryKind::Folder) = at.kind(COPIES.as_ref())?
        && let Some(copies) = at.enter(COPIES.as_ref())?
    {
        copied(&copies, COPIES, &mut all)?;
    }
    all.retain(|name| !folder.files.contains_key(name));
    Ok(all)
}

/// What is copied below a folder. Names that are not text were not written by us.
fn copied(folder: &Below, path: &str, found: &mut Vec<String>) -> io::Result<()> {
    for name in folder.names()? {
        let Some(text) = name.to_str() else { continue };
        let path = format!("{path}/{text}");
        match folder.kind(&name)? {
            Some(EntryKind::Folder) => {
                if let Some(below) = folder.enter(&name)? {
                    copied(&below, &path, found)?;
                }
            }
            Some(EntryKind::File { .. } | EntryKind::Link | EntryKind::Other) => found.push(path),
            None => {}
        }
    }
    Ok(())
}

fn names(folder: &Below) -> io::Result<BTreeSet<String>> {
    let names = folder.names()?.into_iter();
    Ok(names.map(|name| name.to_string_lossy().into_owned()).collect())
}

/// Whether a file is one that jailgen has emitted.
fn is_ours(folder: &Folder, at: &Below, name: &str) -> bool {
    let Some(mark) = folder.mark(name) else { return false };
    let read = at.read(name.as_ref()).ok().flatten();
    read.is_some_and(|(content, _)| content.starts_with(mark.begins.as_bytes()))
}
