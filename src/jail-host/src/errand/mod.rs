//! A process that is started for one thing before there is a jail.
//! It answers requests ([`jail_plan::errand`]).

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;

use jail_plan::errand::{PACKET_MAX, Reply};
use jail_plan::helper::Refusal;
use rustix::io::Errno;
use rustix::thread::CapabilitySet;

use crate::confine::{keep_only, stay_below};
use crate::sys::seccomp;
use crate::{packet, sys};

/// The conversation with the stub.
pub(crate) struct Errand {
    socket: OwnedFd,
}

/// A reply: the result, with descriptors.
pub(crate) type Done = (Vec<u8>, Vec<OwnedFd>);

/// Does it. This process prints nothing: its stub reports how it ended.
pub(crate) fn run(socket: &OsStr, work: impl FnOnce(&Errand) -> io::Result<()>) -> ExitCode {
    let Some(socket) = sys::descriptor(socket) else { return ExitCode::FAILURE };
    match work(&Errand { socket }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

impl Errand {
    /// The next request, with its descriptor. `None` at the end.
    pub(crate) fn hear(&self) -> io::Result<Option<(Vec<u8>, Option<OwnedFd>)>> {
        packet::hear(&self.socket, &mut [0; PACKET_MAX], |packet| Some(packet.to_vec()))
    }

    pub(crate) fn reply(&self, outcome: Result<Done, Refusal>) -> io::Result<()> {
        let (reply, descriptors) = match outcome {
            Ok((body, descriptors)) => (Reply::Done(body), descriptors),
            Err(refusal) => (Reply::Refused(refusal), Vec::new()),
        };
        let descriptors: Vec<_> = descriptors.iter().map(AsFd::as_fd).collect();
        packet::tell(&self.socket, &reply.encode(), &descriptors)
    }
}

/// A call that failed on `object`.
pub(crate) fn failed(object: &str, error: Errno) -> Refusal {
    let (object, error) = (object.into(), error.raw_os_error());
    Refusal { object, cause: String::new(), error, help: String::new() }
}

/// Gives up all capabilities except `kept`, all paths except those below `folders`,
/// where `rights` of Landlock apply, and all system calls except `calls` and those that
/// each of these processes needs.
pub(crate) fn close(
    kept: CapabilitySet,
    folders: &[(&OwnedFd, u64)],
    calls: &[libc::c_long],
) -> Result<(), Errno> {
    keep_only(kept)?;
    match stay_below(folders) {
        Ok(()) => {}
        // A kernel without Landlock still has the filter, which allows no
        // connecting, starting or sending.
        Err(Errno::NOSYS | Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error),
    }
    seccomp::allow_only(&[CALLS, calls].concat())
}

/// They talk to the stub, check what is open, allocate memory, and end.
const CALLS: &[libc::c_long] = &[
    libc::SYS_read,
    libc::SYS_close,
    libc::SYS_fcntl,
    libc::SYS_openat,
    libc::SYS_fstat,
    libc::SYS_newfstatat,
    libc::SYS_statx,
    libc::SYS_lseek,
    libc::SYS_getdents64,
    libc::SYS_recvmsg,
    libc::SYS_sendmsg,
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_rt_sigreturn,
    libc::SYS_restart_syscall,
    // The standard library removes its signal stack before it ends.
    libc::SYS_sigaltstack,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests;
