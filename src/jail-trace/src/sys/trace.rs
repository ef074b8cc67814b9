//! ptrace(2), for processes that were seized.

use std::ffi::{c_uint, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::Ended;

/// What `waitpid(2)` reports.
pub(crate) enum Waited {
    /// A process has ended, or a thread.
    Ended(i32, Ended),
    /// It has stopped, and waits to be resumed.
    Stopped(i32, Stop),
}

/// Why a process has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// It enters a system call or leaves it.
    Call,
    /// A filter has stopped it on its way into a call.
    Filter,
    /// It has made a process or a thread: [`message`] says which.
    Child,
    /// It runs another program.
    Executed,
    /// A signal has stopped its whole group.
    Group,
    /// This signal is about to reach it.
    Signal(i32),
    /// It has just been made, or its group was continued.
    Nothing,
}

/// How a stopped process goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// To its next system call, with this signal or 0.
    ToCall(i32),
    /// To the next event, with this signal or 0.
    With(i32),
    /// It stays stopped, as its group is, until that is continued.
    Listen,
}

/// What a process does that has stopped at a system call.
pub(crate) enum Entered {
    /// It enters this one.
    Call { arch: u32, number: u64, arguments: [u64; 6] },
    /// It leaves it.
    Left { result: i64 },
}

/// Every process ends with this one, and a child of a traced process is traced.
const OF_THE_STUB: i32 = libc::PTRACE_O_EXITKILL | libc::PTRACE_O_TRACEFORK;
const OF_THE_JAIL: i32 = OF_THE_STUB
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESYSGOOD;

/// Begins to trace a process, without stopping it.
///
/// Only children made by fork are followed: the stub makes the jail's init that way, and nothing
/// else.
pub(crate) fn seize(process: i32) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, process, ptr::null_mut(), number(OF_THE_STUB))
}

/// From now on a stopped process stops at its system calls, and all its descendants are followed.
pub(crate) fn follow_children(process: i32) {
    // A process that was killed meanwhile is reported by the next wait; the same below.
    let _ = request(libc::PTRACE_SETOPTIONS, process, ptr::null_mut(), number(OF_THE_JAIL));
}

/// The same, and it stops where a filter says so. Without this such a call fails with ENOSYS.
pub(crate) fn follow_filters(process: i32) {
    let options = number(OF_THE_JAIL | libc::PTRACE_O_TRACESECCOMP);
    let _ = request(libc::PTRACE_SETOPTIONS, process, ptr::null_mut(), options);
}

/// Lets a stopped process go on.
pub(crate) fn resume(process: i32, how: Resume) {
    let (what, signal) = match how {
        Resume::ToCall(signal) => (libc::PTRACE_SYSCALL, signal),
        Resume::With(signal) => (libc::PTRACE_CONT, signal),
        Resume::Listen => (libc::PTRACE_LISTEN, 0),
    };
    let _ = request(what, process, ptr::null_mut(), number(signal));
}

/// Lets a stopped process go on, and follows it no more.
pub(crate) fn detach(process: i32) {
    let _ = request(libc::PTRACE_DETACH, process, ptr::null_mut(), ptr::null_mut());
}

/// The process that a [`Stop::Child`] is about, or that has executed in a [`Stop::Executed`].
pub(crate) fn message(process: i32) -> Option<i32> {
    let mut message: libc::c_ulong = 0;
    let to = (&raw mut message).cast();
    request(libc::PTRACE_GETEVENTMSG, process, ptr::null_mut(), to).ok()?;
    i32::try_from(message).ok()
}

/// What a process does that has stopped at a system call.
pub(crate) fn call(process: i32) -> Option<Entered> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = ptr::without_provenance_mut(size_of::<libc::ptrace_syscall_info>());
    request(libc::PTRACE_GET_SYSCALL_INFO, process, size, info.as_mut_ptr().cast()).ok()?;
    // SAFETY: zeroed before, so initialised wherever the kernel wrote less; every field is a
    // number.
    let info = unsafe { info.assume_init() };
    match info.op {
        libc::PTRACE_SYSCALL_INFO_ENTRY => {
            // SAFETY: `op` says that this part of the union was written.
            let entry = unsafe { info.u.entry };
            Some(Entered::Call { arch: info.arch, number: entry.nr, arguments: entry.args })
        }
        libc::PTRACE_SYSCALL_INFO_EXIT => {
            // SAFETY: as above.
            let exit = unsafe { info.u.exit };
            Some(Entered::Left { result: exit.sval })
        }
        libc::PTRACE_SYSCALL_INFO_SECCOMP => {
            // SAFETY: as above.
            let stopped = unsafe { info.u.seccomp };
            Some(Entered::Call { arch: info.arch, number: stopped.nr, arguments: stopped.args })
        }
        _ => None,
    }
}

