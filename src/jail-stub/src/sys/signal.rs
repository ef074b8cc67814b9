//! Calls on signals. Nothing here installs a handler: signals are blocked
//! and read from a descriptor.

use core::mem::{MaybeUninit, size_of};
use core::ptr;

use rustix::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use rustix::io::Errno;

use super::call::{check, enter, number};

const SIG_UNBLOCK: usize = 1;
const SIG_SETMASK: usize = 2;
const SFD_CLOEXEC: usize = 0o2_000_000;
const SFD_NONBLOCK: usize = 0o4_000;
/// The kernel's signal set: 64 bits.
const SET_SIZE: usize = 8;

/// A set of signals, as the kernel keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalSet(u64);

impl SignalSet {
    /// The set of these signals.
    #[must_use]
    pub fn from_signals(signals: &[i32]) -> Self {
        Self(signals.iter().fold(0, |set, signal| set | Self::bit(*signal)))
    }

    /// All but these.
    #[must_use]
    pub fn all_but(signals: &[i32]) -> Self {
        Self(!Self::from_signals(signals).0)
    }

    fn bit(signal: i32) -> u64 {
        u32::try_from(signal - 1).ok().and_then(|shift| 1u64.checked_shl(shift)).unwrap_or(0)
    }
}

/// A signal that was read, and whether the kernel itself sent it, as it does for a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signalled {
    /// The number of the signal.
    pub signal: i32,
    /// The kernel sent it.
    pub by_kernel: bool,
}

/// Blocks exactly `set` and returns what was blocked before: `rt_sigprocmask(2)`.
///
/// # Errors
/// Those of the call.
pub fn set_mask(set: SignalSet) -> Result<SignalSet, Errno> {
    let mut before = SignalSet(0);
    // SAFETY: both sets are 64 bits wide, the size that is passed; the kernel reads the
    // first and writes the second.
    check(unsafe {
        enter(
            number::RT_SIGPROCMASK,
            [
                SIG_SETMASK,
                ptr::from_ref(&set).expose_provenance(),
                ptr::from_mut(&mut before).expose_provenance(),
                SET_SIZE,
                0,
            ],
        )
    })?;
    Ok(before)
}

/// Unblocks `set`. What is pending is delivered before this returns: `rt_sigprocmask(2)`.
///
/// # Errors
/// Those of the call.
pub fn unblock(set: SignalSet) -> Result<(), Errno> {
    // SAFETY: the set is 64 bits wide, the size that is passed, and only read; a
    // null old set is not written.
    check(unsafe {
        enter(
            number::RT_SIGPROCMASK,
            [SIG_UNBLOCK, ptr::from_ref(&set).expose_provenance(), 0, SET_SIZE, 0],
        )
    })
    .map(drop)
}

/// Gives `signal` its default action: `rt_sigaction(2)`.
///
/// # Errors
/// Those of the call.
pub fn default_action(signal: i32) -> Result<(), Errno> {
    // `struct sigaction` is at most four words on both processors; all zero
    // is SIG_DFL without flags.
    let action = [0usize; 4];
    // SAFETY: the kernel reads one `struct sigaction`, which fits the four words; no handler
    // address is given, so it can never jump anywhere; a null old action is not written.
    check(unsafe {
        enter(
            number::RT_SIGACTION,
            [
                signal.cast_unsigned() as usize,
                ptr::from_ref(&action).expose_provenance(),
                0,
                SET_SIZE,
                0,
            ],
        )
    })
    .map(drop)
}

/// Sends `signal` to the process `to`, to the group `-to`, or with 0 to the
/// caller's own group: `kill(2)`.
///
/// Every process that may be signalled (`-1`) is not a target here; see [`signal_everything`].
///
/// # Errors
/// Those of the call; `EINVAL` for -1.
pub fn kill(to: i32, signal: i32) -> Result<(), Errno> {
    if to == -1 {
        return Err(Errno::INVAL);
    }
    send(to, signal)
}

