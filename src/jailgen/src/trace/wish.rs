//! The line to add to a spec: its present rules about system calls, and what a run needs besides.

use std::fmt::Write as _;

use jail_policy::{Grant, OnDeny, Policy};

/// The last `seccomp { … }` of a spec: it is the one that counts, so the new line must repeat it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wish {
    allow: Vec<String>,
    deny: Vec<String>,
    on_deny: Option<OnDeny>,
}

impl Wish {
    pub(super) fn from_policy(policy: &Policy) -> Self {
        let rules = policy.grants.iter().rev().find_map(|entry| match &entry.grant {
            Grant::CallRules { allow, deny, on_deny } => {
                Some(Self { allow: allow.clone(), deny: deny.clone(), on_deny: *on_deny })
            }
            _ => None,
        });
        rules.unwrap_or_default()
    }

    /// The element of the spec's list, if a run makes calls that the strict filter does not allow.
    pub(super) fn with(&self, missed: &[String]) -> Option<String> {
        if missed.is_empty() {
            return None;
        }
        let mut allow: Vec<String> = self.allow.iter().chain(missed).cloned().collect();
        allow.dedup();
        let mut text = "(seccomp {".to_owned();
        for (field, calls) in [("allow", &allow), ("deny", &self.deny)] {
            if !calls.is_empty() {
                // A call's name and its conditions need no escapes. Writing to a string cannot
                // fail.
                let _ = write!(text, " {field} = [ \"{}\" ];", calls.join("\" \""));
            }
        }
        if let Some(answer) = self.on_deny {
            let word = match answer {
                OnDeny::Errno => "errno",
                OnDeny::Kill => "kill",
                OnDeny::Log => "log",
            };
            let _ = write!(text, " onDeny = \"{word}\";");
        }
        Some(text + " })")
    }
}
