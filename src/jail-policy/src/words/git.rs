//! What a jail can do to git's settings and to those of programs, and which files next to them
//! it does not see, in words.

use jail_plan::mask::CREDENTIALS;

use super::{OWN, Sentence, Subject};
use crate::Text;
use crate::grant::GitSettings;

/// What is protected, and what is excepted.
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
        GitSettings::Apart => (OWN, "git's configuration and hooks (copies)"),
        GitSettings::Merged => {
            (OWN, "git's configuration and hooks (copies; harmless changes are taken over)")
        }
        GitSettings::ReadOnly => ("read-only", "`.git` in the working folder"),
        GitSettings::Shared => {
            ("read-write", "git's configuration and hooks, which git on the host executes")
        }
    };
    Sentence::new(Subject::Files, verb, what)
}

/// Globs with `!` except files from the others.
pub(super) fn masked(globs: &[String]) -> Sentence {
    let (shown, hidden): (Vec<_>, Vec<_>) = globs.iter().partition(|glob| glob.starts_with('!'));
    let words = |globs: Vec<&String>| {
        let words = globs.into_iter().map(|glob| match glob.as_str() {
            CREDENTIALS => "known credentials".to_owned(),
            glob => glob.strip_prefix('!').unwrap_or(glob).to_owned(),
        });
        words.collect::<Vec<_>>().join(", ")
    };
    if hidden.is_empty() {
        return Sentence::new(Subject::Files, "not masked", words(shown));
    }
    let what = match shown.is_empty() {
        true => words(hidden),
        false => format!("{}; but not {}", words(hidden), words(shown)),
    };
    Sentence::new(Subject::Files, "masked", what).note("if git does not track them")
}

/// How many names are listed.
const NAMES_MAX: usize = 2;

pub(super) fn private(folder: &Text, names: &[String]) -> Sentence {
    let said: Vec<_> = names.iter().take(NAMES_MAX).map(|name| format!("`{name}`")).collect();
    let more = match names.len().saturating_sub(NAMES_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Sentence::new(Subject::Files, OWN, format!("{}{more} in {folder} (copies)", said.join(", ")))
}
