//! A launch from its start: reads the plan, does the work on the host, makes the
//! jail, waits, and reports.

mod stages;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::ffi::CStr;

use jail_plan::helper::has_work;
use jail_plan::{PLAN_BYTES_MAX, Plan, Wrapper, WrapperError};
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::Errno;

use self::stages::launch;
use crate::caller::Caller;
use crate::ending::Ending;
use crate::failure::{self, About, Failure, Problem};
use crate::host::{self, Helper, Store};
use crate::message::Ended;
use crate::network::Started;
use crate::reading::read_to_end;
use crate::signal;
use crate::steps::{Fixed, Steps};
use crate::supervisor::{self, handled};
use crate::sys::{self, CommandLine, SignalSet};

/// Runs the wrapper that `arguments` name, as the kernel gives them: the stub, the wrapper, the
/// payload's arguments. `command_line` is where the kernel put them.
///
/// Returns the exit status; where a signal ended the payload it ends this process
/// too, and does not return.
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
    let started = Started { path: wrapper, bytes: &bytes, text: parsed.text };
    match with_helper(&mut parsed.plan, started, &mut Caller::new(rest, environment, command_line))
    {
        Ok(ending) => finish(ending, &parsed),
        Err(failure) => report(&failure, Some(&parsed)),
    }
}

fn usage() -> Problem {
    Problem::new("", "no plan to run")
        .help("the first line of a wrapper names this program; start the wrapper")
}

/// Reports which limits were reached, and ends as the jail ended.
fn finish(ending: Ending, wrapper: &Wrapper<'_>) -> u8 {
    for note in &ending.notes {
        let place = wrapper.place(&note.by);
        failure::say(&note.words, place.as_deref().map(|place| (note.by.as_str(), place)));
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

/// Reads the wrapper. It is the first file that is opened, so its number shows
/// whether 0, 1 and 2 are taken.
fn read(wrapper: &CStr) -> Result<Vec<u8>, Problem> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let mut file = openat(CWD, wrapper, flags, Mode::empty()).about(wrapper)?;
    if file.as_raw_fd() < 3 {
        file = fill_standard(file).about("/dev/null")?;
    }
    match read_to_end(&file, PLAN_BYTES_MAX) {
        Err(Errno::FBIG) => Err(Problem::new(wrapper, WrapperError::TooLarge.to_string())),
        other => other.about(wrapper),
    }
}

/// If the launcher has closed a standard descriptor, /dev/null replaces it: otherwise the next file
/// that is opened would become the payload's input or output.
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
    /// The signals that the launcher had blocked.
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

/// Starts the helper if the plan has one, and returns only when it has ended.
fn with_helper(
    plan: &mut Plan,
    wrapper: Started<'_>,
    caller: &mut Caller<'_>,
) -> Result<Ending, Failure> {
    let steps = Steps::from_plan(plan);
    let at_helper = |problem| steps.fixed(Fixed::Command, "", problem);
    let signals = Signals::block().map_err(at_helper)?;
    let Some(host) = plan.host.as_ref().filter(|_| has_work(plan)) else {
        return launch(plan, wrapper, caller, &signals, None, None);
    };
    let listener = host::listener(plan).map_err(at_helper)?;
    let mut helper = {
        let store = Store::for_caller(caller);
        let grants = host::grants(plan, caller);
        let trees = host::writable_trees(&grants, &store, &plan.closure.store);
        Helper::start(host, wrapper.bytes, listener.as_ref(), caller, &trees, signals.mask)
            .map_err(at_helper)?
    };
    helper.watch(&signals.pending);
    let ending = launch(plan, wrapper, caller, &signals, Some(&helper), listener);
    match (helper.finish(), ending) {
        // It was interrupted before there was a payload, and everything is undone.
        (Some(signal), Err(_)) => supervisor::end_by(signal),
        (_, ending) => ending,
    }
}
