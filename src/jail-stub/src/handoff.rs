//! The processes that look at the working folder from outside: one compares what a host program
//! would execute or believe in it before and after the session, the other watches it meanwhile.
//! Under a stage there is one, which records what the folder is. They are started when the jail is.
//! Nothing of the folder is looked at here.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use jail_plan::handoff::{
    APART, ENDED, EVIDENCE, FOLDER, HAND_OFF, NEVER, QUARANTINE, WATCH, hand_off, has_copies,
    protect_words,
};
use jail_plan::stage::{RECORD, staged};
use jail_plan::{HandOff, HostOp, Plan, Stage, Step};
use rustix::event::Timespec;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, send, socketpair};
use rustix::time::{ClockId, clock_gettime};

use crate::caller::Caller;
use crate::ending::EndingNote;
use crate::failure::{self, About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{Standing, spawn};
use crate::sys::{self, SignalSet, Standard};

/// A project of a million files takes a few seconds.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// The operations of the plan that need them. The operations before the launch are
/// gone when they are started.
pub(crate) struct Wanted {
    by: String,
    op: HandOff,
}

impl Wanted {
    pub(crate) fn from_plan(plan: &Plan) -> Option<Self> {
        let wanted = |step: &Step<HostOp>| Some((step.by.clone(), hand_off(&step.op)?.clone()));
        plan.before.iter().find_map(wanted).map(|(by, op)| Self { by, op })
    }
}

/// The processes of the hand-off ledger: one compares, one watches.
pub(crate) struct Ledger {
    look: Part,
    /// Not under a stage: the jail does not write the folder.
    watch: Option<Part>,
    /// Without the watcher there is no jail, because it protects something.
    is_needed: bool,
    /// The watcher ended before the jail did.
    is_blind: Cell<bool>,
    by: String,
}

/// One of them.
struct Part {
    socket: OwnedFd,
    process: Process,
}

/// The arguments that they are started with.
struct Start<'a> {
    plan: &'a Plan,
    caller: &'a Caller<'a>,
    since: Timespec,
    mask: SignalSet,
}

/// A time before there is a jail, as the kernel writes it to files that are changed now.
pub(crate) fn before() -> Timespec {
    clock_gettime(ClockId::RealtimeCoarse)
}

impl Ledger {
    /// Starts them, outside of the jail's control group: a jail that reaches its limits must not
    /// end them. Or who wanted it, and why it cannot begin.
    pub(crate) fn start(
        wanted: Wanted,
        plan: &Plan,
        caller: &Caller<'_>,
        since: Timespec,
        mask: SignalSet,
    ) -> Result<Self, (String, Problem)> {
        let Wanted { by, op } = wanted;
        let start = Start { plan, caller, since, mask };
        let words = protect_words(plan);
        let quarantine = op.quarantine.then_some(QUARANTINE);
        let apart = has_copies(plan).then_some(APART);
        let started = match staged(plan) {
            Some(stage) => start.stage(stage).map(|look| (look, None)),
            None => start
                .part(HAND_OFF, quarantine, &words)
                .and_then(|look| Ok((look, Some(start.part(WATCH, apart, &words)?)))),
        };
        let (is_needed, is_blind) = (!words.is_empty(), Cell::new(false));
        match started {
            Ok((look, watch)) => Ok(Self { look, watch, is_needed, is_blind, by }),
            Err(problem) => Err((by, problem)),
        }
    }

