//! The smallest spec for what a run used: what it did not use is taken out, what it missed is put
//! in. Everything else of the text stays as it is.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;

use jail_lang::query::{self, Permissions};
use jail_policy::{Access, Grant, NetworkGrant, Origin, Policy};
use jail_registry::{FileId, names};

use super::mounts::{Launcher, Mount};
use super::secret::never;
use super::{Report, Risk, Used, grants};
use crate::compile::{Compiled, Judged};

/// A spec that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its text.
    pub text: String,
    /// What would be dangerous to add, and is not: a title each.
    pub left_out: Vec<String>,
}

/// Combinators of which a run shows whether it used them, each with the one that grants reading
/// alone.
const SEEN: &[(&str, Option<&str>)] = &[
    (names::MOUNT_CWD, Some(names::MOUNT_CWD_READONLY)),
    (names::MOUNT_CWD_READONLY, None),
    (names::READONLY, None),
    (names::READWRITE, Some(names::READONLY)),
    (names::SEPARATE_STATE_DIR, None),
    (names::STATE_DIR, None),
    (names::TRY_READONLY, None),
    (names::TRY_READWRITE, Some(names::TRY_READONLY)),
];

/// The ports that a host has which the spec says nothing else about.
const USUAL_PORTS: [u16; 2] = [80, 443];

/// Proposes a spec for a run of the jail `name`. `None` if its permissions are not written as a
/// list in the spec itself.
#[must_use]
pub fn propose(
    compiled: &Compiled,
    name: &str,
    report: &Report,
    used: &Used,
    launcher: &Launcher,
) -> Option<Proposal> {
    let index = compiled.policies.iter().position(|policy| policy.name == name)?;
    let (policy, judged) = (compiled.policies.get(index)?, compiled.judged.get(index)?);
    let place = compiled.spec.as_ref()?.jails.get(index)?.place?;
    let text = &compiled.files.get(FileId(0)).filter(|_| place.file == FileId(0))?.text;
    let jail = place.start as usize..place.end as usize;
    let list = query::read(text, |tree| tree.permissions(&jail)).flatten()?;
    let spec = SpecText { text, policy, judged, used, launcher };
    let mut edits: Vec<(Range<usize>, String)> =
        list.elements.iter().filter_map(|element| spec.narrowed(element)).collect();
    let (added, left_out) = additions(report);
    edits.push((list.end..list.end, spec.written(&list, &added)));
    Some(Proposal { text: edited(text, edits), left_out })
}

/// What is to be added, and what is not because it is dangerous.
fn additions(report: &Report) -> (BTreeSet<String>, Vec<String>) {
    let is_harmless = |risk| risk < Risk::High;
    let (harmless, dangerous): (Vec<_>, Vec<_>) =
        report.groups.iter().partition(|group| is_harmless(group.risk));
    let added = harmless.iter().flat_map(|group| group.grants.iter().cloned()).collect();
    (added, dangerous.iter().map(|group| group.title.clone()).collect())
}

struct SpecText<'a> {
    text: &'a str,
    policy: &'a Policy,
    judged: &'a Judged,
    used: &'a Used,
    launcher: &'a Launcher,
}

