//! The process outside: passes signals on, keeps job control working, and
//! ends as the payload ended.
//!
//! For the shell it is the job; the payload is in a process group of its own, so nothing
//! inside can signal the launcher's. What a terminal does to a group must therefore happen to
//! both: the payload's group has the jail's terminal while the job has the launcher's, and
//! both stop and continue together.

mod job;
mod launcher;
mod relay;
mod shared;

use alloc::vec::Vec;

use jail_plan::{Lifetime, Plan, Terminal};
use rustix::event::{PollFlags, Timespec};
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, WaitOptions, waitid, waitpid};

use crate::failure::{self, About, Failure, Problem};
use crate::handoff::Ledger;
use crate::host::{Followed, Helper, Lost};
use crate::message::{self, Ended, Message, Order, Received};
use crate::network::Broker;
use crate::process::Process;
use crate::signal;
use crate::sources::Sources;
use crate::standard::ReadOnly;
use crate::sys::{self, SignalSet, Signalled, Standard};
use crate::terminal::{Given, OutputFilter};

use self::relay::{Relay, State};
use self::shared::Tty;

pub(crate) use launcher::Launcher;

/// The signals that are blocked and read from a descriptor: all except those that a fault raises.
pub(crate) fn handled() -> SignalSet {
    use signal::{BUS, FPE, ILL, SEGV, SYS, TRAP};
    SignalSet::all_but(&[ILL, TRAP, BUS, FPE, SEGV, SYS])
}

/// Signals that end a launch that has no payload yet.
const ENDING: [i32; 4] = [signal::INT, signal::QUIT, signal::HUP, signal::TERM];

/// How often a job in the background checks whether it is in the foreground.
const A_MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// The outcome of a launch.
pub(crate) enum Outcome {
    /// The payload ran and ended.
    Ended(Ended),
    /// The time that it may take is over.
    TimeIsOver,
    /// The jail's init was killed.
    Killed {
        /// The payload ran already.
        started: bool,
    },
    /// The process that watches protected files has ended, so the jail was ended.
    Unwatched,
    /// It did not start, or something broke.
    Failed(Failure),
}

impl Outcome {
    /// Whether there was a payload, as far as is known.
    pub(crate) fn has_run(&self) -> bool {
        match self {
            Self::Ended(_)
            | Self::TimeIsOver
            | Self::Unwatched
            | Self::Killed { started: true } => true,
            Self::Killed { started: false } | Self::Failed(_) => false,
        }
    }
}

/// The events that the supervisor handles.
#[derive(Clone, Copy)]
enum Event {
    /// Init, or the payload before it runs, has sent something; or both are gone.
    Message,
    Signals,
    /// The launcher's terminal, which the payload has, is gone.
    TerminalIsGone,
    /// Something was typed, or there is room for what was.
    Keys,
    /// The jail has written to its terminal, or there is room for what it has.
    Output,
    LauncherIsGone,
    BrokerIsGone,
    WatcherIsGone,
}

/// The process outside, once init runs.
pub(crate) struct Supervisor<'a> {
    watched: Watched<'a>,
    /// The jail's init.
    first: Process,
    /// The payload, which leads the process group of the same number.
    payload: Option<Process>,
    /// Messages from before the payload ran.
    early: Vec<Signalled>,
    /// The signal that ended the launch before the payload ran.
    ended_early: Option<i32>,
    time_is_over: bool,
    given: Given,
    /// Until the jail's terminal is there.
    filter: Option<OutputFilter>,
    /// Copies between the launcher's terminal and the jail's own.
    relay: Option<Relay>,
    /// The launcher's terminal.
    tty: Tty,
    /// The signal that has stopped the payload, until the rest of the jail has stopped, too.
    stopping: Option<i32>,
    /// Whether there is a limit of time.
    has_clock: bool,
}