    /// The descriptors that the supervisor keeps.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let mut all = Vec::from(self.look.descriptors());
        all.extend(self.watch.iter().flat_map(Part::descriptors));
        all
    }

    /// The process that compares when the jail has ended, by its number.
    pub(crate) fn number(&self) -> i32 {
        self.look.process.number()
    }

    /// The watcher: ready when it has ended.
    pub(crate) fn watcher(&self) -> Option<&Process> {
        self.watch.as_ref().filter(|_| !self.is_blind.get()).map(|watch| &watch.process)
    }

    /// The watcher has ended before the jail. Returns whether the jail must end, too.
    pub(crate) fn watcher_ended(&self) -> bool {
        self.is_blind.set(true);
        let ended = self.watch.as_ref().and_then(|watch| watch.process.reap());
        let status = ended.and_then(|how| how.exit_status());
        if self.is_needed || status == Some(EVIDENCE.into()) {
            return true;
        }
        let words = "the working folder is not watched any more: its watcher has ended; what the session leaves is reported when it ends";
        failure::say(words, None);
        false
    }

    /// The jail has ended, so the watcher must. If it does not finish,
    /// protected files may have changed.
    pub(crate) fn stop_watching(&self) -> Option<EndingNote> {
        let is_done =
            self.is_blind.get() || self.watch.as_ref().is_none_or(|watch| watch.end(ENDED));
        let words = "the watcher of protected files did not finish: look at them before you go on";
        (self.is_needed && !is_done).then(|| self.note(words))
    }

    /// The jail has ended. Has the process compare, if the payload `has_run`,
    /// and waits for its report.
    pub(crate) fn finish(&self, has_run: bool) -> Option<EndingNote> {
        let is_done = self.look.end(if has_run { ENDED } else { NEVER });
        let words = match self.watch {
            Some(_) => "what this session left was not looked through; `jailgen handoff` does it",
            None => {
                "what the folder was is not fully recorded: `jailgen apply` will keep more files aside"
            }
        };
        (has_run && !is_done).then(|| self.note(words))
    }

    fn note(&self, words: &str) -> EndingNote {
        EndingNote { words: String::from(words), by: self.by.clone() }
    }
}

impl Part {
    fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.socket.as_fd(), self.process.as_fd()]
    }

    /// Says the last word to it and waits for its end: whether it has done what it was to do.
    fn end(&self, word: u8) -> bool {
        let Self { socket, process } = self;
        let _ = send(socket, &[word], SendFlags::NOSIGNAL);
        if !process.ends_within(&PATIENCE) {
            let _ = process.signal(signal::KILL);
        }
        process.reap().and_then(|how| how.exit_status()) == Some(0)
    }
}

impl Start<'_> {
    fn stage(&self, stage: &Stage) -> Result<Part, Problem> {
        let [upper, base] = [&stage.upper, &stage.base].map(|text| self.caller.path(text));
        self.part(RECORD, None, &[upper?.as_str(), base?.as_str()])
    }

    /// `jail-host WORD SOCKET FOLDER SECONDS.NANOSECONDS STATE [MORE…]`, descriptors by number.
    fn part(&self, word: &str, first: Option<&str>, more: &[&str]) -> Result<Part, Problem> {
        let Some(host) = &self.plan.host else {
            return Err(Problem::new("", "the plan names no helper"));
        };
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .about("a socket")?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = openat(CWD, c".", flags, Mode::empty()).about(".")?;
        let state = self.caller.state_folder()?.file(FOLDER);
        let numbers = [&theirs, &folder].map(|descriptor| format!("{}", descriptor.as_raw_fd()));
        let since = format!("{}.{}", self.since.tv_sec, self.since.tv_nsec);
        let [socket_number, folder_number] = &numbers;
        let words = [&host.program, word, socket_number, folder_number, &since].map(str::as_bytes);
        let more = first.into_iter().chain(more.iter().copied()).map(str::as_bytes);
        let words: Vec<CString> = words
            .into_iter()
            .chain([state.as_slice()])
            .chain(more)
            .flat_map(CString::new)
            .collect();
        let messages = Some(sys::standard(Standard::Error));
        let standing = Standing::Apart { group: None, messages };
        let arguments = words.iter().map(CString::as_c_str);
        let descriptors = [theirs.as_fd(), folder.as_fd()].into();
        let environment = core::iter::empty();
        let process =
            spawn(&host.program, arguments, environment, descriptors, self.mask, standing)?;
        Ok(Part { socket, process })
    }
}
