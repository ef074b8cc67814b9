//! In which order the operations put things in place: that of the plan, but for the working folder. It lies over every folder
//! around it, wherever the spec says so: where a jail is started is known at launch only, and `mount-cwd` is meant in all of
//! those places.

use alloc::vec::Vec;

use jail_plan::{HostText, InsideOp, KeptOverlay, Overlay, Step};

use super::HostParts;
use crate::caller::Caller;

/// An operation with its number, and what it takes from the host.
pub(super) type Part<'a> = ((usize, &'a Step<InsideOp>), HostParts);

/// Brings the operations of a plan into the order in which they are done.
pub(super) fn settle(parts: &mut Vec<Part<'_>>, caller: &Caller<'_>) {
    repository_first(parts);
    folder_over_what_is_around(parts, caller);
}

/// Puts the repository of the working folder before that: it may lie around it, as a bare one does, and would cover what is
/// read-only in the folder.
fn repository_first(parts: &mut [Part<'_>]) {
    if let (Some(folder), Some(repository)) = (position(parts, is_folder), repository(parts))
        && folder < repository
        && let Some(between) = parts.get_mut(folder..=repository)
    {
        between.rotate_right(1);
    }
}

/// Puts the working folder, and what lies in it, after the last mount of a folder around it, which would cover it.
fn folder_over_what_is_around(parts: &mut Vec<Part<'_>>, caller: &Caller<'_>) {
    let Some(at) = position(parts, is_folder) else { return };
    let Some(folder) = parts.get(at).and_then(|(_, found)| found.places().next()) else { return };
    let folder = folder.to_vec();
    let covers = |part: &Part<'_>| {
        is_mount(&part.0.1.op) && places(part, caller).any(|place| is_around(&place, &folder))
    };
    let Some(last) = parts.iter().rposition(covers).filter(|last| *last > at) else { return };
    let start = repository(parts).filter(|repository| *repository < at).unwrap_or(at);
    let belongs = |part: &Part<'_>| {
        part.0.1.op == InsideOp::Worktree
            || places(part, caller).any(|place| place == folder || is_around(&folder, &place))
    };
    let (within, around): (Vec<_>, Vec<_>) = parts.drain(start..=last).partition(belongs);
    let rest = parts.split_off(start);
    parts.extend(around.into_iter().chain(within).chain(rest));
}

/// The operation whose mount the place at `path` lies in: the nearest of these, of two at one place the later.
pub(super) fn around<'a>(
    done: &[&'a Step<InsideOp>],
    path: &[u8],
    caller: &Caller<'_>,
) -> Option<&'a Step<InsideOp>> {
    let reach = |step: &'a Step<InsideOp>| {
        let place = caller.path(of_the_plan(&step.op).filter(|_| is_mount(&step.op))?).ok()?;
        let place = place.as_str().as_bytes();
        is_around(place, path).then_some((place.len(), step))
    };
    done.iter()
        .filter_map(|step| reach(step))
        .max_by_key(|(length, _)| *length)
        .map(|(_, step)| step)
}

fn position(parts: &[Part<'_>], is: fn(&InsideOp) -> bool) -> Option<usize> {
    parts.iter().position(|((_, step), _)| is(&step.op))
}

fn is_folder(op: &InsideOp) -> bool {
    matches!(op, InsideOp::Folder(_))
}

fn repository(parts: &[Part<'_>]) -> Option<usize> {
    position(parts, |op| *op == InsideOp::Worktree)
}

/// Whether `place` is a folder above `path`.
fn is_around(place: &[u8], path: &[u8]) -> bool {
    let place = place.strip_suffix(b"/").unwrap_or(place);
    path.strip_prefix(place).is_some_and(|rest| rest.len() > 1 && rest.starts_with(b"/"))
}

/// Where it puts something.
fn places<'p>(
    ((_, step), found): &'p Part<'_>,
    caller: &Caller<'_>,
) -> impl Iterator<Item = Vec<u8>> + use<'p> {
    let named = target(&step.op).and_then(|to| caller.path(to).ok());
    let named = named.map(|path| path.as_str().as_bytes().to_vec());
    found.places().map(<[u8]>::to_vec).chain(named)
}

/// Whether it covers what was at its place; what makes a file or a folder does not.
fn is_mount(op: &InsideOp) -> bool {
    match op {
        InsideOp::Bind(_)
        | InsideOp::BindArguments(_)
        | InsideOp::BindVariable(_)
        | InsideOp::Deep(_)
        | InsideOp::OverlayReadOnly(_)
        | InsideOp::OverlayInMemory(_)
        | InsideOp::OverlayKept(_)
        | InsideOp::Session(_)
        | InsideOp::StoreClosure
        | InsideOp::Tmpfs(_)
        | InsideOp::Proc(_)
        | InsideOp::Dev(_)
        | InsideOp::Queues(_) => true,
        InsideOp::Folder(_)
        | InsideOp::Worktree
        | InsideOp::SharedFile(_)
        | InsideOp::Directory(_)
        | InsideOp::File(_)
        | InsideOp::Copy(_)
        | InsideOp::Symlink(_)
        | InsideOp::Accounts(_)
        | InsideOp::GitIdentity(_)
        | InsideOp::RemountReadOnly(_)
        | InsideOp::Loopback
        | InsideOp::HostSocket(_)
        | InsideOp::RuntimeArguments => false,
    }
}

/// The place that the plan names.
fn of_the_plan(op: &InsideOp) -> Option<&HostText> {
    match op {
        InsideOp::Bind(op) => Some(&op.to),
        InsideOp::Deep(op) => Some(&op.from),
        _ => target(op),
    }
}

/// The same, where what comes from the host does not say it.
fn target(op: &InsideOp) -> Option<&HostText> {
    match op {
        InsideOp::OverlayReadOnly(Overlay { to, .. })
        | InsideOp::OverlayInMemory(Overlay { to, .. })
        | InsideOp::OverlayKept(KeptOverlay { to, .. }) => Some(to),
        InsideOp::SharedFile(op) => Some(&op.to),
        InsideOp::Tmpfs(op) => Some(&op.to),
        InsideOp::Directory(op) => Some(&op.to),
        InsideOp::File(op) => Some(&op.to),
        InsideOp::Copy(op) => Some(&op.to),
        InsideOp::Symlink(op) => Some(&op.to),
        InsideOp::Proc(to)
        | InsideOp::Dev(to)
        | InsideOp::GitIdentity(to)
        | InsideOp::RemountReadOnly(to)
        | InsideOp::HostSocket(to)
        | InsideOp::Queues(to) => Some(to),
        InsideOp::Bind(_)
        | InsideOp::Folder(_)
        | InsideOp::Worktree
        | InsideOp::BindArguments(_)
        | InsideOp::BindVariable(_)
        | InsideOp::Deep(_)
        | InsideOp::Session(_)
        | InsideOp::StoreClosure
        | InsideOp::Accounts(_)
        | InsideOp::Loopback
        | InsideOp::RuntimeArguments => None,
    }
}
