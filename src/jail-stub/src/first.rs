//! The jail's first process: it builds the jail, starts the payload, and then only waits for processes.
//!
//! It is the first process of the PID namespace, so everything inside ends when it does. It ends when the supervisor does.
//! Without a PID namespace it ends everything itself.

use alloc::vec::Vec;

use jail_plan::{Namespace, Plan, StartIn, Terminal};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, mount_change};
use rustix::process::{
    DumpableBehavior, Pid, Signal, WaitOptions, WaitStatus, set_dumpable_behavior,
    set_parent_process_death_signal, setpgid, setsid, umask,
};

use crate::aside::{self, Aside};
use crate::confine::landlock::Jail;
use crate::confine::{self, Filter, Rlimits};
use crate::failure::{About, EXIT_FAILED, Failure, Problem};
use crate::inside::{self, Launch, Places};
use crate::leftovers::Leftovers;
use crate::message::{self, Ended, Message, is_connected};
use crate::namespaces::{self, has};
use crate::payload::{self, Command, Last};
use crate::standard::ReadOnly;
use crate::steps::Fixed;
use crate::sys::{self, SignalSet};

/// What the first process is given.
pub(crate) struct First<'a> {
    pub(crate) launch: Launch<'a>,
    pub(crate) command: &'a Command,
    pub(crate) standard: &'a ReadOnly,
    pub(crate) filters: &'a [Filter<'a>],
    /// The jail is in a control group of its own.
    pub(crate) own_cgroup: bool,
    /// The limits of setrlimit(2) that stand in for a control group's.
    pub(crate) instead: Rlimits,
    pub(crate) takes_terminal: bool,
    /// The signals that the launcher had blocked.
    pub(crate) mask: SignalSet,
}

/// Everything from the clone to the end of the jail.
pub(crate) fn run(first: &First<'_>, channel: &OwnedFd) -> ! {
    let plan = first.launch.plan;
    // Everybody inside can read it, and it says where on the host the wrapper is.
    first.launch.caller.command_line.show(&plan.name);
    match start(first, channel) {
        Ok((payload, leftovers)) => wait(payload, leftovers.as_ref(), first.standard, channel),
        Err(failure) => {
            // When nobody listens any more, nobody is left to tell.
            let _ = Message::Failed(failure).send(channel);
            sys::exit(i32::from(EXIT_FAILED))
        }
    }
}

fn start(first: &First<'_>, channel: &OwnedFd) -> Result<(i32, Option<Leftovers>), Failure> {
    let Launch { plan, steps, .. } = first.launch;
    let at = |step| move |problem| steps.fixed(step, "", problem);
    separate(plan, channel).map_err(at(Fixed::Namespaces))?;
    if first.own_cgroup {
        namespaces::own_cgroup(plan).map_err(at(Fixed::Namespaces))?;
    }
    let leftovers = match has(plan, Namespace::Pid) {
        true => None,
        false => Some(Leftovers::collect().map_err(at(Fixed::Namespaces))?),
    };
    let umask = aside::with(&first.launch, |aside| confined(first, channel, aside))?;
    let last = Last {
        command: first.command,
        terminal: plan.terminal,
        takes_terminal: first.takes_terminal,
        ends_with_parent: !has(plan, Namespace::Pid),
        channel,
        mask: first.mask,
        umask,
    };
    let payload = payload::start(&last).map_err(at(Fixed::Exec))?;
    Ok((payload, leftovers))
}

/// From the ids to the filter: everything that stands between this process and what the payload may do. Returns the mask
/// of file modes that the payload has.
///
/// What does not need the network comes first, because it may not be there yet.
// One copy of it is enough.
#[inline(never)]
fn confined(first: &First<'_>, channel: &OwnedFd, aside: &Aside<'_>) -> Result<Mode, Failure> {
    let Launch { plan, steps, caller, paths, own_state, .. } = first.launch;
    let at = |step| move |problem| steps.fixed(step, "", problem);
    if first.launch.dedicated.is_some() {
        // The supervisor has it done: nobody may map another user's ids by themselves.
        message::wait_for_go(channel).about("the supervisor").map_err(at(Fixed::Namespaces))?;
    } else if has(plan, Namespace::User) {
        namespaces::map_ids(plan, caller).map_err(at(Fixed::Namespaces))?;
    }
    // Nobody may look into this process or trace it. Not earlier: /proc/self would have belonged to root.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .about("dumpable")
        .map_err(at(Fixed::Namespaces))?;
    // The modes of the plan are meant as they stand.
    let umask = umask(Mode::empty());
    let places = root(first, aside)?;
    hostname(plan).map_err(at(Fixed::Hostname))?;
    enter_folder(first, places.folder.as_deref()).map_err(at(Fixed::Start))?;
    confine::bounds().map_err(at(Fixed::Privileges))?;
    confine::landlock::restrict(&Jail { plan, caller, paths, own_state, places: &places })
        .map_err(|(by, problem)| steps.fixed(Fixed::Landlock, by, problem))?;
    aside.enter_network()?;
    // Nothing is opened any more, of which the payload may have less than a launch needs.
    confine::limits(&plan.limits, first.instead).map_err(at(Fixed::Privileges))?;
    confine::capabilities().map_err(at(Fixed::Privileges))?;
    if let Some(user) = &first.launch.dedicated {
        user.check_start().map_err(at(Fixed::Start))?;
    }
    confine::load(first.filters).map_err(at(Fixed::Seccomp))?;
    Ok(umask)
}

