//! Starts a program of the host's that accompanies a launch, with descriptors that are
//! passed by their numbers.

use alloc::ffi::CString;
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::{AtomicI32, Ordering};

use rustix::fd::BorrowedFd;
use rustix::io::{Errno, FdFlags, fcntl_setfd};
use rustix::process::{Pid, WaitOptions, chdir, setsid, waitpid};

use crate::failure::{About, Problem};
use crate::process::Process;
use crate::sys::{self, SignalSet, Standard, StringList};

/// The relation of the new process to the launcher and to the jail.
#[derive(Clone, Copy)]
pub(crate) enum Standing<'a> {
    /// It is in the launcher's group, with the standard descriptors.
    Attached,
    /// It is in a session of its own, in the jail's control group if there is one.
    /// Of the launcher's files it has only the one for its messages, or nothing: it
    /// must not keep a pipe open.
    Apart { group: Option<BorrowedFd<'a>>, messages: Option<BorrowedFd<'a>> },
}

struct Start<'a> {
    program: &'a CStr,
    arguments: StringList<'a>,
    environment: StringList<'a>,
    descriptors: Vec<BorrowedFd<'a>>,
    /// Those, and the standard ones that it has. It must not have the launcher's others.
    kept: Vec<BorrowedFd<'a>>,
    mask: SignalSet,
    standing: Standing<'a>,
    error: AtomicI32,
}

/// Starts `program`.
pub(crate) fn spawn<'a>(
    program: &str,
    arguments: impl Iterator<Item = &'a CStr>,
    environment: impl Iterator<Item = &'a CStr>,
    descriptors: Vec<BorrowedFd<'_>>,
    mask: SignalSet,
    standing: Standing<'_>,
) -> Result<Process, Problem> {
    let path =
        CString::new(program).map_err(|_| Problem::new(program, "it contains a NUL byte"))?;
    let mut kept = descriptors.clone();
    let group = match standing {
        Standing::Attached => {
            kept.extend(Standard::ALL.map(sys::standard));
            None
        }
        Standing::Apart { group, messages } => {
            kept.extend(messages);
            group
        }
    };
    let start = Start {
        program: &path,
        arguments: StringList::new(arguments),
        environment: StringList::new(environment),
        descriptors,
        kept,
        mask,
        standing,
        error: AtomicI32::new(0),
    };
    let mut stack = Vec::with_capacity(4096);
    let (process, descriptor) =
        sys::spawn_in(stack.spare_capacity_mut(), become_program, &start, group).about("clone3")?;
    match start.error.load(Ordering::SeqCst) {
        0 => Ok(Process::made(process, descriptor)),
        error => {
            let _ = waitpid(Pid::from_raw(process), WaitOptions::empty());
            Err(Problem::errno(program, Errno::from_raw_os_error(error)))
        }
    }
}

/// Runs in the child, with the parent's memory and a stack of its own.
fn become_program(start: &Start<'_>) -> ! {
    let error = match prepare(start) {
        Ok(()) => sys::replace(start.program, &start.arguments, &start.environment),
        Err(error) => error,
    };
    start.error.store(error.raw_os_error(), Ordering::SeqCst);
    sys::exit(i32::from(crate::failure::EXIT_FAILED))
}

fn prepare(start: &Start<'_>) -> Result<(), Errno> {
    match start.standing {
        Standing::Attached => {}
        Standing::Apart { .. } => {
            // No key and no hang-up of the launcher's terminal is for it: a
            // payload may go on after them.
            setsid()?;
            chdir(c"/")?;
        }
    }
    #[expect(
        unsafe_code,
        reason = "only this function knows that the process has no further use for them"
    )]
    // SAFETY: this process has a table of descriptors of its own. What follows in it uses those
    // that are kept, and it ends by execve(2) or `exit`, which run no destructors.
    unsafe { sys::close_all_but(&start.kept) }?;
    start.descriptors.iter().try_for_each(|fd| fcntl_setfd(fd, FdFlags::empty()))?;
    sys::set_mask(start.mask).map(drop)
}
