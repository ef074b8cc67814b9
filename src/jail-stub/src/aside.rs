//! A second process in the jail, for what takes the kernel long and what init need not wait for.
//!
//! Two things are: the network namespace takes a good third of a launch, and nothing of it depends
//! on the mounts; and to take the host's root off, the kernel waits for every processor. So this
//! process, which shares memory and descriptors with the first one, leaves for a new network
//! namespace, brings loopback up there, hands the namespace over as a descriptor, turns the
//! kernel's switches for the jail's namespaces, takes the host's root off if it is asked to, and
//! ends, before anything of the payload runs.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::{AtomicI32, Ordering};

use jail_plan::{InsideOp, Namespace, Plan, Step};
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, openat, statx};
use rustix::io::Errno;
use rustix::mount::{UnmountFlags, unmount};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::failure::{About, Failure, Problem};
use crate::inside::{Launch, Switches};
use crate::namespaces::{self, has};
use crate::network;
use crate::steps::Fixed;
use crate::sys::{self, Futex, Handover, NewNamespaces};

/// How far the second process is: it is working, or the network namespace is made or has failed.
/// [`Futex::ENDED`]: it is gone.
const WORKING: u32 = 1;
const MADE: u32 = 2;

/// What it does after that: it waits for the request, takes the host's root off, and ends.
const WAIT: u32 = 0;
const DETACH: u32 = 1;
const END: u32 = 2;

/// The most mounts at `/`: no plan needs more. With more of them the launch stops.
const ROOTS_MAX: usize = 256;

/// The result of what has not been done.
const NOT_DONE: i32 = -1;

/// What both processes see.
struct Shared<'a> {
    /// The host's /proc, opened before. Init may put another root under the second process at any
    /// time, and the jail's need not have a /proc.
    proc: OwnedFd,
    loopback: bool,
    /// What else is made in the network namespace.
    network: Option<&'a network::Prepared<'a>>,
    /// What it does to /proc.
    switches: Switches,
    state: Futex,
    order: Futex,
    namespace: Handover,
    /// The errors of making the namespace, of loopback, of taking the root off, and of
    /// the switches; 0 for none.
    error: AtomicI32,
    loopback_error: AtomicI32,
    detached: AtomicI32,
    not_turned: AtomicI32,
}

/// The second process, as the first one sees it. `None` if the jail has no
/// network namespace of its own.
pub(crate) struct Aside<'a> {
    shared: Option<&'a Shared<'a>>,
    launch: &'a Launch<'a>,
}

/// Runs `meanwhile` while the second process works, and returns when that is gone.
pub(crate) fn with<R>(
    launch: &Launch<'_>,
    meanwhile: impl FnOnce(&Aside<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    let at_namespaces = |problem| launch.steps.fixed(Fixed::Namespaces, "", problem);
    if !has(launch.plan, Namespace::Net) {
        return meanwhile(&Aside { shared: None, launch });
    }
    let shared = Shared::for_launch(launch).map_err(at_namespaces)?;
    let aside = Aside { shared: Some(&shared), launch };
    let mut stack = Vec::with_capacity(2048);
    let meanwhile = || {
        // However it ends, the second process is not left waiting.
        let _ends = EndsSecond(&shared);
        meanwhile(&aside)
    };
    #[expect(unsafe_code, reason = "the rule about memory is one for `work`, which stands below")]
    // SAFETY: `work` and all that it calls make system calls on what `shared` holds, and
    // neither allocate nor free.
    let (made, result) = unsafe {
        sys::spawn_sharing_memory(
            stack.spare_capacity_mut(),
            work,
            &shared,
            &shared.state,
            meanwhile,
        )
    };
    made.map_err(namespaces::not_started).map_err(at_namespaces)?;
    let result = result?;
    let detached = shared.detached.load(Ordering::SeqCst);
    if shared.order.get() == DETACH && detached != 0 {
        return Err(launch.steps.fixed(Fixed::Root, "", not_detached(errno(detached))));
    }
    match shared.not_turned.load(Ordering::SeqCst) {
        0 => Ok(result),
        error => Err(at_namespaces(Problem::errno(Switches::PLACE, errno(error)))),
    }
}

struct EndsSecond<'a>(&'a Shared<'a>);

impl Drop for EndsSecond<'_> {
    fn drop(&mut self) {
        self.0.end_unless_asked();
    }
}

