//! The process outside: passes signals on, keeps job control working, and ends as the payload ended.
//!
//! To the shell it is the job; the payload is in a process group of its own, so that nothing inside can signal the
//! launcher's. What a terminal does to a group it therefore has to do to both: it gives the payload's group the terminal,
//! takes it back when the payload stops or ends, and stops and continues together with it.

mod clock;
mod launcher;
mod terminal;

use alloc::vec::Vec;

use jail_plan::{Lifetime, Plan, Terminal};
use rustix::event::PollFlags;
use rustix::fd::{AsRawFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};

use crate::failure::{About, Failure, Problem};
use crate::host::{Helper, Lost, SharedFiles};
use crate::message::{self, Ended, Message, Received};
use crate::sources::Sources;
use crate::standard::ReadOnly;
use crate::supervisor::terminal::Tty;
use crate::sys::{self, SignalSet, Signalled};

pub(crate) use clock::Clock;
pub(crate) use launcher::Launcher;
pub(crate) use terminal::has_terminal;

/// Signals by number; the same on both processors (signal(7)).
pub(crate) mod signal {
    pub(crate) const INT: i32 = 2;
    pub(crate) const QUIT: i32 = 3;
    pub(crate) const ILL: i32 = 4;
    pub(crate) const TRAP: i32 = 5;
    pub(crate) const BUS: i32 = 7;
    pub(crate) const FPE: i32 = 8;
    pub(crate) const KILL: i32 = 9;
    pub(crate) const SEGV: i32 = 11;
    pub(crate) const PIPE: i32 = 13;
    pub(crate) const TERM: i32 = 15;
    pub(crate) const CHLD: i32 = 17;
    pub(crate) const CONT: i32 = 18;
    pub(crate) const STOP: i32 = 19;
    pub(crate) const TSTP: i32 = 20;
    pub(crate) const TTIN: i32 = 21;
    pub(crate) const TTOU: i32 = 22;
    pub(crate) const XFSZ: i32 = 25;
    pub(crate) const HUP: i32 = 1;
    pub(crate) const SYS: i32 = 31;
}

/// What is blocked and read from a descriptor: all but what a fault raises.
pub(crate) fn handled() -> SignalSet {
    use signal::{BUS, FPE, ILL, SEGV, SYS, TRAP};
    SignalSet::all_but(&[ILL, TRAP, BUS, FPE, SEGV, SYS])
}

/// How a launch came out.
pub(crate) enum Outcome {
    /// The payload ran and ended.
    Ended(Ended),
    /// The time that it may take is over.
    TimeIsOver,
    /// The jail's first process was killed.
    Killed {
        /// The payload ran already.
        started: bool,
    },
    /// It did not start, or something broke.
    Failed(Failure),
}

/// What the supervisor attends to.
#[derive(Clone, Copy)]
enum Event {
    /// The first process, or the payload before it runs, tells something; or both are gone.
    Message,
    Signals,
    TerminalIsGone,
    LauncherIsGone,
    Clock,
    /// A file that the jail shares with the host by a copy has changed.
    Shared,
}

/// The process outside, once the first process runs.
pub(crate) struct Supervisor<'a> {
    watched: Watched<'a>,
    /// The jail's first process.
    first: i32,
    /// The payload, which leads the process group of the same number.
    payload: Option<i32>,
    /// What came before the payload ran.
    early: Vec<Signalled>,
    /// The signal that ended the launch before the payload ran.
    ended_early: Option<i32>,
    tty: Tty,
}

