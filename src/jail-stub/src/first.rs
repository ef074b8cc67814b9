//! The jail's init: it builds the jail, starts the payload, and then waits ([`crate::init`]).
//!
//! It is process 1 of the PID namespace, so everything inside ends when it does. It ends when the
//! supervisor does. Without a PID namespace it ends everything itself.

use alloc::ffi::CString;
use alloc::vec::Vec;

use jail_plan::{Namespace, Plan, StartIn, Terminal};
use rustix::fd::OwnedFd;
use rustix::fs::Mode;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{
    DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal, setpgid,
    setsid, umask,
};

use crate::aside::{self, Aside};
use crate::confine::landlock::Jail;
use crate::confine::{self, Filter, Rlimits};
use crate::failure::{About, EXIT_FAILED, Failure, Problem};
use crate::init::{self, Init};
use crate::inside::{self, Launch, Places};
use crate::message::{Message, Order, is_connected};
use crate::namespaces::{self, has};
use crate::payload::{self, Command, Last};
use crate::standard::ReadOnly;
use crate::steps::Fixed;
use crate::subreaper::Subreaper;
use crate::supervisor::Launcher;
use crate::sys::{self, SignalSet};
use crate::terminal::{Given, Own};

/// What init is given.
pub(crate) struct First<'a> {
    pub(crate) launch: Launch<'a>,
    pub(crate) command: &'a Command,
    pub(crate) standard: &'a ReadOnly,
    pub(crate) filters: &'a [Filter<'a>],
    /// Whether the jail is in a control group of its own.
    pub(crate) own_cgroup: bool,
    /// The limits of setrlimit(2) that replace a control group's.
    pub(crate) instead: Rlimits,
    pub(crate) given: Given,
    pub(crate) launcher: &'a Launcher,
    /// The signals that the launcher had blocked.
    pub(crate) mask: SignalSet,
}

/// Runs from the clone to the end of the jail.
pub(crate) fn run(first: &First<'_>, channel: &OwnedFd) -> ! {
    let plan = first.launch.plan;
    // Every program inside can read it, and it contains the path of the wrapper on the host.
    first.launch.caller.command_line.show(&plan.name);
    match start(first, channel) {
        Ok((payload, init)) => init.wait(payload),
        Err(failure) => {
            // If the supervisor no longer listens, there is no one left to report to.
            let _ = Message::Failed(failure).send(channel);
            sys::exit(i32::from(EXIT_FAILED))
        }
    }
}

fn start<'a>(first: &First<'a>, channel: &'a OwnedFd) -> Result<(i32, Init<'a>), Failure> {
    let Launch { plan, steps, .. } = first.launch;
    let at = |step| move |problem| steps.fixed(step, "", problem);
    separate(plan, channel).map_err(at(Fixed::Namespaces))?;
    if first.own_cgroup {
        namespaces::own_cgroup(plan).map_err(at(Fixed::Namespaces))?;
    }
    let leftovers = match has(plan, Namespace::Pid) {
        true => None,
        false => Some(Subreaper::collect().map_err(at(Fixed::Namespaces))?),
    };
    // The system call filter may refuse it later.
    let signals = init::signals().about("signals").map_err(at(Fixed::Namespaces))?;
    let confined = aside::with(&first.launch, |aside| confined(first, channel, aside))?;
    let last = Last {
        command: first.command,
        variables: &confined.variables,
        terminal: plan.terminal,
        own_terminal: confined.terminal.as_ref(),
        takes_terminal: first.given.takes,
        ends_with_parent: !has(plan, Namespace::Pid),
        channel,
        mask: first.mask,
        umask: confined.umask,
    };
    let payload = payload::start(&last).map_err(at(Fixed::Exec))?;
    let init = Init {
        plan,
        channel,
        launcher: first.launcher,
        standard: first.standard,
        signals,
        leftovers,
        terminal: confined.terminal,
    };
    Ok((payload, init))
}

/// What [`confined`] leaves for the payload.
struct Confined {
    /// The mask of file modes that the payload has.
    umask: Mode,
    /// The jail's own terminal.
    terminal: Option<Own>,
    /// What the broker gives the payload.
    variables: Vec<CString>,
}

