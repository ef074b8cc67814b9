//! The helper: the program on the host for work that needs more than system calls. It is started
//! if the plan has such work.
//!
//! The stub makes no decisions about that work: it passes the plan on and requests one operation
//! after the other. The helper outlives this process on purpose: the work after the payload's end
//! is done even if the stub was killed.

use alloc::ffi::CString;
use alloc::string::ToString;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::cell::Cell;

use jail_plan::helper::{Answer, HEADER, Learned, Request, header};
use jail_plan::{Host, InsideOp, Plan};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SendFlags, SocketFlags, SocketType, socket_with, socketpair};
use rustix::process::{Pid, WaitOptions, waitpid};

use super::errand::{gone, problem};
use super::surroundings::surroundings;
use super::trust::WritableTrees;
use crate::caller::Caller;
use crate::failure::{About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{self, Standing};
use crate::supervisor::small;
use crate::sys::{self, SignalSet, Signalled};

/// The helper, from outside.
pub(crate) struct Helper<'a> {
    socket: OwnedFd,
    process: Process,
    /// The descriptor that signals are read from; they are blocked.
    signals: Option<&'a OwnedFd>,
    /// The signal that ended what was being waited for.
    interrupted: Cell<Option<i32>>,
}

/// The socket on which the payload reaches the helper, if the plan has one. It gets its place
/// inside later. The helper has it too, so it answers there without ever knowing the place.
pub(crate) fn listener(plan: &Plan) -> Result<Option<OwnedFd>, Problem> {
    if !plan.inside.iter().any(|step| matches!(step.op, InsideOp::HostSocket(_))) {
        return Ok(None);
    }
    socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .map(Some)
        .about("a socket")
}

impl<'a> Helper<'a> {
    /// Starts it, and passes the wrapper on.
    pub(crate) fn start(
        host: &Host,
        wrapper: &[u8],
        listener: Option<&OwnedFd>,
        caller: &Caller<'_>,
        trees: &WritableTrees<'_>,
        mask: SignalSet,
    ) -> Result<Self, Problem> {
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .about("a socket")?;
        let surroundings = surroundings(caller, trees);
        let process = spawn(host, &theirs, listener, caller, &surroundings, mask)?;
        let helper = Self { socket, process, signals: None, interrupted: Cell::new(None) };
        helper.send(&Request::Wrapper(wrapper.to_vec()))?;
        Ok(helper)
    }

    /// Attends to signals from now on.
    pub(crate) fn watch(&mut self, signals: &'a OwnedFd) {
        self.signals = Some(signals);
    }

    /// Has the operation `index` of `before` performed.
    pub(crate) fn perform(&self, index: usize) -> Result<Learned, Problem> {
        self.send(&Request::Perform(u32::try_from(index).unwrap_or(u32::MAX)))?;
        let mut start = [0; HEADER];
        self.read(&mut start)?;
        let (kind, length) = header(start).map_err(misspoken)?;
        let mut body = vec![0; length];
        self.read(&mut body)?;
        match Answer::decode(kind, &body) {
            Ok(Answer::Done(learned)) => Ok(learned),
            Ok(Answer::Failed(refusal)) => Err(problem(refusal)),
            Err(why) => Err(misspoken(&why)),
        }
    }

    /// The payload runs. A helper that is gone has nothing to answer any more, which is no
    /// reason to end the payload.
    pub(crate) fn started(&self) {
        let _ = self.send(&Request::Started);
    }

    /// Ends the conversation and waits until all later work is done. Returns the signal that ended
    /// the launch before there was a payload, if one did.
    pub(crate) fn finish(self) -> Option<i32> {
        let Self { socket, process, signals, interrupted } = self;
        drop(socket);
        if let Some(signals) = signals {
            while !wait(&process, signals).unwrap_or(true) {
                // A terminal's signal has reached the programs there; any other is passed on, to
                // end a cleanup that hangs.
                if ending(signals).is_some_and(|signalled| !signalled.by_kernel) {
                    let _ = process.signal(signal::TERM);
                }
            }
        }
        let number = Pid::from_raw(process.number());
        while matches!(waitpid(number, WaitOptions::empty()), Err(Errno::INTR)) {}
        interrupted.get()
    }

