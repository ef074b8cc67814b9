//! Remarks on grants at `/`, of the host and of the jail: they are more than their line shows.

use crate::Text;
use crate::exposure::canonical_places;
use crate::grant::Grant;

const WHOLE: &str = "all of the host's files, whatever the rest of the spec says";
const REPLACED: &str = "in place of the jail's own root, and over everything before it in the spec";

/// The remark on a grant that uses the host's root or replaces the jail's.
pub(super) fn note(grant: &Grant) -> Option<&'static str> {
    if is_hosts_root(grant) {
        return Some(WHOLE);
    }
    grant.target().is_some_and(is_root).then_some(REPLACED)
}

/// Whether the grant is of the host's root folder.
#[must_use]
pub fn is_hosts_root(grant: &Grant) -> bool {
    // A folder of state is also a folder of the host, wherever it is.
    let is_state = matches!(grant, Grant::StateDirectory { path, .. } if is_root(path));
    is_state || grant.sources().into_iter().any(is_root)
}

fn is_root(path: &Text) -> bool {
    canonical_places(path).contains("/")
}
