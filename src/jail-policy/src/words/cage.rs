//! Words for the grants of a cage.

use crate::grant::{Grant, Scope};
use crate::{Entry, Reach, Text};

use super::{Sentence, Subject, sentence, within};

const CAGE: &str =
    "no namespaces: the host's names, users and processes, and the files that Landlock allows";
const NOT_STOPPED: &str = "seeing names, sizes and dates of files and other processes' command lines; \
changing modes and dates of files of yours; \
connecting to Unix sockets by their path before Landlock ABI 9 (Linux 7.1): D-Bus and Docker are such";

/// Describes a grant in words. In a cage, a folder stays where it is, nothing is bound, and the
/// store is granted for execution.
#[must_use]
pub fn sentence_among(grant: &Grant, grants: &[Entry]) -> Sentence {
    let is_cage = grants.iter().any(|entry| matches!(entry.grant, Grant::Cage { .. }));
    match grant {
        Grant::Folder { to, .. } if is_cage => folder(to.as_ref()),
        Grant::Store { scope } if is_cage => store(*scope),
        grant => {
            let said = sentence(grant);
            match within::note(grant, grants) {
                Some(note) => said.note(note),
                None => said,
            }
        }
    }
}

/// A folder that is named has a rule of its own, which is shown as one.
fn folder(to: Option<&Text>) -> Sentence {
    match to {
        None => Sentence::new(Subject::Files, "read-write", "the folder that it is started in"),
        Some(path) => Sentence::new(Subject::Program, "starts in", path.to_string()),
    }
}

fn store(scope: Scope) -> Sentence {
    let what = match scope {
        Scope::Closure => "of /nix/store what this cage needs at run time",
        Scope::Whole => "all of /nix/store",
    };
    Sentence::new(Subject::Files, "executing", what)
}

pub(super) fn cage(datagrams: bool) -> Sentence {
    let cage = Sentence::new(Subject::Surroundings, "cage", CAGE);
    if datagrams { cage.note("and datagrams (UDP) to anywhere") } else { cage }
}

pub(super) fn not_stopped() -> Sentence {
    Sentence::new(Subject::Surroundings, "not stopped", NOT_STOPPED)
}

pub(super) fn ports(ports: &[u16]) -> String {
    if ports.is_empty() {
        return "no port".into();
    }
    let word = |port: &u16| match port {
        0 => "0 (one that the kernel chooses)".to_owned(),
        port => port.to_string(),
    };
    let ports: Vec<String> = ports.iter().map(word).collect();
    format!("port {}", ports.join(", "))
}

pub(super) fn reach_word(reach: Reach) -> &'static str {
    match reach {
        Reach::Ro => "reading",
        Reach::Rox => "executing",
        Reach::Rw => "read-write",
        Reach::Rwx => "read-write and executing",
        Reach::Device => "device",
    }
}
