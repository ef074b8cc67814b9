//! What a policy grants that is dangerous, each with its place in the spec: what `explain` and
//! `audit` show. Which it is, `jail-policy` decides.

use jail_policy::{Danger, Policy, Severity};
use serde::Serialize;

/// Something that is granted, and that one should think twice about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Its code in docs/audit.md.
    pub code: &'static str,
    /// What is granted.
    pub what: String,
    /// The combinator that granted it.
    pub combinator: String,
    /// Its place in the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What to do.
    pub fix: &'static str,
}

impl Finding {
    /// A danger of a policy, with its place.
    #[must_use]
    pub fn from_danger(danger: &Danger, policy: &Policy) -> Self {
        Self {
            severity: danger.severity,
            code: danger.code.as_str(),
            what: danger.what.clone(),
            combinator: danger.by.combinator.clone(),
            place: policy.places.get(&danger.by).cloned(),
            fix: danger.fix,
        }
    }
}

/// What of a policy is dangerous, the worst first.
#[must_use]
pub fn findings(policy: &Policy) -> Vec<Finding> {
    let dangers = jail_policy::dangers(&policy.grants, policy.places.keys());
    let mut findings: Vec<Finding> =
        dangers.iter().map(|danger| Finding::from_danger(danger, policy)).collect();
    findings.sort();
    findings.dedup();
    findings
}
