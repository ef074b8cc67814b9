//! What a jail can do to the settings of a repository.

use jail_plan::git::COPIES;
use jail_plan::{Git, GitChanges, HostText, InsideOp, Step};
use jail_policy::GitSettings;

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
