//! Stops everything in the jail when its job stops, and continues it with the job, except
//! what had stopped before.

use alloc::format;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{
    CWD, Mode, OFlags, PROC_SUPER_MAGIC, RawDir, SeekFrom, fstatfs, openat, readlinkat_raw, seek,
};
use rustix::io::{Errno, read};
use rustix::process::getpid;
use rustix::thread::nanosleep;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::signal;
use crate::sys;

/// How long processes are looked at, and the pause between two looks. One look takes as
/// long as there are processes.
///
/// A program that gets the key may put the terminal in order before it stops, and has time for
/// that. A process that continues others is seen to have stopped after a few looks, unless that is
/// all it does: nothing depends on it, because the terminal is not the jail's by then.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 4_000_000 };

/// The processes that had stopped before the job did.
#[derive(Default)]
pub(super) struct Stopped {
    before: Vec<i32>,
    is_everything: bool,
}

/// A process, its group, and its state: a letter (proc_pid_stat(5)).
#[derive(Clone, Copy)]
struct Process {
    number: i32,
    group: i32,
    state: u8,
}

impl Process {
    /// It is stopped, traced, or has ended.
    fn is_stopped(self) -> bool {
        matches!(self.state, b'T' | b't' | b'Z' | b'X')
    }
}

/// Waits until these groups have stopped by themselves, for a moment.
pub(super) fn wait_for(groups: &[i32]) {
    let Ok(processes) = processes() else { return };
    patiently(|| {
        let mut is_running = false;
        each(&processes, |process| {
            is_running |= groups.contains(&process.group) && !process.is_stopped();
        });
        !is_running
    });
}

/// Looks again and again until one look says that it is enough, or the time is over.
fn patiently(mut look: impl FnMut() -> bool) {
    let begin = clock_gettime(ClockId::Monotonic);
    while !look() {
        let gone = clock_gettime(ClockId::Monotonic).checked_sub(begin);
        if gone.is_none_or(|gone| gone > PATIENCE) {
            return;
        }
        let _ = nanosleep(&PAUSE);
    }
}

impl Stopped {
    /// Stops every process, if the jail has processes of its own. Otherwise
    /// it would stop the host's.
    pub(super) fn stop_everything(&mut self) {
        if !getpid().is_init() {
            return;
        }
        let processes = processes();
        self.before.clear();
        if let Ok(processes) = &processes {
            each(processes, |process| {
                if process.is_stopped() {
                    self.before.push(process.number);
                }
            });
        }
        patiently(|| {
            self.is_everything |= sys::signal_everything(signal::STOP).is_ok();
            let Ok(processes) = &processes else { return true };
            let mut is_running = false;
            each(processes, |process| is_running |= !process.is_stopped());
            !is_running
        });
    }

    /// Continues what [`Self::stop_everything`] has stopped.
    pub(super) fn continue_everything(&mut self) {
        if !core::mem::take(&mut self.is_everything) {
            return;
        }
        match processes() {
            // Those that had stopped before cannot be distinguished from the rest.
            Err(_) => drop(sys::signal_everything(signal::CONT)),
            Ok(processes) => each(&processes, |process| {
                // If it has ended, another process of this namespace may have its
                // number: one of the jail's.
                if !self.before.contains(&process.number) {
                    let _ = sys::kill(process.number, signal::CONT);
                }
            }),
        }
    }
}

/// The /proc of the jail's processes, if it has one and it can be read.
fn processes() -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let processes = openat(CWD, c"/proc", flags, Mode::empty())?;
    if fstatfs(&processes)?.f_type != PROC_SUPER_MAGIC {
        // A plan can put other files there, which may be the payload's, with pipes
        // in them that never open.
        return Err(Errno::NOSYS);
    }
    let mut space = [MaybeUninit::uninit(); 16];
    let (own, _) = readlinkat_raw(&processes, c"self", &mut space)?;
    // In that of other processes, the numbers mean other processes.
    if number(own) == Some(getpid().as_raw_nonzero().get()) {
        Ok(processes)
    } else {
        Err(Errno::SRCH)
    }
}

/// Goes through all processes but the first.
fn each(processes: &OwnedFd, mut visit: impl FnMut(Process)) {
    let mut space = [MaybeUninit::uninit(); 4096];
    let Ok(_) = seek(processes, SeekFrom::Start(0)) else { return };
    let mut entries = RawDir::new(processes, &mut space);
    while let Some(Ok(entry)) = entries.next() {
        let Some(number) = number(entry.file_name().to_bytes()) else { continue };
        if number > 1
            && let Some(process) = look_at(processes, number)
        {
            visit(process);
        }
    }
}

fn look_at(processes: impl AsFd, process: i32) -> Option<Process> {
    let path = format!("{process}/stat");
    let file = openat(processes, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty()).ok()?;
    let mut space = [MaybeUninit::uninit(); 512];
    let (line, _) = read(file, &mut space).ok()?;
    // The name before it is the process's own choice, and may contain brackets.
    let end = line.iter().rposition(|byte| *byte == b')')?;
    let mut fields = line.get(end + 2..)?.split(|byte| *byte == b' ');
    let state = *fields.next()?.first()?;
    let _parent = fields.next()?;
    Some(Process { number: process, group: number(fields.next()?)?, state })
}

fn number(text: &[u8]) -> Option<i32> {
    core::str::from_utf8(text).ok()?.parse().ok()
}
