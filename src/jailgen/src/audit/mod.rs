//! Shows that a jail is one: attempts that are made inside, and a look at what its plan grants.
//!
//! It judges what `jail-probe` saw; it neither starts anything nor prints. Every check and every finding has a code, which
//! docs/audit.md explains, and which is never used again for another thing.

mod attempts;
mod caged;
mod checks;
mod host;
mod policy;
mod render;
mod seen;

use jail_plan::{Places, Plan};
use jail_probe::Answer;
use serde::Serialize;

pub use attempts::attempts;
pub use host::Host;
pub use jail_policy::Severity;
pub use render::render;

use seen::Seen;

/// What an audit came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The command's name.
    pub name: String,
    /// Why nothing could be tried inside; then there are no checks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// What was tried inside.
    pub checks: Vec<Check>,
    /// What the plan grants that one should think twice about.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether there is something to do.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        let failed = |check: &Check| check.verdict == Verdict::Failed;
        let counts = |finding: &Finding| finding.severity != Severity::Note;
        self.stopped.is_none()
            && !self.checks.iter().any(failed)
            && !self.findings.iter().any(counts)
    }
}

/// One thing that was tried inside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its code in docs/audit.md.
    pub code: &'static str,
    /// What holds in a jail.
    pub title: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was seen.
    pub evidence: String,
    /// Who granted it, where that is why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
    /// What to do, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<&'static str>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It holds.
    Passed,
    /// It does not hold, because the spec says so.
    Granted,
    /// It does not hold, or nobody could tell.
    Failed,
}

/// An applied combinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Its name.
    pub combinator: String,
    /// Where in the spec it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Something that the plan grants.
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
    /// Where in the spec it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What to do.
    pub fix: &'static str,
}

/// Every code, with what it is about.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let checks = checks::RULES.iter().map(|rule| rule.code);
    checks.chain(policy::CODES.iter().chain(caged::CODES).copied())
}

/// Judges what was seen inside. `answers` belong to [`attempts`], one to each.
#[must_use]
pub fn report(plan: &Plan, places: &Places, host: &Host, answers: &[Answer]) -> Report {
    let seen = Seen::new(plan, places, host, answers);
    let checks = checks::RULES.iter().map(|rule| rule.check(&seen)).collect();
    Report { checks, ..stopped(plan, places, String::new()) }.tried()
}

/// What can be said of a jail that did not start.
#[must_use]
pub fn stopped(plan: &Plan, places: &Places, why: String) -> Report {
    let mut findings = policy::findings(plan, places);
    findings.sort();
    findings.dedup();
    Report { name: plan.name.clone(), stopped: Some(why), checks: Vec::new(), findings }
}

/// Whether a plan makes a cage and no jail.
fn is_cage(plan: &Plan) -> bool {
    plan.namespaces.is_empty()
}

impl Report {
    fn tried(self) -> Self {
        Self { stopped: None, ..self }
    }
}
