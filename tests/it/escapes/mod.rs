//! What must not work, tried in real jails as the compiler seals them: each row of the tables
//! is one attempt of `jail-probe`, with the answer that the jail must give and the answer of
//! the same attempt outside.
//!
//! The rows are in `rows/`, by the chapters of docs/escapes.md: A host services, C files, D
//! processes and the kernel, E the hand-off. What needs more than one attempt is in `alone.rs`. All
//! of it runs as the user who runs the tests; `make test` does so as root and as an ordinary user.
//! docs/escapes.md and the tests are held together by `ledger.rs`.
//!
//! The host's side is a `World`: a mount namespace of the test's own whose /run and /tmp have a
//! listener wherever a desktop or a server would have one. So a control reaches what a jail must
//! not, and the machine is left as it is.

mod alone;
mod caged;

mod ledger;
mod rows;
pub(crate) mod subjects;
pub(crate) mod world;

use std::collections::BTreeMap;

use rows::{ROWS, Row};
use subjects::{Kind, Subject, jails};
use world::World;

/// Answers that are as good as a refusal in a jail whose filter kills.
const KILLED: &str = "signal 31";

#[test]
fn what_must_not_work_does_not_and_works_outside() {
    let world = World::new();
    let attempts = attempts(&world);
    let mut problems = Vec::new();
    let outside = world.outside(&attempts);
    for (row, answer) in ROWS.iter().zip(&outside) {
        // A refused system call has a number; so have files that root alone may open.
        if !row.outside.is_empty() && !matches(row.outside, answer) {
            problems.push(format!("the control of {row} says `{}`", short(answer)));
        }
    }
    for jail in jails() {
        for (row, answer) in ROWS.iter().zip(inside(&world, jail, &attempts)) {
            let killed = jail.kind == Kind::Strict
                && row.attempt.split(' ').any(|word| word == "call")
                && answer == KILLED;
            if !killed && !matches(row.inside, &answer) {
                problems.push(format!("{row} in the {} jail says `{}`", jail.name, short(&answer)));
            }
        }
    }
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

fn attempts(world: &World) -> Vec<Vec<String>> {
    ROWS.iter().map(|row| world.words(row.attempt)).collect()
}

fn inside(world: &World, subject: &Subject, attempts: &[Vec<String>]) -> Vec<String> {
    let answers = world.inside(subject, attempts);
    assert_eq!(answers.len(), ROWS.len(), "{}: an answer for each attempt", subject.name);
    answers
}

/// Whether an answer is one of those that a row names, divided by `|`. `…` at the end of
/// one stands for anything.
fn matches(patterns: &str, answer: &str) -> bool {
    patterns.split('|').any(|pattern| match pattern.strip_suffix('…') {
        Some(start) => answer.starts_with(start),
        None => answer == pattern,
    })
}

fn short(answer: &str) -> String {
    answer.chars().take(300).collect()
}

/// A row that would pass wherever it runs shows nothing.
#[test]
fn every_row_tells_a_jail_from_its_host() {
    let mut by_id: BTreeMap<&str, bool> = BTreeMap::new();
    for Row { id, inside, outside, .. } in ROWS.iter() {
        let differs = !outside.is_empty() && outside.split('|').any(|one| !matches(inside, one));
        *by_id.entry(id).or_default() |= differs;
    }
    let alike: Vec<&str> =
        by_id.iter().filter(|(_, differs)| !**differs).map(|(id, _)| *id).collect();
    assert!(alike.is_empty(), "rows without a control that differs: {alike:?}");
}
