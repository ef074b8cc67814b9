//! What is emitted: a compiled spec, with all that was read for it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jail_lang::{Input, Query, Tree};
use jail_policy::Policy;
use serde::{Deserialize, Serialize};

use crate::nix::nar::hash_bytes;

/// A spec, as far as emission is concerned.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Its path as the user gave it, for messages.
    pub path: String,
    /// Where it is: an absolute path without links.
    pub place: PathBuf,
    /// It and the files that it imports, itself first.
    pub files: Vec<SpecFile>,
    /// All that was asked of the disk to evaluate it.
    pub answers: Vec<Answer>,
    pub policies: Vec<Policy>,
    /// The inputs that it declares for the emitted flake.
    pub inputs: BTreeMap<String, Input>,
    /// The overlays that it declares: Nix source, closed but for the names that every emitted file
    /// binds.
    pub overlays: Vec<String>,
    /// The configuration of nixpkgs that it declares, as Nix source of the same kind.
    pub config: Option<String>,
    /// Files and folders that its jails name.
    pub copied: Vec<Copied>,
}

/// A spec's settings for packages, by the name of each part in a spec: Nix source whose only free
/// names are those that every emitted file binds.
#[must_use]
pub fn nixpkgs_settings<'a>(
    overlays: &'a [String],
    config: Option<&'a str>,
) -> BTreeMap<String, &'a str> {
    let numbered = overlays.iter().enumerate();
    let overlays = numbered.map(|(at, source)| (format!("overlays[{at}]"), source.as_str()));
    overlays.chain(config.map(|source| ("nixpkgs.config".to_owned(), source))).collect()
}

/// A file of a spec.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// Its name, relative to the spec's folder: nothing of this machine belongs in what is emitted.
    pub name: String,
    /// The hash of its content: `sha256-…`.
    pub hash: String,
}

impl SpecFile {
    /// A file with this content.
    #[must_use]
    pub fn new(name: impl Into<String>, content: &[u8]) -> Self {
        Self { name: name.into(), hash: hash_bytes(content) }
    }
}

/// A question to the disk, and the hash of the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// What was asked.
    pub query: Query,
    /// Of what: an absolute path.
    pub path: String,
    /// The hash of the answer: `sha256-…`.
    pub hash: String,
}

impl Answer {
    /// The record of an answer.
    #[must_use]
    pub fn record((query, path, bytes): (Query, String, Vec<u8>)) -> Self {
        Self { query, path, hash: hash_bytes(&bytes) }
    }
}

/// A path of a spec that is copied into the emitted folder.
#[derive(Clone, Debug)]
pub struct Copied {
    /// Where it was: an absolute path.
    pub from: PathBuf,
    /// Where it goes, relative to the emitted folder: `files/cfg`.
    pub to: String,
    /// What it is, as it was read.
    pub tree: Tree,
}
