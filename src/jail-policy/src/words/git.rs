//! What a jail can do to git's settings, in words.

use super::{OWN, Sentence, Subject};
use crate::grant::GitSettings;

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
