//! Copies between the launcher's terminal and the jail's own: what is typed goes in,
//! what is written comes out.
//!
//! Bytes are copied and never interpreted. Keys are taken only while the job is in the foreground,
//! and the kernel enforces that: in the background this process, which blocks SIGTTIN, cannot read
//! them (read(2), EIO). What the jail writes comes out in the background too, as from any job.

use alloc::format;
use alloc::vec::Vec;

use rustix::buffer::spare_capacity;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, fcntl_getfl, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, ioctl_fionbio, read, write};
use rustix::termios::{
    OptionalActions, OutputModes, Termios, tcgetattr, tcgetwinsize, tcsetattr, tcsetwinsize,
};

use crate::sys::{self, Standard};
use crate::terminal::{Given, OutputFilter, with_modes};

/// The most typed bytes that a terminal accepts.
const KEYS_MAX: usize = 4096;
const OUTPUT_MAX: usize = 64 * 1024;

/// After this much without a pause, signals and messages get their turn.
const ROUNDS: usize = 16;

pub(crate) struct Relay {
    given: Given,
    /// The jail's terminal, from the user's side.
    jail: OwnedFd,
    /// The filter for what the jail writes, if there is one.
    filter: Option<OutputFilter>,
    /// The keyboard. Without a terminal nothing is typed.
    keyboard: Option<OwnedFd>,
    screen: OwnedFd,
    /// Whether the keyboard is this process's controlling terminal, so only the job in the
    /// foreground reads from it.
    has_jobs: bool,
    group: i32,
    typed: Buffer,
    written: Buffer,
    is_engaged: bool,
    /// The modes of the launcher's terminal, while it has others.
    modes: Option<Termios>,
    /// Whether the jail's terminal has got the launcher's modes, and the payload the terminal.
    was_engaged: bool,
}

/// The result of copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It continues when there is more.
    Going,
    /// The jail writes no more.
    Over,
    /// The launcher's terminal is gone.
    Gone,
    /// There may be more at once: others get their turn.
    More,
    /// The filter is gone, without which nothing goes out.
    Unfiltered,
}

impl Relay {
    /// Opens what the launcher has passed as terminals once more, so no mode of the descriptor is
    /// shared with the launcher.
    pub(crate) fn open(
        given: Given,
        jail: OwnedFd,
        filter: Option<OutputFilter>,
    ) -> Result<Self, Errno> {
        ioctl_fionbio(&jail, true)?;
        let all = given.terminals();
        let input = all.clone().find(|one| *one == Standard::Input);
        let output = all.clone().find(|one| *one != Standard::Input);
        let Some(screen) = output.or(input) else { return Err(Errno::NOTTY) };
        let screen = again(screen)?;
        let keyboard = keyboard(&given).map(again).transpose()?;
        Ok(Self {
            given,
            jail,
            filter,
            has_jobs: keyboard.as_ref().is_some_and(|one| sys::foreground_group(one).is_ok()),
            keyboard,
            screen,
            group: sys::own_group(),
            typed: Buffer::with_capacity(KEYS_MAX),
            written: Buffer::with_capacity(OUTPUT_MAX),
            is_engaged: false,
            modes: None,
            was_engaged: given.takes,
        })
    }

    /// Whether the job may read from the launcher's terminal now. If that is not
    /// its own, there are no jobs.
    pub(crate) fn is_foreground(&self) -> bool {
        let group = |keyboard| sys::foreground_group(keyboard) == Ok(self.group);
        !self.has_jobs || self.keyboard.as_ref().is_some_and(group)
    }

    /// What is typed goes to the jail now.
    pub(crate) fn is_engaged(&self) -> bool {
        self.is_engaged
    }

    /// What is typed goes to the jail now, as keys go to a job in the foreground.
    pub(crate) fn has_keys(&self) -> bool {
        self.is_engaged && self.has_jobs
    }

    /// Whether the payload gets the terminal whenever the job may: it reads from
    /// it, or has asked for it.
    pub(crate) fn wants_terminal(&self) -> bool {
        self.has_jobs && self.given.is_reader || self.was_engaged
    }

