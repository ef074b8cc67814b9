//! Job control: the payload stops and continues with the launcher's job, and has the
//! terminal while that has it.

use rustix::io::Errno;

use super::relay::Relay;
use super::{Outcome, Supervisor, handled};
use crate::message::{Ended, Order};
use crate::signal;
use crate::sys::{self, SignalSet};

impl Supervisor<'_> {
    /// The terminal has another size. Where the payload's group does not have the jail's, the
    /// kernel does not signal it.
    pub(super) fn resized(&mut self) -> Result<(), Errno> {
        if let Some(relay) = &self.relay {
            relay.resize();
            if relay.is_engaged() && self.tty.is_kept() {
                return Ok(());
            }
        }
        self.signal_payloads(signal::WINCH)
    }

    /// The payload was stopped.
    pub(super) fn stopped(&mut self, signal: i32) -> Result<(), Errno> {
        // The payload, in a group of its own, may have been taken for a background job.
        if self.goes_on(signal)? {
            return Ok(());
        }
        match &mut self.relay {
            Some(relay) => {
                // What is typed from now on is for the shell. The jail stops with its job;
                // another message reports that.
                relay.disengage();
                self.stopping = Some(signal);
                self.order(Order::Stop)
            }
            None => {
                self.tty.take_back(self.group());
                self.stop_with(signal)
            }
        }
    }

    /// Gives a payload the terminal that it was stopped for, if the job has it.
    /// Returns whether it goes on.
    fn goes_on(&mut self, signal: i32) -> Result<bool, Errno> {
        if !wants_terminal(signal) || !self.is_foreground() {
            return Ok(false);
        }
        self.hand_over()?;
        self.order(Order::Continue).map(|()| true)
    }

    /// Stops this job as the payload was stopped, and continues it.
    pub(super) fn stop_with(&mut self, signal: i32) -> Result<(), Errno> {
        if self.has_clock && !self.tty.exists() {
            // Without a terminal the user does not see that this job has stopped,
            // or that its time is over.
            return Ok(());
        }
        // It may have been brought to the foreground while everything in the jail was stopped.
        if self.goes_on(signal)? {
            return Ok(());
        }
        if self.stop(signal)? {
            // The signal that continued this process is pending and will continue the payload.
            return Ok(());
        }
        if wants_terminal(signal) {
            // There is no shell to bring this job to the foreground. A process without our groups
            // would get an error from its read; hanging up is the closest to that.
            self.signal_payloads(signal::HUP)?;
        }
        self.resume()
    }

    /// The job has the launcher's terminal.
    pub(super) fn is_foreground(&mut self) -> bool {
        match &self.relay {
            Some(relay) => relay.is_foreground(),
            None => self.tty.is_ours(),
        }
    }

    /// The payload gets the terminal.
    pub(super) fn hand_over(&mut self) -> Result<(), Errno> {
        let group = self.group();
        match (&mut self.relay, group) {
            (Some(relay), _) => {
                relay.engage();
                self.order(Order::Foreground)
            }
            (None, Some(group)) => {
                self.tty.hand_over(group);
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// What was written before the jail stopped belongs before what the shell prints. The terminal
    /// has its earlier settings.
    pub(super) fn put_in_order(&mut self) -> Result<(), Errno> {
        let state = self.relay.as_mut().map(Relay::copy_all_output);
        self.relay.iter_mut().for_each(Relay::restore);
        self.copied(state)
    }

    /// If init is gone, the next message reports it.
    pub(super) fn order(&self, order: Order) -> Result<(), Errno> {
        match order.send(&self.watched.channel) {
            Err(Errno::PIPE | Errno::CONNRESET) => Ok(()),
            other => other,
        }
    }

    /// Stops the launcher's job the way the payload was stopped. Returns whether it really stopped.
    fn stop(&mut self, signal: i32) -> Result<bool, Errno> {
        if signal == signal::STOP || !self.tty.is_kept() {
            sys::kill(rustix::process::getpid().as_raw_nonzero().get(), signal::STOP)?;
        } else {
            // The whole group, as the terminal would: a script that waits for this
            // process must stop with it. A group without a shell to continue it is not
            // stopped by this (setpgid(2), "orphaned").
            let set = SignalSet::from_signals(&[signal]);
            sys::kill(0, signal)?;
            sys::unblock(set)?;
            sys::set_mask(handled())?;
        }
        let mut continued = false;
        while let Some(signalled) = sys::read_signal(self.watched.signals)? {
            continued |= signalled.signal == signal::CONT;
            // The signal that was just sent to the whole group is not for the
            // payload, which has had it.
            if signalled.signal != signal {
                self.signalled(signalled)?;
            }
        }
        Ok(continued)
    }

    /// A key has ended the payload, as far as can be seen from here: such a signal did, while it
    /// had the terminal. Without a jail, the launcher's whole group would have got the signal, and
    /// a script ends when a program that it waits for died of it. So the group gets it now. A
    /// payload that handles the key keeps its script running, as in bash.
    pub(super) fn is_interrupted(&mut self, outcome: &Outcome) -> bool {
        let Outcome::Ended(Ended::Signalled(signal)) = outcome else { return false };
        let had_keys = match &self.relay {
            Some(relay) => relay.has_keys(),
            None => self.tty.belongs_to(self.group()),
        };
        had_keys && [signal::INT, signal::QUIT].contains(&i32::from(*signal))
    }

    /// Sends the payload's signal to the launcher's group.
    pub(super) fn signal_group(&self, outcome: &Outcome) -> Result<(), Errno> {
        match outcome {
            Outcome::Ended(Ended::Signalled(signal)) => sys::kill(0, i32::from(*signal)),
            _ => Ok(()),
        }
    }

    /// The terminal is gone. The payload's job learns of it as the kernel signals the foreground
    /// job, even if something in it is stopped: it could not be continued any more.
    pub(super) fn hung_up(&mut self) -> Result<(), Errno> {
        self.tty.forget();
        // The jail's own is gone with it.
        self.relay = None;
        self.signal_payloads(signal::HUP)?;
        self.order(Order::Continue)
    }

    /// The job was continued, in the foreground or in the background.
    pub(super) fn resume(&mut self) -> Result<(), Errno> {
        let is_foreground = self.is_foreground();
        match &mut self.relay {
            Some(relay) if is_foreground && relay.wants_terminal() => self.hand_over()?,
            Some(relay) => {
                relay.disengage();
                self.order(Order::Background)?;
            }
            None if is_foreground => {
                if let Some(group) = self.group() {
                    self.tty.give_again(group);
                }
            }
            None => {}
        }
        self.order(Order::Continue)
    }
}

/// Whether a program that this signal has stopped asked for the terminal.
fn wants_terminal(signal: i32) -> bool {
    [signal::TTIN, signal::TTOU].contains(&signal)
}
