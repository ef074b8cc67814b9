//! Waiting for a script, and ending it when the launch ends first.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jail_plan::helper::Request;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::talk;

/// How long a script may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(3);

/// What can end a script before its time.
pub(crate) struct Interrupts<'a> {
    /// The stub, whose end or request ends the script; `None` once the launch is over.
    pub(crate) stub: Option<&'a mut UnixStream>,
    /// Somebody sent SIGTERM to this process.
    pub(crate) terminated: &'a AtomicBool,
    /// When a script was asked to end.
    pub(crate) asked: Option<Instant>,
}

/// What came.
pub(crate) enum Tick {
    /// The shell tells something, or has closed its end.
    Answer,
    /// The shell has ended.
    Ended,
    /// What runs is to be sent this signal.
    Interrupted(Signal),
}

impl Interrupts<'_> {
    /// Waits until there is something to do.
    pub(crate) fn wait(&mut self, answers: impl AsFd, process: impl AsFd) -> io::Result<Tick> {
        loop {
            if self.terminated.swap(false, Ordering::SeqCst) && self.stub.is_none() {
                return Ok(self.ask(Signal::TERM));
            }
            let patience = match self.asked {
                Some(asked) if asked.elapsed() > GRACE => {
                    self.asked = None;
                    return Ok(Tick::Interrupted(Signal::KILL));
                }
                Some(_) => Some(Timespec { tv_sec: 0, tv_nsec: 200_000_000 }),
                None => None,
            };
            let [answered, ended, spoken] = self.ready(&answers, &process, patience)?;
            if answered {
                return Ok(Tick::Answer);
            }
            if ended {
                return Ok(Tick::Ended);
            }
            if spoken {
                return self.heard();
            }
        }
    }

    /// Whether there is something to read, without waiting.
    pub(crate) fn has_data(&self, answers: impl AsFd) -> io::Result<bool> {
        let mut ready = [PollFd::new(&answers, PollFlags::IN)];
        poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        Ok(ready.iter().any(|fd| fd.revents().contains(PollFlags::IN)))
    }

    fn ready(
        &self,
        answers: impl AsFd,
        process: impl AsFd,
        patience: Option<Timespec>,
    ) -> io::Result<[bool; 3]> {
        let stub = match &self.stub {
            Some(stub) => PollFd::new(stub, PollFlags::IN),
            None => PollFd::new(&answers, PollFlags::empty()),
        };
        let mut ready =
            [PollFd::new(&answers, PollFlags::IN), PollFd::new(&process, PollFlags::IN), stub];
        match poll(&mut ready, patience.as_ref()) {
            // A signal: the caller looks which.
            Err(Errno::INTR) => Ok([false; 3]),
            Err(error) => Err(error.into()),
            Ok(_) => {
                let [answered, ended, spoken] = ready.map(|fd| !fd.revents().is_empty());
                Ok([answered, ended, spoken && self.stub.is_some()])
            }
        }
    }

    /// The stub ends what runs, or has itself ended.
    fn heard(&mut self) -> io::Result<Tick> {
        let Some(stub) = self.stub.as_deref_mut() else { return Ok(self.ask(Signal::TERM)) };
        match talk::hear(stub)? {
            Some(Request::Interrupt(signal)) => {
                let signal = Signal::from_named_raw(i32::from(signal)).unwrap_or(Signal::TERM);
                Ok(self.ask(signal))
            }
            Some(_) => Err(io::Error::other("the stub speaks out of turn")),
            None => {
                self.stub = None;
                Ok(self.ask(Signal::TERM))
            }
        }
    }

    fn ask(&mut self, signal: Signal) -> Tick {
        self.asked.get_or_insert_with(Instant::now);
        Tick::Interrupted(signal)
    }
}

/// Sends a signal to `shell` and to everything below it: bash attends to a signal only when what it waits for has ended. The
/// shell first, because it is to be ended by the signal, and not by a command that failed, and then be met by the signal.
pub(super) fn signal_tree(shell: Pid, signal: Signal) {
    let children = children(shell);
    // What has ended meanwhile needs no signal.
    let _ = kill_process(shell, signal);
    for child in children {
        signal_tree(child, signal);
    }
}

fn children(process: Pid) -> Vec<Pid> {
    let number = process.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|word| Pid::from_raw(word.parse().ok()?)).collect()
}
