//! Waiting for a script, and ending it when the launch ends first.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jail_plan::helper::Request;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::talk;

/// How long a script may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(3);

/// How often this looks for programs that were started while the script was being asked to end.
const AGAIN: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };

/// What can end a script before its time.
pub(crate) struct Interrupts<'a> {
    stub: Option<&'a mut UnixStream>,
    terminated: &'a AtomicBool,
    asked: Option<Asked>,
}

/// A script that was asked to end.
struct Asked {
    since: Instant,
    signal: Signal,
    /// The processes that got the signal, by number and command line. bash may be about to start a
    /// program when the signal comes, and handles it only when that program has ended. The program
    /// may not have existed yet; or it got the signal while it was still a copy of bash, before its
    /// exec, and has forgotten it.
    reached: HashSet<(Pid, Vec<u8>)>,
}

/// What ended a wait for the shell.
pub(crate) enum Tick {
    /// The shell reports something, or has closed its end.
    Answer,
    /// The shell has ended.
    Ended,
    /// What runs is to be asked to end, with [`Interrupts::signal`].
    Interrupted,
}

impl<'a> Interrupts<'a> {
    /// For one script. `stub` is the stub, whose end or request ends it, or `None` once the launch
    /// is over; `terminated` says that this process got SIGTERM.
    pub(crate) fn new(stub: Option<&'a mut UnixStream>, terminated: &'a AtomicBool) -> Self {
        Self { stub, terminated, asked: None }
    }

    /// Waits until there is something to do.
    pub(crate) fn wait(&mut self, answers: impl AsFd, process: impl AsFd) -> io::Result<Tick> {
        loop {
            if self.terminated.swap(false, Ordering::SeqCst) && self.stub.is_none() {
                return Ok(self.ask(Signal::TERM));
            }
            if self.is_out_of_patience() {
                return Ok(self.ask(Signal::KILL));
            }
            let patience = self.asked.as_ref().map(|_| AGAIN);
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
            if self.asked.is_some() {
                return Ok(Tick::Interrupted);
            }
        }
    }

    /// Sends the ending signal to `shell` and everything below it, if they did not get it before.
    pub(crate) fn signal(&mut self, shell: Pid) {
        // It is this process's child, and not waited for yet.
        if let (Some(Asked { signal, reached, .. }), Some(shell)) =
            (&mut self.asked, Process::open(shell))
        {
            signal_tree(&shell, *signal, reached);
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
            // A signal: the caller checks which.
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
            Some(_) => Err(io::Error::other("the stub sent an unexpected message")),
            None => {
                self.stub = None;
                Ok(self.ask(Signal::TERM))
            }
        }
    }

    fn ask(&mut self, signal: Signal) -> Tick {
        let since = self.asked.take().map_or_else(Instant::now, |asked| asked.since);
        self.asked = Some(Asked { since, signal, reached: HashSet::new() });
        Tick::Interrupted
    }

    fn is_out_of_patience(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|asked| asked.signal != Signal::KILL && asked.since.elapsed() > GRACE)
    }
}

/// Sends a signal to `shell` and to everything below it: bash handles a signal only when what it
/// waits for has ended. The shell comes first, because it must be ended by the signal, and not by a
/// failed command before it gets the signal.
fn signal_tree(shell: &Process, signal: Signal, reached: &mut HashSet<(Pid, Vec<u8>)>) {
    let children = children(shell.number);
    let command = std::fs::read(format!("/proc/{}/cmdline", shell.number.as_raw_nonzero()));
    if reached.insert((shell.number, command.unwrap_or_default())) {
        // What has ended meanwhile needs no signal.
        let _ = pidfd_send_signal(&shell.descriptor, signal);
    }
    for child in children {
        signal_tree(&child, signal, reached);
    }
}

/// A process, with a descriptor. It is signalled through that, because others wait for it, and its
/// number may be reused then.
struct Process {
    number: Pid,
    descriptor: OwnedFd,
}

impl Process {
    fn open(number: Pid) -> Option<Self> {
        let descriptor = pidfd_open(number, PidfdFlags::empty()).ok()?;
        Some(Self { number, descriptor })
    }
}

/// The children of a process. They are listed twice: a process that was opened in
/// between was a child then.
fn children(process: Pid) -> Vec<Process> {
    let opened: Vec<_> = numbers(process).into_iter().filter_map(Process::open).collect();
    let still = numbers(process);
    opened.into_iter().filter(|child| still.contains(&child.number)).collect()
}

fn numbers(process: Pid) -> Vec<Pid> {
    let number = process.as_raw_nonzero();
    let list = std::fs::read_to_string(format!("/proc/{number}/task/{number}/children"));
    let list = list.unwrap_or_default();
    list.split_whitespace().filter_map(|word| Pid::from_raw(word.parse().ok()?)).collect()
}
