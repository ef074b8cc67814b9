//! The jail's network namespace, made on another processor while the mounts are.
//!
//! It takes the kernel a good third of a launch, and nothing of it depends on the mounts. So a second process in the jail,
//! which shares memory and descriptors with the first one, leaves for a new network namespace, brings loopback up there,
//! hands the namespace over as a descriptor, and ends.

use alloc::vec::Vec;
use core::sync::atomic::{AtomicI32, Ordering};

use jail_plan::{InsideOp, Namespace, Plan};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::caller::Caller;
use crate::failure::{About, Failure, Problem};
use crate::inside::Launch;
use crate::namespaces::{self, has};
use crate::steps::Fixed;
use crate::sys::{self, Handover};

/// What both processes see.
struct Shared {
    /// The host's /proc, opened before: the first process may put another root under the second one at any time, and
    /// the jail's need not have a /proc.
    proc: OwnedFd,
    loopback: bool,
    namespace: Handover,
    /// The error of making the namespace, and that of loopback; 0 for none.
    error: AtomicI32,
    loopback_error: AtomicI32,
}

/// Runs `meanwhile` while the network namespace is made, and enters it. A plan without one only runs `meanwhile`.
pub(crate) fn beside<R>(
    launch: &Launch<'_>,
    meanwhile: impl FnOnce() -> Result<R, Failure>,
) -> Result<R, Failure> {
    let Launch { plan, steps, caller, .. } = launch;
    let at_namespaces = |problem| steps.fixed(Fixed::Namespaces, "", problem);
    if !has(plan, Namespace::Net) {
        return meanwhile();
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let proc = openat(CWD, c"/proc", flags, Mode::empty()).about("/proc").map_err(at_namespaces)?;
    let shared = Shared {
        proc,
        loopback: loopback(plan).is_some(),
        namespace: Handover::empty(),
        error: AtomicI32::new(0),
        loopback_error: AtomicI32::new(0),
    };
    let mut stack = Vec::with_capacity(2048);
    let (made, result) = sys::beside(stack.spare_capacity_mut(), aside, &shared, meanwhile);
    let result = result?;
    made.about("clone").map_err(at_namespaces)?;
    enter(&shared, plan, caller).map_err(at_namespaces)?;
    match (shared.loopback_error.load(Ordering::SeqCst), loopback(plan)) {
        (error @ 1.., Some((index, op))) => {
            let problem = Problem::errno("lo", Errno::from_raw_os_error(error));
            Err(steps.inside(index, op, namespaces::explain(problem)))
        }
        (_, _) => Ok(result),
    }
}

fn loopback(plan: &Plan) -> Option<(usize, &InsideOp)> {
    plan.inside.iter().enumerate().find(|(_, op)| matches!(op, InsideOp::Loopback(_)))
}

fn enter(shared: &Shared, plan: &Plan, caller: &Caller<'_>) -> Result<(), Problem> {
    match (shared.namespace.take(), shared.error.load(Ordering::SeqCst)) {
        (Some(namespace), 0) => {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                .about("setns")
        }
        (_, error) => {
            // Without an error of its own it was killed.
            let error = if error == 0 { Errno::INTR } else { Errno::from_raw_os_error(error) };
            Err(namespaces::refused(plan, caller, error))
        }
    }
}

/// The second process. It makes system calls and nothing else: memory belongs to the first one meanwhile.
fn aside(shared: &Shared) -> ! {
    match namespace(&shared.proc) {
        Ok(namespace) => {
            if shared.loopback
                && let Err(error) = bring_up()
            {
                shared.loopback_error.store(error.raw_os_error(), Ordering::SeqCst);
            }
            shared.namespace.put(namespace);
        }
        Err(error) => shared.error.store(error.raw_os_error(), Ordering::SeqCst),
    }
    sys::exit(0)
}

fn namespace(proc: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let own = openat(proc, c"self/ns", flags, Mode::empty())?;
    sys::unshare(namespaces::network())?;
    openat(own, c"net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// A new network namespace has a loopback interface that is down.
fn bring_up() -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    sys::bring_up(socket)
}
