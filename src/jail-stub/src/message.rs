//! What the jail's first process and the payload tell the supervisor, over a pair of sockets: one message a datagram.
//!
//! The payload holds the socket only until it is executed, so no message is written by what runs in the jail. It is
//! decoded with suspicion all the same.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, IoSliceMut};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketFlags,
    SocketType, recvmsg, send, socketpair, sockopt,
};

use crate::failure::Failure;

const MESSAGE_MAX: usize = 8 * 1024;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It exited with this status.
    Exited(u8),
    /// This signal ended it.
    Signalled(u8),
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The sender is about to become the payload.
    Started,
    /// A signal stopped the payload.
    Stopped(u8),
    /// The payload has ended, and everything else in the jail with it.
    Ended(Ended),
    /// How far the jail has read the standard descriptor of this number, which is a file.
    Read(u8, u64),
    /// The launch stopped.
    Failed(Failure),
}

/// A message, or that there will be none any more.
pub(crate) enum Received {
    /// A message, and the sender's process as the receiver numbers it.
    Message(Message, Option<i32>),
    /// Every sender is gone.
    Closed,
}

/// The supervisor's end and the jail's. The kernel attaches the sender's process to what the supervisor receives.
pub(crate) fn channel() -> Result<(OwnedFd, OwnedFd), Errno> {
    let (outside, inside) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_passcred(&outside, true)?;
    Ok((outside, inside))
}

impl Message {
    pub(crate) fn send(&self, channel: impl AsFd) -> Result<(), Errno> {
        send(channel, &self.encode(), SendFlags::NOSIGNAL).map(drop)
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Started => vec![b'G'],
            Self::Stopped(signal) => vec![b'S', *signal],
            Self::Ended(Ended::Exited(status)) => vec![b'E', *status],
            Self::Ended(Ended::Signalled(signal)) => vec![b'K', *signal],
            Self::Read(number, offset) => [&[b'R', *number], &offset.to_le_bytes()[..]].concat(),
            Self::Failed(failure) => [b"F", failure.encode().as_slice()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'G'] => Some(Self::Started),
            [b'S', signal] => Some(Self::Stopped(*signal)),
            [b'E', status] => Some(Self::Ended(Ended::Exited(*status))),
            [b'K', signal] => Some(Self::Ended(Ended::Signalled(*signal))),
            [b'R', number, offset @ ..] => {
                Some(Self::Read(*number, u64::from_le_bytes(offset.try_into().ok()?)))
            }
            [b'F', failure @ ..] => Failure::decode(failure).map(Self::Failed),
            [..] => None,
        }
    }
}

/// Waits for the next message.
pub(crate) fn receive(channel: impl AsFd) -> Result<Received, Errno> {
    let mut bytes = vec![0; MESSAGE_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&channel, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            // A sender that died with unread messages of ours; there are none, but it means the same as the end.
            Err(Errno::CONNRESET) => break 0,
            other => break other?.bytes,
        }
    };
    let sender = control.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmCredentials(sender) => Some(sender.pid.as_raw_nonzero().get()),
        _ => None,
    });
    if length == 0 {
        return Ok(Received::Closed);
    }
    let message = Message::decode(bytes.get(..length).unwrap_or_default()).ok_or(Errno::IO)?;
    Ok(Received::Message(message, sender))
}

/// Lets the first process go on, which waits for it.
pub(crate) fn go(channel: impl AsFd) -> Result<(), Errno> {
    send(channel, b"M", SendFlags::NOSIGNAL).map(drop)
}

/// Waits until the supervisor lets this process go on.
pub(crate) fn wait_for_go(channel: impl AsFd) -> Result<(), Errno> {
    let mut byte = [0u8];
    loop {
        match rustix::net::recv(&channel, &mut byte, RecvFlags::empty()) {
            Ok((1, _)) => return Ok(()),
            Ok(_) => return Err(Errno::PIPE),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether the other end is still there; asked without waiting.
pub(crate) fn is_connected(channel: impl AsFd) -> bool {
    let mut byte = [0u8];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    // What it has sent already says that it was there.
    matches!(rustix::net::recv(channel, &mut byte, flags), Err(Errno::AGAIN) | Ok((1, _)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Problem;

    #[test]
    fn messages_are_read_back_as_sent() {
        let (outside, inside) = channel().unwrap();
        assert!(is_connected(&inside));
        for message in [
            Message::Started,
            Message::Stopped(20),
            Message::Read(0, 1 << 40),
            Message::Ended(Ended::Exited(3)),
            Message::Ended(Ended::Signalled(15)),
            Message::Failed(Failure::early(Problem::new("/x", "no"))),
        ] {
            message.send(&inside).unwrap();
            let Received::Message(received, sender) = receive(&outside).unwrap() else {
                panic!("closed");
            };
            assert_eq!(received, message);
            assert_eq!(sender, Some(rustix::process::getpid().as_raw_nonzero().get()));
        }
        drop(inside);
        assert!(matches!(receive(&outside), Ok(Received::Closed)));
    }

    #[test]
    fn what_is_no_message_is_an_error() {
        let (outside, inside) = channel().unwrap();
        send(&inside, b"Xyz", SendFlags::empty()).unwrap();
        assert!(matches!(receive(&outside), Err(Errno::IO)));
        drop(outside);
        assert!(!is_connected(&inside));
    }
}