/// Ties this process to the supervisor, and takes it out of the launcher's process group.
fn separate(plan: &Plan, channel: &OwnedFd) -> Result<(), Problem> {
    // Without a PID namespace this process has to end the others before it ends. It sees from the channel when, unless the
    // payload has stopped it.
    let signal = if has(plan, Namespace::Pid) { Signal::KILL } else { Signal::CONT };
    set_parent_process_death_signal(Some(signal)).about("the parent's end")?;
    if !is_connected(channel) {
        // The supervisor ended before the line above, so its end sends no signal any more.
        sys::exit(i32::from(EXIT_FAILED));
    }
    match plan.terminal {
        Terminal::Keep => setpgid(None, None).about("the process group"),
        Terminal::NewSession => setsid().map(drop).about("the session"),
    }
}

/// Builds the jail's root and makes it the only one. What is where in it.
fn root(first: &First<'_>, aside: &Aside<'_>) -> Result<Places, Failure> {
    let Launch { plan, steps, .. } = first.launch;
    if !has(plan, Namespace::Mount) {
        return inside::without_root(&first.launch).map(|()| Places::default());
    }
    let at_root = |problem| steps.fixed(Fixed::Root, "", problem);
    if !has(plan, Namespace::User) {
        // With a user namespace of its own the kernel does this (mount_namespaces(7)); without, what is mounted here
        // would appear on the host.
        let flags = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
        mount_change(c"/", flags).about("/").map_err(at_root)?;
    }
    let at_command = |problem| steps.fixed(Fixed::Command, "", problem);
    first.standard.reopen_files().map_err(at_command)?;
    first.launch.paths.enter_mounts();
    let built = inside::build(&first.launch)?;
    first.standard.reopen_devices(&built.root).map_err(at_command)?;
    built.root.enter(aside).map_err(at_root)?;
    Ok(built.places)
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
        (StartIn::Folder, Some(folder)) => rustix::process::chdir(folder).about(folder),
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

/// Reaps until the payload has ended, and then ends everything.
fn wait(payload: i32, leftovers: Option<&Leftovers>, standard: &ReadOnly, channel: &OwnedFd) -> ! {
    // What is open here would keep pipes of the launcher open after the payload has closed them.
    let number = channel.as_raw_fd();
    let [list, changes] = leftovers.map_or([number; 2], Leftovers::descriptors);
    let kept: Vec<i32> =
        [number, list, changes].into_iter().chain(standard.descriptors()).collect();
    let _ = sys::close_all_but(&kept);
    loop {
        let Some((pid, status)) = next(leftovers, channel) else { continue };
        if pid.as_raw_nonzero().get() != payload {
            continue;
        }
        if let Some(signal) = status.stopping_signal() {
            let _ = Message::Stopped(small(signal)).send(channel);
            continue;
        }
        match leftovers {
            None => end_the_others(),
            Some(leftovers) => leftovers.end(),
        }
        standard.tell(channel);
        let _ = Message::Ended(ended(status)).send(channel);
        sys::exit(0);
    }
}

/// The next child that has stopped or ended. Does not return when the supervisor is gone.
fn next(leftovers: Option<&Leftovers>, channel: &OwnedFd) -> Option<(Pid, WaitStatus)> {
    let Some(leftovers) = leftovers else {
        return rustix::process::wait(WaitOptions::UNTRACED).ok().flatten();
    };
    let next = leftovers.next(channel);
    if next.is_none() {
        leftovers.end();
        sys::exit(i32::from(EXIT_FAILED));
    }
    next
}

/// When the launch returns, nothing of the jail is running any more.
fn end_the_others() {
    if sys::kill_everything().is_err() {
        return;
    }
    while !matches!(rustix::process::wait(WaitOptions::empty()), Err(Errno::CHILD)) {}
}

fn ended(status: WaitStatus) -> Ended {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(status), _) => Ended::Exited(small(status)),
        (None, Some(signal)) => Ended::Signalled(small(signal)),
        // Waiting without WCONTINUED reports nothing else.
        (None, None) => Ended::Exited(EXIT_FAILED),
    }
}

fn small(number: i32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}