    /// Only the terminal itself shows when the job comes to the foreground: a shell need not send a
    /// signal to a job that runs.
    pub(crate) fn waits_for_foreground(&self) -> bool {
        self.has_jobs && !self.is_engaged && self.wants_terminal()
    }

    /// From now on keys go to the jail, whose terminal handles them by its settings:
    /// the launcher's does nothing.
    pub(crate) fn engage(&mut self) {
        self.is_engaged = true;
        let Some(keyboard) = &self.keyboard else { return };
        let now = self.modes.take().map_or_else(|| tcgetattr(keyboard), Ok);
        // Without any it is about to be gone.
        let Ok(modes) = now else { return };
        if !core::mem::replace(&mut self.was_engaged, true) {
            let jails = with_modes(&modes, &self.given);
            let _ = tcsetattr(&self.jail, OptionalActions::Now, &jails);
        }
        let mut raw = modes.clone();
        raw.make_raw();
        if self.given.has_company {
            raw.output_modes |= modes.output_modes & OutputModes::OPOST;
        }
        let _ = tcsetattr(keyboard, OptionalActions::Now, &raw);
        self.modes = Some(modes);
        self.resize();
    }

    /// The job is in the background. The job that has the terminal has set it up already.
    pub(crate) fn disengage(&mut self) {
        self.is_engaged = false;
    }

    /// Restores the launcher's terminal.
    pub(crate) fn restore(&mut self) {
        self.is_engaged = false;
        let modes = self.modes.take().filter(|_| self.is_foreground());
        if let (Some(modes), Some(keyboard)) = (modes, &self.keyboard) {
            let _ = tcsetattr(keyboard, OptionalActions::Now, &modes);
        }
    }

    /// Gives the jail's terminal the size of the launcher's; the kernel signals the job in it.
    pub(crate) fn resize(&self) {
        if let Ok(size) = tcgetwinsize(&self.screen) {
            let _ = tcsetwinsize(&self.jail, size);
        }
    }

    /// The source of keys, while there is room for them.
    pub(crate) fn keys(&self) -> Option<&OwnedFd> {
        self.keyboard.as_ref().filter(|_| self.is_engaged && self.typed.is_empty())
    }

    /// The target of keys, while some wait.
    pub(crate) fn waiting_keys(&self) -> Option<&OwnedFd> {
        Some(&self.jail).filter(|_| !self.typed.is_empty())
    }

    /// The source of output, while there is room for it.
    pub(crate) fn output(&self) -> Option<&OwnedFd> {
        Some(&self.jail).filter(|_| self.written.is_empty() && self.answers().is_none())
    }

    /// The next source, if output goes through the filter.
    pub(crate) fn answers(&self) -> Option<&OwnedFd> {
        self.filter.as_ref().and_then(OutputFilter::answers)
    }

    /// The target of output, while some waits.
    pub(crate) fn waiting_output(&self) -> Option<&OwnedFd> {
        Some(&self.screen).filter(|_| !self.written.is_empty())
    }

    /// Passes on what was typed.
    pub(crate) fn copy_keys(&mut self) -> State {
        let Some(keyboard) = &self.keyboard else { return State::Going };
        if self.typed.is_empty() {
            match self.typed.fill(keyboard) {
                Ok(0) => return State::Gone,
                Ok(_) => {}
                Err(Errno::AGAIN | Errno::INTR) => return State::Going,
                Err(_) => {
                    // Another job has it, or none any more.
                    let is_there = sys::foreground_group(keyboard).is_ok();
                    self.disengage();
                    return if is_there { State::Going } else { State::Gone };
                }
            }
        }
        match self.typed.empty(&self.jail) {
            Ok(()) | Err(Errno::AGAIN) => State::Going,
            Err(_) => {
                self.typed.clear();
                State::Going
            }
        }
    }

    /// Passes on what the jail has written. After [`State::Going`], either some of it waits for the
    /// screen or the filter, or there was no more.
    pub(crate) fn copy_output(&mut self) -> State {
        // What waits goes first. Behind it nothing can be read, which would look as if the jail
        // had written nothing more.
        if let Some(state) = self.show() {
            return state;
        }
        for _ in 0..ROUNDS {
            let read = self.take_output();
            if let Some(state) = self.show() {
                return state;
            }
            match read {
                Ok(0) | Err(Errno::IO) => return State::Over,
                Ok(_) | Err(Errno::INTR) => {}
                Err(Errno::PIPE) => return State::Unfiltered,
                Err(_) => return State::Going,
            }
        }
        State::More
    }

