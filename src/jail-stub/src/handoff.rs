//! The process that compares what a host program would execute or believe in the working folder, from outside: it is started when
//! the jail is, and asked when that has ended. Nothing of the folder is looked at here.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use jail_plan::handoff::{ENDED, FOLDER, HAND_OFF, NEVER, QUARANTINE, hand_off};
use jail_plan::{HostOp, Plan, Step};
use rustix::event::Timespec;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use rustix::time::{ClockId, clock_gettime};

use crate::caller::Caller;
use crate::ending::Told;
use crate::failure::{About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{Standing, spawn};
use crate::sys::{self, SignalSet, Standard};

/// A project of a million files takes a few seconds.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// What of the plan has it started. The operations before the launch are gone when it is.
pub(crate) struct Wanted {
    by: String,
    quarantine: bool,
}

impl Wanted {
    pub(crate) fn of(plan: &Plan) -> Option<Self> {
        let wanted = |step: &Step<HostOp>| Some((step.by.clone(), hand_off(&step.op)?.quarantine));
        plan.before.iter().find_map(wanted).map(|(by, quarantine)| Self { by, quarantine })
    }
}

/// The process.
pub(crate) struct Ledger {
    socket: OwnedFd,
    process: Process,
    by: String,
}

/// The time before there is a jail, as the kernel writes it to files that are changed now.
pub(crate) fn before() -> Timespec {
    clock_gettime(ClockId::RealtimeCoarse)
}

impl Ledger {
    /// Starts it; or who wanted it, and why it cannot begin.
    pub(crate) fn start(
        wanted: Wanted,
        plan: &Plan,
        caller: &Caller<'_>,
        since: Timespec,
        mask: SignalSet,
    ) -> Result<Self, (String, Problem)> {
        match begin(plan, caller, since, wanted.quarantine, mask) {
            Ok((socket, process)) => Ok(Self { socket, process, by: wanted.by }),
            Err(problem) => Err((wanted.by, problem)),
        }
    }

    /// The descriptors that the supervisor keeps.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.socket.as_fd(), self.process.as_fd()].into_iter()
    }

    /// The number of the process.
    pub(crate) fn number(&self) -> i32 {
        self.process.number()
    }

    /// The jail has ended. Has the process look where the payload `has_run`, and waits for what it says.
    pub(crate) fn finish(&self, has_run: bool) -> Option<Told> {
        let Self { socket, process, by } = self;
        let word = if has_run { ENDED } else { NEVER };
        let _ = send(socket, &[word], SendFlags::NOSIGNAL);
        if !process.ends_within(&PATIENCE) {
            let _ = process.signal(signal::KILL);
        }
        let is_done = process.reap().and_then(|how| how.exit_status()) == Some(0);
        let words = "what this session left was not looked through; `jailgen handoff` does it";
        (has_run && !is_done).then(|| Told { words: String::from(words), by: by.clone() })
    }
}

/// `jail-host hand-off SOCKET FOLDER SECONDS.NANOSECONDS STATE [quarantine]`, descriptors by number.
fn begin(
    plan: &Plan,
    caller: &Caller<'_>,
    since: Timespec,
    quarantine: bool,
    mask: SignalSet,
) -> Result<(OwnedFd, Process), Problem> {
    let Some(host) = &plan.host else {
        return Err(Problem::new("", "the plan names no helper"));
    };
    let (socket, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
            .about("a socket")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let folder = openat(CWD, c".", flags, Mode::empty()).about(".")?;
    let state = caller.state_folder()?.file(FOLDER);
    let numbers = [&theirs, &folder].map(|descriptor| format!("{}", descriptor.as_raw_fd()));
    let since = format!("{}.{}", since.tv_sec, since.tv_nsec);
    let [socket_number, folder_number] = &numbers;
    let words = [&host.program, HAND_OFF, socket_number, folder_number, &since].map(str::as_bytes);
    let last = quarantine.then_some(QUARANTINE.as_bytes());
    let words = words.into_iter().chain([state.as_slice()]).chain(last).map(CString::new);
    let words: Vec<CString> = words.flatten().collect();
    let standing = Standing::Apart { group: None, messages: Some(sys::standard(Standard::Error)) };
    let arguments = words.iter().map(CString::as_c_str);
    let descriptors = [theirs.as_fd(), folder.as_fd()].into();
    let environment = core::iter::empty();
    let process = spawn(&host.program, arguments, environment, descriptors, mask, standing)?;
    Ok((socket, process))
}
