//! What a policy grants, in words, each grant with the line of the spec that made it. It decides nothing.

mod calls;
mod fold;
mod text;
mod worktree;

#[cfg(test)]
mod tests;

use jail_policy::{Grant, Policy, Subject, default_layers, sentence_among};
use serde::Serialize;

pub use calls::{Calls, OneCall, calls, render_calls};
pub use text::render;
pub use worktree::repository;

/// A jail in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The command's name.
    pub name: String,
    /// What it grants, by subject.
    pub groups: Vec<Group>,
    /// What one might look for, and what is not there.
    pub absent: Vec<&'static str>,
}

/// What is granted on one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Group {
    /// The subject.
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
    /// The combinator that granted it, `jail` or a builder for the program; absent for what every jail has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub combinator: Option<String>,
    /// Where in the spec it stands; absent with the combinator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
}

/// Says what `policy` grants.
#[must_use]
pub fn explain(policy: &Policy) -> Explanation {
    let effective = fold::effective(&policy.grants);
    let mut groups: Vec<Group> = Subject::ALL
        .iter()
        .map(|subject| Group { title: subject.title(), lines: Vec::new() })
        .collect();
    for entry in &effective {
        let sentence = sentence_among(&entry.grant, &policy.grants);
        let Some(group) = groups.get_mut(sentence.subject as usize) else { continue };
        let place = policy.places.get(&entry.by);
        let combinator = place.map(|_| entry.by.combinator.as_str());
        let same = group.lines.iter_mut().find(|line| {
            (line.how, line.note, line.combinator.as_deref(), line.place.as_ref())
                == (sentence.how, sentence.note, combinator, place)
        });
        match same {
            Some(line) if line.what.contains(&sentence.what) => {}
            Some(line) => line.what.push(sentence.what),
            None => group.lines.push(Line {
                how: sentence.how,
                what: vec![sentence.what],
                note: sentence.note,
                combinator: combinator.map(str::to_owned),
                place: place.cloned(),
            }),
        }
    }
    let all: Vec<&Grant> = policy.grants.iter().map(|entry| &entry.grant).collect();
    for sentence in default_layers(&all) {
        let Some(group) = groups.get_mut(sentence.subject as usize) else { continue };
        let (how, what, note) = (sentence.how, vec![sentence.what], sentence.note);
        group.lines.push(Line { how, what, note, combinator: None, place: None });
    }
    for group in &mut groups {
        // What the spec says comes before what every jail has.
        group.lines.sort_by_key(|line| line.place.is_none());
    }
    groups.retain(|group| !group.lines.is_empty());
    Explanation { name: policy.name.clone(), groups, absent: fold::absent(&effective) }
}
