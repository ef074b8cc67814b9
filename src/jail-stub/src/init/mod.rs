//! What the jail's init does once the payload runs: it waits for processes, keeps the time, and
//! stops and continues the jail with its job.
//!
//! If the jail has processes of its own, nothing inside can stop it. So it enforces the limit of
//! time, and also watches the launcher, because the supervisor stops with its job.

mod clock;
mod stopping;

use alloc::vec::Vec;

use jail_plan::{Plan, Terminal};
use rustix::event::{PollFlags, Timespec};
use rustix::fd::{AsFd, OwnedFd};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use self::clock::{Clock, Ring};
use self::stopping::Stopped;
use crate::failure::EXIT_FAILED;
use crate::message::{Ended, Message, Order};
use crate::signal;
use crate::sources::Sources;
use crate::standard::ReadOnly;
use crate::subreaper::Subreaper;
use crate::supervisor::{Launcher, small};
use crate::sys::{self, SignalSet};
use crate::terminal::Own;

/// What it attends to.
#[derive(Clone, Copy)]
enum Event {
    /// The supervisor has sent something, or is gone.
    Supervisor,
    LauncherIsGone,
    /// A process has stopped or ended, or a key was pressed.
    Signals,
}

/// After this many processes that have ended, everything else gets its turn: a jail may make them
/// as fast as they are waited for.
const ROUNDS: usize = 64;

/// Init, as it waits.
pub(crate) struct Init<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) channel: &'a OwnedFd,
    pub(crate) launcher: &'a Launcher,
    pub(crate) standard: &'a ReadOnly,
    /// Of [`signals`].
    pub(crate) signals: OwnedFd,
    /// For a jail without a PID namespace that would end everything.
    pub(crate) leftovers: Option<Subreaper>,
    /// The jail's own.
    pub(crate) terminal: Option<Own>,
}

/// The state of init that changes.
struct Job {
    /// It leads the process group of the same number. Init is its parent and signals it by
    /// that number, until it has waited for it, and no longer. (The system call filter may
    /// refuse descriptors of processes.)
    payload: i32,
    clock: Clock,
    stopped: Stopped,
    /// The group that had the terminal when the job stopped.
    reader: Option<i32>,
    /// The signal that has stopped the payload.
    signal: i32,
    /// The supervisor has got the message, and has not answered yet. It gets no other before: a
    /// program that stops and continues all the time would fill the channel, and this process would
    /// wait for a supervisor that is stopped, or that waits for it.
    is_told: bool,
    /// The supervisor knows the payload, whose number is not reused before it is waited for.
    is_known: bool,
    /// More may have ended than was waited for.
    has_more: bool,
}

/// A descriptor that says when a child has changed, and which keys were pressed: if the payload is
/// in the terminal's session and does not have the terminal, this process gets their signals.
pub(crate) fn signals() -> Result<OwnedFd, Errno> {
    use signal::{CHLD, INT, QUIT, TSTP};
    sys::signal_descriptor(SignalSet::from_signals(&[CHLD, INT, QUIT, TSTP]))
}

impl Job {
    /// How long to wait for events.
    fn wait(&self) -> Option<Timespec> {
        let is_due = self.has_more && self.is_known;
        if is_due { Some(Timespec::default()) } else { self.clock.left() }
    }
}

