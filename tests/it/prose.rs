//! How the project writes: words that it no longer uses, and the width of comments.
//! docs/style.md has the reasons.

use crate::tidy::{assert_none, text, tracked};

/// Words that docs, comments and messages no longer use, each with what to write instead.
const RETIRED: &[(&str, &str)] = &[
    ("beside", "next to, besides, along with, in parallel"),
    ("begins so", "expected …"),
    ("first process", "init"),
    ("mend", "fix"),
    ("mended", "fixed"),
    ("mends", "fixes"),
    ("nobody", "no user, no process"),
    ("nobody's", "not assigned, of no user"),
    ("second wall", "the Landlock layer"),
    ("told", "reports, shows; gets, receives"),
    ("whoever", "a program that …, a user who …"),
];

/// Pages that quote such words; what was written elsewhere; packages of the tests, which a change
/// would build anew.
const EXEMPT: &[&str] = &[
    // A folder of the state has the name `told`.
    "src/jail-plan/src/own.rs",
    "src/jailgen/src/cli/commands/agent_state.rs",
    "docs/style.md",
    "tests/it/prose.rs",
    "tests/oracle/",
    "fuzz/seeds/",
    "tests/nixpkgs/",
    "tests/llm-agents/",
];

/// Comments are as wide as code (rustfmt.toml).
const COMMENT_MAX: usize = 100;

/// What of a line is prose, in a file of its kind.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prose {
    /// Everything but code in backticks.
    All,
    /// Comments and strings.
    Source,
    /// Comments that begin with this mark. Strings of tests are scripts and expectations.
    Comments(&'static str),
}

fn prose_of(path: &str) -> Option<Prose> {
    let is_test = |path: &str| path.starts_with("tests/") || path.contains("tests");
    match path.rsplit_once('.')?.1 {
        _ if EXEMPT.iter().any(|exempt| path.starts_with(exempt)) => None,
        "md" => Some(Prose::All),
        "rs" if is_test(path) || path.starts_with("benches/") => Some(Prose::Comments("//")),
        "rs" => Some(Prose::Source),
        "nix" | "sh" | "bash" | "py" | "jail" | "toml" => Some(Prose::Comments("#")),
        _ => None,
    }
}

/// Removes code between backticks.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

/// What is between the quotes of a line. A text over several lines counts where it begins and ends.
fn strings(line: &str) -> String {
    without_code(&line.split('"').skip(1).step_by(2).collect::<Vec<_>>().join(" | "))
}

/// Whether a line has a word, by itself: not as a part of a name, a path or a literal.
fn has_word(line: &str, word: &str) -> bool {
    let line = line.to_lowercase();
    let is_joined = |c: char| c.is_alphanumeric() || "_/\"'-".contains(c);
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        let is_field = after.starts_with(':') && after.chars().nth(1).is_some_and(|c| c != ' ');
        !before.ends_with(is_joined) && !after.starts_with(is_joined) && !is_field
    })
}

#[test]
fn words_that_were_retired_stay_away() {
    let mut problems = Vec::new();
    for path in tracked() {
        let Some(prose) = prose_of(&path) else { continue };
        let (mut is_fenced, mut is_test) = (false, false);
        for (index, line) in text(&path).lines().enumerate() {
            let trimmed = line.trim_start();
            is_fenced ^= trimmed.starts_with("```");
            is_test |= trimmed == "mod tests {";
            let line = match prose {
                Prose::All if is_fenced => continue,
                Prose::Source if !trimmed.starts_with("//") && !is_test => strings(line),
                Prose::Source if !trimmed.starts_with("//") => continue,
                Prose::Comments(mark) if !trimmed.starts_with(mark) => continue,
                Prose::All | Prose::Source | Prose::Comments(_) => without_code(line),
            };
            let found = RETIRED.iter().filter(|(word, _)| has_word(&line, word));
            for (word, instead) in found {
                problems.push(format!("{path}:{}: `{word}`; write: {instead}", index + 1));
            }
        }
    }
    assert_none(&problems);
}

#[test]
fn a_word_counts_by_itself() {
    for line in ["It is told.", "told", "(Told: nothing)", "`x` is told"] {
        assert!(has_word(&without_code(line), "told"), "{line}");
    }
    for line in ["`told`", "is_told", "told/landlock-7", "\"told\"", "told:x:1", "untold"] {
        assert!(!has_word(&without_code(line), "told"), "{line}");
    }
}

#[test]
fn comments_are_no_wider_than_code() {
    let mut problems = Vec::new();
    for path in tracked().into_iter().filter(|path| path.ends_with(".rs")) {
        for (index, line) in text(&path).lines().enumerate() {
            let comment = line.trim_start().strip_prefix("//");
            // An address or a table cannot be wrapped.
            let is_table = |it: &str| it.contains("  ") || it.contains(" | ");
            let wraps = |it: &str| it.split(' ').all(|word| word.len() < 60) && !is_table(it);
            if line.chars().count() > COMMENT_MAX && comment.is_some_and(wraps) {
                problems.push(format!("{path}:{}: over {COMMENT_MAX} columns", index + 1));
            }
        }
    }
    assert_none(&problems);
}
