//! The jail's control group (cgroups(7), version 2): made before the clone, so the jail starts in
//! it, and removed after its end.
//!
//! A process of the helper's makes it (`group` in jail-host). The supervisor stays outside of it,
//! to report what happened.

mod fallback;
mod report;

use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::errand::{CONTROL_GROUP, Group as Wanted};
use jail_plan::{Cgroup, CgroupLimit, Otherwise, Plan};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, OFlags, openat, unlinkat};
use rustix::io::Errno;
use rustix::thread::{Timespec, nanosleep};

pub(crate) use report::Reached;

use crate::caller::Caller;
use crate::confine::Rlimits;
use crate::failure::Problem;
use crate::host::{Errand, gone};
use crate::reading::read_to_end;

/// Files of a group are short.
const FILE_MAX: usize = 64 * 1024;

const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 1_000_000 };

/// What enforces the limits of the plan.
pub(crate) enum Held<'a> {
    /// There are none, so nothing enforces them.
    Unlimited,
    /// Its control group.
    Group(Group<'a>),
    /// setrlimit(2), as well as it can.
    Resources(Rlimits),
}

/// A control group of the jail's own. It is removed when this is dropped.
pub(crate) struct Group<'a> {
    limits: &'a [CgroupLimit],
    parent: OwnedFd,
    name: String,
    folder: OwnedFd,
}

/// What the plan wants, made or refused; a refusal names the entry of the plan that cannot be held.
/// At most this many `followers` carry state files over in it.
pub(crate) fn hold<'a>(
    plan: &'a Plan,
    caller: &Caller<'_>,
    followers: usize,
) -> Result<Held<'a>, (&'a str, Problem)> {
    let Some(cgroup) = &plan.cgroup else { return Ok(Held::Unlimited) };
    match (Group::make(cgroup, plan, own_processes(plan, followers)), cgroup.otherwise) {
        (Ok(group), _) => Ok(Held::Group(group)),
        (Err(problem), Otherwise::Stop) => {
            let by = cgroup.limits.first().map_or("", |limit| limit.by.as_str());
            Err((by, problem))
        }
        (Err(problem), Otherwise::BestEffort) => {
            Ok(Held::Resources(fallback::instead(plan, cgroup, caller, &problem)))
        }
    }
}

/// The processes in the group that are not the payload's: the jail's first one, the broker with its
/// helpers, and those that carry state files over.
fn own_processes(plan: &Plan, followers: usize) -> u64 {
    let brokers = match plan.network {
        None => 0,
        Some(_) => 4,
    };
    u64::try_from(followers).unwrap_or(u64::MAX).saturating_add(1 + brokers)
}

impl Held<'_> {
    /// The group that the jail is cloned into.
    pub(crate) fn folder(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Group(group) => Some(group.folder.as_fd()),
            Self::Unlimited | Self::Resources(_) => None,
        }
    }

    /// The limits of setrlimit(2) that replace the group's.
    pub(crate) fn resources(&self) -> Rlimits {
        match self {
            Self::Resources(limits) => *limits,
            Self::Unlimited | Self::Group(_) => Rlimits::none(),
        }
    }

    /// The descriptors that the supervisor still needs.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let own = match self {
            Self::Group(group) => [Some(group.parent.as_fd()), Some(group.folder.as_fd())],
            Self::Unlimited | Self::Resources(_) => [None, None],
        };
        own.into_iter().flatten()
    }

    /// The limits of the group that the jail has reached.
    pub(crate) fn reached(&self) -> Vec<Reached<'_>> {
        match self {
            Self::Group(group) => report::reached(group.limits, &group.folder),
            Self::Unlimited | Self::Resources(_) => Vec::new(),
        }
    }
}

impl<'a> Group<'a> {
    fn make(cgroup: &'a Cgroup, plan: &Plan, others: u64) -> Result<Self, Problem> {
        let errand = Errand::start(plan.host.as_ref(), CONTROL_GROUP)?;
        let supervisor = rustix::process::getpid().as_raw_nonzero().get().cast_unsigned();
        let limits = cgroup.limits.iter().map(|limit| (limit.resource, limit.value)).collect();
        errand.send(&Wanted { supervisor, others, limits }.encode(), None)?;
        let (name, descriptors) = errand.reply()?;
        let name = String::from_utf8(name).map_err(|_| gone())?;
        let [parent, folder] = descriptors.try_into().map_err(|_| gone())?;
        Ok(Self { limits: &cgroup.limits, parent, name, folder })
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let remove = || unlinkat(&self.parent, &*self.name, AtFlags::REMOVEDIR);
        if remove() != Err(Errno::BUSY) {
            return;
        }
        // Processes are left in it, in a jail that shares the host's processes. They end with the
        // jail, which takes a moment.
        let _ = kill(&self.folder);
        for _ in 0..100 {
            if remove() != Err(Errno::BUSY) {
                return;
            }
            let _ = nanosleep(&PAUSE);
        }
    }
}

/// Ends all processes of a group.
fn kill(group: &OwnedFd) -> Result<(), Errno> {
    let file = openat(group, "cgroup.kill", OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, b"1").map(drop)
}

/// A file of a group.
fn read(group: &OwnedFd, file: &str) -> Result<String, Errno> {
    let file = openat(group, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    let bytes = read_to_end(&file, FILE_MAX)?;
    String::from_utf8(bytes).map_err(|_| Errno::ILSEQ)
}
