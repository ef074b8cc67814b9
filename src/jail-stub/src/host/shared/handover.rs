//! How the jail's first process tells the supervisor where shared files are inside: a descriptor of the folder, and what the
//! file was when the first process had put it there, before there was a payload.

use alloc::vec;
use alloc::vec::Vec;
use core::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::io::{Errno, IoSlice, IoSliceMut};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};

use super::side::Signature;

/// Both ends, made before the clone. The payload has neither.
pub(super) struct Handover {
    ours: OwnedFd,
    theirs: OwnedFd,
}

impl Handover {
    pub(super) fn new() -> Result<Self, Errno> {
        let (ours, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok(Self { ours, theirs })
    }

    /// One file.
    pub(super) fn tell(
        &self,
        number: usize,
        folder: &OwnedFd,
        left: Signature,
    ) -> Result<(), Errno> {
        let number = u32::try_from(number).map_err(|_| Errno::OVERFLOW)?;
        let bytes = [number.to_le_bytes().as_slice(), &left.bytes()].concat();
        let folders = [folder.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&folders));
        sendmsg(&self.theirs, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL).map(drop)
    }

    /// All that was told. It was told before the payload was started, so nothing has to be waited for.
    pub(super) fn told(self) -> Vec<(usize, OwnedFd, Signature)> {
        let mut all = Vec::new();
        while let Some(told) = self.next() {
            all.push(told);
        }
        all
    }

    fn next(&self) -> Option<(usize, OwnedFd, Signature)> {
        let mut bytes = vec![0; 64];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let length = recvmsg(&self.ours, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags);
        let length = length.ok()?.bytes;
        let (number, left) = bytes.get(..length)?.split_first_chunk::<4>()?;
        let folder = control.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut folders) => folders.next(),
            _ => None,
        })?;
        let number = usize::try_from(u32::from_le_bytes(*number)).ok()?;
        Some((number, folder, Signature::from_bytes(left)?))
    }
}
