//! The addresses of all interfaces of this machine, from rtnetlink(7): asked for once, and again
//! whenever one has changed.

use std::cell::RefCell;
use std::io;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

// linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h
const HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWADDR: u16 = 20;
const RTM_GETADDR: u16 = 22;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// `RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR`.
const CHANGES: u32 = 0x10 | 0x100;

/// The addresses, and the sockets that report changes of them.
pub(crate) struct Own {
    questions: OwnedFd,
    changes: OwnedFd,
    known: RefCell<Rc<Vec<IpAddr>>>,
}

impl Own {
    /// Asks for them.
    pub(crate) fn new() -> io::Result<Self> {
        let own = Self {
            questions: socket(SocketFlags::empty(), 0)?,
            changes: socket(SocketFlags::NONBLOCK, CHANGES)?,
            known: RefCell::default(),
        };
        own.refresh()?;
        Ok(own)
    }

    /// All of them, as they are now.
    pub(crate) fn addresses(&self) -> io::Result<Rc<Vec<IpAddr>>> {
        let mut changed = false;
        let mut buffer = [0; 4096];
        loop {
            match recv(&self.changes, &mut buffer, RecvFlags::empty()) {
                // ENOBUFS: there were more than the kernel kept.
                Ok(_) | Err(rustix::io::Errno::NOBUFS) => changed = true,
                Err(rustix::io::Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if changed {
            self.refresh()?;
        }
        Ok(self.known.borrow().clone())
    }

    fn refresh(&self) -> io::Result<()> {
        send(&self.questions, &question(), SendFlags::empty())?;
        let mut found = Vec::new();
        let mut buffer = vec![0; 32 * 1024];
        loop {
            let (count, _) = recv(&self.questions, &mut buffer[..], RecvFlags::empty())?;
            match read(buffer.get(..count).unwrap_or_default(), &mut found) {
                Part::More => {}
                Part::Last => break,
                Part::Broken => return Err(io::Error::other("rtnetlink did not list addresses")),
            }
        }
        *self.known.borrow_mut() = Rc::new(found);
        Ok(())
    }
}

fn socket(flags: SocketFlags, groups: u32) -> io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    let socket =
        // Without a protocol: NETLINK_ROUTE is number 0.
        socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    bind(&socket, &SocketAddrNetlink::new(0, groups))?;
    Ok(socket)
}

/// `RTM_GETADDR` for all families.
fn question() -> Vec<u8> {
    let mut message = Vec::new();
    let length = u32::try_from(HEADER + ADDRESS_HEADER).unwrap_or_default();
    message.extend(length.to_ne_bytes());
    message.extend(RTM_GETADDR.to_ne_bytes());
    message.extend((NLM_F_REQUEST | NLM_F_DUMP).to_ne_bytes());
    message.extend([0; 8 + ADDRESS_HEADER]);
    message
}

/// Whether more messages come.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    More,
    Last,
    Broken,
}

/// Adds the addresses of the messages in one datagram.
fn read(mut datagram: &[u8], found: &mut Vec<IpAddr>) -> Part {
    while let Some((length, kind, body)) = message(datagram) {
        match kind {
            NLMSG_DONE => return Part::Last,
            NLMSG_ERROR => return Part::Broken,
            RTM_NEWADDR => found.extend(addresses(body)),
            _ => {}
        }
        datagram = datagram.get(aligned(length)..).unwrap_or_default();
    }
    if datagram.is_empty() { Part::More } else { Part::Broken }
}

fn message(datagram: &[u8]) -> Option<(usize, u16, &[u8])> {
    let length = u32::from_ne_bytes(datagram.get(..4)?.try_into().ok()?);
    let length = usize::try_from(length).ok()?;
    let kind = u16::from_ne_bytes(datagram.get(4..6)?.try_into().ok()?);
    Some((length, kind, datagram.get(HEADER..length)?))
}

/// Both ends where a link has two: the other one is not an address of ours, but nothing that a jail
/// should reach by a name.
fn addresses(body: &[u8]) -> Vec<IpAddr> {
    let mut found = Vec::new();
    let mut rest = body.get(ADDRESS_HEADER..).unwrap_or_default();
    while let [a, b, c, d, ..] = *rest {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let kind = u16::from_ne_bytes([c, d]);
        let Some(value) = rest.get(4..length) else { break };
        if matches!(kind, IFA_ADDRESS | IFA_LOCAL) {
            found.extend(address(value));
        }
        rest = rest.get(aligned(length)..).unwrap_or_default();
    }
    found
}

fn address(value: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(value).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(value).map(IpAddr::from)).ok()
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn this_machine_has_a_loopback_address() {
        let own = Own::new().unwrap();
        assert!(own.addresses().unwrap().contains(&"127.0.0.1".parse().unwrap()));
    }

    proptest! {
        #[test]
        fn no_datagram_is_read_past_its_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            read(&bytes, &mut Vec::new());
        }
    }
}