/// Whether a call loads a filter of system calls.
pub(crate) fn loads_filter(number: u64, arguments: &[u64; 6]) -> bool {
    let [operation, ..] = arguments;
    u64::try_from(libc::SYS_seccomp) == Ok(number)
        && *operation == u64::from(libc::SECCOMP_SET_MODE_FILTER)
}

/// Reads memory of a traced process, as much of it as there is at this address.
pub(crate) fn read(process: i32, address: u64, into: &mut [u8]) -> usize {
    let Ok(address) = usize::try_from(address) else { return 0 };
    let here = libc::iovec { iov_base: into.as_mut_ptr().cast(), iov_len: into.len() };
    let there = libc::iovec { iov_base: ptr::without_provenance_mut(address), iov_len: into.len() };
    // SAFETY: the kernel writes at most `iov_len` bytes to `here`, which is a slice of this length
    // that is borrowed for the call; the other address is only a number in this process.
    let count =
        unsafe { libc::process_vm_readv(process, &raw const here, 1, &raw const there, 1, 0) };
    usize::try_from(count).unwrap_or(0)
}

/// Waits until something happens to any process that is traced or a child.
pub(crate) fn wait() -> io::Result<Waited> {
    let mut status = 0;
    loop {
        // SAFETY: the kernel writes the status to the integer that it is given.
        let process = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL) };
        if process > 0 {
            return Ok(waited(process, status));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn waited(process: i32, status: i32) -> Waited {
    if libc::WIFEXITED(status) {
        let status = u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX);
        return Waited::Ended(process, Ended::Exited(status));
    }
    if libc::WIFSIGNALED(status) {
        return Waited::Ended(process, Ended::Signalled(libc::WTERMSIG(status)));
    }
    Waited::Stopped(process, stop(status >> 16, libc::WSTOPSIG(status)))
}

fn stop(event: i32, signal: i32) -> Stop {
    const AT_CALL: i32 = libc::SIGTRAP | 0x80;
    match (event, signal) {
        (0, AT_CALL) => Stop::Call,
        (0, signal) => Stop::Signal(signal),
        (libc::PTRACE_EVENT_FORK | libc::PTRACE_EVENT_VFORK | libc::PTRACE_EVENT_CLONE, _) => {
            Stop::Child
        }
        (libc::PTRACE_EVENT_EXEC, _) => Stop::Executed,
        (libc::PTRACE_EVENT_SECCOMP, _) => Stop::Filter,
        (
            libc::PTRACE_EVENT_STOP,
            libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU,
        ) => Stop::Group,
        (_, _) => Stop::Nothing,
    }
}

fn number(value: i32) -> *mut c_void {
    ptr::without_provenance_mut(usize::try_from(value).unwrap_or(0))
}

/// `data` is a number, or the address of what `what` writes.
fn request(what: c_uint, process: i32, at: *mut c_void, data: *mut c_void) -> io::Result<()> {
    // SAFETY: the requests that write memory write it at `data`, and their callers pass a structure
    // of the size that these requests write; to the others addresses are numbers.
    match unsafe { libc::ptrace(what, process, at, data) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_are_told_apart() {
        assert_eq!(stop(0, libc::SIGTRAP | 0x80), Stop::Call);
        // A breakpoint is the program's own, and so are signals without a name.
        assert_eq!(stop(0, libc::SIGTRAP), Stop::Signal(libc::SIGTRAP));
        assert_eq!(stop(0, 33), Stop::Signal(33));
        assert_eq!(stop(libc::PTRACE_EVENT_VFORK, libc::SIGTRAP), Stop::Child);
        assert_eq!(stop(libc::PTRACE_EVENT_STOP, libc::SIGTSTP), Stop::Group);
        assert_eq!(stop(libc::PTRACE_EVENT_STOP, libc::SIGTRAP), Stop::Nothing);
        assert_eq!(stop(libc::PTRACE_EVENT_SECCOMP, libc::SIGTRAP), Stop::Filter);
    }
}
