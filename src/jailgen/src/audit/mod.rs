//! Shows that a jail is one: attempts that are made inside, and a look at what its plan grants.
//!
//! It judges what `jail-probe` saw; it neither starts anything nor prints. Every check and every
//! finding has a code, which docs/audit.md explains, and which is never used again for another
//! thing.

mod attempts;
mod canaries;
mod checks;
mod host;
mod render;
mod seen;

use jail_plan::{Places, Plan, Secret};
use jail_policy::DangerCode;
use jail_probe::Answer;
use serde::Serialize;

pub use attempts::attempts;
pub use canaries::{Canary, canaries, plant};
pub use host::Host;
pub use jail_policy::Severity;
pub use render::render;

use seen::Seen;

use crate::findings::{Finding, findings};
use crate::seal::unseal;
use crate::session::SecretStatus;

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
    /// The secrets, by their names. No value is among it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<SecretStatus>,
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
    /// The combinators that granted it, if that is why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub granted: Option<Granted>,
    /// What to do, where it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// What the check tests holds.
    Passed,
    /// It does not hold, because the spec says so.
    Granted,
    /// It does not hold, or could not be tried.
    Failed,
}

/// An applied combinator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// The name of the combinator.
    pub combinator: String,
    /// Its place in the spec.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Every code, with what it is about.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let checks = checks::RULES.iter().map(|rule| rule.code);
    let is_tried = |code: &&str| checks::RULES.iter().any(|rule| rule.code == *code);
    checks.chain(DangerCode::ALL.iter().map(|code| code.as_str()).filter(move |it| !is_tried(it)))
}

/// Judges what was seen inside. `answers` belong to [`attempts()`], one to each.
#[must_use]
pub fn report(plan: &Plan, places: &Places, host: &Host, answers: &[Answer]) -> Report {
    let seen = Seen::new(plan, places, host, answers);
    let checks = checks::RULES.iter().map(|rule| rule.check(&seen)).collect();
    Report { checks, ..stopped(plan, places, String::new()) }.tried()
}

/// What can be said of a jail that did not start.
#[must_use]
pub fn stopped(plan: &Plan, places: &Places, why: String) -> Report {
    let findings = findings(&unseal(plan, places));
    let secrets = canaries::secrets(plan).map(|secret| secret_of(plan, secret)).collect();
    Report { name: plan.name.clone(), stopped: Some(why), checks: Vec::new(), findings, secrets }
}

/// A secret with the hosts that get it. Where it went is for the caller to say.
fn secret_of(plan: &Plan, secret: &Secret) -> SecretStatus {
    let sockets = plan.network.iter().flat_map(|network| &network.egress.sockets);
    let added = sockets.filter(|socket| socket.secret == secret.name).map(|socket| &socket.host);
    SecretStatus {
        name: secret.name.clone(),
        hosts: secret.hosts.iter().chain(added).cloned().collect(),
        uses: Vec::new(),
    }
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
