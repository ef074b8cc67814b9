//! Whether a jail can write what it is made from: then what runs in it decides what the next build grants.

use jail_lang::Sources as _;
use jail_policy::{Danger, DangerCode, Entry, Launch, Severity, writer};
use jail_registry::danger_warning;

use super::{Compiled, SpecFolder};

impl SpecFolder {
    /// Adds what is dangerous about where the spec is, for jails that are launched so.
    pub fn judge_place(&self, compiled: &mut Compiled, launch: Launch<'_>) {
        let root = self.sources.root().trim_end_matches('/');
        let mut warnings = Vec::new();
        for (policy, judged) in compiled.policies.iter().zip(&mut compiled.judged) {
            let written = compiled.files.all().iter().find_map(|file| {
                let place = format!("{root}/{}", file.name);
                let entry = writer(&policy.grants, &place, launch)?;
                Some((file.name.as_str(), place, entry))
            });
            let Some((name, place, entry)) = written else { continue };
            let danger = danger(name, entry);
            let warning = danger_warning(&danger, judged.places.get(&danger.by).copied());
            let warning = warning.map(|warning| match below(&place, launch.folder) {
                Some(path) => warning.help(to_paste(path)),
                None => warning,
            });
            warnings.extend(warning.filter(|warning| !warnings.contains(warning)));
            judged.dangers.push(danger);
            judged.dangers.sort();
        }
        compiled.diagnostics.extend(warnings);
        compiled.diagnostics.sort_by_key(|it| it.primary.map(|place| (place.file, place.start)));
    }
}

/// A path from the working folder on, where it can stand in a spec as it is.
fn below<'a>(place: &'a str, folder: &str) -> Option<&'a str> {
    let path = place.strip_prefix(folder)?.strip_prefix('/')?;
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '+');
    path.chars().all(is_plain).then_some(path)
}

fn to_paste(path: &str) -> String {
    format!(
        "keep it outside of what its jail can write, or grant it read-only after that: `(try-readonly (noescape \"$PWD/{path}\"))`"
    )
}

fn danger(name: &str, entry: &Entry) -> Danger {
    Danger {
        severity: Severity::High,
        code: DangerCode::SpecWritable,
        what: format!(
            "a jail that is started here can write `{}`, which it is made from",
            name.escape_debug()
        ),
        by: entry.by.clone(),
        from: None,
        fix: "keep the spec outside of what its jail can write, or grant it read-only after that: `(try-readonly (noescape \"$PWD/NAME.jail\"))`",
    }
}
