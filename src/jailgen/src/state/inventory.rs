//! What the state folder contains of each spec: for `list`, and to find what is no longer needed.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::commands::{names, of_spec};
use super::record::Record;
use super::{State, name};

/// The suffixes of names other than that of a flake's folder, in the order in which they come to
/// be.
pub(super) const ASIDE: [&str; 4] = ["new", "old", "failed", "lock"];

/// What is there of one spec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// The name of its files in the state folder.
    pub(super) name: String,
    /// Where the spec is; nothing where no build of it has succeeded.
    pub spec: Option<PathBuf>,
    /// Its jails, in the order of the spec.
    pub jails: Vec<BuiltJail>,
    /// Its linked commands, second names included.
    pub commands: Vec<PathBuf>,
    /// When it was built.
    pub built: Option<SystemTime>,
    /// The emitted flake, and its size in bytes.
    pub flake: Option<(PathBuf, u64)>,
    /// The flake of the last build, where that failed.
    pub failed: Option<PathBuf>,
}

/// A jail that was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltJail {
    /// The name that identifies it.
    pub name: String,
    /// Its store path.
    pub store_path: String,
}

impl BuiltJail {
    /// Whether it is in the store still.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.wrapper().exists()
    }

    pub(super) fn wrapper(&self) -> PathBuf {
        Path::new(&self.store_path).join("bin").join(&self.name)
    }
}

impl Holding {
    /// Whether the spec still exists. If that cannot be checked, it counts as existing.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.spec.as_ref().is_some_and(|spec| spec.try_exists().unwrap_or(true))
    }
}

/// What there is of all specs, by the places of these.
///
/// # Errors
/// The state folder cannot be read.
pub fn holdings(state: &State) -> io::Result<Vec<Holding>> {
    let mut known = BTreeSet::new();
    for file in names(&state.records())? {
        known.extend(file.strip_suffix(".json").map(str::to_owned));
    }
    for file in names(&state.flakes())? {
        let end = |end: &&str| file.strip_suffix(end)?.strip_suffix('.').map(str::to_owned);
        known.insert(ASIDE.iter().find_map(end).unwrap_or(file));
    }
    for folder in names(&state.roots())? {
        if fs::symlink_metadata(state.roots().join(&folder))?.is_dir() {
            known.insert(folder);
        }
    }
    let mut found: Vec<Holding> =
        known.into_iter().map(|name| holding(state, name)).collect::<io::Result<_>>()?;
    found.sort_by(|a, b| (&a.spec, &a.name).cmp(&(&b.spec, &b.name)));
    Ok(found)
}

/// What there is of the spec at a place, if there is something.
///
/// # Errors
/// The state folder cannot be read.
pub fn holding_of(state: &State, place: &Path) -> io::Result<Option<Holding>> {
    let of = name(place);
    Ok(holdings(state)?.into_iter().find(|holding| holding.name == of))
}

fn holding(state: &State, name: String) -> io::Result<Holding> {
    let record = Record::named(state, &name);
    let written = record.as_ref().and_then(|record| {
        let file = state.records().join(State::record_name(&record.spec));
        file.symlink_metadata().and_then(|data| data.modified()).ok()
    });
    let folder = state.flakes().join(&name);
    let failed = state.flakes().join(format!("{name}.failed"));
    let jails = record.iter().flat_map(|record| &record.jails);
    let jails = jails
        .map(|(name, store_path)| BuiltJail { name: name.clone(), store_path: store_path.clone() });
    Ok(Holding {
        jails: jails.collect(),
        commands: of_spec(state, &name)?.iter().map(|command| state.command(command)).collect(),
        built: written,
        flake: folder.is_dir().then(|| (folder.clone(), size(&folder))),
        failed: failed.is_dir().then_some(failed),
        spec: record.map(|record| record.spec),
        name,
    })
}

/// The bytes of all files in a folder, or of a file. What cannot be read counts nothing; no link is
/// followed.
pub(super) fn size(path: &Path) -> u64 {
    let entries = walkdir::WalkDir::new(path).into_iter().filter_map(Result::ok);
    let files = entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file);
    files.map(|data| data.len()).sum()
}
