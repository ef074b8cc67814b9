//! The second reading of a spec that Nix has evaluated. `jailgen check` and `explain` say what
//! jailgen's evaluator finds in it; where Nix finds something else, nothing is built.
//!
//! The spec comes as text with the derivation, and so do the files that it imports. Nothing else is
//! read.

use std::collections::BTreeMap;
use std::path::Path;

use jail_lang::{EntryKind, SourceError, Sources};
use jail_policy::Origin;
use jail_registry::{Code, Diagnostic, Jail, Made, Severity, Term, difference};
use serde::Deserialize;

use super::places;
use crate::compile::{Compiled, compile_from};

/// The spec's folder. Where it was for Nix is not known here, so that the wrapper is the same
/// wherever it was.
const ROOT: &str = "/spec";

/// A spec as nixlib/spec-files.nix writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spec {
    /// The name of its file.
    file: String,
    /// How many permissions the flake puts before those of the spec.
    before: usize,
    /// What is known of its folder, by the path below it.
    entries: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: Option<NixFileType>,
    text: Option<String>,
    /// Whether everything in this folder is known.
    whole: bool,
}

/// The names of `builtins.readDir`.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum NixFileType {
    Regular,
    Directory,
    Symlink,
    Unknown,
}

/// Why the two readings do not agree.
#[derive(Debug, thiserror::Error)]
#[error("the spec `{}` is not built, because jailgen and Nix read it differently", .compiled.path.display())]
pub struct Disagreement {
    /// What jailgen cannot read, or reads otherwise.
    pub faults: Vec<Diagnostic>,
    /// The spec, for the lines that they are about.
    pub compiled: Compiled,
}

impl Disagreement {
    /// What to do.
    #[must_use]
    pub fn help(&self) -> String {
        let is_missing =
            |fault: &Diagnostic| matches!(fault.code, Code::MissingFile | Code::UnreadableFile);
        let file = self.compiled.path.display();
        let files = if self.faults.iter().any(is_missing) {
            format!("name what it reads: `buildJail {{ spec = ./{file}; files = [ ./file ]; }}`; ")
        } else {
            String::new()
        };
        format!(
            "{files}change the spec until `jailgen check` reads it; or accept what Nix reads, unchecked: \
             `buildJail {{ spec = ./{file}; checked = false; }}`"
        )
    }
}

impl Spec {
    /// Reads the spec and compares its jail of this name with what Nix made of it. Where its grants
    /// stand in the spec.
    pub(super) fn agrees(
        &self,
        term: &Term,
        name: &str,
        store: &str,
    ) -> Result<BTreeMap<Origin, String>, Box<Disagreement>> {
        let compiled = compile_from(self, Path::new(&self.file));
        let is_error = |fault: &&Diagnostic| fault.severity == Severity::Error;
        let mut faults: Vec<_> = compiled.diagnostics.iter().filter(is_error).cloned().collect();
        if faults.is_empty() {
            faults.extend(self.difference(&compiled, term, name, store));
        }
        if !faults.is_empty() {
            return Err(Box::new(Disagreement { faults, compiled }));
        }
        let policy = compiled.policies.iter().find(|policy| policy.name == name);
        let places = policy.map(|policy| places::of_spec(policy, &term.jail, self.before));
        Ok(places.unwrap_or_default())
    }

    fn difference(
        &self,
        compiled: &Compiled,
        term: &Term,
        name: &str,
        store: &str,
    ) -> Option<Diagnostic> {
        let jails = compiled.spec.iter().flat_map(|spec| &spec.jails);
        let mut named = jails.zip(&compiled.policies).filter(|(_, policy)| policy.name == name);
        let Some((jail, _)) = named.next() else {
            let message = format!("Nix finds a jail `{name}` in the spec, and jailgen does not");
            return Some(Diagnostic::error(Code::DiffersInNix, None, message));
        };
        difference(jail, &self.own_part(&term.jail), store)
    }

    /// The jail without the permissions that the flake puts before those of the spec.
    fn own_part(&self, jail: &Jail) -> Jail {
        let mut jail = jail.clone();
        if let Made::Plain { permissions, .. } = &mut jail.made {
            *permissions = permissions.split_off(self.before.min(permissions.len()));
        }
        jail
    }

    fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(below(path)?)
    }
}

/// The path below the spec's folder.
fn below(path: &str) -> Option<&str> {
    path.strip_prefix(ROOT)?.strip_prefix('/')
}

impl Sources for Spec {
    fn root(&self) -> &str {
        ROOT
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, SourceError> {
        let Some(below) = below(path) else { return Err(SourceError::Outside(path.to_owned())) };
        match self.entries.get(below) {
            Some(Entry { text: Some(text), .. }) => Ok(text.clone().into_bytes()),
            Some(Entry { text: None, .. }) => Err(unknown(path)),
            None => Err(SourceError::Missing(path.to_owned())),
        }
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, SourceError> {
        if path == ROOT {
            return Ok(Some(EntryKind::Directory));
        }
        let Some(below) = below(path) else { return Err(SourceError::Outside(path.to_owned())) };
        let folder = format!("{below}/");
        let has_more = self.entries.keys().any(|name| name.starts_with(&folder));
        let folder = has_more.then_some(EntryKind::Directory);
        Ok(self.entry(path).and_then(|entry| entry.kind).map(EntryKind::from).or(folder))
    }

    fn list(&self, path: &str) -> Result<Vec<(String, EntryKind)>, SourceError> {
        let Some(below) = below(path) else { return Err(SourceError::Outside(path.to_owned())) };
        if !self.entries.get(below).is_some_and(|entry| entry.whole) {
            return Err(unknown(path));
        }
        let folder = format!("{below}/");
        let mut entries = Vec::new();
        for (name, entry) in &self.entries {
            let Some(name) = name.strip_prefix(&folder) else { continue };
            if let (false, Some(kind)) = (name.contains('/'), entry.kind) {
                entries.push((name.to_owned(), kind.into()));
            }
        }
        Ok(entries)
    }
}

fn unknown(path: &str) -> SourceError {
    let message = "it was not passed along with the spec".to_owned();
    SourceError::Io { path: path.to_owned(), message }
}

impl From<NixFileType> for EntryKind {
    fn from(kind: NixFileType) -> Self {
        match kind {
            NixFileType::Regular => Self::Regular,
            NixFileType::Directory => Self::Directory,
            NixFileType::Symlink => Self::Symlink,
            NixFileType::Unknown => Self::Unknown,
        }
    }
}