/// What it watches, and what else it must keep open.
pub(crate) struct Watched<'a> {
    pub(crate) channel: OwnedFd,
    pub(crate) signals: &'a OwnedFd,
    pub(crate) launcher: Launcher,
    pub(crate) helper: Option<&'a Helper<'a>>,
    pub(crate) broker: Option<&'a Broker>,
    /// The processes that check the working folder.
    pub(crate) ledger: Option<&'a Ledger>,
    /// Files that the jail reads by descriptors of its own.
    pub(crate) standard: &'a ReadOnly,
    /// The processes that carry state files over.
    pub(crate) shared: Followed<'a>,
    /// Descriptors of others that outlive the jail.
    pub(crate) kept: Vec<BorrowedFd<'a>>,
}

impl Watched<'_> {
    /// All of it.
    fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let Self { channel, signals, launcher, helper, broker, ledger, standard, shared, kept } =
            self;
        let own = [Some(channel), Some(*signals), launcher.source()];
        let mut all: Vec<_> = own.into_iter().flatten().map(AsFd::as_fd).collect();
        helper.iter().for_each(|helper| all.extend(helper.descriptors()));
        broker.iter().for_each(|broker| all.extend(broker.descriptors()));
        ledger.iter().for_each(|ledger| all.extend(ledger.descriptors()));
        all.extend(standard.descriptors());
        all.extend(shared.descriptors());
        all.extend(kept);
        all
    }
}

impl<'a> Supervisor<'a> {
    pub(crate) fn new(
        plan: &Plan,
        watched: Watched<'a>,
        first: Process,
        given: Given,
        filter: Option<OutputFilter>,
    ) -> Self {
        let has_it = plan.terminal == Terminal::Shared && given.takes;
        Self {
            watched,
            first,
            payload: None,
            early: Vec::new(),
            ended_early: None,
            time_is_over: false,
            given,
            filter,
            relay: None,
            tty: Tty::new(plan.terminal, has_it),
            stopping: None,
            has_clock: plan.time.is_some(),
        }
    }

    /// Watches until the jail has ended. Also returns which of its files
    /// did not arrive on the host.
    pub(crate) fn watch(mut self) -> (Outcome, Vec<Lost<'a>>) {
        let outcome = loop {
            match self.next() {
                Ok(None) => {}
                Ok(Some(outcome)) => break outcome,
                Err(error) => {
                    // The jail is not left without a supervisor.
                    let _ = self.first.signal(signal::KILL);
                    break broken(Problem::errno("the supervisor", error));
                }
            }
        };
        let is_interrupted = self.is_interrupted(&outcome);
        self.tty.take_back(self.group());
        // Init has nothing left to do. Its end is awaited, so the mounts are gone and no dead
        // process is left to a parent that does not expect one.
        let first = Pid::from_raw(self.first.number());
        while matches!(waitpid(first, WaitOptions::empty()), Err(Errno::INTR)) {}
        self.finish_output();
        if is_interrupted {
            let _ = self.signal_group(&outcome);
        }
        let outcome = if self.time_is_over { Outcome::TimeIsOver } else { outcome };
        (outcome, self.watched.shared.finish(self.watched.signals))
    }

    fn next(&mut self) -> Result<Option<Outcome>, Errno> {
        let Watched { channel, signals, launcher, broker, ledger, .. } = &self.watched;
        let relay = self.relay.as_ref();
        let is_waiting = self.payload.is_some()
            && self.stopping.is_none()
            && relay.is_some_and(Relay::waits_for_foreground);
        // Messages come first: a signal that came after the payload's start is the
        // payload's, not the launch's.
        let ready = Sources::first(Event::Message, channel, PollFlags::IN)
            .and(Event::Signals, Some(*signals), PollFlags::IN)
            .and(Event::TerminalIsGone, self.tty.watched(), PollFlags::empty())
            .and(Event::Keys, relay.and_then(Relay::keys), PollFlags::IN)
            .and(Event::Keys, relay.and_then(Relay::waiting_keys), PollFlags::OUT)
            .and(Event::Output, relay.and_then(Relay::output), PollFlags::IN)
            .and(Event::Output, relay.and_then(Relay::answers), PollFlags::IN)
            .and(Event::Output, relay.and_then(Relay::waiting_output), PollFlags::OUT)
            .and(Event::LauncherIsGone, launcher.source(), PollFlags::IN)
            .and(Event::BrokerIsGone, broker.and_then(Broker::source), PollFlags::IN)
            .and(Event::WatcherIsGone, ledger.and_then(Ledger::watcher), PollFlags::IN)
            .wait(is_waiting.then_some(&A_MOMENT))?;
        for event in ready {
            if let Some(outcome) = self.attend(event)? {
                return Ok(Some(outcome));
            }
        }
        if is_waiting && self.is_foreground() {
            self.hand_over()?;
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
            Event::Keys => {
                let state = self.relay.as_mut().map(Relay::copy_keys);
                self.copied(state)?;
            }
            Event::Output => {
                let state = self.relay.as_mut().map(Relay::copy_output);
                self.copied(state)?;
            }
            Event::LauncherIsGone => {
                self.first.signal(signal::KILL)?;
                return Ok(Some(Outcome::Ended(Ended::Signalled(small(signal::KILL)))));
            }
            Event::BrokerIsGone => self.watched.broker.into_iter().for_each(Broker::ended),
            Event::WatcherIsGone => {
                if self.watched.ledger.is_some_and(Ledger::watcher_ended) {
                    self.first.signal(signal::KILL)?;
                    return Ok(Some(Outcome::Unwatched));
                }
            }
        }
        Ok(None)
    }

