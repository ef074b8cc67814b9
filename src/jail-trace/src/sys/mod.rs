//! All unsafe code of this crate: one system call, one function.

mod child;
mod trace;

pub(crate) use child::{Child, start};
pub(crate) use trace::{
    Entered, Resume, Stop, Waited, call, detach, follow_children, follow_filters, loads_filter,
    message, read, resume, seize, wait,
};

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// A set of signals.
pub(crate) struct SignalSet(libc::sigset_t);

/// Where a signal comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The kernel, for a terminal.
    Kernel,
    Process,
}

/// The signals that end a program from outside.
const ENDING: [i32; 4] = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM];

fn ending() -> SignalSet {
    let mut set = MaybeUninit::uninit();
    // SAFETY: sigemptyset writes the set before sigaddset adds to it; the signals exist, so neither
    // fails.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in ENDING {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        set.assume_init()
    };
    SignalSet(set)
}

/// Blocks the signals that end a program, in this thread and those that it starts; what was blocked
/// before.
pub(crate) fn block_signals() -> io::Result<SignalSet> {
    let (ending, mut before) = (ending(), MaybeUninit::uninit());
    // SAFETY: the new set is initialised, and the kernel writes the old one where it succeeds.
    unsafe {
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const ending.0, before.as_mut_ptr()) != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(SignalSet(before.assume_init()))
    }
}

/// Blocks this set and nothing else.
pub(crate) fn set_signals(set: &SignalSet) {
    // SAFETY: the set is initialised, and the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set.0, ptr::null_mut()) };
}

/// The next signal that was blocked; `None` when no signal comes for a while.
pub(crate) fn next_signal() -> Option<(i32, Sender)> {
    let a_while = libc::timespec { tv_sec: 0, tv_nsec: 50_000_000 };
    let (ending, mut info) = (ending(), MaybeUninit::<libc::siginfo_t>::uninit());
    // SAFETY: the set and the time are initialised, and the kernel writes the structure where it
    // returns a signal.
    unsafe {
        let signal = libc::sigtimedwait(&raw const ending.0, info.as_mut_ptr(), &raw const a_while);
        if signal <= 0 {
            return None;
        }
        // sigaction(2): what kill and its like send has a code of 0 or below.
        let sender = if info.assume_init().si_code > 0 { Sender::Kernel } else { Sender::Process };
        Some((signal, sender))
    }
}

/// Sends a signal; a process that has ended needs none.
pub(crate) fn kill(process: i32, signal: i32) {
    // SAFETY: the call takes two numbers.
    unsafe { libc::kill(process, signal) };
}
