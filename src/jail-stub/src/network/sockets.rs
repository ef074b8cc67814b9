//! The first sockets of the namespace. They belong to the broker; the payload connects to them.

use core::net::{IpAddr, Ipv6Addr, SocketAddr};

use jail_plan::{Listener, Transport};
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::sockopt::{
    set_ip_freebind, set_ipv6_freebind, set_ipv6_v6only, set_socket_reuseaddr,
};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with};

use super::routes::no_address;
use crate::failure::Problem;

/// As many as the kernel lets wait (`net.core.somaxconn`): a payload may be faster than the broker.
const WAITING: i32 = 4096;

/// A socket to be made.
pub(super) struct Wanted {
    address: SocketAddr,
    transport: Transport,
}

impl Wanted {
    pub(super) fn from_listener(listener: &Listener) -> Result<Self, Problem> {
        let address: IpAddr =
            listener.address.parse().map_err(|_| no_address(&listener.address))?;
        let address = SocketAddr::new(address, listener.port);
        Ok(Self { address, transport: listener.transport })
    }

    pub(super) const fn is_v6(&self) -> bool {
        self.address.is_ipv6()
    }

    /// It is for all addresses of its family, or for the loopback address, and not for
    /// one that the spec names.
    pub(super) fn is_everyones(&self) -> bool {
        self.address.ip().is_unspecified() || self.address.ip().is_loopback()
    }

    /// Makes it, with system calls only.
    pub(super) fn make(&self) -> Result<OwnedFd, Errno> {
        let family = if self.is_v6() { AddressFamily::INET6 } else { AddressFamily::INET };
        let kind = match self.transport {
            Transport::Tcp => SocketType::STREAM,
            Transport::Udp => SocketType::DGRAM,
        };
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
        if self.is_v6() {
            set_ipv6_v6only(&socket, true)?;
            // In IPv6, not even a local route makes it possible to bind an address.
            set_ipv6_freebind(&socket, true)?;
        } else {
            set_ip_freebind(&socket, true)?;
        }
        match self.transport {
            Transport::Tcp => {
                set_socket_reuseaddr(&socket, true)?;
                bind(&socket, &self.address)?;
                listen(&socket, WAITING)?;
            }
            // If the address were reused, the socket that binds it last
            // would get what is sent there.
            Transport::Udp => bind(&socket, &self.address)?,
        }
        Ok(socket)
    }
}

/// Whether the namespace has IPv6: the kernel may lack it, or a switch may have disabled it
/// for every new interface.
pub(super) fn has_v6() -> Result<bool, Errno> {
    let socket = socket_with(AddressFamily::INET6, SocketType::DGRAM, SocketFlags::CLOEXEC, None);
    let bound = socket
        .and_then(|socket| bind(&socket, &SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0)));
    match bound {
        Ok(()) => Ok(true),
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => Ok(false),
        Err(error) => Err(error),
    }
}
