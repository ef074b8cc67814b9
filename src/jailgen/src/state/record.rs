//! What was built of what: to tell in a millisecond whether a build is stale, and whose a command is.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::approval::{Approved, stood_for};
use super::{BuildError, Built, Command, State};
use crate::emit::Spec;
use crate::files::write_atomically;
use crate::kit::Kit;
use crate::nix::nar;

/// A build that succeeded.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The spec's real path.
    pub(super) spec: PathBuf,
    /// The jailgen that built it.
    version: String,
    /// The kit's [`Kit::fingerprint`].
    kit: String,
    /// The spec and what it imports, and the hash of each.
    files: Vec<(PathBuf, String)>,
    /// What it copies, and the hash of each tree.
    copied: Vec<(PathBuf, String)>,
    /// The jails, and the store path of each.
    pub(super) jails: Vec<Linked>,
    /// Second names of theirs that are linked, and the store path behind each.
    #[serde(default)]
    pub(super) aliases: Vec<Linked>,
    /// What the build granted; absent in records of older jailgens.
    #[serde(default)]
    pub(super) approved: Option<Approved>,
}

/// The name of a command, and the store path that it leads to.
pub(super) type Linked = (String, String);

impl Record {
    pub(super) fn new(path: &Path, spec: &Spec, kit: &Kit, commands: &[Command]) -> Self {
        let path = real(path);
        let folder = path.parent().unwrap_or(Path::new("/")).to_path_buf();
        let copied = spec
            .copied
            .iter()
            .filter_map(|copied| Some((copied.from.clone(), nar::hash(&copied.from).ok()?)));
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            kit: kit.fingerprint(),
            files: spec
                .files
                .iter()
                .map(|file| (folder.join(&file.name), file.hash.clone()))
                .collect(),
            copied: copied.collect(),
            jails: commands.iter().map(|it| (it.name.clone(), it.store_path.clone())).collect(),
            aliases: commands.iter().filter_map(alias).collect(),
            approved: Some(Approved::of(spec)),
            spec: path,
        }
    }

    /// Whether a command of this name is linked to one of its jails.
    pub(super) fn has(&self, name: &str) -> bool {
        self.jails.iter().chain(&self.aliases).any(|(linked, _)| linked == name)
    }

    pub(super) fn write(&self, to: &Path) -> Result<(), BuildError> {
        let failed = |error| BuildError::Io { path: to.into(), error };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        to.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
        write_atomically(to, &text).map_err(failed)
    }

    pub(super) fn read(from: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(from).ok()?).ok()
    }

    fn alias(&self, store_path: &str) -> Option<&str> {
        let found = self.aliases.iter().find(|(_, of)| of == store_path);
        found.map(|(name, _)| name.as_str())
    }

    /// Whether building again would give the same.
    fn holds(&self, kit: &Kit) -> bool {
        self.version == env!("CARGO_PKG_VERSION")
            && self.kit == kit.fingerprint()
            && self.files.iter().all(|(file, hash)| {
                fs::read(file).is_ok_and(|content| nar::hash_bytes(&content) == *hash)
            })
            && self
                .copied
                .iter()
                .all(|(path, hash)| nar::hash(path).is_ok_and(|found| found == *hash))
            && self.jails.iter().all(|(_, store_path)| Path::new(store_path).exists())
    }
}

fn alias(command: &Command) -> Option<Linked> {
    let name = command.alias.as_ref()?.file_name()?.to_string_lossy();
    Some((name.into_owned(), command.store_path.clone()))
}

/// What was built of a spec, if building it again would give the same. Nothing is compiled to find out.
#[must_use]
pub fn fresh(state: &State, spec: &Path, kit: &Kit) -> Option<Built> {
    if stood_for(state, spec).is_some_and(|name| name != super::name(spec)) {
        return None;
    }
    let record = Record::read(&state.record(spec))?;
    let commands = record.jails.iter().map(|(name, store_path)| Command {
        name: name.clone(),
        store_path: store_path.clone(),
        link: state.command(name),
        alias: record.alias(store_path).map(|alias| state.command(alias)),
    });
    record.holds(kit).then(|| Built { folder: state.flake(spec), commands: commands.collect() })
}

/// What the last build of a spec was made of beside the spec itself: what it imports, and what it copies.
#[must_use]
pub fn sources(state: &State, spec: &Path) -> Vec<PathBuf> {
    let record = Record::read(&state.record(spec));
    let of_record = record.into_iter().flat_map(|record| [record.files, record.copied].concat());
    of_record.map(|(path, _)| path).filter(|path| *path != real(spec)).collect()
}

/// The other spec that a command belongs to, if that spec is still there.
pub(super) fn owner(state: &State, spec: &Path, jail: &str) -> Option<PathBuf> {
    let spec = real(spec);
    let entries = fs::read_dir(state.records()).ok()?;
    let records = entries.filter_map(|entry| Record::read(&entry.ok()?.path()));
    records
        .filter(|record| record.spec != spec && record.spec.exists())
        .find(|record| record.has(jail))
        .map(|record| record.spec)
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.into())
}
