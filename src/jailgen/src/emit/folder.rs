//! Writing an emitted folder: never over what is not ours, each file whole or not at all; and comparing one with what it should be.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use similar::TextDiff;

use super::{EmitError, File, Folder, MARK};
use crate::files::{beside, write_atomically};

const FLAKE: &str = "flake.nix";
const COPIES: &str = "files";

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
    /// Its content is another, and is no text.
    Binary,
}

/// Writes a folder. What else it holds is left alone, and files of ours that are no longer needed are removed.
///
/// # Errors
/// It holds things that are not ours and `force` is not given, or it cannot be written.
pub fn write(folder: &Folder, to: &Path, force: bool) -> Result<(), EmitError> {
    if !force {
        refuse_foreign(folder, to)?;
    }
    let obsolete = obsolete(folder, to)?;
    if fs::symlink_metadata(to).is_err() {
        return write_new(folder, to);
    }
    write_files(folder, to, write_atomically)?;
    for file in obsolete {
        let path = to.join(&file);
        fs::remove_file(&path).map_err(|error| EmitError::Io { path, error })?;
    }
    Ok(())
}

/// Compares a folder with what it should be. Files that are not ours do not count.
///
/// # Errors
/// It cannot be read.
pub fn check(folder: &Folder, at: &Path) -> Result<Vec<Difference>, EmitError> {
    let mut differences = Vec::new();
    for (name, file) in &folder.files {
        if let Some(change) = change(file, &at.join(name), name)? {
            differences.push(Difference { file: name.clone(), change });
        }
    }
    let extra = obsolete(folder, at)?;
    differences.extend(extra.into_iter().map(|file| Difference { file, change: Change::Extra }));
    Ok(differences)
}

fn change(file: &File, at: &Path, name: &str) -> Result<Option<Change>, EmitError> {
    let failed = |error| EmitError::Io { path: at.into(), error };
    let data = match fs::symlink_metadata(at) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Change::Missing)),
        data => data.map_err(failed)?,
    };
    match file {
        File::Link(target) => {
            let same = data.is_symlink() && fs::read_link(at).map_err(failed)? == *target;
            Ok((!same).then_some(Change::Binary))
        }
        File::Content(content, executable) => {
            let found = fs::read(at).map_err(failed)?;
            let same_mode = (data.permissions().mode() & 0o100 != 0) == *executable;
            if found == *content && same_mode {
                return Ok(None);
            }
            Ok(Some(match (str::from_utf8(&found), str::from_utf8(content)) {
                (Ok(found), Ok(wanted)) if found != wanted => {
                    Change::Content(diff(found, wanted, name))
                }
                _ => Change::Binary,
            }))
        }
    }
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
    // `.` and the like have no name to write beside.
    if to.file_name().is_none() {
        return write_files(folder, to, write_atomically);
    }
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let aside = beside(to);
    let _ = fs::remove_dir_all(&aside);
    let written = write_files(folder, &aside, |path, content| fs::write(path, content))
        .and_then(|()| fs::rename(&aside, to).map_err(failed));
    if written.is_err() {
        let _ = fs::remove_dir_all(&aside);
    }
    written
}

fn write_files(
    folder: &Folder,
    to: &Path,
    write: fn(&Path, &[u8]) -> io::Result<()>,
) -> Result<(), EmitError> {
    // flake.nix is the last: until it is there, nothing takes the folder for a whole one.
    let (last, others): (Vec<_>, Vec<_>) =
        folder.files.iter().partition(|(name, _)| *name == FLAKE);
    for (name, file) in others.into_iter().chain(last) {
        let path = to.join(name);
        write_file(file, &path, write).map_err(|error| EmitError::Io { path, error })?;
    }
    Ok(())
}

fn write_file(
    file: &File,
    path: &Path,
    write: fn(&Path, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match file {
        File::Content(content, executable) => {
            write(path, content)?;
            if *executable {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
            }
            Ok(())
        }
        File::Link(target) => {
            let _ = fs::remove_file(path);
            symlink(target, path)
        }
    }
}

/// A folder is ours if its flake.nix is. One that holds anything and is not ours is refused, and so is one of ours with a
/// file of somebody else's in the place of one that is to be written.
fn refuse_foreign(folder: &Folder, to: &Path) -> Result<(), EmitError> {
    let names = names(to)?;
    let foreign: Vec<String> = if is_ours(&to.join(FLAKE)) {
        let in_the_way = |name: &&String| {
            name.ends_with(".nix") && folder.files.contains_key(*name) && !is_ours(&to.join(name))
        };
        names.iter().filter(in_the_way).cloned().collect()
    } else {
        names.into_iter().collect()
    };
    if foreign.is_empty() {
        return Ok(());
    }
    Err(EmitError::Foreign { folder: to.into(), names: foreign.into_iter().take(5).collect() })
}

/// Files of ours in a folder that are not to be there.
fn obsolete(folder: &Folder, at: &Path) -> Result<Vec<String>, EmitError> {
    if !is_ours(&at.join(FLAKE)) {
        return Ok(Vec::new());
    }
    let nix =
        names(at)?.into_iter().filter(|name| name.ends_with(".nix") && is_ours(&at.join(name)));
    let copies = walkdir::WalkDir::new(at.join(COPIES)).sort_by_file_name();
    let copies =
        copies.into_iter().filter_map(Result::ok).filter(|entry| !entry.file_type().is_dir());
    let copies =
        copies.filter_map(|entry| Some(entry.path().strip_prefix(at).ok()?.to_str()?.to_owned()));
    Ok(nix.chain(copies).filter(|name| !folder.files.contains_key(name)).collect())
}

fn names(folder: &Path) -> Result<BTreeSet<String>, EmitError> {
    let failed = |error| EmitError::Io { path: folder.into(), error };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries.map_err(failed)?,
    };
    entries
        .map(|entry| Ok(entry.map_err(failed)?.file_name().to_string_lossy().into_owned()))
        .collect()
}

/// Whether a file is one that jailgen has emitted.
fn is_ours(file: &Path) -> bool {
    fs::read(file).is_ok_and(|content| content.starts_with(MARK.as_bytes()))
}
