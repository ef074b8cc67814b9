//! Packets between the stub and a process that works for one launch: a pair of sockets, and a
//! descriptor with some of them.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// The next packet, as `decode` reads it, with its descriptor; `None` if the sender is gone.
pub(crate) fn hear<T>(
    socket: &OwnedFd,
    packet: &mut [u8],
    decode: impl FnOnce(&[u8]) -> Option<T>,
) -> io::Result<Option<(T, Option<OwnedFd>)>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut parts = [IoSliceMut::new(&mut *packet)];
        match recvmsg(socket, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    let descriptor = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
        _ => None,
    });
    match packet.get(..length) {
        Some([]) | None => Ok(None),
        Some(packet) => match decode(packet) {
            Some(message) => Ok(Some((message, descriptor))),
            None => Err(io::Error::other("the stub sent no packet")),
        },
    }
}

/// Sends a packet, with at most two descriptors. It is not a fault if the stub is gone: the next
/// thing that is received is the end.
pub(crate) fn tell(
    socket: &OwnedFd,
    packet: &[u8],
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(descriptors));
    }
    match sendmsg(socket, &[IoSlice::new(packet)], &mut control, SendFlags::NOSIGNAL) {
        Err(Errno::PIPE | Errno::CONNRESET) | Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
