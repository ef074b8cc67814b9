//! Makes sockets in the jail's network namespace, in a process of its own that does nothing else.
//!
//! The broker itself stays in the host's namespace, without any capability. The factory joins the
//! jail's namespaces, keeps CAP_NET_BIND_SERVICE, and talks to the broker alone. Nothing in the
//! jail can reach it: it is in none of the jail's PID namespaces, and has no socket of the jail's.

mod serve;

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use crate::sys::{self, Forked};

/// A request: what to make, the port, and the address as IPv6 (IPv4 ones mapped).
const REQUEST: usize = 1 + 2 + 16;

const LISTEN: u8 = b'l';
const SOCKET_V4: u8 = b'4';
const SOCKET_V6: u8 = b'6';

/// The broker's end.
pub(crate) struct Factory(OwnedFd);

impl Factory {
    /// Starts the process. This one must have one thread.
    pub(crate) fn start(user: OwnedFd, network: OwnedFd) -> io::Result<Self> {
        let (own, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        match sys::fork()? {
            Forked::Child => {
                // Else the factory would hold the broker's end open, and not see it end.
                drop(own);
                sys::exit_now(serve::run(&theirs, &user, &network))
            }
            Forked::Parent => {}
        }
        drop(theirs);
        let factory = Self(own);
        factory.await_ready()?;
        Ok(factory)
    }

    /// Waits until it has joined the namespaces and given up its rights.
    fn await_ready(&self) -> io::Result<()> {
        self.receive().map(drop)
    }

    /// A socket that listens in the jail. The address need not be any interface's.
    pub(crate) fn listen(&self, at: SocketAddr) -> io::Result<OwnedFd> {
        self.ask(LISTEN, at)
    }

    /// A socket of TCP in the jail, to connect to one of its servers.
    pub(crate) fn socket(&self, to: IpAddr) -> io::Result<OwnedFd> {
        let kind = if to.is_ipv4() { SOCKET_V4 } else { SOCKET_V6 };
        self.ask(kind, SocketAddr::new(to, 0))
    }

    fn ask(&self, kind: u8, at: SocketAddr) -> io::Result<OwnedFd> {
        let request = request(kind, at);
        let parts = [IoSlice::new(&request)];
        sendmsg(&self.0, &parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?;
        self.receive()?.ok_or_else(|| io::Error::other("the factory sent no socket"))
    }

    /// An answer: the number of an error, or 0 and perhaps a socket.
    fn receive(&self) -> io::Result<Option<OwnedFd>> {
        let mut error = [0_u8; 4];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut error)];
        let received = recvmsg(&self.0, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes != size_of::<i32>() {
            return Err(io::Error::other("the process that makes sockets in the jail has ended"));
        }
        let mut sockets = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
            _ => None,
        });
        match i32::from_ne_bytes(error) {
            0 => Ok(sockets.next()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

fn request(kind: u8, at: SocketAddr) -> [u8; REQUEST] {
    let address = match at.ip() {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let mut request = [kind; REQUEST];
    let (_, rest) = request.split_at_mut(1);
    let (port, octets) = rest.split_at_mut(2);
    port.copy_from_slice(&at.port().to_be_bytes());
    octets.copy_from_slice(&address.octets());
    request
}

/// Sends the answer to the broker.
fn answer(line: impl AsFd, made: io::Result<Option<OwnedFd>>) -> io::Result<()> {
    let line = line.as_fd();
    match made {
        Ok(socket) => match send(line, 0, socket.as_ref()) {
            // The user has too many files under way between processes, which a payload can bring
            // about.
            Err(rustix::io::Errno::TOOMANYREFS) => send(line, libc::ETOOMANYREFS, None),
            other => other,
        },
        Err(error) => send(line, error.raw_os_error().unwrap_or(libc::EINVAL), None),
    }
    .map_err(io::Error::from)
}

fn send(line: BorrowedFd<'_>, error: i32, socket: Option<&OwnedFd>) -> rustix::io::Result<()> {
    let error = error.to_ne_bytes();
    let sockets: Vec<_> = socket.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !sockets.is_empty() {
        ancillary.push(rustix::net::SendAncillaryMessage::ScmRights(&sockets));
    }
    sendmsg(line, &[IoSlice::new(&error)], &mut ancillary, SendFlags::NOSIGNAL).map(drop)
}
