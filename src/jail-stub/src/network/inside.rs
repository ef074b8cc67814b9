//! The parts of the jail's processes: the second one makes what is in the namespace, the first one
//! passes it to the broker.

use alloc::ffi::CString;
use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::sync::atomic::Ordering;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::{Errno, IoSlice};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv, sendmsg};

use super::{DESCRIPTORS_MAX, Fault, Part, Prepared, STARTED, VARIABLES_MAX, sockets};
use crate::failure::Problem;
use crate::sys::Handover;

/// The message to the broker: the version of what is passed with it.
const MESSAGE: &[u8] = b"1";

impl Prepared<'_> {
    /// Makes all of it in the network namespace that this process is in, where loopback is up.
    /// `proc` is the host's /proc.
    ///
    /// Memory belongs to init meanwhile: this makes system calls and nothing else.
    pub(crate) fn make(&self, proc: &OwnedFd) {
        if let Err(fault) = self.try_make(proc) {
            self.result.put(fault);
        }
    }

    fn try_make(&self, proc: &OwnedFd) -> Result<(), Fault> {
        self.v4.make().map_err(|(index, error)| (Part::V4, index, error))?;
        let has_v6 = self.has_v6().map_err(|error| (Part::Family, 0, error))?;
        if has_v6 {
            self.v6.make().map_err(|(index, error)| (Part::V6, index, error))?;
        }
        for (index, (wanted, made)) in self.sockets.iter().zip(&self.made).enumerate() {
            if has_v6 || !wanted.is_v6() {
                made.put(wanted.make().map_err(|error| (Part::Socket, index, error))?);
            }
        }
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let user = openat(proc, c"self/ns/user", flags, Mode::empty());
        self.user.put(user.map_err(|error| (Part::User, 0, error))?);
        Ok(())
    }

    fn has_v6(&self) -> Result<bool, Errno> {
        if self.v6.is_empty() && !self.sockets.iter().any(sockets::Wanted::is_v6) {
            return Ok(false);
        }
        let has_v6 = sockets::has_v6()?;
        self.result.lacks_v6.store(!has_v6, Ordering::SeqCst);
        Ok(has_v6)
    }

    /// Passes everything to the broker, if all was made. The second process has reported that it is
    /// done. Returns the variables that the broker has sent.
    pub(crate) fn hand_over(&self, namespace: &OwnedFd) -> Result<Vec<CString>, (&str, Problem)> {
        let at = |problem| (self.plan.by.as_str(), problem);
        self.check().map_err(at)?;
        self.send(namespace).map_err(not_taken).map_err(at)
    }

    /// One message: the user namespace, the network namespace, the sockets in the plan's order,
    /// what the broker fills, the file of what was refused where the jail has a root for it. In the
    /// place of a socket that this machine cannot have is the network namespace once more.
    fn send(&self, namespace: &OwnedFd) -> Result<Vec<CString>, Errno> {
        let channel = self.given.take().ok_or(Errno::BADF)?;
        let user = self.user.take().ok_or(Errno::BADF)?;
        let sockets: Vec<_> = self.made.iter().map(|made| made.take()).collect();
        let sockets =
            sockets.iter().map(|socket| socket.as_ref().map_or(namespace.as_fd(), AsFd::as_fd));
        let refused = self.refused.take();
        let all = [user.as_fd(), namespace.as_fd()].into_iter().chain(sockets);
        let filled: Vec<_> = self.filled.iter().filter_map(Handover::take).collect();
        let all: Vec<_> = all.chain(filled.iter().chain(&refused).map(AsFd::as_fd)).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&all));
        sendmsg(&channel, &[IoSlice::new(MESSAGE)], &mut control, SendFlags::NOSIGNAL)?;
        match self.plan.given.is_empty() {
            true => await_broker(&channel).map(|()| Vec::new()),
            false => await_given(&channel),
        }
    }
}

/// Waits until the broker has filled everything, and takes the variables that it gives: `g`, and
/// `NAME=VALUE` with a NUL between two of them.
fn await_given(channel: &OwnedFd) -> Result<Vec<CString>, Errno> {
    let mut message = vec![0; VARIABLES_MAX];
    loop {
        let count = match recv(channel, &mut message[..], RecvFlags::empty()) {
            Err(Errno::INTR) => continue,
            other => other?.1,
        };
        match message.get(..count).and_then(<[u8]>::split_first) {
            Some((b'g', variables)) => {
                let all = variables.split(|byte| *byte == 0).filter(|one| !one.is_empty());
                return Ok(all.filter_map(|one| CString::new(one).ok()).collect());
            }
            // It does not matter here whether its program runs.
            Some((begins, [])) if STARTED == [*begins] => {}
            Some(_) | None => return Err(Errno::PIPE),
        }
    }
}

/// Waits until the broker runs. It has usually started long ago; but on a busy machine this takes
/// longer, and if it cannot be started there must be no payload.
fn await_broker(channel: &OwnedFd) -> Result<(), Errno> {
    let mut message = [0];
    loop {
        match recv(channel, &mut message, RecvFlags::empty()) {
            Err(Errno::INTR) => {}
            Ok((_, count)) if message.get(..count) == Some(STARTED) => return Ok(()),
            Ok(_) => return Err(Errno::PIPE),
            Err(error) => return Err(error),
        }
    }
}

fn not_taken(error: Errno) -> Problem {
    match error {
        // It has reported the reason itself.
        Errno::PIPE | Errno::CONNRESET => {
            Problem::new("the broker", "it ended before the jail was there")
        }
        _ => Problem::errno("the broker's sockets", error),
    }
}
