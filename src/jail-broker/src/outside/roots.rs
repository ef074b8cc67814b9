//! The certificates of the authorities that this machine trusts, read outside of the broker and
//! handed over in memory.
//!
//! In the memory each one stands behind its length, in four bytes.

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Read, Seek, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use rustls::pki_types::CertificateDer;

/// All of them together are not longer.
const LENGTH_MAX: u64 = 16 << 20;

/// Reads them and sends them. What cannot be read is left out: a machine's folder of them may hold
/// anything.
pub(super) fn send(line: &OwnedFd) {
    // Without them every connection that needs them fails, and says so.
    drop(memory().and_then(|memory| hand_over(line, &memory)));
}

fn memory() -> io::Result<OwnedFd> {
    let mut bytes = Vec::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        let length = u32::try_from(certificate.len()).map_err(io::Error::other)?;
        bytes.extend(length.to_ne_bytes());
        bytes.extend_from_slice(&certificate);
    }
    let memory = memfd_create("roots", MemfdFlags::CLOEXEC)?;
    File::from(memory.try_clone()?).write_all(&bytes)?;
    Ok(memory)
}

fn hand_over(line: &OwnedFd, memory: &OwnedFd) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let memory = [memory.as_fd()];
    ancillary.push(SendAncillaryMessage::ScmRights(&memory));
    sendmsg(line, &[IoSlice::new(b"r")], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Waits for them, which are there soon after the launch.
pub(super) fn receive(line: &OwnedFd) -> io::Result<Vec<CertificateDer<'static>>> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(&mut byte)];
    recvmsg(line, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let memory = ancillary.drain().find_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut rights) => rights.next(),
        _ => None,
    });
    let memory = memory.ok_or_else(|| io::Error::other("this machine's authorities are lost"))?;
    let mut memory = File::from(memory);
    memory.rewind()?;
    let mut bytes = Vec::new();
    memory.take(LENGTH_MAX).read_to_end(&mut bytes)?;
    Ok(certificates(&bytes))
}

fn certificates(mut bytes: &[u8]) -> Vec<CertificateDer<'static>> {
    let mut all = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = usize::try_from(u32::from_ne_bytes(*length)).unwrap_or(usize::MAX);
        let Some((one, rest)) = rest.split_at_checked(length) else { break };
        all.push(CertificateDer::from(one.to_vec()));
        bytes = rest;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    #[test]
    fn what_is_sent_is_what_this_machine_trusts() {
        let (own, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
                .unwrap();
        send(&theirs);
        assert_eq!(receive(&own).unwrap(), rustls_native_certs::load_native_certs().certs);
        drop(theirs);
        assert!(receive(&own).is_err());
    }

    #[test]
    fn memory_that_is_cut_off_is_read_as_far_as_it_goes() {
        assert_eq!(certificates(&[1, 0, 0, 0, 7, 2, 0, 0, 0, 7]), [vec![7].into()]);
        assert!(certificates(&[255, 255, 255, 255, 1]).is_empty());
    }
}