/// What it watches, and what else it has to keep open.
pub(crate) struct Watched<'a> {
    pub(crate) channel: OwnedFd,
    pub(crate) signals: &'a OwnedFd,
    pub(crate) launcher: Launcher,
    pub(crate) clock: Clock,
    pub(crate) helper: Option<&'a Helper<'a>>,
    /// Files that the jail reads by descriptors of its own.
    pub(crate) standard: &'a ReadOnly,
    /// Files that follow those inside.
    pub(crate) shared: SharedFiles<'a>,
    /// Descriptors of others that outlive the jail.
    pub(crate) kept: Vec<i32>,
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(plan: &Plan, watched: Watched<'a>, first: i32, took_terminal: bool) -> Self {
        let tty = Tty::new(plan.terminal == Terminal::Keep, took_terminal);
        Self { watched, first, payload: None, early: Vec::new(), ended_early: None, tty }
    }

    /// Watches until the jail has ended. Also what of its files did not arrive on the host.
    pub(crate) fn watch(mut self) -> (Outcome, Vec<Lost<'a>>) {
        let outcome = loop {
            match self.next() {
                Ok(None) => {}
                Ok(Some(outcome)) => break outcome,
                Err(error) => {
                    // The jail is not left without a supervisor.
                    let _ = sys::kill(self.first, signal::KILL);
                    break broken(Problem::errno("the supervisor", error));
                }
            }
        };
        self.interrupt(&outcome);
        self.tty.take_back(self.payload);
        // The first process has nothing left to do. Its end is awaited, so that the mounts are gone and no dead process is
        // left to somebody who does not expect one.
        let first = Pid::from_raw(self.first);
        while matches!(waitpid(first, WaitOptions::empty()), Err(Errno::INTR)) {}
        let outcome = if self.watched.clock.is_over { Outcome::TimeIsOver } else { outcome };
        (outcome, self.watched.shared.finish())
    }

    fn next(&mut self) -> Result<Option<Outcome>, Errno> {
        let Watched { channel, signals, launcher, clock, shared, .. } = &self.watched;
        // Messages first: a signal that came after the payload's start is the payload's, not the launch's.
        let ready = Sources::of(Event::Message, channel, PollFlags::IN)
            .and(Event::Signals, Some(*signals), PollFlags::IN)
            .and(Event::TerminalIsGone, self.tty.watched(), PollFlags::empty())
            .and(Event::LauncherIsGone, launcher.source(), PollFlags::IN)
            .and(Event::Clock, clock.source(), PollFlags::IN)
            .and(Event::Shared, shared.source(), PollFlags::IN)
            .wait(None)?;
        for event in ready {
            if let Some(outcome) = self.attend(event)? {
                return Ok(Some(outcome));
            }
        }
        Ok(None)
    }

    fn attend(&mut self, event: Event) -> Result<Option<Outcome>, Errno> {
        match event {
            Event::Message => return self.message(),
            Event::Signals => {
                while let Some(signalled) = sys::read_signal(self.watched.signals)? {
                    self.signalled(signalled)?;
                }
                let ended = self.ended_early.map(|signal| Ended::Signalled(small(signal)));
                return Ok(ended.map(Outcome::Ended));
            }
            Event::TerminalIsGone => self.hung_up()?,
            Event::LauncherIsGone => {
                sys::kill(self.first, signal::KILL)?;
                return Ok(Some(Outcome::Ended(Ended::Signalled(small(signal::KILL)))));
            }
            Event::Clock => self.end_in_time()?,
            Event::Shared => self.watched.shared.attend(),
        }
        Ok(None)
    }

    /// The time is over: the payload's group is asked to end; when it still runs after its grace, nobody is asked.
    fn end_in_time(&mut self) -> Result<(), Errno> {
        match (self.watched.clock.ring()?, self.payload) {
            (true, Some(payload)) => {
                gone_is_fine(sys::kill(-payload, signal::TERM))?;
                // What is stopped cannot end by itself.
                gone_is_fine(sys::kill(-payload, signal::CONT))
            }
            (true, None) | (false, _) => gone_is_fine(sys::kill(self.first, signal::KILL)),
        }
    }

    fn message(&mut self) -> Result<Option<Outcome>, Errno> {
        let (message, sender) = match message::receive(&self.watched.channel)? {
            Received::Message(message, sender) => (message, sender),
            Received::Closed => {
                return Ok(Some(Outcome::Killed { started: self.payload.is_some() }));
            }
        };
        match message {
            Message::Started => {
                self.payload = sender;
                if let Some(helper) = self.watched.helper {
                    helper.started();
                }
                self.watched.shared.start();
                self.release()?;
                self.tty.watch();
                for signalled in core::mem::take(&mut self.early) {
                    self.signalled(signalled)?;
                }
                Ok(None)
            }
            Message::Stopped(signal) => self.stopped(i32::from(signal)).map(|()| None),
            Message::Read(number, offset) => {
                self.watched.standard.follow(number, offset);
                Ok(None)
            }
            Message::Ended(ended) => Ok(Some(Outcome::Ended(ended))),
            Message::Failed(failure) => Ok(Some(Outcome::Failed(failure))),
        }
    }

    /// Lets go of the launcher's files: a pipe must not stay open because the supervisor has it too. Standard error stays
    /// for messages.
    fn release(&self) -> Result<(), Errno> {
        let Watched { channel, signals, launcher, clock, helper, standard, shared, kept } =
            &self.watched;
        let mut kept = kept.clone();
        kept.extend(standard.descriptors());
        kept.extend([channel, *signals].map(AsRawFd::as_raw_fd));
        kept.extend(launcher.descriptor());
        kept.extend(clock.descriptor());
        kept.extend(helper.map(Helper::descriptor));
        kept.extend(shared.descriptors());
        kept.push(2);
        sys::close_all_but(&kept)
    }

    /// Passes a signal on. What a terminal sends goes to the whole group, as a terminal would; the rest to the payload.
    fn signalled(&mut self, signalled: Signalled) -> Result<(), Errno> {
        let Signalled { signal, by_kernel } = signalled;
        let Some(payload) = self.payload else {
            return self.signalled_early(signalled);
        };
        match signal {
            signal::CHLD => self.wake_first(),
            signal::PIPE => Ok(()),
            signal::CONT => self.resume(payload),
            _ if by_kernel => gone_is_fine(sys::kill(-payload, signal)),
            _ => gone_is_fine(sys::kill(payload, signal)),
        }
    }

    /// Without a PID namespace the payload may stop the first process, which would not say any more that it has ended.
    fn wake_first(&self) -> Result<(), Errno> {
        let Some(first) = Pid::from_raw(self.first) else { return Ok(()) };
        // Its end is left for later.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(first), stopped) {
            Ok(Some(_)) => gone_is_fine(sys::kill(self.first, signal::CONT)),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// A launch that hangs can be ended; everything else waits for the payload.
    fn signalled_early(&mut self, signalled: Signalled) -> Result<(), Errno> {
        let ends =
            [signal::INT, signal::QUIT, signal::HUP, signal::TERM].contains(&signalled.signal);
        if !ends {
            self.early.push(signalled);
            return Ok(());
        }
        self.ended_early = Some(signalled.signal);
        sys::kill(self.first, signal::KILL)
    }

    /// The payload was stopped.
    fn stopped(&mut self, signal: i32) -> Result<(), Errno> {
        let Some(payload) = self.payload else { return Ok(()) };
        let wants_terminal = [signal::TTIN, signal::TTOU].contains(&signal);
        if wants_terminal && self.tty.is_ours() {
            // The launcher's group has the terminal, and the payload, in a group of its own, was taken for a background job.
            self.tty.hand_over(payload);
            return gone_is_fine(sys::kill(-payload, signal::CONT));
        }
        self.tty.take_back(Some(payload));
        if self.watched.clock.descriptor().is_some() && !self.tty.exists() {
            // Without a terminal nobody sees that this job has stopped, and a stopped clock would not ring.
            return Ok(());
        }
        if self.stop(signal)? {
            // The signal that continued this process is pending and will continue the payload.
            return Ok(());
        }
        if wants_terminal {
            // Nobody is there to bring this job to the foreground. A process without our groups would get an error from
            // its read; hanging up is the nearest to it.
            gone_is_fine(sys::kill(-payload, signal::HUP))?;
        }
        self.resume(payload)
    }

    /// Stops the launcher's job the way the payload was stopped; whether it was stopped indeed.
    fn stop(&mut self, signal: i32) -> Result<bool, Errno> {
        if signal == signal::STOP || !self.tty.is_kept() {
            sys::kill(rustix::process::getpid().as_raw_nonzero().get(), signal::STOP)?;
        } else {
            // The whole group, as the terminal would: a script that waits for this process has to stop with it. A group
            // without a shell to continue it is not stopped by this (setpgid(2), "orphaned").
            let set = SignalSet::of(&[signal]);
            sys::kill(0, signal)?;
            sys::unblock(set)?;
            sys::set_mask(handled())?;
        }
        let mut continued = false;
        while let Some(signalled) = sys::read_signal(self.watched.signals)? {
            continued |= signalled.signal == signal::CONT;
            // The signal that was just sent to the whole group is not one for the payload, which has had it.
            if signalled.signal != signal {
                self.signalled(signalled)?;
            }
        }
        Ok(continued)
    }

    /// A key has ended the payload, as far as can be seen from here: such a signal did, while it had the terminal. Without a
    /// jail the launcher's whole group would have got the signal, and a script ends when what it waits for died of it. So
    /// the group gets it now. A payload that handles the key keeps its script, as in bash.
    fn interrupt(&mut self, outcome: &Outcome) {
        let Outcome::Ended(Ended::Signalled(signal)) = outcome else { return };
        let is_key = [signal::INT, signal::QUIT].contains(&i32::from(*signal));
        if is_key && self.tty.belongs_to(self.payload) {
            let _ = sys::kill(0, i32::from(*signal));
        }
    }

    /// The terminal is gone. The payload's job hears of it as the kernel tells the job in the foreground, also where
    /// something in it is stopped: nobody could continue it any more.
    fn hung_up(&mut self) -> Result<(), Errno> {
        self.tty.forget();
        let Some(payload) = self.payload else { return Ok(()) };
        gone_is_fine(sys::kill(-payload, signal::HUP))?;
        gone_is_fine(sys::kill(-payload, signal::CONT))
    }

    /// The job was continued, in the foreground or in the background.
    fn resume(&mut self, payload: i32) -> Result<(), Errno> {
        if self.tty.is_ours() {
            self.tty.give_again(payload);
        }
        gone_is_fine(sys::kill(-payload, signal::CONT))
    }
}

fn broken(problem: Problem) -> Outcome {
    Outcome::Failed(Failure::early(problem))
}

pub(crate) fn small(number: i32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// A process that has ended meanwhile needs no signal any more.
fn gone_is_fine(result: Result<(), Errno>) -> Result<(), Errno> {
    if result == Err(Errno::SRCH) { Ok(()) } else { result }
}

/// Ends this process by a signal, as the payload was ended, so that the shell sees it.
pub(crate) fn end_by(signal: i32) -> ! {
    // Not dumpable already, so no core dump is written or offered to a program on the host.
    let _ = sys::default_action(signal);
    let _ = sys::unblock(SignalSet::of(&[signal]));
    let _ = sys::kill(rustix::process::getpid().as_raw_nonzero().get(), signal);
    sys::exit(128 + signal)
}

/// Starts to watch the launcher, if the jail is to end with it.
pub(crate) fn launcher(plan: &Plan) -> Result<Launcher, Problem> {
    match plan.lifetime {
        Lifetime::Launcher => Launcher::watched().about("the launcher"),
        Lifetime::Payload => Ok(Launcher::ignored()),
    }
}
