//! The broker, from the supervisor's side: the program outside that carries the jail's network.
//!
//! It works by itself: the supervisor sends it one message, that the payload has ended, and nothing
//! else. When the supervisor is gone, so is the other end of that socket, and it ends.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use jail_plan::Plan;
use rustix::event::Timespec;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SendFlags, Shutdown, SocketFlags, SocketType, send, shutdown, socketpair,
};
use rustix::process::WaitStatus;

use super::start::{self, Started};
use super::{BUILD_AGAIN, Prepared, STARTED};
use crate::caller::Caller;
use crate::ending::EndingNote;
use crate::failure::{About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{self, Standing};
use crate::sys::{self, SignalSet, Standard};

/// The message at the payload's end.
const END: &[u8] = b"e";

/// How long it may take for its last report.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// The broker, from outside.
pub(crate) struct Broker {
    /// The broker sees when this is closed.
    life: OwnedFd,
    process: Process,
    /// It ended by itself.
    gone: Cell<bool>,
}

/// What the broker of a launch is started with.
pub(crate) struct Surroundings<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) wrapper: Started<'a>,
    pub(crate) caller: &'a Caller<'a>,
    /// The jail's control group.
    pub(crate) group: Option<BorrowedFd<'a>>,
    /// The signals that the launcher had blocked.
    pub(crate) mask: SignalSet,
}

/// The broker ended before the payload did.
pub(crate) struct Gone {
    how: Option<WaitStatus>,
}

impl Broker {
    /// Starts it, while the jail is being made.
    pub(crate) fn start(
        network: &Prepared<'_>,
        around: &Surroundings<'_>,
    ) -> Result<Self, Problem> {
        let start = start::memory(around.plan, network.plan, around.wrapper, around.caller)?;
        let (life, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .about("a socket")?;
        let channel = network.outside().ok_or(Errno::BADF).about("the broker's socket")?;
        let said = network.said.take();
        let descriptors: Vec<_> = [&channel, &start, &theirs].into_iter().chain(&said).collect();
        let messages = Some(sys::standard(Standard::Error));
        let standing = Standing::Apart { group: around.group, messages };
        let task = (network.plan.broker.as_str(), "run");
        let process = start_program(task, &descriptors, &[], around.mask, standing)?;
        // A jail that has ended already reports that itself.
        let _ = send(&channel, STARTED, SendFlags::NOSIGNAL);
        Ok(Self { life, process, gone: Cell::new(false) })
    }

    /// The descriptor that is ready when it has ended. `None` once that is known.
    pub(crate) fn source(&self) -> Option<&Process> {
        (!self.gone.get()).then_some(&self.process)
    }

    /// It has ended. The jail goes on without a network.
    pub(crate) fn ended(&self) {
        self.gone.set(true);
    }

    /// The descriptors that the supervisor keeps.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.life.as_fd(), self.process.as_fd()].into_iter()
    }

    /// The jail has ended. Makes the broker end, and returns whether it had done so before. If the
    /// payload has `run`, there is something to report.
    pub(crate) fn finish(&self, has_run: bool) -> Option<Gone> {
        let Self { life, process, gone } = self;
        let is_early = gone.get() || process.ends_within(&Timespec::default());
        if !is_early {
            if has_run {
                let _ = send(life, END, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
            } else {
                let _ = shutdown(life, Shutdown::Both);
            }
            if !process.ends_within(&PATIENCE) {
                let _ = process.signal(signal::KILL);
            }
        }
        let how = process.reap();
        (is_early && has_run).then_some(Gone { how })
    }
}

impl Gone {
    /// The line for the launcher.
    pub(crate) fn note(&self, by: &str) -> EndingNote {
        let how = self.how.map(|how| (how.exit_status(), how.terminating_signal()));
        let how = match how {
            Some((Some(status), _)) => format!(" (exit status {status})"),
            Some((None, Some(signal))) => format!(" (signal {signal})"),
            Some((None, None)) | None => String::new(),
        };
        let words =
            format!("the broker ended before the jail{how}, which had no network from then on");
        EndingNote { words, by: String::from(by) }
    }
}

/// `jail-broker TASK DESCRIPTORS…`, by number.
pub(super) fn start_program(
    (program, task): (&str, &str),
    descriptors: &[&OwnedFd],
    environment: &[CString],
    mask: SignalSet,
    standing: Standing<'_>,
) -> Result<Process, Problem> {
    let string =
        |text: &str| CString::new(text).map_err(|_| Problem::new(text, "it contains a NUL byte"));
    if !program.starts_with('/') {
        let cause = "the broker is not named by an absolute path";
        return Err(Problem::new(program, cause).help(BUILD_AGAIN));
    }
    let mut words = Vec::from([string(program)?, string(task)?]);
    for descriptor in descriptors {
        words.push(string(&format!("{}", descriptor.as_raw_fd()))?);
    }
    let arguments = words.iter().map(CString::as_c_str);
    let environment = environment.iter().map(CString::as_c_str);
    let descriptors = descriptors.iter().map(|descriptor| descriptor.as_fd()).collect();
    spawn::spawn(program, arguments, environment, descriptors, mask, standing)
}