    /// What the supervisor still needs of it.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.socket.as_fd(), self.process.as_fd()].into_iter()
    }

    /// Waits until there is something to read. A signal that ends the launch ends the helper's
    /// work; its answer, that it could not do it, is awaited all the same.
    fn attend(&self) -> Result<(), Problem> {
        let Some(signals) = self.signals else { return Ok(()) };
        while !wait(&self.socket, signals).about("the helper")? {
            let Some(Signalled { signal, by_kernel }) = ending(signals) else { continue };
            self.interrupted.set(Some(signal));
            if !by_kernel {
                // A signal from a terminal has reached the scripts, which are in the same group.
                self.send(&Request::Interrupt(small(signal)))?;
            }
        }
        Ok(())
    }

    fn send(&self, request: &Request) -> Result<(), Problem> {
        let frame = request.encode();
        let mut rest = frame.as_slice();
        while !rest.is_empty() {
            match rustix::net::send(&self.socket, rest, SendFlags::NOSIGNAL) {
                Err(Errno::INTR) => {}
                Err(_) => return Err(gone()),
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
            }
        }
        Ok(())
    }

    fn read(&self, buffer: &mut [u8]) -> Result<(), Problem> {
        let mut at = 0;
        self.attend()?;
        while let Some(rest) = buffer.get_mut(at..).filter(|rest| !rest.is_empty()) {
            match rustix::io::read(&self.socket, rest) {
                Err(Errno::INTR) => {}
                Ok(0) | Err(_) => return Err(gone()),
                Ok(read) => at += read,
            }
        }
        Ok(())
    }
}

/// Waits for either of two descriptors. Returns whether it was the first.
pub(crate) fn wait(first: &impl AsFd, signals: &OwnedFd) -> Result<bool, Errno> {
    let mut ready = [PollFd::new(first, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
    match poll(&mut ready, None) {
        Err(Errno::INTR) => Ok(false),
        Err(error) => Err(error),
        Ok(_) => Ok(ready.first().is_some_and(|fd| !fd.revents().is_empty())),
    }
}

/// A pending signal that ends a launch. One that stops also stops this process, as it has stopped
/// the scripts. Others are dropped, because there is no payload yet.
pub(crate) fn ending(signals: &OwnedFd) -> Option<Signalled> {
    while let Ok(Some(signalled)) = sys::read_signal(signals) {
        match signalled.signal {
            signal::INT | signal::QUIT | signal::HUP | signal::TERM => return Some(signalled),
            signal::TSTP | signal::TTIN | signal::TTOU => {
                let own = rustix::process::getpid().as_raw_nonzero().get();
                let _ = sys::kill(own, signal::STOP);
            }
            _ => {}
        }
    }
    None
}

fn misspoken(why: &str) -> Problem {
    Problem::new("jail-host", why.to_string())
        .help("the helper and the stub are not from one build; build the jail again")
}

/// `jail-host run SOCKET LISTENER ARGUMENTS…`: descriptors by number, `-` for none; the
/// arguments are the payload's.
fn spawn(
    host: &Host,
    socket: &OwnedFd,
    listener: Option<&OwnedFd>,
    caller: &Caller<'_>,
    surroundings: &[CString],
    mask: SignalSet,
) -> Result<Process, Problem> {
    let string =
        |text: &str| CString::new(text).map_err(|_| Problem::new(text, "it contains a NUL byte"));
    let listener_number = match listener {
        Some(listener) => string(&format!("{}", listener.as_raw_fd()))?,
        None => string("-")?,
    };
    let words = [
        string(&host.program)?,
        string("run")?,
        string(&format!("{}", socket.as_raw_fd()))?,
        listener_number,
    ];
    let arguments = words.iter().map(CString::as_c_str).chain(caller.arguments.iter().copied());
    let descriptors: Vec<_> = listener.into_iter().chain([socket]).map(AsFd::as_fd).collect();
    let environment = surroundings.iter().map(CString::as_c_str);
    spawn::spawn(&host.program, arguments, environment, descriptors, mask, Standing::Attached)
}
