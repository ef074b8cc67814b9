//! What replaces a control group if none can be made and the spec lets the launch go on: the limits
//! of setrlimit(2) that come closest, and one line that says which apply.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::{Bytes, Cgroup, CgroupLimit, Controlled, Namespace, Plan};

use crate::caller::Caller;
use crate::confine::Rlimits;
use crate::failure::{self, Problem};
use crate::namespaces::has;

/// The limits that come closest to those of `cgroup`. The line on standard
/// error includes the reason.
pub(super) fn instead(
    plan: &Plan,
    cgroup: &Cgroup,
    caller: &Caller<'_>,
    problem: &Problem,
) -> Rlimits {
    let mut limits = Rlimits::none();
    let mut words = Vec::new();
    for limit in &cgroup.limits {
        words.push(one(plan, limit, caller, &mut limits));
    }
    failure::say(&format!("{}; {}", problem.cause, words.join("; ")), None);
    limits
}

fn one(plan: &Plan, limit: &CgroupLimit, caller: &Caller<'_>, limits: &mut Rlimits) -> String {
    let value = limit.value;
    match limit.resource {
        // Not RLIMIT_AS: programs reserve far more addresses than they use.
        Controlled::Memory => {
            limits.data = Some(value);
            format!("memory: {} for each process by itself", Bytes(value))
        }
        // The kernel exempts root, and counts a user's processes by
        // user namespace (setrlimit(2), RLIMIT_NPROC).
        Controlled::Pids if caller.uid == 0 => {
            format!("processes: not limited to {value}, because root starts it")
        }
        Controlled::Pids if !has(plan, Namespace::User) => {
            format!("processes: not limited to {value}, because the user namespace is shared")
        }
        Controlled::Pids => {
            // The spec did not ask for the jail's init, which counts too.
            limits.processes = Some(value.saturating_add(1));
            format!("processes: {value}")
        }
        Controlled::Cpu => format!("processors: not limited to {value} %"),
    }
}
