//! Processes of the helper's that do one thing for a launch before there is a jail,
//! each with only the rights that this needs. A word selects the thing, and packets
//! carry the rest ([`jail_plan::errand`]).

use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use jail_plan::Host;
use jail_plan::errand::{PACKET_MAX, Reply};
use jail_plan::helper::{HELPER, Refusal};
use rustix::fd::{BorrowedFd, OwnedFd};
use rustix::io::{Errno, IoSliceMut};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::companion::Companion;
use crate::errno;
use crate::failure::{About, Problem};

/// Such a process, which ends when this is dropped.
pub(crate) struct Errand(Companion);

impl Errand {
    /// Starts the helper for the errand that `word` names.
    pub(crate) fn start(host: Option<&Host>, word: &str) -> Result<Self, Problem> {
        let host = host.ok_or_else(|| Problem::new("", "the plan names no helper"))?;
        Companion::start(host, word, None).map(Self)
    }

    /// Sends a request, with at most one descriptor.
    pub(crate) fn send(
        &self,
        packet: &[u8],
        descriptor: Option<BorrowedFd<'_>>,
    ) -> Result<(), Problem> {
        match self.0.send(packet, descriptor.as_slice()) {
            Err(Errno::PIPE | Errno::CONNRESET) => Err(gone()),
            other => other.about(HELPER),
        }
    }

    pub(crate) fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        self.0.descriptors()
    }

    /// The next reply, and the descriptors that came with it.
    pub(crate) fn reply(&self) -> Result<(Vec<u8>, Vec<OwnedFd>), Problem> {
        let mut packet = vec![0; PACKET_MAX];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let length = loop {
            let mut parts = [IoSliceMut::new(&mut packet)];
            match recvmsg(self.0.socket(), &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
                Err(Errno::INTR) => {}
                Err(Errno::CONNRESET) => return Err(gone()),
                other => break other.about(HELPER)?.bytes,
            }
        };
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(received) = message {
                descriptors.extend(received);
            }
        }
        match Reply::decode(packet.get(..length).unwrap_or_default()) {
            Some(Reply::Done(body)) => Ok((body, descriptors)),
            Some(Reply::Refused(refusal)) => Err(problem(refusal)),
            None => Err(gone()),
        }
    }
}

/// A refusal of the helper, as a problem of the launch.
pub(super) fn problem(refusal: Refusal) -> Problem {
    let Refusal { object, mut cause, error, help } = refusal;
    let error = (error > 0).then(|| Errno::from_raw_os_error(error));
    let problem = match error {
        Some(error) if cause.is_empty() => Problem::errno(&object, error),
        error => {
            error.into_iter().for_each(|error| cause.push_str(&errno::name(error)));
            Problem::new(&object, cause)
        }
    };
    if help.is_empty() { problem } else { problem.help(help) }
}

pub(crate) fn gone() -> Problem {
    Problem::new(HELPER, "the helper ended before its work was done")
}
