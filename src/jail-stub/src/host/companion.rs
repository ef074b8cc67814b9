//! A process of the helper's that works for one launch, apart from it and with few rights.
//! Its protocol is packets.

use alloc::ffi::CString;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use core::mem::MaybeUninit;

use jail_plan::Host;
use jail_plan::helper::HELPER;
use rustix::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSlice};
use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, recv, sendmsg, socketpair,
};
use rustix::process::{WaitId, WaitIdOptions, waitid};

use super::helper::{ending, wait};
use crate::failure::{About, Problem};
use crate::process::Process;
use crate::signal;
use crate::spawn::{Standing, spawn};
use crate::supervisor::handled;

/// The process, from outside.
pub(super) struct Companion {
    socket: OwnedFd,
    process: Process,
}

impl Companion {
    /// Starts the helper in the role that `word` names, in the jail's control group if it has one.
    pub(super) fn start(
        host: &Host,
        word: &str,
        group: Option<BorrowedFd<'_>>,
    ) -> Result<Self, Problem> {
        let (socket, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .about("a socket")?;
        let words = [HELPER.into(), word.into(), format!("{}", theirs.as_raw_fd())];
        let words = words.map(|word: String| CString::new(word).unwrap_or_default());
        let standing = Standing::Apart { group, messages: None };
        let process = spawn(
            &host.program,
            words.iter().map(CString::as_c_str),
            core::iter::empty(),
            vec![theirs.as_fd()],
            handled(),
            standing,
        )?;
        Ok(Self { socket, process })
    }

    /// Sends a packet, with descriptors of folders.
    pub(super) fn send(&self, packet: &[u8], folders: &[BorrowedFd<'_>]) -> Result<(), Errno> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !folders.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(folders));
        }
        sendmsg(&self.socket, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL).map(drop)
    }

    /// Waits for the next packet. `None` if the process is gone.
    pub(super) fn hear<'p>(&self, packet: &'p mut [u8]) -> Option<&'p [u8]> {
        loop {
            match recv(&self.socket, &mut *packet, RecvFlags::empty()) {
                Err(Errno::INTR) => {}
                Ok((length @ 1.., _)) => return packet.get(..length),
                Ok(_) | Err(_) => return None,
            }
        }
    }

    /// Sends the last message, and waits for the answer and the end, unless a signal in
    /// `signals` ends the wait.
    pub(super) fn finish<'p>(
        self,
        last: &[u8],
        packet: &'p mut [u8],
        signals: &OwnedFd,
    ) -> Option<&'p [u8]> {
        let mut answer = None;
        if self.send(last, &[]).is_ok() {
            let ended = loop {
                match wait(&self.socket, signals) {
                    Ok(true) => break false,
                    Ok(false) if ending(signals).is_none() => {}
                    Ok(false) | Err(_) => break true,
                }
            };
            answer = if ended { None } else { self.hear(packet) };
        }
        if answer.is_some() {
            // It ends by itself: it may have more to do after the answer.
            self.wait();
        }
        answer
    }

    pub(super) fn socket(&self) -> &OwnedFd {
        &self.socket
    }

    fn wait(&self) {
        let child = WaitId::PidFd(self.process.as_fd());
        while matches!(waitid(child.clone(), WaitIdOptions::EXITED), Err(Errno::INTR)) {}
    }

    pub(super) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.socket.as_fd(), self.process.as_fd()]
    }
}

impl Drop for Companion {
    /// Whatever it does is over: its work is done, or has failed.
    fn drop(&mut self) {
        let _ = self.process.signal(signal::KILL);
        self.wait();
    }
}
