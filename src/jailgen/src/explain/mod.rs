//! What a policy grants, in words, each grant with the line of the spec that made it. It decides
//! nothing.

mod calls;
mod difference;
mod fold;
mod network;
mod order;
mod summary;
mod text;
mod worktree;

#[cfg(test)]
mod tests;

use jail_policy::{Entry, Grant, Policy, Sentence, Subject, default_layers, sentence_among};
use jail_registry::BASE_PERMISSIONS;
use serde::Serialize;

use crate::findings::Finding;
use order::{Rank, rank};

pub use calls::{Calls, OneCall, calls, render_calls};
pub use difference::{Changed, JailChange, JailDifference, difference, differences};
pub use summary::Summary;
pub(crate) use text::wrapped;
pub use text::{brief, render};
pub use worktree::repository;

/// A jail in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The command's name.
    pub name: String,
    /// What it writes, reads and reaches.
    pub summary: Summary,
    /// What is dangerous about it, the worst first.
    pub findings: Vec<Finding>,
    /// What it grants, by subject, the most important first.
    pub groups: Vec<Group>,
    /// What one might look for, and what is not there.
    pub absent: Vec<&'static str>,
}

/// What is granted on one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    #[serde(skip)]
    pub subject: Subject,
    pub title: &'static str,
    /// What is granted.
    pub lines: Vec<Line>,
}

/// What one combinator grants in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// How it is granted: `read-write`.
    pub how: &'static str,
    /// What: paths, packages, variables.
    pub what: Vec<String>,
    /// What one should know about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<&'static str>,
    /// The combinator that granted it, `jail` or a builder for the program; absent for what every
    /// jail has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combinator: Option<String>,
    /// Its place in the spec. Absent together with the combinator, and if a
    /// wrapper does not contain it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Says what `policy` grants, with what is dangerous about it.
#[must_use]
pub fn explain(policy: &Policy, findings: Vec<Finding>) -> Explanation {
    let effective = fold::effective(&policy.grants);
    let groups = order::SUBJECTS.iter().map(|subject| group(*subject, policy, &effective));
    Explanation {
        name: policy.name.clone(),
        summary: summary::summary(&effective),
        findings,
        groups: groups.filter(|group| !group.lines.is_empty()).collect(),
        absent: fold::absent(&effective),
    }
}

/// What a policy writes, reads and reaches.
#[must_use]
pub fn sum_up(policy: &Policy) -> Summary {
    summary::summary(&fold::effective(&policy.grants))
}

/// The grants on one subject: those of the spec, by importance, before what every jail has.
fn group(subject: Subject, policy: &Policy, effective: &[&Entry]) -> Group {
    let mut lines: Vec<(Rank, Line)> = Vec::new();
    for entry in effective {
        let sentence = sentence_among(&entry.grant, &policy.grants);
        if sentence.subject == subject {
            add(&mut lines, policy, entry, sentence);
        }
    }
    let all: Vec<&Grant> = policy.grants.iter().map(|entry| &entry.grant).collect();
    for sentence in default_layers(&all).into_iter().filter(|it| it.subject == subject) {
        let (how, what, note) = (sentence.how, vec![sentence.what], sentence.note);
        lines.push((Rank::Own, Line { how, what, note, combinator: None, place: None }));
    }
    lines.sort_by_key(|(rank, line)| (line.combinator.is_none(), *rank));
    let lines = lines.into_iter().map(|(_, line)| line).collect();
    Group { subject, title: subject.title(), lines }
}

/// Whether every jail has it, without a grant of the spec.
fn is_every_jails(combinator: &str) -> bool {
    combinator == "jailgen" || BASE_PERMISSIONS.contains(&combinator)
}

/// Adds a grant to the line of its combinator that grants in the same way, or as a line of its own.
fn add(lines: &mut Vec<(Rank, Line)>, policy: &Policy, entry: &Entry, sentence: Sentence) {
    let place = policy.places.get(&entry.by);
    let by = entry.by.combinator.as_str();
    let combinator = Some(by).filter(|by| place.is_some() || !is_every_jails(by));
    let same = lines.iter_mut().find(|(_, line)| {
        (line.how, line.note, line.combinator.as_deref(), line.place.as_ref())
            == (sentence.how, sentence.note, combinator, place)
    });
    match same {
        Some((_, line)) if line.what.contains(&sentence.what) => {}
        Some((before, line)) => {
            line.what.push(sentence.what);
            *before = rank(entry).min(*before);
        }
        None => {
            let line = Line {
                how: sentence.how,
                what: vec![sentence.what],
                note: sentence.note,
                combinator: combinator.map(str::to_owned),
                place: place.cloned(),
            };
            lines.push((rank(entry), line));
        }
    }
}
