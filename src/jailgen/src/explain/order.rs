//! In which order grants are shown: what is the user's before what is the jail's own, and that
//! before what every jail has.

use std::borrow::Cow;

use jail_policy::{Access, Entry, Grant, Subject, Text, concern, exposures, given};

/// Subjects, the most important first, after the program.
pub(super) const SUBJECTS: &[Subject] = &[
    Subject::Program,
    Subject::Files,
    Subject::Network,
    Subject::Host,
    Subject::Surroundings,
    Subject::Environment,
    Subject::Path,
    Subject::Limits,
];

/// How important a grant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    /// The folder that one works in.
    Folder,
    /// What can be changed outside, or acts there, or is worth a second thought.
    Outside,
    /// What can be read of the host.
    Host,
    /// What is the jail's own.
    Own,
}

pub(super) fn rank(entry: &Entry) -> Rank {
    let places = given(&entry.grant);
    let is_exposed =
        |(from, access): &(Cow<'_, Text>, Access)| !exposures(from, *access).is_empty();
    match &entry.grant {
        Grant::Folder { .. } => Rank::Folder,
        // Names and certificates of the network.
        Grant::Copy { .. } => Rank::Own,
        _ if concern(entry).is_some() || places.iter().any(is_exposed) => Rank::Outside,
        Grant::BindArguments { .. } | Grant::BindVariable { .. } | Grant::ForwardEnv { .. } => {
            Rank::Host
        }
        _ if places.is_empty() => Rank::Own,
        _ => Rank::Host,
    }
}
