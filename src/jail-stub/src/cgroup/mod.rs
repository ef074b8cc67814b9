//! The jail's control group (cgroups(7), version 2): made before the clone, so that the jail begins in it, and removed
//! after its end.
//!
//! It belongs below what systemd delegates where systemd runs, else below what the caller may write already. It is not
//! the stub's own: the supervisor stays outside of it, so that it can say what happened.

mod dbus;
mod fallback;
mod report;
mod systemd;
mod tree;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Cgroup, CgroupLimit, Controlled, Otherwise, Plan};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{AtFlags, Mode, mkdirat, unlinkat};
use rustix::io::Errno;

pub(crate) use report::Reached;

use crate::caller::Caller;
use crate::cgroup::tree::Tree;
use crate::confine::Rlimits;
use crate::failure::{About, Problem};

/// Who holds the jail to the limits of its plan.
pub(crate) enum Held<'a> {
    /// Nobody has to: there are none.
    Unlimited,
    /// Its control group.
    Group(Group<'a>),
    /// setrlimit(2), as well as it can.
    Resources(Rlimits),
}

/// A control group of the jail's own. It goes when this does.
pub(crate) struct Group<'a> {
    limits: &'a [CgroupLimit],
    parent: OwnedFd,
    name: String,
    folder: OwnedFd,
}

/// What the plan wants, made or refused; a refusal names the entry of the plan that cannot be held. So many `followers` carry
/// state files over in it.
pub(crate) fn hold<'a>(
    plan: &'a Plan,
    caller: &Caller<'_>,
    followers: usize,
) -> Result<Held<'a>, (&'a str, Problem)> {
    let Some(cgroup) = &plan.cgroup else { return Ok(Held::Unlimited) };
    match (Group::make(cgroup, caller, own_processes(plan, followers)), cgroup.otherwise) {
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

/// The processes in the group that are not the payload's: the jail's first one, the broker with its helpers, and those that carry
/// state files over.
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

    /// The limits of setrlimit(2) that stand in for the group's.
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

    /// Which limits of the group the jail has run into.
    pub(crate) fn reached(&self) -> Vec<Reached<'_>> {
        match self {
            Self::Group(group) => report::reached(group.limits, &group.folder),
            Self::Unlimited | Self::Resources(_) => Vec::new(),
        }
    }
}

impl<'a> Group<'a> {
    fn make(cgroup: &'a Cgroup, caller: &Caller<'_>, own: u64) -> Result<Self, Problem> {
        let controllers = || cgroup.limits.iter().map(|limit| controller(limit.resource));
        let Tree { folder: parent, name } = tree::find(caller, controllers)?;
        mkdirat(&parent, &*name, Mode::from_raw_mode(0o755)).about(&name)?;
        let folder = tree::open(&parent, &name).about(&name)?;
        let group = Self { limits: &cgroup.limits, parent, name, folder };
        for limit in group.limits {
            set(&group.folder, limit, own)?;
        }
        Ok(group)
    }
}

impl Drop for Group<'_> {
    fn drop(&mut self) {
        let remove = || unlinkat(&self.parent, &*self.name, AtFlags::REMOVEDIR);
        if remove() != Err(Errno::BUSY) {
            return;
        }
        // Somebody is left in it: in a jail that shares the host's processes. They end with the jail, which takes a moment.
        let _ = tree::write(&self.folder, "cgroup.kill", "1");
        for _ in 0..100 {
            if remove() != Err(Errno::BUSY) {
                return;
            }
            tree::pause();
        }
    }
}

/// The controller of a resource, as the kernel calls it.
fn controller(resource: Controlled) -> &'static str {
    match resource {
        Controlled::Memory => "memory",
        Controlled::Pids => "pids",
        Controlled::Cpu => "cpu",
    }
}

fn set(folder: &OwnedFd, limit: &CgroupLimit, own: u64) -> Result<(), Problem> {
    let write = |file: &str, value: &str| tree::write(folder, file, value).about(file);
    let value = limit.value;
    match limit.resource {
        Controlled::Memory => {
            write("memory.max", &format!("{value}"))?;
            // Kernels without accounting of swap have no such file; then nothing of the jail is counted there.
            optional(tree::write(folder, "memory.swap.max", "0")).about("memory.swap.max")?;
            // A jail without one of its processes would go on in a way that nobody has thought of.
            optional(tree::write(folder, "memory.oom.group", "1")).about("memory.oom.group")
        }
        Controlled::Pids => write("pids.max", &format!("{}", value.saturating_add(own))),
        // Microseconds of processor time in each tenth of a second.
        Controlled::Cpu => write("cpu.max", &format!("{} 100000", value.saturating_mul(1000))),
    }
}

fn optional(result: Result<(), Errno>) -> Result<(), Errno> {
    if result == Err(Errno::NOENT) { Ok(()) } else { result }
}
