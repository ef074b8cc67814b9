//! What a session took away by which something was kept from running: an agent's list of what is
//! refused, or a hook that looks at it. Of other things, what is gone runs nothing.

use std::collections::BTreeSet;

use rustix::io::Errno;

use super::content::Part;
use super::judge::Records;
use super::names::Names;
use super::place::{Place, Stamp, data, split};
use super::record::Known;
use super::tree::Seen;

/// Kinds of files in which that is kept.
const KINDS: [&str; 2] = ["agent", "git-hook"];

/// What of these was there before, and is not there any more.
pub(super) fn gone(place: &Place, names: &Names, records: &Records, seen: &[Seen]) -> Vec<Seen> {
    let mut found = Vec::new();
    for path in records.gone(seen) {
        let counted = names.path(&path).or_else(|| hook(&path).then(|| names.found("git-hook")));
        let Some(counted) = counted.filter(|it| KINDS.contains(&it.kind)) else { continue };
        // More may be there than was looked at.
        if matches!(place.open_path(&path), Err(Errno::NOENT | Errno::NOTDIR)) {
            let (stamp, part) = (Stamp::default(), Part::default());
            found.push(Seen { path, counted, stamp, part, is_built: false, is_late: false });
        }
    }
    found
}

/// What an earlier session has written down of those that this one may have taken away already.
pub(super) fn gone_at_once(
    place: &Place,
    names: &Names,
    records: &Records,
    seen: &[Seen],
    since: (i64, u32),
) -> Known {
    let mut all = records.before.clone().unwrap_or_default();
    let gone: BTreeSet<Vec<u8>> =
        gone(place, names, records, seen).into_iter().map(|seen| seen.path).collect();
    all.0.retain(|(path, _), _| gone.contains(path) && is_late(place, path, since));
    all
}

/// Whether the nearest folder that is still there was changed since then.
fn is_late(place: &Place, path: &[u8], since: (i64, u32)) -> bool {
    let above = split(path).0;
    match place.enter(above).and_then(|folder| data(&folder, b"")) {
        Err(_) if !above.is_empty() => is_late(place, above, since),
        found => found.is_ok_and(|found| found.stamp.changed >= since),
    }
}

/// Whether it lies among the hooks of a repository, judged by the names of its folders.
fn hook(path: &[u8]) -> bool {
    let mut above = split(path).0.split(|byte| *byte == b'/').rev();
    above.next() == Some(b"hooks") && above.any(|name| name.ends_with(b".git"))
}