    /// Writes what waits to the screen. Returns the result, unless all of it was written.
    fn show(&mut self) -> Option<State> {
        match self.written.empty(&self.screen) {
            Ok(()) => None,
            // It continues when the screen accepts more.
            Err(Errno::AGAIN) => Some(State::Going),
            Err(_) => Some(State::Gone),
        }
    }

    /// The same, including what the filter has not answered yet.
    pub(crate) fn copy_all_output(&mut self) -> State {
        loop {
            let state = self.copy_output();
            let has_more = self.filter.as_ref().is_some_and(OutputFilter::wait);
            if !matches!(state, State::Going | State::More) || !has_more {
                return state;
            }
        }
    }

    /// Reads what the jail has written, when nothing waits for the screen.
    fn take_output(&mut self) -> Result<usize, Errno> {
        match &mut self.filter {
            None => self.written.fill(&self.jail),
            Some(filter) if filter.answers().is_some() => self.written.take(filter),
            Some(filter) => filter.ask(&self.jail),
        }
    }

    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let own = [&self.jail, &self.screen].into_iter().chain(&self.keyboard).map(AsFd::as_fd);
        own.chain(self.filter.iter().flat_map(OutputFilter::descriptors))
    }
}

/// Where keys may come from: the launcher's own terminal, or one that it has passed to be read. At
/// another one that is passed for output alone, another user types.
fn keyboard(given: &Given) -> Option<Standard> {
    let is_own = |one: &Standard| sys::foreground_group(sys::standard(*one)).is_ok();
    let is_read = |one: &Standard| {
        fcntl_getfl(sys::standard(*one)).is_ok_and(|flags| !flags.contains(OFlags::WRONLY))
    };
    let all = given.terminals();
    let input = all.clone().find(|one| *one == Standard::Input);
    let input = input.filter(|one| is_own(one) || is_read(one));
    input.or_else(|| all.clone().find(is_own)).or_else(|| all.clone().find(is_read))
}

/// The launcher's terminal, opened again. Its own can be opened, whichever user owns it, by the
/// name that every terminal has for the processes in it.
fn again(one: Standard) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = sys::standard(one);
    let opened = match sys::foreground_group(file) {
        Ok(_) => openat(CWD, c"/dev/tty", flags, Mode::empty()),
        Err(_) => {
            let name = format!("/proc/self/fd/{}", file.as_raw_fd());
            openat(CWD, name, flags, Mode::empty())
        }
    };
    // Another user's terminal that is not this session's is used as it was passed.
    opened.or_else(|_| fcntl_dupfd_cloexec(file, 3))
}

/// A bounded buffer.
struct Buffer {
    bytes: Vec<u8>,
    /// How much of it is gone already.
    gone: usize,
}

impl Buffer {
    fn with_capacity(size: usize) -> Self {
        Self { bytes: Vec::with_capacity(size), gone: 0 }
    }

    fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.gone = 0;
    }

    /// Reads as much as there is room for.
    fn fill(&mut self, from: impl AsFd) -> Result<usize, Errno> {
        let room = self.bytes.capacity() - self.bytes.len();
        if room == 0 {
            return Err(Errno::AGAIN);
        }
        read(from, spare_capacity(&mut self.bytes))
    }

    /// Takes the filter's answer: all except its first byte.
    fn take(&mut self, filter: &mut OutputFilter) -> Result<usize, Errno> {
        filter.take(&mut self.bytes)?;
        self.gone = 1;
        Ok(self.bytes.len())
    }

    /// Writes all, or as much as is accepted.
    fn empty(&mut self, to: impl AsFd) -> Result<(), Errno> {
        while let Some(rest) = self.bytes.get(self.gone..).filter(|rest| !rest.is_empty()) {
            match write(&to, rest) {
                Err(Errno::INTR) => {}
                other => self.gone += other?,
            }
        }
        self.clear();
        Ok(())
    }
}