impl Init<'_> {
    /// Waits until the payload has ended, and then ends everything.
    pub(crate) fn wait(&self, payload: i32) -> ! {
        self.release();
        let mut job = Job {
            payload,
            clock: Clock::start(self.plan),
            stopped: Stopped::default(),
            reader: None,
            signal: signal::STOP,
            is_told: false,
            is_known: false,
            has_more: false,
        };
        loop {
            let ready = Sources::first(Event::Supervisor, self.channel, PollFlags::IN)
                .and(Event::LauncherIsGone, self.launcher.source(), PollFlags::IN)
                .and(Event::Signals, Some(&self.signals), PollFlags::IN)
                .wait(job.wait().as_ref());
            // Without memory for it, the loop is as good as a wait for the next event.
            for event in ready.into_iter().flatten() {
                self.attend(event, &mut job);
            }
            self.changes(&mut job);
            match job.clock.ring() {
                Some(Ring::First) => self.ask_to_end(&job),
                Some(Ring::Last) => drop(sys::kill(payload, signal::KILL)),
                None => {}
            }
        }
    }

    /// Files that are open here would keep pipes of the launcher open after the payload has
    /// closed them. The jail's terminal stays: without a process that has it, it would look
    /// closed to the supervisor.
    fn release(&self) {
        let own = [
            Some(self.channel.as_fd()),
            Some(self.signals.as_fd()),
            self.launcher.source().map(AsFd::as_fd),
            self.leftovers.as_ref().map(AsFd::as_fd),
            self.terminal.as_ref().map(AsFd::as_fd),
        ];
        let kept: Vec<_> = own.into_iter().flatten().chain(self.standard.descriptors()).collect();
        #[expect(unsafe_code, reason = "the list above is init's to make")]
        // SAFETY: these are the descriptors of what init uses from here on. It ends by `exit`,
        // which runs no destructors.
        let _ = unsafe { sys::close_all_but(&kept) };
    }

    fn attend(&self, event: Event, job: &mut Job) {
        match event {
            Event::Supervisor => match Order::receive(self.channel) {
                Some(order) => self.obey(order, job),
                None => {
                    self.end_the_others();
                    sys::exit(i32::from(EXIT_FAILED))
                }
            },
            Event::LauncherIsGone => self.end(Ended::Signalled(small(signal::KILL))),
            Event::Signals => {
                while let Ok(Some(signalled)) = sys::read_signal(&self.signals) {
                    if signalled.signal != signal::CHLD && signalled.by_kernel {
                        let _ = sys::kill(-job.payload, signalled.signal);
                    }
                }
                job.has_more = true;
            }
        }
    }

    /// Handles children that have stopped or ended, or as many as it may at one time.
    fn changes(&self, job: &mut Job) {
        if !job.has_more || !job.is_known {
            return;
        }
        for _ in 0..ROUNDS {
            let Some((process, status)) = changed() else {
                job.has_more = false;
                return;
            };
            if process.as_raw_nonzero().get() == job.payload {
                self.payload_changed(status, job);
            }
        }
    }

    fn payload_changed(&self, status: WaitStatus, job: &mut Job) {
        match status.stopping_signal() {
            Some(_) if job.is_told => {}
            Some(signal) => {
                job.signal = signal;
                job.is_told = true;
                let _ = Message::Stopped(small(signal)).send(self.channel);
            }
            None => self.end(ended(status)),
        }
    }

    fn obey(&self, order: Order, job: &mut Job) {
        match order {
            Order::Go => {}
            Order::Known => job.is_known = true,
            Order::Stop => {
                self.to_background(job);
                if job.signal != signal::STOP {
                    // A key does that, to more than the payload.
                    stopping::wait_for(&[job.payload, job.reader.unwrap_or(job.payload)]);
                }
                job.stopped.stop_everything();
                let _ = Message::AllStopped.send(self.channel);
            }
            Order::Foreground => self.to_foreground(job),
            Order::Background => self.to_background(job),
            Order::Continue => {
                job.is_told = false;
                let _ = sys::kill(-job.payload, signal::CONT);
                job.stopped.continue_everything();
            }
        }
    }

    /// The process that reads from the terminal now is stopped, and the supervisor is asked.
    fn to_background(&self, job: &mut Job) {
        let Some(terminal) = &self.terminal else { return };
        let own = sys::own_group();
        let reader = terminal.group().filter(|group| *group != own);
        if reader.is_some() {
            job.reader = reader;
            terminal.give(own);
        }
    }

    fn to_foreground(&self, job: &mut Job) {
        let Some(terminal) = &self.terminal else { return };
        if self.plan.terminal == Terminal::NewSession {
            // The payload is in no job that could have it.
            return;
        }
        let is_given = job.reader.take().is_some_and(|group| terminal.give(group));
        if !is_given && terminal.group() == Some(sys::own_group()) {
            terminal.give(job.payload);
        }
    }

    /// The time is over: the payload's group is asked to end.
    fn ask_to_end(&self, job: &Job) {
        let _ = Message::TimeIsOver.send(self.channel);
        let _ = sys::kill(-job.payload, signal::TERM);
        // What is stopped cannot end by itself.
        let _ = sys::kill(-job.payload, signal::CONT);
    }

    fn end(&self, ended: Ended) -> ! {
        self.end_the_others();
        self.standard.report(self.channel);
        let _ = Message::Ended(ended).send(self.channel);
        sys::exit(0)
    }

    /// When the launch returns, nothing of the jail is running any more.
    fn end_the_others(&self) {
        if let Some(leftovers) = &self.leftovers {
            return leftovers.end(None);
        }
        // For this signal, the kernel visits every process of the machine. Most often none is left
        // in the jail: all except those that were sent in from outside are children of init or of
        // its children, and the kernel ends those with it.
        if matches!(wait(WaitOptions::NOHANG), Err(Errno::CHILD)) {
            return;
        }
        if sys::signal_everything(signal::KILL).is_ok() {
            while !matches!(wait(WaitOptions::empty()), Err(Errno::CHILD)) {}
        }
    }
}

/// The next child that has stopped or ended.
fn changed() -> Option<(Pid, WaitStatus)> {
    wait(WaitOptions::UNTRACED | WaitOptions::NOHANG).ok().flatten()
}

fn ended(status: WaitStatus) -> Ended {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(status), _) => Ended::Exited(small(status)),
        (None, Some(signal)) => Ended::Signalled(small(signal)),
        // Waiting without WCONTINUED reports nothing else.
        (None, None) => Ended::Exited(EXIT_FAILED),
    }
}
