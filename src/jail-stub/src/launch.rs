//! A launch from its beginning: reads the plan, does the work on the host, makes the jail, waits, and reports.

use alloc::string::ToString;
use alloc::vec::Vec;
use core::ffi::CStr;

use jail_plan::{Namespace, PLAN_BYTES_MAX, Plan, Terminal, Wrapper, WrapperError};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use crate::caller::Caller;
use crate::cgroup;
use crate::confine;
use crate::dedicated::{self, Dedicated};
use crate::ending::Ending;
use crate::failure::{self, About, Failure, Problem};
use crate::first::{self, First};
use crate::host::{self, Helper, OwnState, SharedFiles, Store};
use crate::inside::Launch;
use crate::leftovers::Leftovers;
use crate::message::{self, Ended};
use crate::namespaces::{self, has};
use crate::payload::Command;
use crate::standard::ReadOnly;
use crate::steps::{Fixed, Steps};
use crate::supervisor::{self, Clock, Supervisor, Watched, handled, has_terminal, signal};
use crate::sys::{self, Cloned, CommandLine, SignalSet};

/// Runs the wrapper that `arguments` name, as the kernel gives them: the stub, the wrapper, the payload's arguments.
/// `command_line` is where the kernel put them.
///
/// Returns the exit status; where a signal ended the payload it ends this process too, and does not return.
#[must_use]
pub fn run(arguments: &[&CStr], environment: &[&CStr], command_line: CommandLine) -> u8 {
    let (wrapper, rest) = match arguments {
        [_, wrapper, rest @ ..] => (*wrapper, rest),
        [_] | [] => return report(&Failure::early(usage()), None),
    };
    let bytes = match read(wrapper) {
        Ok(bytes) => bytes,
        Err(problem) => return report(&Failure::early(problem), None),
    };
    let mut parsed = match Wrapper::parse(&bytes) {
        Ok(parsed) => parsed,
        Err(error) => {
            let problem = Problem::new(wrapper, error.to_string())
                .help("build the jail again, and start it by its command");
            return report(&Failure::early(problem), None);
        }
    };
    match with_helper(&mut parsed.plan, &bytes, &mut Caller::new(rest, environment, command_line)) {
        Ok(ending) => tell(ending, &parsed),
        Err(failure) => report(&failure, Some(&parsed)),
    }
}

fn usage() -> Problem {
    Problem::new("", "no plan to run")
        .help("the first line of a wrapper names this program; start the wrapper")
}

/// Says which limits were reached, and ends as the jail ended.
fn tell(ending: Ending, wrapper: &Wrapper<'_>) -> u8 {
    for told in &ending.told {
        let place = wrapper.place(&told.by);
        failure::say(&told.words, place.as_deref().map(|place| (told.by.as_str(), place)));
    }
    match ending.ended {
        Ok(Ended::Exited(status)) => status,
        Ok(Ended::Signalled(signal)) => supervisor::end_by(i32::from(signal)),
        Err(failure) => report(&failure, Some(wrapper)),
    }
}

fn report(failure: &Failure, wrapper: Option<&Wrapper<'_>>) -> u8 {
    let place = |by: &str| wrapper.and_then(|wrapper| wrapper.place(by));
    failure::print(&failure.text(place));
    failure.problem.exit
}

/// Reads the wrapper. It is the first file that is opened, so its number tells whether 0, 1 and 2 are taken.
fn read(wrapper: &CStr) -> Result<Vec<u8>, Problem> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut file = openat(CWD, wrapper, flags, Mode::empty()).about(wrapper)?;
    if file.as_raw_fd() < 3 {
        file = fill_standard(file).about("/dev/null")?;
    }
    match host::read_to_end(&file, PLAN_BYTES_MAX) {
        Err(Errno::FBIG) => Err(Problem::new(wrapper, WrapperError::TooLarge.to_string())),
        other => other.about(wrapper),
    }
}

/// Where the launcher has closed a standard descriptor, /dev/null stands in: what is opened next would otherwise become
/// the payload's input or output.
fn fill_standard(file: OwnedFd) -> Result<OwnedFd, Errno> {
    let moved = rustix::io::fcntl_dupfd_cloexec(&file, 3)?;
    drop(file);
    loop {
        let null = openat(CWD, c"/dev/null", OFlags::RDWR, Mode::empty())?;
        if null.as_raw_fd() > 2 {
            return Ok(moved);
        }
        core::mem::forget(null);
    }
}

/// Signals from the first step on: blocked, and read from a descriptor.
struct Signals {
    /// What the launcher had blocked.
    mask: SignalSet,
    pending: OwnedFd,
}

impl Signals {
    fn block() -> Result<Self, Problem> {
        let mask = sys::set_mask(handled()).about("signals")?;
        // A launcher that ignores SIGCHLD would leave us nothing to wait for.
        sys::default_action(signal::CHLD).about("signals")?;
        let pending = sys::signal_descriptor(handled()).about("signals")?;
        Ok(Self { mask, pending })
    }
}

