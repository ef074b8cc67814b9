//! Numbers the steps of a launch, so a failure can say which one it was.

use jail_plan::{Access, HostOp, InsideOp, Plan, Step};

use crate::failure::{self, Failure, Problem};

/// The steps that every launch has, in order: two before the operations
/// inside, the rest after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// The payload's variables and command line.
    Command,
    /// The control group, which is made right before the namespaces.
    Cgroup,
    /// The network by name: what is made in its namespace, and the broker.
    Network,
    /// The new namespaces and the ids in them.
    Namespaces,
    /// The new root becomes the only one.
    Root,
    /// The host name.
    Hostname,
    /// The folder that the payload starts in.
    Start,
    /// Capabilities, limits, no_new_privs.
    Privileges,
    /// What the kernel checks in addition to the mounts.
    Landlock,
    /// The filters of system calls.
    Seccomp,
    /// The exec of the payload.
    Exec,
}

const FIXED: usize = 9;
const FIXED_BEFORE_INSIDE: usize = 2;

/// How the steps of one plan are numbered.
#[derive(Clone, Copy)]
pub(crate) struct Steps {
    before: usize,
    inside: usize,
}

impl Steps {
    pub(crate) fn from_plan(plan: &Plan) -> Self {
        Self { before: plan.before.len(), inside: plan.inside.len() }
    }

    /// A failure in the operation `index` on the host.
    pub(crate) fn host(self, index: usize, step: &Step<HostOp>, problem: Problem) -> Failure {
        self.failure(index, step.op.word(), &step.by, problem)
    }

    /// A failure in the operation `index` inside.
    pub(crate) fn inside(self, index: usize, step: &Step<InsideOp>, problem: Problem) -> Failure {
        let index = self.before + FIXED_BEFORE_INSIDE + index;
        self.failure(index, inside_name(&step.op), &step.by, problem)
    }

    /// A failure in a step that every launch has; `by` is empty unless an
    /// entry of the plan wanted it.
    pub(crate) fn fixed(self, step: Fixed, by: &str, problem: Problem) -> Failure {
        let (index, name) = match step {
            Fixed::Command => (0, "command"),
            // Parts of the same step, reported by their own names.
            Fixed::Cgroup => (1, "cgroup"),
            Fixed::Network => (1, "network"),
            Fixed::Namespaces => (1, "namespaces"),
            Fixed::Root => (self.inside + 2, "root"),
            Fixed::Hostname => (self.inside + 3, "hostname"),
            Fixed::Start => (self.inside + 4, "start"),
            Fixed::Privileges => (self.inside + 5, "privileges"),
            Fixed::Landlock => (self.inside + 6, "landlock"),
            Fixed::Seccomp => (self.inside + 7, "seccomp"),
            Fixed::Exec => (self.inside + 8, "exec"),
        };
        self.failure(self.before + index, name, by, problem)
    }

    fn failure(self, index: usize, name: &str, by: &str, problem: Problem) -> Failure {
        let of = self.before + self.inside + FIXED;
        let step = Some(failure::Step { number: index + 1, of });
        Failure::new(step, name, by, problem)
    }
}

/// For a bind it includes the access, because most failures of a bind are about that.
fn inside_name(op: &InsideOp) -> &'static str {
    match op {
        InsideOp::Bind(bind) => bind_name(bind.access),
        other => other.word(),
    }
}

fn bind_name(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "bind-ro",
        Access::ReadWrite => "bind-rw",
        Access::Device => "bind-dev",
    }
}
