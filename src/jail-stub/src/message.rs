//! What the jail's init and the payload report to the supervisor, and what the supervisor orders
//! init to do, over a pair of sockets: one message in each datagram.
//!
//! The payload holds the socket only until its exec, so no program in the jail writes a message.
//! Messages are decoded with suspicion all the same.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, send, sendmsg, socketpair,
    sockopt,
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

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The sender is about to become the payload.
    Started,
    /// A signal stopped the payload.
    Stopped(u8),
    /// Everything else in the jail has stopped too, as ordered.
    AllStopped,
    /// The payload has ended, and everything else in the jail with it.
    Ended(Ended),
    /// How far the jail has read the standard descriptor of this number, which is a file.
    Read(u8, u64),
    /// The time that the jail may take is over.
    TimeIsOver,
    /// The launch stopped.
    Failed(Failure),
}

/// A message, or the end of all messages.
pub(crate) enum Received {
    /// A message, and the sender's process by the receiver's number.
    Message(Message, Option<i32>),
    /// The jail's terminal, from the user's side.
    Terminal(OwnedFd),
    /// Every sender is gone.
    Closed,
}

/// The supervisor's end and the jail's. The kernel attaches the sender's process to
/// what the supervisor receives.
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
            Self::AllStopped => vec![b'A'],
            Self::Ended(Ended::Exited(status)) => vec![b'E', *status],
            Self::Ended(Ended::Signalled(signal)) => vec![b'K', *signal],
            Self::Read(number, offset) => [&[b'R', *number], &offset.to_le_bytes()[..]].concat(),
            Self::TimeIsOver => vec![b'T'],
            Self::Failed(failure) => [b"F", failure.encode().as_slice()].concat(),
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [b'G'] => Some(Self::Started),
            [b'S', signal] => Some(Self::Stopped(*signal)),
            [b'A'] => Some(Self::AllStopped),
            [b'E', status] => Some(Self::Ended(Ended::Exited(*status))),
            [b'K', signal] => Some(Self::Ended(Ended::Signalled(*signal))),
            [b'R', number, offset @ ..] => {
                Some(Self::Read(*number, u64::from_le_bytes(offset.try_into().ok()?)))
            }
            [b'T'] => Some(Self::TimeIsOver),
            [b'F', failure @ ..] => Failure::decode(failure).map(Self::Failed),
            [..] => None,
        }
    }
}

/// Waits for the next message.
pub(crate) fn receive(channel: impl AsFd) -> Result<Received, Errno> {
    let mut bytes = vec![0; MESSAGE_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmCredentials(1), ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let mut parts = [IoSliceMut::new(&mut bytes)];
        match recvmsg(&channel, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            // The sender ended without reading our orders: this is reported once,
            // before what it has sent.
            Err(Errno::INTR | Errno::CONNRESET) => {}
            other => break other?.bytes,
        }
    };
    let (mut sender, mut terminal) = (None, None);
    for message in control.drain() {
        match message {
            RecvAncillaryMessage::ScmCredentials(credentials) => {
                sender = Some(credentials.pid.as_raw_nonzero().get());
            }
            RecvAncillaryMessage::ScmRights(mut given) => terminal = given.next(),
            _ => {}
        }
    }
    if length == 0 {
        return Ok(Received::Closed);
    }
    if let Some(terminal) = terminal {
        return Ok(Received::Terminal(terminal));
    }
    let message = Message::decode(bytes.get(..length).unwrap_or_default()).ok_or(Errno::IO)?;
    Ok(Received::Message(message, sender))
}

/// Gives the jail's terminal to the supervisor.
pub(crate) fn give_terminal(channel: impl AsFd, terminal: &OwnedFd) -> Result<(), Errno> {
    let given = [terminal.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&given));
    sendmsg(&channel, &[IoSlice::new(b"P")], &mut control, SendFlags::NOSIGNAL).map(drop)
}

/// The orders of the supervisor to init, which trusts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Go on: the ids are mapped.
    Go,
    /// The payload is known by a descriptor, so it may be waited for.
    Known,
    /// The job stops: so does everything in the jail.
    Stop,
    /// The jail's terminal is the payload's.
    Foreground,
    /// It is not, and a process that reads from it is stopped.
    Background,
    /// The job goes on, and what has stopped with it.
    Continue,
}

impl Order {
    const ALL: [Self; 6] =
        [Self::Go, Self::Known, Self::Stop, Self::Foreground, Self::Background, Self::Continue];

    /// A supervisor that cannot send any more is about to end, and the jail with it.
    pub(crate) fn send(self, channel: impl AsFd) -> Result<(), Errno> {
        send(channel, &[self as u8], SendFlags::NOSIGNAL).map(drop)
    }

    /// Waits for the next one. `None` if the supervisor is gone.
    pub(crate) fn receive(channel: impl AsFd) -> Option<Self> {
        let mut byte = [0u8];
        loop {
            match rustix::io::read(&channel, &mut byte) {
                Err(Errno::INTR) => {}
                Ok(1) => {
                    let [byte] = byte;
                    return Self::ALL.into_iter().find(|order| *order as u8 == byte);
                }
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

/// Whether the other end is still open, without waiting.
pub(crate) fn is_connected(channel: impl AsFd) -> bool {
    let mut byte = [0u8];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    // What it has sent already shows that it was there.
    matches!(rustix::net::recv(channel, &mut byte, flags), Err(Errno::AGAIN) | Ok((1, _)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Problem;
    use crate::signal;
    use crate::supervisor::small;

    #[test]
    fn messages_are_read_back_as_sent() {
        let (outside, inside) = channel().unwrap();
        assert!(is_connected(&inside));
        for message in [
            Message::Started,
            Message::Stopped(small(signal::TSTP)),
            Message::AllStopped,
            Message::Read(0, 1 << 40),
            Message::Ended(Ended::Exited(3)),
            Message::Ended(Ended::Signalled(small(signal::TERM))),
            Message::TimeIsOver,
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
    fn what_was_sent_arrives_from_a_process_that_has_ended_with_orders_unread() {
        let (outside, inside) = channel().unwrap();
        Order::Known.send(&outside).unwrap();
        Message::TimeIsOver.send(&inside).unwrap();
        drop(inside);
        assert!(matches!(receive(&outside), Ok(Received::Message(Message::TimeIsOver, _))));
        assert!(matches!(receive(&outside), Ok(Received::Closed)));
    }

    #[test]
    fn orders_arrive_in_their_order_until_the_supervisor_is_gone() {
        let (outside, inside) = channel().unwrap();
        for order in Order::ALL {
            order.send(&outside).unwrap();
        }
        for order in Order::ALL {
            assert_eq!(Order::receive(&inside), Some(order));
        }
        drop(outside);
        assert_eq!(Order::receive(&inside), None);
    }

    #[test]
    fn a_terminal_arrives_as_itself() {
        let (outside, inside) = channel().unwrap();
        give_terminal(&inside, &inside).unwrap();
        assert!(matches!(receive(&outside), Ok(Received::Terminal(_))));
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
