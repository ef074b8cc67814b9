//! Calls on mounts and on network interfaces.

use core::mem::size_of;
use core::ptr;

use rustix::fd::{AsFd, AsRawFd};
use rustix::io::Errno;

use super::call::{check, enter, number};

const AT_EMPTY_PATH: usize = 0x1000;
const AT_RECURSIVE: usize = 0x8000;
const SIOCSIFFLAGS: usize = 0x8914;
const IFF_UP: u16 = 1;
const MS_PRIVATE: u64 = 1 << 18;

/// What `mount_setattr(2)` sets on a mount. Every mount that it is applied to also stops sending
/// and receiving mount events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `MOUNT_ATTR_*` that are set.
    pub set: u64,
    /// `MOUNT_ATTR_*` that are cleared.
    pub clear: u64,
    /// Also everything that is mounted below.
    pub recursive: bool,
}

impl Attributes {
    /// `MOUNT_ATTR_RDONLY`.
    pub const READ_ONLY: u64 = 1;
    /// `MOUNT_ATTR_NOSUID`.
    pub const NO_SUID: u64 = 2;
    /// `MOUNT_ATTR_NODEV`.
    pub const NO_DEVICES: u64 = 4;
    /// `MOUNT_ATTR_NOEXEC`.
    pub const NO_EXEC: u64 = 8;
}

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

/// Changes the attributes of the mount that `mount` is the root of: `mount_setattr(2)`.
///
/// # Errors
/// Those of the call.
pub fn set_attributes(mount: impl AsFd, attributes: Attributes) -> Result<(), Errno> {
    let flags = AT_EMPTY_PATH | if attributes.recursive { AT_RECURSIVE } else { 0 };
    let attr = MountAttr {
        set: attributes.set,
        clear: attributes.clear,
        propagation: MS_PRIVATE,
        userns_fd: 0,
    };
    // SAFETY: the path is the empty string, NUL-terminated, which AT_EMPTY_PATH asks for;
    // `attr` has the layout of the kernel's `struct mount_attr`, whose size is passed, and
    // the kernel only reads it.
    check(unsafe {
        enter(
            number::MOUNT_SETATTR,
            [
                mount.as_fd().as_raw_fd().cast_unsigned() as usize,
                c"".as_ptr().addr(),
                flags,
                ptr::from_ref(&attr).expose_provenance(),
                size_of::<MountAttr>(),
            ],
        )
    })
    .map(drop)
}

#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// Brings the loopback interface of the caller's network
/// namespace up: `SIOCSIFFLAGS` (netdevice(7)).
///
/// # Errors
/// Those of the call.
pub fn bring_up(socket: impl AsFd) -> Result<(), Errno> {
    let mut name = [0; 16];
    for (to, from) in name.iter_mut().zip(b"lo") {
        *to = *from;
    }
    let request = InterfaceRequest { name, flags: IFF_UP, rest: [0; 22] };
    // SAFETY: the request is 40 bytes, the size of `struct ifreq`, with a terminated name;
    // the kernel only reads it.
    check(unsafe {
        enter(
            number::IOCTL,
            [
                socket.as_fd().as_raw_fd().cast_unsigned() as usize,
                SIOCSIFFLAGS,
                ptr::from_ref(&request).expose_provenance(),
                0,
                0,
            ],
        )
    })
    .map(drop)
}
