//! The limits of setrlimit(2).

use jail_plan::{Limit, Resource};
use rustix::io::Errno;
use rustix::process::{Resource as Kernels, Rlimit, getrlimit, setrlimit};

use crate::failure::{About, Problem};

/// Limits that replace those of a control group.
#[derive(Clone, Copy)]
pub(crate) struct Rlimits {
    /// The memory that each process writes, in bytes.
    pub(crate) data: Option<u64>,
    /// The number of processes of the user.
    pub(crate) processes: Option<u64>,
}

impl Rlimits {
    /// None of them.
    pub(crate) const fn none() -> Self {
        Self { data: None, processes: None }
    }
}

/// Sets the limits of the plan and the replacements, both soft and hard.
pub(crate) fn set(limits: &[Limit], instead: Rlimits) -> Result<(), Problem> {
    for Limit { resource, value } in limits {
        match resource {
            Resource::Core => core(*value).about("core")?,
            Resource::Files => at_most(Kernels::Nofile, *value).about("open files")?,
            Resource::FileSize => at_most(Kernels::Fsize, *value).about("file size")?,
        }
    }
    if let Some(value) = instead.data {
        at_most(Kernels::Data, value).about("memory")?;
    }
    if let Some(value) = instead.processes {
        at_most(Kernels::Nproc, value).about("processes")?;
    }
    Ok(())
}

/// If core_pattern is a program (systemd-coredump), the kernel starts it even at 0, and only 1
/// stops it (core(5)). A process with a hard limit of 0 cannot set 1: then no file is made, and the
/// 0 makes such a program keep none.
fn core(value: u64) -> Result<(), Errno> {
    match getrlimit(Kernels::Core).maximum {
        Some(0) => exactly(Kernels::Core, 0),
        Some(_) | None => exactly(Kernels::Core, value.max(1)),
    }
}

fn exactly(resource: Kernels, value: u64) -> Result<(), Errno> {
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
}

/// A limit only restricts: a lower one of the caller stays.
fn at_most(resource: Kernels, value: u64) -> Result<(), Errno> {
    let Rlimit { current, maximum } = getrlimit(resource);
    let lower = |limit: Option<u64>| limit.map_or(value, |limit| limit.min(value));
    setrlimit(resource, Rlimit { current: Some(lower(current)), maximum: Some(lower(maximum)) })
}