impl Aside<'_> {
    /// Takes off the host's root, which a pivot has left over the jail's. This may still be going
    /// on when it returns, but not when [`with`] does.
    pub(crate) fn detach(&self) -> Result<(), Problem> {
        match self.shared {
            Some(shared) if shared.state.get() == MADE => {
                shared.order.set(DETACH);
                Ok(())
            }
            // It is busy, so the network would have to wait.
            Some(_) | None => detach().map_err(not_detached),
        }
    }

    /// Enters the network namespace, once it is made, and returns the variables that come with it.
    /// After this the second process gets no more requests: the system call filter comes next.
    pub(crate) fn enter_network(&self) -> Result<Vec<CString>, Failure> {
        let Launch { plan, steps, caller, .. } = self.launch;
        let Some(shared) = self.shared else { return Ok(Vec::new()) };
        shared.state.wait_while(WORKING);
        shared.end_unless_asked();
        let entered = match (shared.namespace.take(), shared.error.load(Ordering::SeqCst)) {
            (Some(namespace), 0) => {
                move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))
                    .about("setns")
                    .map(|()| namespace)
            }
            (_, error) => Err(namespaces::refused(plan, caller, errno(error))),
        };
        let namespace = entered.map_err(|problem| steps.fixed(Fixed::Namespaces, "", problem))?;
        match (shared.loopback_error.load(Ordering::SeqCst), loopback(plan)) {
            (error @ 1.., at) => {
                let problem = namespaces::explain(Problem::errno("lo", errno(error)));
                Err(match at {
                    Some((index, step)) => steps.inside(index, step, problem),
                    None => steps.fixed(Fixed::Network, "", problem),
                })
            }
            (_, _) => shared
                .network
                .map_or(Ok(Vec::new()), |network| network.hand_over(&namespace))
                .map_err(|(by, problem)| steps.fixed(Fixed::Network, by, problem)),
        }
    }
}

/// If it has no error of its own, it was killed.
fn errno(error: i32) -> Errno {
    if error > 0 { Errno::from_raw_os_error(error) } else { Errno::INTR }
}

fn not_detached(error: Errno) -> Problem {
    match error {
        Errno::TOOMANYREFS => {
            Problem::new("/", "too many mounts lie over each other at this place")
                .help("mount one folder at `/`; a variable or an argument may name it too")
        }
        _ => Problem::errno("the host's root", error),
    }
}

/// Takes off what lies over the jail's root, until nothing does: the host's root, and with it what
/// was mounted there while the jail's root was built, one mount for each that the plan puts at `/`.
///
/// Only `umount2` looks for the topmost mount at `/`; everything else that begins there is in the
/// jail's root, and gets past it by `/..` alone (path_resolution(7)). So both are the same mount in
/// the end, by the ids that `statx` gives.
fn detach() -> Result<(), Errno> {
    for _ in 0..ROOTS_MAX {
        // The host's root is there in any case.
        unmount(c"/", UnmountFlags::DETACH)?;
        if mount_id(c"/..")? == mount_id(c"/")? {
            return Ok(());
        }
    }
    Err(Errno::TOOMANYREFS)
}

/// The mount that `path` is in.
fn mount_id(path: &CStr) -> Result<u64, Errno> {
    let stat = statx(CWD, path, AtFlags::NO_AUTOMOUNT, StatxFlags::MNT_ID)?;
    let known = StatxFlags::from_bits_retain(stat.stx_mask).contains(StatxFlags::MNT_ID);
    known.then_some(stat.stx_mnt_id).ok_or(Errno::NOSYS)
}

fn loopback(plan: &Plan) -> Option<(usize, &Step<InsideOp>)> {
    plan.inside.iter().enumerate().find(|(_, step)| matches!(step.op, InsideOp::Loopback))
}

impl<'a> Shared<'a> {
    fn for_launch(launch: &Launch<'a>) -> Result<Self, Problem> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            proc: openat(CWD, c"/proc", flags, Mode::empty()).about("/proc")?,
            // While the interface is down, nothing arrives at a local address either.
            loopback: loopback(launch.plan).is_some() || launch.network.is_some(),
            network: launch.network,
            switches: Switches::from_plan(launch.plan),
            state: Futex::new(WORKING),
            order: Futex::new(WAIT),
            namespace: Handover::empty(),
            error: AtomicI32::new(0),
            loopback_error: AtomicI32::new(0),
            detached: AtomicI32::new(NOT_DONE),
            not_turned: AtomicI32::new(NOT_DONE),
        })
    }

    fn end_unless_asked(&self) {
        if self.order.get() == WAIT {
            self.order.set(END);
        }
    }
}

/// The second process. It only makes system calls: meanwhile the memory belongs to the first one.
fn work(shared: &Shared<'_>) -> ! {
    match namespace(&shared.proc) {
        Ok(namespace) => {
            if shared.loopback
                && let Err(error) = bring_up()
            {
                shared.loopback_error.store(error.raw_os_error(), Ordering::SeqCst);
            } else if let Some(network) = shared.network {
                network.make(&shared.proc);
            }
            shared.namespace.put(namespace);
        }
        Err(error) => shared.error.store(error.raw_os_error(), Ordering::SeqCst),
    }
    shared.state.set(MADE);
    // Init is busy with mounts.
    let error = shared.switches.turn(&shared.proc).err().map_or(0, Errno::raw_os_error);
    shared.not_turned.store(error, Ordering::SeqCst);
    if shared.order.wait_while(WAIT) == DETACH {
        let error = detach().err().map_or(0, Errno::raw_os_error);
        shared.detached.store(error, Ordering::SeqCst);
    }
    sys::exit(0)
}

fn namespace(proc: &OwnedFd) -> Result<OwnedFd, Errno> {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let own = openat(proc, c"self/ns", flags, Mode::empty())?;
    sys::unshare(NewNamespaces::NET)?;
    openat(own, c"net", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
}

/// A new network namespace has a loopback interface that is down.
fn bring_up() -> Result<(), Errno> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    sys::bring_up(socket)
}