    fn copied(&mut self, state: Option<State>) -> Result<(), Errno> {
        match state {
            Some(State::Gone) => self.hung_up(),
            Some(State::Unfiltered) => {
                failure::say(
                    "the filter of the terminal has ended, and so the jail has none",
                    None,
                );
                self.hung_up()
            }
            // Init holds the terminal, and is about to be gone, which the next message reports.
            Some(State::Going | State::More | State::Over) | None => Ok(()),
        }
    }

    /// The jail has ended. What it wrote to its terminal before still arrives, unless a signal ends
    /// this wait. Then the terminal gets its earlier settings.
    fn finish_output(&mut self) {
        while let Some(relay) = &mut self.relay {
            let state = relay.copy_output();
            let is_over = match state {
                State::More => false,
                State::Over | State::Gone => true,
                State::Unfiltered => {
                    let what = "the filter of the terminal has ended, and the last output is lost";
                    failure::say(what, None);
                    true
                }
                // A process that still holds the jail's terminal is not in the jail.
                State::Going => relay.waiting_output().is_none() && relay.answers().is_none(),
            };
            if is_over {
                break;
            }
            let ready = Sources::first(Event::Signals, self.watched.signals, PollFlags::IN)
                .and(Event::LauncherIsGone, self.watched.launcher.source(), PollFlags::IN)
                .and(Event::Output, relay.answers(), PollFlags::IN)
                .and(Event::Output, relay.waiting_output(), PollFlags::OUT)
                .wait((state == State::More).then_some(&Timespec::default()));
            let is_ended = ready.into_iter().flatten().any(|event| match event {
                Event::LauncherIsGone => true,
                Event::Signals => self.is_told_to_end(),
                _ => false,
            });
            if is_ended {
                break;
            }
        }
        if let Some(relay) = &mut self.relay {
            relay.restore();
        }
    }

    fn is_told_to_end(&self) -> bool {
        let mut ends = false;
        while let Ok(Some(signalled)) = sys::read_signal(self.watched.signals) {
            ends |= ENDING.contains(&signalled.signal);
        }
        ends
    }

