//! Paths as their names, compared as file systems do that know no case.

use crate::handoff::names::fold;

/// The names in a path, folded.
pub(super) type Names = Vec<String>;

/// Whether a target goes up again after it has gone down: where that leads depends on other links.
pub(super) fn climbs(target: &[u8]) -> bool {
    let names = target.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.skip_while(|name| *name == b"..").any(|name| name == b"..")
}

/// The names in a path, folded.
pub(super) fn names(path: &[u8]) -> Names {
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.map(fold).collect()
}
