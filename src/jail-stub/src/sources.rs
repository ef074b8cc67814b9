//! What a process waits for, and the event that it means when something is ready.

use core::array;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;
use rustix::io::Errno;

/// The most sources that are waited for at once.
const MAX: usize = 11;

/// Sources of events, in the order in which the events are handled.
pub(crate) struct Sources<'a, Event> {
    polled: [PollFd<'a>; MAX],
    events: [Event; MAX],
    count: usize,
}

impl<'a, Event: Copy> Sources<'a, Event> {
    /// The first one.
    pub(crate) fn first(event: Event, source: &'a impl AsFd, flags: PollFlags) -> Self {
        let polled = array::from_fn(|_| PollFd::new(source, flags));
        Self { polled, events: [event; MAX], count: 1 }
    }

    /// Adds a source, if there is one. Its end is an event, too (poll(2), POLLHUP).
    pub(crate) fn and(
        mut self,
        event: Event,
        source: Option<&'a impl AsFd>,
        flags: PollFlags,
    ) -> Self {
        let slot = self.polled.get_mut(self.count).zip(self.events.get_mut(self.count));
        debug_assert!(slot.is_some(), "there is room for every source");
        if let (Some(source), Some((polled, slot))) = (source, slot) {
            (*polled, *slot) = (PollFd::new(source, flags), event);
            self.count += 1;
        }
        self
    }

    /// Waits until something is ready, or the time is over. Returns what is ready.
    pub(crate) fn wait(
        mut self,
        time: Option<&Timespec>,
    ) -> Result<impl Iterator<Item = Event> + use<Event>, Errno> {
        let polled = self.polled.get_mut(..self.count).unwrap_or_default();
        let ready = match poll(polled, time) {
            Ok(_) => true,
            Err(Errno::INTR) => false,
            Err(error) => return Err(error),
        };
        let count = self.count;
        let is_ready = self.polled.map(|source| ready && !source.revents().is_empty());
        let events = self.events.into_iter().zip(is_ready).take(count);
        Ok(events.filter_map(|(event, is_ready)| is_ready.then_some(event)))
    }
}