    fn message(&mut self) -> Result<Option<Outcome>, Errno> {
        let (message, sender) = match message::receive(&self.watched.channel)? {
            Received::Message(message, sender) => (message, sender),
            Received::Terminal(jail) => {
                self.relay = Some(Relay::open(self.given, jail, self.filter.take())?);
                return Ok(None);
            }
            Received::Closed => {
                return Ok(Some(Outcome::Killed { started: self.payload.is_some() }));
            }
        };
        match message {
            Message::Started => {
                // Init waits for it only when it has heard that it is known, so
                // the number is not reused.
                match Process::open(sender.ok_or(Errno::SRCH)?) {
                    Ok(payload) => self.payload = Some(payload),
                    // Init is gone, and everything with it: the next message reports that.
                    Err(Errno::SRCH) => return Ok(None),
                    Err(error) => return Err(error),
                }
                self.order(Order::Known)?;
                if let Some(helper) = self.watched.helper {
                    helper.started();
                }
                self.release()?;
                self.tty.watch();
                if self.given.takes && self.is_foreground() {
                    // The payload has taken the jail's terminal itself.
                    self.relay.iter_mut().for_each(Relay::engage);
                }
                for signalled in core::mem::take(&mut self.early) {
                    self.signalled(signalled)?;
                }
                Ok(None)
            }
            Message::Stopped(signal) => self.stopped(i32::from(signal)).map(|()| None),
            Message::AllStopped => {
                if let Some(signal) = self.stopping.take() {
                    self.put_in_order()?;
                    self.stop_with(signal)?;
                }
                Ok(None)
            }
            Message::Read(number, offset) => {
                self.watched.standard.follow(number, offset);
                Ok(None)
            }
            Message::TimeIsOver => {
                self.time_is_over = true;
                Ok(None)
            }
            Message::Ended(ended) => Ok(Some(Outcome::Ended(ended))),
            Message::Failed(failure) => Ok(Some(Outcome::Failed(failure))),
        }
    }

    /// Closes the launcher's files: the supervisor must not keep a pipe open. Standard error
    /// stays open for messages.
    fn release(&self) -> Result<(), Errno> {
        let mut kept = self.watched.descriptors();
        kept.extend([self.first.as_fd(), sys::standard(Standard::Error)]);
        kept.extend(self.payload.as_ref().map(AsFd::as_fd));
        self.relay.iter().for_each(|relay| kept.extend(relay.descriptors()));
        #[expect(unsafe_code, reason = "the list above is the supervisor's to make")]
        // SAFETY: these are the descriptors of all that the supervisor holds. What else the
        // launch has opened was dropped when the jail had been started, or came from the launcher
        // and is used by nothing here.
        unsafe {
            sys::close_all_but(&kept)
        }
    }

    /// Passes a signal on. A signal from a terminal goes to the whole group, as the terminal would
    /// send it; others go to the payload.
    fn signalled(&mut self, signalled: Signalled) -> Result<(), Errno> {
        let Signalled { signal, by_kernel } = signalled;
        let Some(payload) = &self.payload else {
            return self.signalled_early(signalled);
        };
        match signal {
            signal::CHLD => self.wake_first(),
            signal::PIPE => Ok(()),
            signal::CONT => self.resume(),
            signal::WINCH if by_kernel => self.resized(),
            _ if by_kernel => payload.signal_group(signal),
            _ => payload.signal(signal),
        }
    }

    /// Signals the payload's group, once there is one.
    fn signal_payloads(&self, signal: i32) -> Result<(), Errno> {
        self.payload.as_ref().map_or(Ok(()), |payload| payload.signal_group(signal))
    }

    /// The number of the payload's group, by which terminals know it.
    fn group(&self) -> Option<i32> {
        self.payload.as_ref().map(Process::number)
    }

    /// Without a PID namespace, the payload may stop init, which would then not report its end.
    fn wake_first(&self) -> Result<(), Errno> {
        // Its end is left for later.
        let stopped = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
        match waitid(WaitId::PidFd(self.first.as_fd()), stopped) {
            Ok(Some(_)) => self.first.signal(signal::CONT),
            Ok(None) | Err(_) => Ok(()),
        }
    }

    /// A launch that hangs can be ended. Everything else waits for the payload.
    fn signalled_early(&mut self, signalled: Signalled) -> Result<(), Errno> {
        if !ENDING.contains(&signalled.signal) {
            self.early.push(signalled);
            return Ok(());
        }
        self.ended_early = Some(signalled.signal);
        self.first.signal(signal::KILL)
    }
}

fn broken(problem: Problem) -> Outcome {
    Outcome::Failed(Failure::early(problem))
}

pub(crate) fn small(number: i32) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// Ends this process by a signal, as the payload was ended, so the shell sees it.
pub(crate) fn end_by(signal: i32) -> ! {
    // This process is not dumpable already, so no core dump is written or passed
    // to a program on the host.
    let _ = sys::default_action(signal);
    let _ = sys::unblock(SignalSet::from_signals(&[signal]));
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
