//! How the process that checks what a session leaves is started, its protocol
//! ([`crate::HostOp::HandOff`]), and the table of what counts. Only data; no I/O.
//!
//! The stub starts it next to the jail, and passes a socket, the project's folder, a time
//! before the jail started, and the folder of jailgen's state where it keeps its records. One
//! byte, [`ENDED`], means that the payload has run and ended. A second process ([`WATCH`])
//! watches the folder meanwhile.

use alloc::string::String;
use alloc::vec::Vec;

use crate::ops::{GitChanges, HandOff, HostOp, InsideOp};
use crate::plan::Plan;

/// The argument that starts the helper as this process.
pub const HAND_OFF: &str = "hand-off";

/// The argument that makes the helper report what sessions left, for `jailgen handoff`.
pub const LEDGER: &str = "ledger";

/// The word after [`HAND_OFF`] if what is not approved is to be moved aside.
pub const QUARANTINE: &str = "quarantine";

/// The word that tells the helper to watch the folder until the session ends.
pub const WATCH: &str = "watch";

/// The exit status of that process where the jail has to end, whatever it protects.
pub const EVIDENCE: u8 = 3;

/// The word behind [`WATCH`] where the jail has copies of git's settings.
pub const APART: &str = "apart";

/// The word before the globs of [`crate::Protect`].
pub const PROTECT: &str = "protect";

/// The word after those, before the globs of [`crate::Mask`]. It is not a glob.
pub const MASKED: &str = "/";

/// The prefix of the name of a kind in a list of globs.
pub const KIND_MARK: char = '@';

/// The name for all kinds of [`PROTECTED_KINDS`].
pub const HOSTS: &str = "hosts";

/// The kinds whose names host programs execute without asking. A session hardly
/// ever has to write there.
pub const PROTECTED_KINDS: [&str; 5] = ["agent", "editor", "git-hook", "nix", "shell"];

/// Its folder in jailgen's state.
pub const FOLDER: &str = "handoff";

/// What the stub sends when the payload has ended.
pub const ENDED: u8 = b'e';

/// What it sends if there was no payload.
pub const NEVER: u8 = b'n';

/// Whether the operation needs such a process, and how.
#[must_use]
pub fn hand_off(op: &HostOp) -> Option<&HandOff> {
    match op {
        HostOp::HandOff(op) => Some(op),
        HostOp::RefuseFolder(_)
        | HostOp::StateDirectory(_)
        | HostOp::StateFile(_)
        | HostOp::StateLink(_)
        | HostOp::GitIdentity(_)
        | HostOp::LoginProfile(_)
        | HostOp::Script(_)
        | HostOp::Bus(_)
        | HostOp::Channel(_)
        | HostOp::OpenUrls
        | HostOp::FilterTerminal
        | HostOp::EnterProject => None,
    }
}

/// Whether the jail has copies of git's settings.
#[must_use]
pub fn has_copies(plan: &Plan) -> bool {
    plan.inside.iter().any(|step| match &step.op {
        InsideOp::Git(op) => op.changes != GitChanges::Refused,
        _ => false,
    })
}

/// The words that say what is protected, and what of it may be masked; none where nothing is
/// protected.
#[must_use]
pub fn protect_words(plan: &Plan) -> Vec<&str> {
    let protected = globs_of(plan, |op| match op {
        InsideOp::Protect(op) => Some(&op.globs),
        _ => None,
    });
    if protected.is_empty() {
        return protected;
    }
    let masked = globs_of(plan, |op| match op {
        InsideOp::Mask(op) => Some(&op.globs),
        _ => None,
    });
    [&[PROTECT], protected.as_slice(), &[MASKED], masked.as_slice()].concat()
}

fn globs_of(plan: &Plan, globs: impl Fn(&InsideOp) -> Option<&Vec<String>>) -> Vec<&str> {
    let all = plan.inside.iter().filter_map(|step| globs(&step.op));
    all.flatten().map(String::as_str).collect()
}

