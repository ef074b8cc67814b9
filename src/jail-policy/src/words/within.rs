//! The remark on a read-only grant inside a writable one: the mounts enforce it,
//! and only where they are.

use jail_plan::JailPath;

use crate::grant::Grant;
use crate::{Access, Entry, Missing, Text};

const WITHIN: &str = "inside a writable folder: what is renamed outside, or by a jail without this grant, is no longer covered";
const WITHIN_IF_THERE: &str = "if it is there when the jail starts; inside a writable folder: what is renamed outside, or by a jail without this grant, is no longer covered";

/// The remark on such a grant; `None` for any other.
pub(super) fn note(grant: &Grant, grants: &[Entry]) -> Option<&'static str> {
    let Grant::Bind { to, access: Access::ReadOnly, missing, .. } = grant else { return None };
    let is_around = |entry: &Entry| tree(&entry.grant).is_some_and(|tree| is_below(to, &tree));
    grants.iter().any(is_around).then_some(match missing {
        Missing::Fail => WITHIN,
        Missing::Skip => WITHIN_IF_THERE,
    })
}

/// The writable folder of the host.
fn tree(grant: &Grant) -> Option<Text> {
    match grant {
        Grant::Folder { access: Access::ReadWrite | Access::Device, to, stage: _ } => {
            Some(to.clone().unwrap_or_else(|| Text::expanded("$PWD")))
        }
        Grant::Bind { to, access: Access::ReadWrite | Access::Device, .. }
        | Grant::StateDirectory { to, .. } => Some(to.clone()),
        _ => None,
    }
}

fn is_below(place: &Text, tree: &Text) -> bool {
    let (place, tree) = (written(place), written(tree));
    place.strip_prefix(&tree).is_some_and(|rest| rest.starts_with('/'))
}

/// The text as in the spec, except for forms that mean the same.
fn written(place: &Text) -> String {
    let text = place.to_string().replace("${PWD}", "$PWD").replace("${HOME}", "~");
    JailPath::parse(&text).map_or(text, |path| path.as_str().trim_end_matches('/').to_owned())
}
