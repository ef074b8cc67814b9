//! Whether a jail can write what decides on its next build. The spec and what it imports are
//! read-only in a jail that jailgen has built; what it reads and copies is not, because it may be
//! what one works on, and in a cage nothing is.

use std::collections::BTreeSet;

use jail_lang::{Query, Sources as _};
use jail_policy::{Danger, DangerCode, Entry, Grant, Launch, Policy, Severity, writer};
use jail_registry::danger_warning;

use super::{Compiled, SpecFolder};

impl SpecFolder {
    /// Adds what is dangerous about where the spec is, for jails that are launched so.
    pub fn judge_place(&self, compiled: &mut Compiled, launch: Launch<'_>) {
        let (own, others) = self.deciding(compiled);
        let mut warnings = Vec::new();
        for (policy, judged) in compiled.policies.iter().zip(&mut compiled.judged) {
            let is_cage = is_cage(policy);
            let mut places = own.iter().filter(|_| is_cage).chain(&others);
            let written = places.find_map(|place| {
                let place = place.as_str();
                Some((place, writer(&policy.grants, place, launch)?))
            });
            let Some((place, entry)) = written else { continue };
            let danger = danger(below(place, launch.folder).unwrap_or(place), entry);
            let warning = danger_warning(&danger, judged.places.get(&danger.by).copied());
            let warning = warning.map(|warning| match below(place, launch.folder) {
                Some(path) if !is_cage && is_plain(path) => warning.help(to_paste(path)),
                Some(_) | None => warning,
            });
            warnings.extend(warning.filter(|warning| !warnings.contains(warning)));
            judged.dangers.push(danger);
            judged.dangers.sort();
        }
        compiled.diagnostics.extend(warnings);
        compiled.diagnostics.sort_by_key(|it| it.primary.map(|place| (place.file, place.start)));
    }

    /// Absolute paths: the spec and what it imports; then what else it reads and copies.
    fn deciding(&self, compiled: &Compiled) -> (BTreeSet<String>, BTreeSet<String>) {
        let root = self.sources.root().trim_end_matches('/');
        let at = |name: &str| match name {
            "." => root.to_owned(),
            name => format!("{root}/{name}"),
        };
        let own: BTreeSet<String> =
            compiled.files.all().iter().map(|file| at(&file.name)).collect();
        let read = self.sources.answered().into_iter().filter_map(|(query, path, _)| match query {
            Query::Read => Some(path),
            Query::Kind | Query::List => None,
        });
        let copied = compiled.spec.iter().flat_map(|spec| spec.copied.keys().map(|name| at(name)));
        let others = read.chain(copied).filter(|path| !own.contains(path)).collect();
        (own, others)
    }
}

fn is_cage(policy: &Policy) -> bool {
    policy.grants.iter().any(|entry| matches!(entry.grant, Grant::Cage { .. }))
}

/// A path from the working folder on.
fn below<'a>(place: &'a str, folder: &str) -> Option<&'a str> {
    place.strip_prefix(folder)?.strip_prefix('/')
}

/// Whether it can stand in a spec as it is.
fn is_plain(path: &str) -> bool {
    path.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+'))
}

fn to_paste(path: &str) -> String {
    format!(
        "keep it outside the folders that the jail can write, or make it read-only after them: `(try-readonly (noescape \"$PWD/{path}\"))`"
    )
}

fn danger(shown: &str, entry: &Entry) -> Danger {
    Danger {
        severity: Severity::High,
        code: DangerCode::SpecWritable,
        what: format!(
            "started here, the jail can write `{}`, which decides what the next build grants",
            shown.escape_debug()
        ),
        by: entry.by.clone(),
        from: None,
        fix: "keep the spec, and what it reads and copies, outside the folders that its jail can write",
    }
}