impl SpecText<'_> {
    /// What an element becomes that grants more than was used.
    fn narrowed(&self, element: &Range<usize>) -> Option<(Range<usize>, String)> {
        let inside = self.judged.places.iter().filter(|(_, place)| {
            let (start, end) = (place.start as usize, place.end as usize);
            place.file == FileId(0) && element.start <= start && end <= element.end
        });
        let origins: BTreeSet<&Origin> = inside.map(|(origin, _)| origin).collect();
        let [origin] = origins.into_iter().collect::<Vec<_>>().try_into().ok()?;
        let written = self.text.get(element.clone())?;
        let becomes = match origin.combinator.as_str() {
            names::NETWORK_ALLOW => self.hosts(origin)?,
            combinator => {
                let (word, reading) = SEEN.iter().find(|(word, _)| *word == combinator)?;
                self.place(origin, written, word, *reading)?
            }
        };
        Some((self.with_space(element, &becomes), becomes))
    }

    fn place(
        &self,
        origin: &Origin,
        written: &str,
        word: &str,
        reading: Option<&str>,
    ) -> Option<String> {
        let mounts: Vec<&Mount> =
            self.used.mounts.all.iter().filter(|mount| mount.by == *origin).collect();
        if mounts.is_empty() {
            return None;
        }
        if !mounts.iter().any(|mount| mount.read || mount.written) {
            return Some(String::new());
        }
        let is_written = mounts.iter().any(|mount| mount.written);
        let word_now = reading.filter(|_| !is_written).unwrap_or(word);
        if let [mount] = mounts.as_slice()
            && let Some(parts) = self.parts(mount, word_now)
        {
            return Some(parts);
        }
        (word_now != word).then(|| written.replacen(word, word_now, 1))
    }

    /// The parts of a place that were used, if all of it holds secrets.
    fn parts(&self, mount: &Mount, word: &str) -> Option<String> {
        let access = if mount.written { Access::ReadWrite } else { Access::ReadOnly };
        let home = self.launcher.home();
        never(&mount.from, home, access).filter(|_| mount.from == mount.to)?;
        let parts = mount.parts.iter().map(|part| mount.from.join(part));
        let parts = parts.filter(|part| never(part, home, access).is_none() && is_there(part));
        let grants: Vec<String> =
            parts.filter_map(|part| grants::path_grant(word, &part, self.launcher)).collect();
        Some(grants.join(" "))
    }

    /// A list of hosts without those that were not reached.
    fn hosts(&self, origin: &Origin) -> Option<String> {
        let grants = self.policy.grants.iter().filter(|entry| entry.by == *origin);
        let mut count = 0;
        for entry in grants {
            // The first list also brings what every network by name needs.
            let Grant::Network(NetworkGrant::Host { ports, any_sni, txt, .. }) = &entry.grant
            else {
                continue;
            };
            let mut ports = ports.clone();
            ports.sort_unstable();
            if ports != USUAL_PORTS || *any_sni || *txt {
                return None;
            }
            count += 1;
        }
        let reached = self.used.hosts.get(&origin.to_string());
        let Some(reached) = reached else { return Some(String::new()) };
        if reached.len() >= count {
            return None;
        }
        let is_name = |host: &&String| {
            host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        };
        let hosts: Vec<String> =
            reached.iter().filter(is_name).map(|host| format!("\"{host}\"")).collect();
        Some(format!("({} [ {} ])", names::NETWORK_ALLOW, hosts.join(" ")))
    }

    /// With the space before it, where nothing stays of an element.
    fn with_space(&self, element: &Range<usize>, becomes: &str) -> Range<usize> {
        let before = self.text.get(..element.start).unwrap_or_default();
        let start = if becomes.is_empty() { before.trim_end().len() } else { element.start };
        start..element.end
    }

    /// New elements, as the others are laid out.
    fn written(&self, list: &Permissions, added: &BTreeSet<String>) -> String {
        let new = added.iter().filter(|grant| !self.text.contains(grant.as_str()));
        let before = self.text.get(..list.end).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        let indent = &line[..line.len() - line.trim_start().len()];
        let is_alone = line.trim().is_empty();
        let elements: String = match (is_alone, list.argument) {
            (true, None) => new.map(|grant| format!("  {grant}\n{indent}")).collect(),
            (_, _) => new.map(|grant| format!("{grant} ")).collect(),
        };
        match list.argument {
            Some(argument) if !elements.is_empty() => format!("{argument} = [ {elements}]; "),
            Some(_) | None => elements,
        }
    }
}

/// Parts of a place are what the jail looked for, and some of it may be gone.
fn is_there(path: &Path) -> bool {
    super::outside::look(path, &[]).is_some()
}

/// The text with all edits, which do not overlap.
fn edited(text: &str, mut edits: Vec<(Range<usize>, String)>) -> String {
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut whole = text.to_owned();
    for (range, becomes) in edits.into_iter().rev() {
        if whole.get(range.clone()).is_some() {
            whole.replace_range(range, &becomes);
        }
    }
    whole
}
