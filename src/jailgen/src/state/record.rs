//! What was built from what: to know within a millisecond whether a build is stale, and which spec
//! a command belongs to.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use jail_lang::{Bounds, FileSources, Query};
use serde::{Deserialize, Serialize};

use super::trust::{Content, content_of, leads_to, place, written};
use super::{BuildError, Built, Command, State, name};
use crate::backends::{Answer, Spec};
use crate::files::Private;
use crate::kit::Kit;
use crate::nix::nar;

/// A build that succeeded.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Where the spec is: an absolute path without links, as all paths here.
    pub(super) spec: PathBuf,
    /// The jailgen that built it.
    version: String,
    /// The kit's [`Kit::fingerprint`].
    kit: String,
    /// All that was asked of the disk to evaluate it.
    answers: Vec<Answer>,
    /// What it copies, and the hash of each tree.
    copied: Vec<(String, String)>,
    /// The jails, and the store path of each.
    pub(super) jails: Vec<(String, String)>,
    /// The inputs that the user's settings named, and what they were pinned to.
    #[serde(default)]
    inputs: Vec<(String, String)>,
    /// The hash of what the build granted.
    content: String,
    /// The spec, and the files that it imports.
    #[serde(default)]
    files: Vec<PathBuf>,
}

impl Record {
    pub(super) fn new(
        spec: &Spec,
        kit: &Kit,
        commands: &[Command],
        inputs: &[(String, String)],
    ) -> Self {
        let copied = spec.copied.iter();
        let copied = copied.map(|it| (it.from.display().to_string(), nar::hash_tree(&it.tree)));
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            kit: kit.fingerprint(),
            answers: spec.answers.clone(),
            copied: copied.collect(),
            jails: commands.iter().map(|it| (it.name.clone(), it.store_path.clone())).collect(),
            inputs: inputs.to_vec(),
            content: Content::from_spec(spec).hash(),
            files: spec.files.iter().map(|file| next_to(&spec.place, &file.name)).collect(),
            spec: spec.place.clone(),
        }
    }

    /// Whether the build was made when an input was set to this.
    pub(super) fn knew(&self, input: &(String, String)) -> bool {
        self.inputs.contains(input)
    }

    pub(super) fn write(&self, state: &State) -> Result<(), BuildError> {
        let failed = |error| BuildError::Io { path: state.record(&self.spec), error };
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(error.into()))?;
        let records = Private::create(&state.records()).map_err(failed)?;
        records.write(&State::record_name(&self.spec), &text).map_err(failed)
    }

    /// The record of the spec at a place. One that cannot be read counts as none: the spec is built
    /// again, and that asks where it must.
    pub(super) fn read(state: &State, place: &Path) -> Option<Self> {
        let records = Private::open(&state.records()).ok()??;
        let record = Self::parse(&records, &State::record_name(place))?;
        (record.spec == place).then_some(record)
    }

    /// All that can be read.
    pub(super) fn all(state: &State) -> Vec<Self> {
        let Ok(Some(folder)) = Private::open(&state.records()) else { return Vec::new() };
        let names = folder.names().unwrap_or_default();
        names.iter().filter_map(|name| Self::parse(&folder, name)).collect()
    }

    /// The spec, and the files that it imports.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(PathBuf::as_path)
    }

    fn parse(records: &Private, name: &OsStr) -> Option<Self> {
        serde_json::from_slice(&records.read(name).ok()??).ok()
    }

    /// The record under the name of a spec's files in the state folder.
    pub(super) fn named(state: &State, of: &str) -> Option<Self> {
        let records = Private::open(&state.records()).ok()??;
        let record = Self::parse(&records, OsStr::new(&format!("{of}.json")))?;
        (name(&record.spec) == of).then_some(record)
    }

    /// Whether building again would give the same.
    fn holds(&self, kit: &Kit) -> bool {
        self.version == env!("CARGO_PKG_VERSION")
            && self.kit == kit.fingerprint()
            && self.jails.iter().all(|(_, store_path)| Path::new(store_path).exists())
            && self.sources_are_the_same().unwrap_or(false)
    }

    fn sources_are_the_same(&self) -> Option<bool> {
        let sources = FileSources::new(self.spec.parent()?).ok()?;
        let mut bounds = Bounds::of_a_spec();
        let same = |answer: &Answer| {
            let now = sources.ask(answer.query, &answer.path);
            now.is_ok_and(|now| nar::hash_bytes(&now) == answer.hash)
        };
        let mut same_tree = |(path, hash): &(String, String)| {
            sources.tree(path, &mut bounds).is_ok_and(|tree| nar::hash_tree(&tree) == *hash)
        };
        Some(self.answers.iter().all(same) && self.copied.iter().all(&mut same_tree))
    }
}

/// A file of a spec by its name below the spec's folder.
fn next_to(spec: &Path, name: &str) -> PathBuf {
    spec.parent().unwrap_or(Path::new("/")).join(name)
}

/// What was built of a spec, if building it again would give the same, and that is still approved.
/// Nothing is compiled to find out.
#[must_use]
pub fn fresh(state: &State, path: &Path, kit: &Kit) -> Option<Built> {
    let place = place(path);
    // A path that never led here is judged before anything is run.
    if leads_to(state, path).ok()?.unwrap_or_else(|| written(path)) != place {
        return None;
    }
    let record = Record::read(state, &place)?;
    if content_of(state, &place)? != record.content {
        return None;
    }
    let commands = record.jails.iter().map(|(name, store_path)| Command {
        name: name.clone(),
        store_path: store_path.clone(),
        link: state.is_linked(&place, name).then(|| state.command(name)),
        alias: None,
    });
    let is_set = state.defaults.inputs.iter().all(|input| record.knew(input));
    (is_set && record.holds(kit))
        .then(|| Built { folder: state.flake(&place), commands: commands.collect() })
}

/// What the last build of a spec was made from in addition to the spec itself: what it imports and
/// reads, and what it copies.
#[must_use]
pub fn sources(state: &State, spec: &Path) -> Vec<PathBuf> {
    let spec = place(spec);
    let Some(record) = Record::read(state, &spec) else { return Vec::new() };
    let read = record.answers.into_iter().filter(|answer| answer.query == Query::Read);
    let all = read.map(|answer| answer.path).chain(record.copied.into_iter().map(|it| it.0));
    all.map(PathBuf::from).filter(|path| *path != spec).collect()
}