/// The globs that an element of a list means, without a leading `!`. None
/// if it is not a known kind.
pub fn globs(element: &str) -> Vec<String> {
    let Some(wanted) = element.strip_prefix(KIND_MARK) else { return Vec::from([element.into()]) };
    let is_wanted = |row: &Counted| {
        row.kind == wanted || wanted == HOSTS && PROTECTED_KINDS.contains(&row.kind)
    };
    let rows = counted().filter(Counted::is_named).filter(is_wanted);
    // A glob with a slash in it would be relative to the project's folder.
    let glob = |row: Counted| match row.pattern.contains('/') {
        true => ["**/", row.pattern].concat(),
        false => row.pattern.into(),
    };
    rows.map(glob).collect()
}

/// A line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The sort of thing.
    pub kind: &'static str,
    /// Where it is: names, or in brackets how it is found.
    pub pattern: &'static str,
    /// Who executes or trusts it.
    pub reason: &'static str,
}

impl Counted {
    /// Whether it is found by its name.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !self.pattern.starts_with('(')
    }
}

/// The table: what programs of the host execute or trust.
pub fn counted() -> impl Iterator<Item = Counted> {
    lines(include_str!("counted.list")).filter_map(|line| {
        let (kind, rest) = line.split_once('|')?;
        let (pattern, reason) = rest.split_once('|')?;
        Some(Counted { kind: kind.trim(), pattern: pattern.trim(), reason: reason.trim() })
    })
}

/// What the value of such a key must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmlessValue {
    /// Anything.
    Any,
    /// A plain address.
    Address,
    /// A name or a plain address, not a path.
    Name,
}

/// A key of a repository's configuration that executes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HarmlessKey {
    /// The key, with a star for a subsection, or for all keys of a section.
    pub key: &'static str,
    /// What its value must be.
    pub value: HarmlessValue,
}

/// All of these keys.
pub fn harmless_keys() -> impl Iterator<Item = HarmlessKey> {
    lines(include_str!("harmless_keys.list")).map(|line| {
        let forms = [(" (url)", HarmlessValue::Address), (" (name)", HarmlessValue::Name)];
        let found =
            forms.into_iter().find_map(|(end, value)| Some((line.strip_suffix(end)?, value)));
        let (key, value) = found.unwrap_or((line, HarmlessValue::Any));
        HarmlessKey { key, value }
    })
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_of_the_table_is_whole_and_has_a_reason() {
        let written = lines(include_str!("counted.list")).count();
        assert_eq!(counted().count(), written);
        for Counted { kind, pattern, reason } in counted() {
            assert!(!kind.is_empty() && !pattern.is_empty(), "{reason}");
            assert!(reason.len() > 10 && !reason.ends_with('.'), "{pattern}: {reason}");
            // How a key is matched is defined for these forms only.
            let inner = pattern.trim_end_matches("/**").trim_end_matches("/*");
            let is_plain = !inner.contains("**") && !inner.starts_with('/');
            assert!(pattern.starts_with('(') || is_plain, "{pattern}");
        }
    }

    #[test]
    fn no_pattern_stands_there_twice() {
        let mut patterns: alloc::vec::Vec<_> =
            counted().filter(Counted::is_named).map(|it| it.pattern).collect();
        let count = patterns.len();
        patterns.sort_unstable();
        patterns.dedup();
        assert_eq!(patterns.len(), count);
    }

    #[test]
    fn no_key_that_runs_a_program_is_called_harmless() {
        for key in ["core.fsmonitor", "core.hookspath", "core.sshcommand", "include.path"] {
            assert!(!harmless_keys().any(|it| it.key == key), "{key}");
        }
        assert!(
            harmless_keys()
                .any(|it| it.key == "remote.*.url" && it.value == HarmlessValue::Address)
        );
    }
}
