//! What a policy grants that deserves a second look: the one list that `check`, `explain` and
//! `audit` judge by.
//!
//! Nothing is started for this, and nothing here knows the host; places are
//! compared as they are written.

mod broken;
mod caged;
mod code;
mod granted;
mod network;
mod secret;
mod writer;

use std::collections::BTreeSet;

pub use caged::cage_state;
pub use code::DangerCode;
pub use granted::is_secret;
pub use writer::{Launch, writer};

use crate::{Entry, Grant, Origin, Severity, Text};

/// A grant that deserves a second look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Danger {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of danger it is.
    pub code: DangerCode,
    /// What it is: a sentence without a full stop. It may contain text from the spec.
    pub what: String,
    /// Who granted it.
    pub by: Origin,
    /// The place of the host that it is about, if the grant names one.
    pub from: Option<Text>,
    /// What to do.
    pub fix: &'static str,
}

impl Danger {
    /// A danger of a grant that names no place of the host.
    fn from_entry(
        entry: &Entry,
        severity: Severity,
        code: DangerCode,
        what: impl Into<String>,
        fix: &'static str,
    ) -> Self {
        Self { severity, code, what: one_line(&what.into()), by: entry.by.clone(), from: None, fix }
    }
}

/// The grants that deserve a second look, the worst first. `applied` are the combinators of the
/// spec, including those whose grants left no trace.
#[must_use]
pub fn dangers<'a>(grants: &[Entry], applied: impl IntoIterator<Item = &'a Origin>) -> Vec<Danger> {
    let is_cage = grants.iter().any(|entry| matches!(entry.grant, Grant::Cage { .. }));
    let mut found: Vec<Danger> = if is_cage {
        grants.iter().flat_map(|entry| caged::dangers(entry, grants)).collect()
    } else {
        let mut found: Vec<Danger> = grants.iter().flat_map(granted::dangers).collect();
        found.extend(granted::git(grants));
        found.extend(broken::dangers(grants));
        found.extend(network::relay(grants));
        found
    };
    let mut origins: BTreeSet<&Origin> = applied.into_iter().collect();
    origins.extend(grants.iter().map(|entry| &entry.by));
    // What is not safe about a service of the session is known, and says more.
    let is_service = |entry: &&Entry| matches!(entry.grant, Grant::Session { .. });
    let known: BTreeSet<&Origin> = grants.iter().filter(is_service).map(|it| &it.by).collect();
    found.extend(origins.difference(&known).filter_map(|origin| called_unsafe(origin)));
    found.sort();
    // One combinator may grant it twice: a folder that is made, and bound.
    found.dedup();
    found
}

/// A path that goes on in another line could hide something there.
fn one_line(text: &str) -> String {
    text.replace('\r', "\\r").replace('\n', "\\n")
}

fn called_unsafe(by: &Origin) -> Option<Danger> {
    let fix = "use the combinator for this purpose";
    by.combinator.starts_with("unsafe-").then(|| Danger {
        severity: Severity::High,
        code: DangerCode::UnsafeCombinator,
        what: one_line(&format!("`{}` adds arguments that no check looks at", by.combinator)),
        by: by.clone(),
        from: None,
        fix,
    })
}

#[cfg(test)]
mod tests;
