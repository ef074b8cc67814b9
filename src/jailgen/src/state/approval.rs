//! What a new build of a spec would change, against the last one that the user asked for (escapes.md C29).
//!
//! An agent that can write the spec of its jail could otherwise have its next launch grant what it likes, because `run` and its like
//! build what is stale. Grants are compared and not text: a comment, or another kit, is nothing to ask about.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jail_policy::{Difference, Entry, Policy, diff, sentence_among};
use serde::{Deserialize, Serialize};

use super::State;
use super::record::Record;
use crate::emit::Spec;
use crate::files::write_atomically;
use crate::nix::nar;

/// What a build made of a spec, as far as it decides what its jails may do.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Approved {
    policies: Vec<Policy>,
    /// The inputs that the spec declares, as Nix source.
    inputs: BTreeMap<String, String>,
    overlays: Vec<String>,
    /// What it copies, and the hash of each tree: scripts that run on the host may be among it.
    copied: Vec<(PathBuf, String)>,
}

impl Approved {
    pub(super) fn of(spec: &Spec) -> Self {
        let copied = spec.copied.iter().map(|copied| {
            // What cannot be read is not built either.
            (copied.from.clone(), nar::hash(&copied.from).unwrap_or_default())
        });
        Self {
            policies: spec.policies.clone(),
            inputs: spec.inputs.iter().map(|(name, it)| (name.clone(), it.0.to_nix(0))).collect(),
            overlays: spec.overlays.clone(),
            copied: copied.collect(),
        }
    }
}

/// What building the spec at `path` would change, a line each. Nothing where it was never built: then there is nothing that it
/// could differ from, and who names a spec for the first time has chosen it.
///
/// The lines hold text of the spec, and are not fit for a terminal yet.
#[must_use]
pub fn changes(state: &State, path: &Path, spec: &Spec) -> Vec<String> {
    let last =
        stood_for(state, path).map_or_else(|| state.record(path), |name| state.record_of(&name));
    let Some(before) = Record::read(&last).and_then(|record| record.approved) else {
        return Vec::new();
    };
    let after = Approved::of(spec);
    let mut lines = policies(&before.policies, &after.policies);
    let all = before.inputs.keys().chain(after.inputs.keys());
    let mut inputs: Vec<&String> =
        all.filter(|name| before.inputs.get(*name) != after.inputs.get(*name)).collect();
    inputs.sort_unstable();
    inputs.dedup();
    lines.extend(inputs.iter().map(|name| format!("the input `{name}`")));
    if before.overlays != after.overlays {
        lines.push("the overlays".into());
    }
    let changed = after.copied.iter().filter(|copied| !before.copied.contains(copied));
    lines.extend(changed.map(|(path, _)| format!("the content of `{}`", path.display())));
    lines
}

/// The build that this path last stood for, as the user writes the path. A spec that is a link now, and was none, stands for
/// another one: a jail can make such a link, to a spec of its own or to one of the user's that grants more.
pub(super) fn stood_for(state: &State, path: &Path) -> Option<String> {
    fs::read_to_string(state.path_record(path)).ok()
}

/// Writes down what this path stands for.
pub(super) fn stands_for(state: &State, path: &Path) -> std::io::Result<()> {
    let file = state.path_record(path);
    file.parent().map_or(Ok(()), fs::create_dir_all)?;
    write_atomically(&file, super::name(path).as_bytes())
}

fn policies(before: &[Policy], after: &[Policy]) -> Vec<String> {
    let mut lines = Vec::new();
    for policy in after {
        let grants = &policy.grants;
        match before.iter().find(|old| old.name == policy.name) {
            Some(old) => differences(&policy.name, &old.grants, grants, &mut lines),
            None => differences(&policy.name, &[], grants, &mut lines),
        }
    }
    let gone = before.iter().filter(|old| !after.iter().any(|policy| policy.name == old.name));
    lines.extend(gone.map(|old| format!("{}: gone", old.name)));
    lines
}

fn differences(name: &str, before: &[Entry], after: &[Entry], lines: &mut Vec<String>) {
    let Difference { added, removed, reordered } = diff(before, after);
    let line = |sign: char, entry: &Entry, all: &[Entry]| {
        format!("{name}: {sign} {}", sentence_among(&entry.grant, all))
    };
    lines.extend(added.iter().map(|entry| line('+', entry, after)));
    lines.extend(removed.iter().map(|entry| line('-', entry, before)));
    if reordered {
        lines.push(format!("{name}: the same in another order"));
    }
}
