//! Routes and addresses of the namespace, as messages to the kernel (rtnetlink(7)).
//!
//! A prefix is made local to the loopback interface, so whatever is sent there arrives at a socket
//! of the jail itself. For a smaller prefix in the middle of one, a `throw` route makes the kernel
//! leave this table; no other table knows it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;

use jail_plan::Network;
use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with,
};

use super::BUILD_AGAIN;
use crate::failure::Problem;

const NEW_ADDRESS: u16 = 20;
const NEW_ROUTE: u16 = 24;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;
/// The kind of message that an acknowledgement is, and an error.
const ERROR: u16 = 2;

/// The loopback interface is the first one of each namespace.
const LOOPBACK: u32 = 1;
/// The table that the kernel searches before all others.
const TABLE_LOCAL: u8 = 255;
const PROTOCOL_STATIC: u8 = 4;
const SCOPE_UNIVERSE: u8 = 0;
const SCOPE_HOST: u8 = 254;
const TYPE_LOCAL: u8 = 2;
const TYPE_THROW: u8 = 9;
/// IPv6 would ask a neighbour whether the address is free, and there is no neighbour.
const FLAG_NO_DETECTION: u8 = 2;

const ATTRIBUTE_ADDRESS: u16 = 1;
const ATTRIBUTE_LOCAL: u16 = 2;
const ATTRIBUTE_INTERFACE: u16 = 4;

const HEADER: usize = 16;

/// What one family gets.
pub(super) struct Routes<'a> {
    /// The messages, one after the other; each is numbered from 1.
    bytes: Vec<u8>,
    /// What each is about.
    about: Vec<&'a str>,
}

/// Those of IPv4 and those of IPv6.
pub(super) fn of_network(network: &Network) -> Result<(Routes<'_>, Routes<'_>), Problem> {
    let (mut v4, mut v6) = (Routes::none(), Routes::none());
    for text in &network.addresses {
        let address: IpAddr = text.parse().map_err(|_| no_address(text))?;
        let routes = if address.is_ipv4() { &mut v4 } else { &mut v6 };
        routes.address(text, address);
    }
    for (prefixes, kind) in [(&network.unreachable, TYPE_THROW), (&network.local, TYPE_LOCAL)] {
        for text in prefixes {
            let (address, length) = prefix(text).ok_or_else(|| no_address(text))?;
            let routes = if address.is_ipv4() { &mut v4 } else { &mut v6 };
            routes.route(text, (address, length), kind);
        }
    }
    v4.finish();
    v6.finish();
    Ok((v4, v6))
}

pub(super) fn no_address(text: &str) -> Problem {
    Problem::new(text, "this is not an address of a network").help(BUILD_AGAIN)
}

fn prefix(text: &str) -> Option<(IpAddr, u8)> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length = length.parse().ok()?;
    (length <= bits(address)).then_some((address, length))
}

/// The length of an address of its family.
const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

const fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 2,
        IpAddr::V6(_) => 10,
    }
}

impl<'a> Routes<'a> {
    const fn none() -> Self {
        Self { bytes: Vec::new(), about: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.about.is_empty()
    }

    /// One more address of the loopback interface.
    fn address(&mut self, about: &'a str, address: IpAddr) {
        let mut body =
            Vec::from([family(address), bits(address), FLAG_NO_DETECTION, SCOPE_UNIVERSE]);
        body.extend(LOOPBACK.to_ne_bytes());
        attribute(&mut body, ATTRIBUTE_LOCAL, &octets(address));
        attribute(&mut body, ATTRIBUTE_ADDRESS, &octets(address));
        self.message(about, NEW_ADDRESS, &body);
    }

    fn route(&mut self, about: &'a str, (address, length): (IpAddr, u8), kind: u8) {
        let scope = if kind == TYPE_LOCAL { SCOPE_HOST } else { SCOPE_UNIVERSE };
        let mut body = Vec::from([family(address), length, 0, 0]);
        body.extend([TABLE_LOCAL, PROTOCOL_STATIC, scope, kind, 0, 0, 0, 0]);
        attribute(&mut body, ATTRIBUTE_ADDRESS, &octets(address));
        if kind == TYPE_LOCAL {
            attribute(&mut body, ATTRIBUTE_INTERFACE, &LOOPBACK.to_ne_bytes());
        }
        self.message(about, NEW_ROUTE, &body);
    }

    fn message(&mut self, about: &'a str, kind: u16, body: &[u8]) {
        self.about.push(about);
        self.bytes.extend(length(HEADER + body.len()).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((REQUEST | CREATE | EXCLUSIVE).to_ne_bytes());
        self.bytes.extend(length(self.about.len()).to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(body);
    }

    /// The last one is acknowledged, so there is something to wait for. Errors of all
    /// are reported in any case.
    fn finish(&mut self) {
        if !self.is_empty() {
            let header = Vec::from(length(HEADER).to_ne_bytes());
            self.bytes.extend(header);
            // The kernel does nothing for it (NLMSG_NOOP).
            self.bytes.extend(1u16.to_ne_bytes());
            self.bytes.extend((REQUEST | ACKNOWLEDGE).to_ne_bytes());
            self.bytes.extend(length(self.about.len() + 1).to_ne_bytes());
            self.bytes.extend(0u32.to_ne_bytes());
        }
    }

    /// Sends them all to the kernel. It only makes system calls. An error is that of
    /// the message by its index.
    pub(super) fn make(&self) -> Result<(), (usize, Errno)> {
        if self.is_empty() {
            return Ok(());
        }
        let at_first = |error| (0, error);
        let socket = open().map_err(at_first)?;
        send(&socket, &self.bytes, SendFlags::empty()).map_err(at_first)?;
        let mut answer = [0; 512];
        loop {
            // An error may include its message; what does not fit is cut off.
            let length = match recv(&socket, &mut answer, RecvFlags::empty()) {
                Err(Errno::INTR) => continue,
                other => other.map_err(at_first)?.0,
            };
            let (number, error) =
                read(answer.get(..length).unwrap_or_default()).map_err(at_first)?;
            let index = usize::try_from(number).unwrap_or_default().saturating_sub(1);
            match error {
                Some(error) => return Err((index, error)),
                None if index >= self.about.len() => return Ok(()),
                None => {}
            }
        }
    }

    /// Why the message of this index was refused.
    pub(super) fn problem(&self, index: usize, error: Errno) -> Problem {
        let about: String = self.about.get(index).copied().unwrap_or("routes").to_string();
        Problem::errno(&about, error)
    }
}

fn open() -> Result<OwnedFd, Errno> {
    // No protocol is that of routes, NETLINK_ROUTE.
    socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)
}

/// The number of the message that was answered, and the error.
fn read(answer: &[u8]) -> Result<(u32, Option<Errno>), Errno> {
    let word = |at: usize| {
        let bytes = answer.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_ne_bytes).ok_or(Errno::BADMSG)
    };
    if word(4)?.to_ne_bytes().first_chunk() != Some(&ERROR.to_ne_bytes()) {
        return Err(Errno::BADMSG);
    }
    let error = word(HEADER)?.cast_signed();
    Ok((word(8)?, (error != 0).then(|| Errno::from_raw_os_error(-error))))
}

/// An attribute: its length, its kind, its value. All of these values fill
/// whole words of four bytes.
fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    let length = u16::try_from(4 + value.len()).unwrap_or(u16::MAX);
    body.extend(length.to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().into(),
        IpAddr::V6(address) => address.octets().into(),
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
