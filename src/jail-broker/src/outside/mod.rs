//! What has to be done with the host's files after the broker can open none: a process of its own,
//! which gets no byte of the jail's.
//!
//! It opens `resolv.conf` and `hosts` on request, reads the certificates of the authorities that
//! this machine trusts where they are needed, and takes the control socket away when the broker has
//! ended.

mod roots;

use std::cell::OnceCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, open};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recv, recvmsg, sendmsg, socketpair,
};
use rustix::thread::CapabilitySet;
use rustls::RootCertStore;

use crate::confine;
use crate::sys::{self, Forked};

const RESOLV_CONF: &str = "/etc/resolv.conf";
const HOSTS: &str = "/etc/hosts";

/// Bits of an answer: which of the two files follow.
const HAS_RESOLV_CONF: u8 = 1;
const HAS_HOSTS: u8 = 2;

/// The answer where they cannot be passed on now.
const CANNOT: u8 = 4;

/// The broker's end.
pub(crate) struct Outside {
    orders: OwnedFd,
    /// Brings the certificates, in one message.
    roots: Option<OwnedFd>,
    /// Those, once they were read.
    trusted: OnceCell<Arc<RootCertStore>>,
}

/// Whether the authorities that this machine trusts are needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Roots {
    Needed,
    NotNeeded,
}

/// The files, opened for reading; a host may have none.
pub(crate) struct Files {
    pub(crate) resolv_conf: Option<OwnedFd>,
    pub(crate) hosts: Option<OwnedFd>,
}

impl Outside {
    /// Starts the process. This one must have one thread. `control` is taken away at the end, and
    /// its folder if nothing else is in it.
    pub(crate) fn start(control: PathBuf, roots: Roots) -> io::Result<Self> {
        let (orders, theirs) = line()?;
        let (roots, their_roots) = match roots {
            Roots::Needed => line().map(|(own, theirs)| (Some(own), Some(theirs)))?,
            Roots::NotNeeded => (None, None),
        };
        match sys::fork()? {
            Forked::Child => {
                drop((orders, roots));
                if confine::give_up_rights(CapabilitySet::empty()).is_ok() {
                    if let Some(line) = their_roots {
                        roots::send(&line);
                    }
                    serve(&theirs);
                }
                remove(&control);
                sys::exit_now(0)
            }
            Forked::Parent => Ok(Self { orders, roots, trusted: OnceCell::new() }),
        }
    }

    /// The authorities that this machine trusts: what every server outside is recognised by.
    pub(crate) fn trusted(&self) -> io::Result<Arc<RootCertStore>> {
        if let Some(trusted) = self.trusted.get() {
            return Ok(trusted.clone());
        }
        let certificates = roots::receive(self.roots.as_ref().ok_or(io::ErrorKind::NotFound)?)?;
        let mut trusted = RootCertStore::empty();
        // A file may hold some that cannot be parsed.
        let (taken, _) = trusted.add_parsable_certificates(certificates);
        if taken == 0 {
            return Err(io::Error::other("this machine has no certificates of authorities"));
        }
        Ok(self.trusted.get_or_init(|| Arc::new(trusted)).clone())
    }

    /// Opens the files anew.
    pub(crate) fn files(&self) -> io::Result<Files> {
        let parts = [IoSlice::new(b"f")];
        sendmsg(&self.orders, &parts, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?;
        let mut which = [0_u8];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut parts = [IoSliceMut::new(&mut which)];
        let received = recvmsg(&self.orders, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        if received.bytes == 0 {
            return Err(io::Error::other("the process that opens the host's files has ended"));
        }
        let mut files = Vec::new();
        for message in ancillary.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                files.extend(rights);
            }
        }
        let mut files = files.into_iter();
        let [which] = which;
        if which == CANNOT {
            return Err(rustix::io::Errno::TOOMANYREFS.into());
        }
        let mut next = |bit: u8| if which & bit == 0 { None } else { files.next() };
        Ok(Files { resolv_conf: next(HAS_RESOLV_CONF), hosts: next(HAS_HOSTS) })
    }
}

fn line() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

fn serve(line: &OwnedFd) {
    let mut order = [0];
    while let Ok((1, _)) = recv(line, &mut order, RecvFlags::empty()) {
        let (resolv_conf, hosts) = (file(RESOLV_CONF), file(HOSTS));
        let bit = |file: &Option<OwnedFd>, bit| if file.is_some() { bit } else { 0 };
        let which = [bit(&resolv_conf, HAS_RESOLV_CONF) | bit(&hosts, HAS_HOSTS)];
        let files: Vec<_> = resolv_conf.iter().chain(&hosts).map(AsFd::as_fd).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            ancillary.push(SendAncillaryMessage::ScmRights(&files));
        }
        let mut sent = sendmsg(line, &[IoSlice::new(&which)], &mut ancillary, SendFlags::NOSIGNAL);
        // The user has too many files under way between processes, which a payload can bring about.
        if sent == Err(rustix::io::Errno::TOOMANYREFS) {
            let mut nothing = SendAncillaryBuffer::default();
            sent = sendmsg(line, &[IoSlice::new(&[CANNOT])], &mut nothing, SendFlags::NOSIGNAL);
        }
        if sent.is_err() {
            return;
        }
    }
}

fn file(path: &str) -> Option<OwnedFd> {
    open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty()).ok()
}

fn remove(control: &Path) {
    // If another process removed them before, the result is the same.
    drop(std::fs::remove_file(control));
    if let Some(folder) = control.parent() {
        drop(std::fs::remove_dir(folder));
    }
}