/// From the ids to the filter: everything that restricts this process to what the payload may do.
///
/// What does not need the network comes first, because it may not be there yet.
/// One copy of it is enough.
#[inline(never)]
fn confined(first: &First<'_>, channel: &OwnedFd, aside: &Aside<'_>) -> Result<Confined, Failure> {
    let Launch { plan, steps, caller, paths, own_state, .. } = first.launch;
    let at = |step| move |problem| steps.fixed(step, "", problem);
    if first.launch.dedicated.is_some() {
        // The supervisor has done it: no process may map another user's ids by itself.
        if Order::receive(channel) != Some(Order::Go) {
            let problem = Problem::new("the supervisor", "it ended");
            return Err(at(Fixed::Namespaces)(problem));
        }
    } else if has(plan, Namespace::User) {
        namespaces::map_ids(plan, caller).map_err(at(Fixed::Namespaces))?;
    }
    // No process may inspect or trace this one. This does not come earlier, because /proc/self
    // would have belonged to root.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .about("dumpable")
        .map_err(at(Fixed::Namespaces))?;
    // The modes of the plan must not be changed by the mask.
    let umask = umask(Mode::empty());
    let (places, terminal) = root(first, channel, aside)?;
    hostname(plan).map_err(at(Fixed::Hostname))?;
    enter_folder(first, places.folder.as_deref()).map_err(at(Fixed::Start))?;
    confine::bounds().map_err(at(Fixed::Privileges))?;
    confine::landlock::restrict(&Jail { plan, caller, paths, own_state, places: &places })
        .map_err(|(by, problem)| steps.fixed(Fixed::Landlock, by, problem))?;
    let variables = aside.enter_network()?;
    // From here on nothing is opened whose number the payload's limits could affect.
    confine::limits(&plan.limits, first.instead).map_err(at(Fixed::Privileges))?;
    confine::capabilities().map_err(at(Fixed::Privileges))?;
    if let Some(user) = &first.launch.dedicated {
        user.check_start().map_err(at(Fixed::Start))?;
    }
    confine::load(first.filters).map_err(at(Fixed::Seccomp))?;
    Ok(Confined { umask, terminal, variables })
}

/// Ties this process to the supervisor, and takes it out of the launcher's process group.
fn separate(plan: &Plan, channel: &OwnedFd) -> Result<(), Problem> {
    // Without a PID namespace, this process must end the others before it ends. It sees from the
    // channel when, unless the payload has stopped it.
    let signal = if has(plan, Namespace::Pid) { Signal::KILL } else { Signal::CONT };
    set_parent_process_death_signal(Some(signal)).about("the parent's end")?;
    if !is_connected(channel) {
        // The supervisor ended before the line above, so its end sends no signal any more.
        sys::exit(i32::from(EXIT_FAILED));
    }
    match plan.terminal {
        // This is needed also without a terminal: in the launcher's session, any process could
        // lower the weight that the scheduler gives to all of them (sched(7), "The autogroup
        // feature"), and no ordinary user could raise it again.
        Terminal::Keep | Terminal::NewSession => setsid().map(drop).about("the session"),
        Terminal::Shared => setpgid(None, None).about("the process group"),
    }
}

/// Builds the jail's root and makes it the only one. Also sets up the jail's own terminal.
fn root(
    first: &First<'_>,
    channel: &OwnedFd,
    aside: &Aside<'_>,
) -> Result<(Places, Option<Own>), Failure> {
    let Launch { plan, steps, .. } = first.launch;
    let at_command = |problem| steps.fixed(Fixed::Command, "", problem);
    let own_terminal = |root| {
        let made = first.given.is_replaced.then(|| Own::make(&first.given, root, channel));
        made.transpose().map_err(at_command)
    };
    if !has(plan, Namespace::Mount) {
        inside::without_root(&first.launch)?;
        return Ok((Places::default(), own_terminal(None)?));
    }
    let at_root = |problem| steps.fixed(Fixed::Root, "", problem);
    if !has(plan, Namespace::User) {
        // With a user namespace of its own, the kernel does this (mount_namespaces(7)). Without
        // one, what is mounted here would appear on the host.
        let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change(c"/", flags).about("/").map_err(at_root)?;
    }
    first.standard.reopen_files().map_err(at_command)?;
    first.launch.paths.enter_mounts();
    let built = inside::build(&first.launch)?;
    first.standard.reopen_devices(&built.root).map_err(at_command)?;
    let terminal = own_terminal(Some(&built.root))?;
    built.root.enter(|| aside.detach()).map_err(at_root)?;
    Ok((built.places, terminal))
}

fn hostname(plan: &Plan) -> Result<(), Problem> {
    match &plan.hostname {
        None => Ok(()),
        Some(name) if has(plan, Namespace::Uts) => {
            rustix::system::sethostname(name.as_bytes()).about(name)
        }
        Some(name) => {
            Err(Problem::new(name, "the jail shares the host's name (`share-ns \"uts\"`)"))
        }
    }
}

fn enter_folder(first: &First<'_>, folder: Option<&[u8]>) -> Result<(), Problem> {
    let Launch { plan, caller, .. } = first.launch;
    match (&plan.start, folder) {
        (StartIn::Folder, Some(folder)) => {
            rustix::process::chdir([folder, caller.below()].concat()).about(folder)
        }
        (StartIn::Folder, None) if !has(plan, Namespace::Mount) => Ok(()),
        (StartIn::Folder, None) => {
            Err(Problem::new("", "the plan starts in the working folder and does not bind it"))
        }
        (StartIn::Path(path), _) => {
            let path = caller.path(path)?;
            rustix::process::chdir(path.as_str()).about(path.as_str())
        }
    }
}
