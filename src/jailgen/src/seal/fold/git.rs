//! What a jail can do to the settings of a repository, and to what a program keeps.

use jail_plan::git::COPIES;
use jail_plan::{Git, GitChanges, HostText, InsideOp, PrivateCopies, Step};
use jail_policy::{GitSettings, Text};

use super::Reader;
use super::SealError;

/// The operation that keeps git's settings apart, where they are.
pub(super) fn git(settings: GitSettings, by: String) -> Option<Step<InsideOp>> {
    let changes = match settings {
        GitSettings::Apart => GitChanges::Reported,
        GitSettings::Merged => GitChanges::Merged,
        GitSettings::ReadOnly => GitChanges::Refused,
        GitSettings::Shared => return None,
    };
    let to = HostText::Literal(COPIES.into());
    Some(Step::new(by, InsideOp::Git(Git { to, changes })))
}

/// The operation that gives the jail copies.
pub(super) fn private(
    read: Reader<'_>,
    folder: &Text,
    names: &[String],
) -> Result<Step<InsideOp>, SealError> {
    let (to, folder) = (HostText::Literal(COPIES.into()), read.path(folder)?);
    let copies = PrivateCopies { to, folder, names: names.to_vec() };
    Ok(Step::new(read.entry.by.to_string(), InsideOp::PrivateCopies(copies)))
}