/// Sends `signal` to every other process of the PID namespace whose init the caller is:
/// `kill(2)`. None is missed because it is being made: fork(2) begins again when its
/// parent has been signalled.
///
/// # Errors
/// Those of the call; `EPERM` when the caller is not init, where the call
/// would reach the whole host.
pub fn signal_everything(signal: i32) -> Result<(), Errno> {
    if !rustix::process::getpid().is_init() {
        return Err(Errno::PERM);
    }
    send(-1, signal)
}

/// Sends `signal` to a process by its descriptor: `pidfd_send_signal(2)`.
///
/// # Errors
/// Those of the call; `ESRCH` when it has ended and was waited for.
pub fn signal_process(process: impl AsFd, signal: i32) -> Result<(), Errno> {
    send_by_descriptor(process, signal, 0)
}

/// Sends `signal` to the group that a process leads:
/// `pidfd_send_signal(2)` with `PIDFD_SIGNAL_PROCESS_GROUP`.
///
/// # Errors
/// Those of the call; `EINVAL` before Linux 6.9.
pub fn signal_group(leader: impl AsFd, signal: i32) -> Result<(), Errno> {
    const PROCESS_GROUP: usize = 4;
    send_by_descriptor(leader, signal, PROCESS_GROUP)
}

fn send_by_descriptor(process: impl AsFd, signal: i32, flags: usize) -> Result<(), Errno> {
    let descriptor = process.as_fd().as_raw_fd().cast_unsigned() as usize;
    let signal = signal.cast_unsigned() as usize;
    // SAFETY: the call takes numbers, and in the place of an address null: what kill(2) would say.
    check(unsafe { enter(number::PIDFD_SEND_SIGNAL, [descriptor, signal, 0, flags, 0]) }).map(drop)
}

fn send(to: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: the call takes two numbers and no address.
    check(unsafe {
        enter(
            number::KILL,
            [(to as isize).cast_unsigned(), signal.cast_unsigned() as usize, 0, 0, 0],
        )
    })
    .map(drop)
}

/// A descriptor from which the blocked signals of `set` can be read: `signalfd(2)`.
///
/// # Errors
/// Those of the call.
pub fn signal_descriptor(set: SignalSet) -> Result<OwnedFd, Errno> {
    // SAFETY: the set is 64 bits wide, the size that is passed, and only read; -1
    // asks for a new descriptor.
    let number = check(unsafe {
        enter(
            number::SIGNALFD4,
            [
                usize::MAX,
                ptr::from_ref(&set).expose_provenance(),
                SET_SIZE,
                SFD_CLOEXEC | SFD_NONBLOCK,
                0,
            ],
        )
    })?;
    let number = i32::try_from(number).map_err(|_| Errno::OVERFLOW)?;
    // SAFETY: the kernel has just made this descriptor for us; nothing else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// The next pending signal, or `None`: a read of 128 bytes from
/// the descriptor of [`signal_descriptor`].
///
/// # Errors
/// Those of `read(2)`, but for `EAGAIN`.
pub fn read_signal(descriptor: impl AsFd) -> Result<Option<Signalled>, Errno> {
    const SI_KERNEL: i32 = 0x80;
    let mut info = [MaybeUninit::<u8>::uninit(); 128];
    let (read, _) = match rustix::io::read(&descriptor, &mut info) {
        Err(Errno::AGAIN) => return Ok(None),
        other => other?,
    };
    debug_assert!(descriptor.as_fd().as_raw_fd() >= 0);
    // `struct signalfd_siginfo` begins with the signal, the errno and the code, 32 bits each.
    let word = |at: usize| {
        let bytes = read.get(at..at + size_of::<i32>())?;
        bytes.try_into().ok().map(i32::from_ne_bytes)
    };
    match (word(0), word(8)) {
        (Some(signal), Some(code)) => Ok(Some(Signalled { signal, by_kernel: code == SI_KERNEL })),
        _ => Err(Errno::IO),
    }
}
