//! Numbers the steps of a launch, so that a failure says which one it was.

use jail_plan::{Access, HostOp, InsideOp, Plan};

use crate::failure::{Failure, Problem, Step};

/// The steps that every launch has, in order: two before the operations inside, the rest after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fixed {
    /// The payload's variables and command line.
    Command,
    /// The control group, which is made right before the namespaces.
    Cgroup,
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
    /// What the kernel checks beside the mounts.
    Landlock,
    /// The filters of system calls.
    Seccomp,
    /// The payload.
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
    pub(crate) fn of(plan: &Plan) -> Self {
        Self { before: plan.before.len(), inside: plan.inside.len() }
    }

    /// A failure in the operation `index` on the host.
    pub(crate) fn host(self, index: usize, op: &HostOp, problem: Problem) -> Failure {
        let (name, by) = host_name(op);
        self.failure(index, name, by, problem)
    }

    /// A failure in the operation `index` inside.
    pub(crate) fn inside(self, index: usize, op: &InsideOp, problem: Problem) -> Failure {
        let (name, by) = inside_name(op);
        self.failure(self.before + FIXED_BEFORE_INSIDE + index, name, by, problem)
    }

    /// A failure in a step that every launch has; `by` is empty unless an entry of the plan wanted it.
    pub(crate) fn fixed(self, step: Fixed, by: &str, problem: Problem) -> Failure {
        let (index, name) = match step {
            Fixed::Command => (0, "command"),
            // A part of the same step, told by its own name.
            Fixed::Cgroup => (1, "cgroup"),
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
        let step = Some(Step { number: index + 1, of });
        Failure::new(step, name, by, problem)
    }
}

fn host_name(op: &HostOp) -> (&'static str, &str) {
    match op {
        HostOp::RefuseFolder(op) => ("refuse-folder", &op.by),
        HostOp::StateDirectory(op) => ("state-directory", &op.by),
        HostOp::StateFile(op) => ("state-file", &op.by),
        HostOp::Bus(op) => ("bus", &op.by),
        HostOp::StateLink(op) => ("state-link", &op.by),
        HostOp::Script(op) => ("script", &op.by),
        HostOp::Channel(op) => ("channel", &op.by),
        HostOp::OpenUrls(op) => ("open-urls", &op.by),
    }
}

/// The applied combinator that wanted an operation inside.
pub(crate) fn origin(op: &InsideOp) -> &str {
    inside_name(op).1
}

fn inside_name(op: &InsideOp) -> (&'static str, &str) {
    match op {
        InsideOp::Bind(op) => (bind_name(op.access), &op.by),
        InsideOp::SharedFile(op) => ("shared-file", &op.by),
        InsideOp::Folder(op) => ("folder", &op.by),
        InsideOp::BindArguments(op) => ("bind-arguments", &op.by),
        InsideOp::BindVariable(op) => ("bind-variable", &op.by),
        InsideOp::Deep(op) => ("bind-deep", &op.by),
        InsideOp::OverlayReadOnly(op) => ("overlay-read-only", &op.by),
        InsideOp::OverlayInMemory(op) => ("overlay-in-memory", &op.by),
        InsideOp::OverlayKept(op) => ("overlay-kept", &op.by),
        InsideOp::Session(op) => ("session", &op.by),
        InsideOp::StoreClosure(op) => ("store-closure", &op.by),
        InsideOp::Tmpfs(op) => ("tmpfs", &op.by),
        InsideOp::Proc(op) => ("proc", &op.by),
        InsideOp::Dev(op) => ("dev", &op.by),
        InsideOp::Directory(op) => ("directory", &op.by),
        InsideOp::File(op) => ("file", &op.by),
        InsideOp::Copy(op) => ("copy", &op.by),
        InsideOp::Symlink(op) => ("symlink", &op.by),
        InsideOp::Accounts(op) => ("accounts", &op.by),
        InsideOp::GitIdentity(op) => ("git-identity", &op.by),
        InsideOp::RemountReadOnly(op) => ("remount-read-only", &op.by),
        InsideOp::Worktree(op) => ("worktree", &op.by),
        InsideOp::Loopback(op) => ("loopback", &op.by),
        InsideOp::HostSocket(op) => ("host-socket", &op.by),
        InsideOp::Queues(op) => ("queues", &op.by),
        InsideOp::RuntimeArguments(op) => ("runtime-arguments", &op.by),
    }
}

fn bind_name(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "bind-ro",
        Access::ReadWrite => "bind-rw",
        Access::Device => "bind-dev",
    }
}
