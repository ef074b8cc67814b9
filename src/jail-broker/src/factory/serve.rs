//! The process that makes sockets.

use std::ffi::c_int;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, listen, recv, socket_with, sockopt,
};
use rustix::thread::{CapabilitySet, LinkNameSpaceType, move_into_link_name_space};

use crate::confine::{self, Calls};

use super::{LISTEN, REQUEST, SOCKET_V4, SOCKET_V6, answer};

/// Connections that wait to be accepted.
const BACKLOG: c_int = 512;

/// Joins the namespaces, gives up what it does not need, and makes what it is asked for until the
/// broker ends.
pub(super) fn run(line: &OwnedFd, user: &OwnedFd, network: &OwnedFd) -> c_int {
    let confined = confine(user, network);
    let is_confined = confined.is_ok();
    if answer(line, confined.map(|()| None)).is_err() || !is_confined {
        return 1;
    }
    let mut request = [0; REQUEST];
    while let Ok((REQUEST, _)) = recv(line, &mut request, RecvFlags::empty()) {
        if answer(line, make(request).map(Some)).is_err() {
            break;
        }
    }
    0
}

fn confine(user: &OwnedFd, network: &OwnedFd) -> io::Result<()> {
    match move_into_link_name_space(user.as_fd(), Some(LinkNameSpaceType::User)) {
        // A process cannot join the user namespace that it is in already, which is that of a jail
        // without one of its own.
        Ok(()) | Err(rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
    confine::give_up(CapabilitySet::NET_BIND_SERVICE, Calls::Factory)
}

fn make(request: [u8; REQUEST]) -> io::Result<OwnedFd> {
    let (kind, at) = read(request);
    match kind {
        LISTEN => listening(at),
        SOCKET_V4 => stream(AddressFamily::INET),
        SOCKET_V6 => stream(AddressFamily::INET6),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

fn read(request: [u8; REQUEST]) -> (u8, SocketAddr) {
    let [kind, high, low, address @ ..] = request;
    let address = IpAddr::V6(Ipv6Addr::from(address)).to_canonical();
    (kind, SocketAddr::new(address, u16::from_be_bytes([high, low])))
}

fn stream(family: AddressFamily) -> io::Result<OwnedFd> {
    Ok(socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

fn listening(at: SocketAddr) -> io::Result<OwnedFd> {
    let family = if at.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = stream(family)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    // The routes make the address local without any interface having it; IPv6 binds to such a one
    // on request only.
    match at {
        SocketAddr::V4(_) => sockopt::set_ip_freebind(&socket, true)?,
        SocketAddr::V6(_) => {
            sockopt::set_ipv6_freebind(&socket, true)?;
            sockopt::set_ipv6_v6only(&socket, true)?;
        }
    }
    bind(&socket, &at)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::super::request;
    use super::*;

    #[test]
    fn a_request_is_read_as_it_was_written() {
        for text in ["198.18.0.7:443", "[fd6a::7]:22", "0.0.0.0:1", "[::]:65535"] {
            let at: SocketAddr = text.parse().unwrap();
            assert_eq!(read(request(LISTEN, at)), (LISTEN, at));
        }
    }
}
