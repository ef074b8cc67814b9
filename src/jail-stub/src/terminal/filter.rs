//! The process that removes dangerous sequences from what the jail writes, from outside: the bytes
//! go there and come back, and are not interpreted here.

use alloc::ffi::CString;
use alloc::format;
use alloc::vec::Vec;

use jail_plan::Host;
use jail_plan::terminal::{ANSWER, FILTER, PACKET_MAX};
use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, read};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use crate::failure::{About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{Standing, spawn};
use crate::sys::{self, SignalSet, Standard};

/// An answer takes microseconds. If one takes longer, it is not awaited while a shell waits.
const PATIENCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// The process, until this is dropped.
pub(crate) struct OutputFilter {
    socket: OwnedFd,
    process: Process,
    /// What is asked about.
    packet: Vec<u8>,
    /// The answer is awaited.
    is_asked: bool,
}

impl OutputFilter {
    /// Starts it. It confines itself before it reads anything.
    pub(crate) fn start(host: &Host, mask: SignalSet) -> Result<Self, Problem> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (socket, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)
            .about("a socket")?;
        // It waits for packets and has nothing else to do.
        rustix::io::ioctl_fionbio(&theirs, false).about("a socket")?;
        let number = format!("{}", theirs.as_raw_fd());
        let words = [host.program.as_str(), FILTER, &number].map(CString::new);
        let words: Vec<CString> = words.into_iter().flatten().collect();
        let arguments = words.iter().map(CString::as_c_str);
        let environment = core::iter::empty();
        let descriptors = [theirs.as_fd()].into();
        // It reports there why it cannot start, if so.
        let messages = Some(sys::standard(Standard::Error));
        let standing = Standing::Apart { group: None, messages };
        let process = spawn(&host.program, arguments, environment, descriptors, mask, standing)?;
        Ok(Self { socket, process, packet: Vec::with_capacity(PACKET_MAX), is_asked: false })
    }

    /// The descriptor that is ready when an awaited answer is there.
    pub(crate) fn answers(&self) -> Option<&OwnedFd> {
        Some(&self.socket).filter(|_| self.is_asked)
    }

    /// Waits for an awaited answer, for a moment. Returns whether it is there.
    pub(crate) fn wait(&self) -> bool {
        let Some(socket) = self.answers() else { return false };
        poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&PATIENCE))
            .is_ok_and(|ready| ready > 0)
    }

    /// Reads what the jail has written, and sends it to the process. Errors are those of `read(2)`
    /// at `jail`, except `EPIPE`, which means that the process is gone.
    pub(crate) fn ask(&mut self, jail: &OwnedFd) -> Result<usize, Errno> {
        self.packet.clear();
        let length = read(jail, spare_capacity(&mut self.packet))?;
        if length > 0 {
            send(&self.socket, &self.packet, SendFlags::NOSIGNAL).map_err(|_| Errno::PIPE)?;
            self.is_asked = true;
        }
        Ok(length)
    }

    /// Takes an awaited answer: `EPIPE` if the process is gone, `EAGAIN` if it has not come yet.
    pub(crate) fn take(&mut self, answer: &mut Vec<u8>) -> Result<(), Errno> {
        match recv(&self.socket, spare_capacity(answer), RecvFlags::empty()) {
            Err(error @ (Errno::AGAIN | Errno::INTR)) => return Err(error),
            Err(_) | Ok((_, 0)) => return Err(Errno::PIPE),
            Ok(_) => {}
        }
        self.is_asked = false;
        if answer.first() == Some(&ANSWER) { Ok(()) } else { Err(Errno::PIPE) }
    }

    /// What the supervisor needs of it.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.socket.as_fd(), self.process.as_fd()].into_iter()
    }
}

impl Drop for OutputFilter {
    fn drop(&mut self) {
        let _ = self.process.signal(signal::KILL);
        self.process.reap();
    }
}