/// Starts the helper where the plan has one, and does not return before it has ended.
fn with_helper(
    plan: &mut Plan,
    wrapper: &[u8],
    caller: &mut Caller<'_>,
) -> Result<Ending, Failure> {
    let steps = Steps::of(plan);
    let at_helper = |problem| steps.fixed(Fixed::Command, "", problem);
    let signals = Signals::block().map_err(at_helper)?;
    let Some(host) = &plan.host else { return launch(plan, caller, &signals, None, None) };
    let listener = host::listener(plan).map_err(at_helper)?;
    let mut helper = {
        let store = Store::of(caller);
        let grants = host::grants(plan, caller);
        let trees = host::writable_trees(&grants, &store, &plan.closure.store);
        Helper::start(host, wrapper, listener.as_ref(), caller, &trees, signals.mask)
            .map_err(at_helper)?
    };
    helper.watch(&signals.pending);
    let ending = launch(plan, caller, &signals, Some(&helper), listener);
    match (helper.finish(), ending) {
        // It was interrupted before there was a payload, and everything is undone.
        (Some(signal), Err(_)) => supervisor::end_by(signal),
        (_, ending) => ending,
    }
}

fn launch(
    plan: &mut Plan,
    caller: &mut Caller<'_>,
    signals: &Signals,
    helper: Option<&Helper<'_>>,
    listener: Option<OwnedFd>,
) -> Result<Ending, Failure> {
    host::prepare(plan, caller, helper)?;
    let store = Store::of(caller);
    let (plan, caller) = (&*plan, &*caller);
    let steps = Steps::of(plan);
    let at_namespaces = |problem| steps.fixed(Fixed::Namespaces, "", problem);
    let launcher = supervisor::launcher(plan).map_err(at_namespaces)?;
    // Before anything else is opened, so that its number in the first process does not depend on the plan.
    let (outside, inside) = message::channel().about("a socket").map_err(at_namespaces)?;
    let grants = host::grants(plan, caller);
    let paths = host::paths(plan, &grants, caller, &store)?;
    confine::landlock::tell(&plan.landlock, caller, paths.trees());
    host::tell_folder(plan, caller);
    host::tell_subfolder(plan, caller, paths.trees());
    let at_command = |(by, problem)| steps.fixed(Fixed::Command, by, problem);
    let command = Command::of(plan, caller).map_err(at_command)?;
    let filters =
        confine::filters(plan).map_err(|problem| steps.fixed(Fixed::Seccomp, "", problem))?;
    let standard = ReadOnly::of(plan, caller).map_err(|problem| at_command(("", problem)))?;
    if plan.namespaces.is_empty() && !plan.inside.is_empty() {
        let problem =
            Problem::new("", "the plan has operations inside and no namespace to do them in");
        return Err(at_namespaces(problem));
    }
    let at_user = |(by, problem)| steps.fixed(Fixed::Namespaces, by, problem);
    host::record(plan, &grants, &paths, &store)?;
    let dedicated = Dedicated::of(plan, caller).map_err(at_user)?;
    if let Some(user) = &dedicated {
        dedicated::share(user, plan, caller, &paths)
            .map_err(|problem| at_user((user.by, problem)))?;
    }
    let locks = host::hold(plan, caller, &paths)?;
    let held = cgroup::hold(plan, caller)
        .map_err(|(by, problem)| steps.fixed(Fixed::Cgroup, by, problem))?;
    let takes_terminal = plan.terminal == Terminal::Keep && has_terminal();
    let shared = SharedFiles::find(plan, caller, &paths)?;
    let own_state = OwnState::find(caller).map_err(at_namespaces)?;
    let launch = Launch {
        caller,
        paths: &paths,
        plan,
        own_state: &own_state,
        shared: &shared,
        listener: listener.as_ref(),
        dedicated,
        steps,
    };
    // What the helper's scripts left running on the host would look the same.
    let leftovers = match has(plan, Namespace::Pid) || helper.is_some() {
        true => None,
        false => Some(Leftovers::collect().map_err(at_namespaces)?),
    };
    let (own_cgroup, instead) = (held.folder().is_some(), held.resources());
    let first = First {
        launch,
        command,
        standard: &standard,
        filters,
        own_cgroup,
        instead,
        takes_terminal,
        mask: signals.mask,
    };
    let flags = namespaces::flags(plan, own_cgroup);
    match sys::clone(flags, held.folder()) {
        Err(error) => Err(at_namespaces(namespaces::refused(plan, caller, error))),
        Ok(Cloned::Child) => {
            drop((outside, launcher));
            first::run(&first, &inside)
        }
        Ok(Cloned::Parent(pid)) => {
            if let Some(user) = &first.launch.dedicated {
                let mapped = dedicated::map(user, caller, pid)
                    .and_then(|()| message::go(&outside).about("the first process"));
                if let Err(problem) = mapped {
                    let _ = sys::kill(pid, signal::KILL);
                    return Err(at_user((user.by, problem)));
                }
            }
            drop((inside, listener));
            // What the jail has been given is its own by now.
            drop(paths);
            drop(store);
            // Nobody of the same user may look into the supervisor or trace it, and it dumps no core.
            set_dumpable_behavior(DumpableBehavior::NotDumpable)
                .about("dumpable")
                .map_err(at_namespaces)?;
            let clock = Clock::start(plan).about("a timer").map_err(at_namespaces)?;
            let mut kept = held.descriptors();
            kept.extend(locks.iter().map(AsRawFd::as_raw_fd));
            kept.extend(leftovers.iter().flat_map(Leftovers::descriptors));
            let watched = Watched {
                channel: outside,
                signals: &signals.pending,
                launcher,
                clock,
                helper,
                standard: &standard,
                shared,
                kept,
            };
            let (outcome, lost) = Supervisor::new(plan, watched, pid, takes_terminal).watch();
            if let Some(leftovers) = leftovers {
                leftovers.end();
            }
            Ok(Ending::of(outcome, &lost, plan, &held))
        }
    }
}
