//! What a jail can do to git's settings, in words.

use super::{OWN, Sentence, Subject};
use crate::grant::GitSettings;

/// What is protected, and what is lifted.
pub(super) fn protect(globs: &[String]) -> Sentence {
    const SHOWN: usize = 8;
    let mut what: Vec<&str> = globs.iter().take(SHOWN).map(String::as_str).collect();
    let more = globs.len().saturating_sub(SHOWN);
    let more_words = format!("and {more} more");
    if more > 0 {
        what.push(&more_words);
    }
    let what =
        format!("in the working folder, changes are moved aside at once: {}", what.join(" "));
    Sentence::new(Subject::Files, "protected", what)
}

pub(super) fn settings(settings: GitSettings) -> Sentence {
    let (verb, what) = match settings {
        GitSettings::Apart => {
            (OWN, "git's configuration and hooks in the working folder's repository (copies)")
        }
        GitSettings::Merged => (
            OWN,
            "git's configuration and hooks in the working folder's repository (copies; harmless changes are taken over)",
        ),
        GitSettings::ReadOnly => ("read-only", "`.git` in the working folder"),
        GitSettings::Shared => {
            ("read-write", "git's configuration and hooks, which git on the host executes")
        }
    };
    Sentence::new(Subject::Files, verb, what)
}
