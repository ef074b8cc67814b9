//! Follows the processes of a jail from outside with ptrace(2), and reports every system call that
//! they enter under their filters. It changes nothing of what they do, and judges nothing.
//!
//! The kernel stops a traced process on its way into a call *before* it asks the filters. So
//! refused calls are seen too, the jail keeps its filters, and nothing in the stub has to know of
//! the tracing.
//!
//! [`watch`] is faster: the jail has one more filter, whose answer to some calls is to stop for the
//! tracer (`SECCOMP_RET_TRACE`), and only these calls are seen, with their results.
#![deny(unsafe_code)]

mod signals;
#[expect(unsafe_code, reason = "system calls that the standard library does not have")]
mod sys;
mod tracer;
mod watched;

use std::ffi::OsString;
use std::io;
use std::path::Path;

pub use watched::{Interest, Process, Watcher};

/// A system call that a process of the jail enters.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The file name of the program that the process runs. The jail chooses it: it is not to be
    /// printed as it is.
    pub program: &'a str,
    /// Whose numbering it is (`AUDIT_ARCH_…`).
    pub arch: u32,
    /// The number of the system call.
    pub number: u64,
    /// Its arguments; those that it does not have are whatever stood in the registers.
    pub arguments: [u64; 6],
}

/// How a launch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Exited(u8),
    /// By this signal.
    Signalled(i32),
}

/// Why nothing was traced.
#[derive(Debug)]
pub enum Error {
    /// This machine allows no tracing, or not by this user.
    Forbidden(io::Error),
    /// Something else failed.
    Io(io::Error),
}

/// Runs a wrapper and reports the calls of the jail's processes: of the first one from where its
/// filters are loaded, and of everything that it starts after that.
///
/// Signals that end a program are passed on meanwhile, as a process in between has to. When the
/// caller ends, so does the jail.
///
/// # Errors
/// See [`Error`].
pub fn trace(
    wrapper: &Path,
    arguments: &[OsString],
    report: &mut dyn FnMut(&Call<'_>),
) -> Result<Ended, Error> {
    run(wrapper, arguments, tracer::Seen::Every(report))
}

/// The same, but of the calls at which a filter of the jail's stops its processes
/// (`SECCOMP_RET_TRACE`), and with their results.
///
/// # Errors
/// See [`Error`].
pub fn watch(
    wrapper: &Path,
    arguments: &[OsString],
    watcher: &mut dyn Watcher,
) -> Result<Ended, Error> {
    run(wrapper, arguments, tracer::Seen::Stopping(watcher))
}

fn run(wrapper: &Path, arguments: &[OsString], mut seen: tracer::Seen<'_>) -> Result<Ended, Error> {
    let held = signals::Held::block().map_err(Error::Io)?;
    let child = sys::start(wrapper, arguments, &held.before).map_err(Error::Io)?;
    let stub = child.process();
    let passing = held.pass_on_to(stub);
    seen.started(stub);
    let ended = tracer::Tracer::seize(child, seen).and_then(tracer::Tracer::follow);
    passing.finish();
    ended
}

/// The program that makes calls before the payload is there.
const STUB: &str = "jail-stub";
