//! The order in which the operations put things in place: that of the plan, except that the working
//! folder covers every folder around it, wherever it is in the spec. Where a jail is started is
//! known only at launch, and `mount-cwd` is meant for all of those places.

use alloc::vec::Vec;

use jail_plan::{HostUse, InsideOp, Place, Step};

use super::HostParts;
use crate::caller::Caller;

/// An operation with its number, and its source from the host.
pub(super) type Part<'a> = ((usize, &'a Step<InsideOp>), HostParts);

/// Brings the operations of a plan into the order in which they are done.
pub(super) fn settle(parts: &mut Vec<Part<'_>>, caller: &Caller<'_>) {
    repository_first(parts);
    folder_over_what_is_around(parts, caller);
}

/// Puts the repository of the working folder before that: it may contain the folder, as a bare one
/// does, and would cover what is read-only in the folder.
fn repository_first(parts: &mut [Part<'_>]) {
    if let (Some(folder), Some(repository)) = (folder(parts), repository(parts))
        && folder < repository
        && let Some(between) = parts.get_mut(folder..=repository)
    {
        between.rotate_right(1);
    }
}

/// Puts the working folder, and what lies in it, after the last mount of a folder around
/// it, which would cover it.
fn folder_over_what_is_around(parts: &mut Vec<Part<'_>>, caller: &Caller<'_>) {
    let Some(at) = folder(parts) else { return };
    let Some(folder) = parts.get(at).and_then(|(_, found)| found.places().next()) else { return };
    let folder = folder.to_vec();
    let covers = |part: &Part<'_>| {
        is_mount(&part.0.1.op) && places(part, caller).any(|place| is_around(&place, &folder))
    };
    let Some(last) = parts.iter().rposition(covers).filter(|last| *last > at) else { return };
    let start = repository(parts).filter(|repository| *repository < at).unwrap_or(at);
    let belongs = |part: &Part<'_>| {
        part.0.1.op.place() == Place::Repository
            || places(part, caller).any(|place| place == folder || is_around(&folder, &place))
    };
    let (within, around): (Vec<_>, Vec<_>) = parts.drain(start..=last).partition(belongs);
    let rest = parts.split_off(start);
    parts.extend(around);
    parts.extend(within);
    parts.extend(rest);
}

/// The operation whose mount contains the place at `path`: the nearest one, and of
/// two at one place the later.
pub(super) fn around<'a>(
    done: &[&'a Step<InsideOp>],
    path: &[u8],
    caller: &Caller<'_>,
) -> Option<&'a Step<InsideOp>> {
    let reach = |step: &'a Step<InsideOp>| {
        let Place::Mount(to) = step.op.place() else { return None };
        let place = caller.path(to).ok()?;
        let place = place.as_str().as_bytes();
        is_around(place, path).then_some((place.len(), step))
    };
    done.iter()
        .filter_map(|step| reach(step))
        .max_by_key(|(length, _)| *length)
        .map(|(_, step)| step)
}

fn folder(parts: &[Part<'_>]) -> Option<usize> {
    parts.iter().position(|((_, step), _)| step.op.place() == Place::Folder)
}

fn repository(parts: &[Part<'_>]) -> Option<usize> {
    parts.iter().position(|((_, step), _)| step.op.place() == Place::Repository)
}

/// Whether `place` is a folder above `path`.
pub(super) fn is_around(place: &[u8], path: &[u8]) -> bool {
    let place = place.strip_suffix(b"/").unwrap_or(place);
    path.strip_prefix(place).is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
}

/// The place where it puts something. A source of the host has its place itself, if it exists.
fn places<'p>(
    ((_, step), found): &'p Part<'_>,
    caller: &Caller<'_>,
) -> impl Iterator<Item = Vec<u8>> + use<'p> {
    let is_bound = matches!(step.op.host_use(), HostUse::Path(_) | HostUse::Tree(_));
    let named = match step.op.place() {
        Place::Mount(to) | Place::Made(to) if !is_bound => caller.path(to).ok(),
        Place::Mount(_)
        | Place::Made(_)
        | Place::Files(_)
        | Place::Store
        | Place::Folder
        | Place::Repository
        | Place::Found
        | Place::Network
        | Place::Nowhere => None,
    };
    let named = named.map(|path| path.as_str().as_bytes().to_vec());
    found.places().map(<[u8]>::to_vec).chain(named)
}

/// Whether it covers what was at its place; what makes a file or a folder does not.
fn is_mount(op: &InsideOp) -> bool {
    match op.place() {
        Place::Mount(_) | Place::Store | Place::Found => true,
        Place::Made(_)
        | Place::Files(_)
        | Place::Folder
        | Place::Repository
        | Place::Network
        | Place::Nowhere => false,
    }
}
