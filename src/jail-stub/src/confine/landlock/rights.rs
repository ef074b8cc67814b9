//! Translates the plan's words to the kernel's bits: what an ABI can restrict, and what a rule
//! allows. No I/O except one `fstat`.

use jail_plan::{Handled, Reach};
use rustix::fd::AsFd;
use rustix::fs::{FileType, OFlags, fstat};
use rustix::io::Errno;

use crate::sys::landlock::{self, Restricted};

/// The object of a rule. The kernel refuses rights on folders for anything but folders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceKind {
    Folder,
    Socket,
    File,
}

impl PlaceKind {
    pub(super) fn from_file(place: impl AsFd) -> Result<Self, Errno> {
        Ok(match FileType::from_raw_mode(fstat(place)?.st_mode) {
            FileType::Directory => Self::Folder,
            FileType::Socket => Self::Socket,
            FileType::RegularFile
            | FileType::Symlink
            | FileType::Fifo
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => Self::File,
        })
    }
}

/// `MAKE_CHAR` and `MAKE_BLOCK` are restricted and never allowed: no program in a jail can
/// use a device that it makes.
const WRITES: u64 = landlock::WRITE_FILE
    | landlock::REMOVE_DIR
    | landlock::REMOVE_FILE
    | landlock::MAKE_CHAR
    | landlock::MAKE_DIR
    | landlock::MAKE_REG
    | landlock::MAKE_SOCK
    | landlock::MAKE_FIFO
    | landlock::MAKE_BLOCK
    | landlock::MAKE_SYM
    | landlock::REFER
    | landlock::TRUNCATE;
const READS: u64 = landlock::READ_FILE | landlock::READ_DIR;
const DEVICES: u64 = landlock::MAKE_CHAR | landlock::MAKE_BLOCK;

/// The rights that apply to objects that are not folders.
const OF_FILES: u64 = landlock::EXECUTE
    | landlock::WRITE_FILE
    | landlock::READ_FILE
    | landlock::TRUNCATE
    | landlock::IOCTL_DEV
    | landlock::RESOLVE_UNIX;

/// The restrictions of `handles` under this ABI. A kernel must not be asked
/// for what it does not have.
pub(super) fn restricted(handles: &[Handled], abi: u32) -> Restricted {
    let mut restricted = Restricted::default();
    for one in handles.iter().filter(|one| one.since() <= abi) {
        match one {
            Handled::Writes => restricted.files |= WRITES,
            Handled::Reads => restricted.files |= READS,
            Handled::Execution => restricted.files |= landlock::EXECUTE,
            Handled::Devices => restricted.files |= landlock::IOCTL_DEV,
            Handled::Sockets => restricted.files |= landlock::RESOLVE_UNIX,
            Handled::BindTcp => restricted.network |= landlock::BIND_TCP,
            Handled::ConnectTcp => restricted.network |= landlock::CONNECT_TCP,
            Handled::AbstractSockets => restricted.scoped |= landlock::ABSTRACT_UNIX_SOCKET,
            Handled::Signals => restricted.scoped |= landlock::SIGNAL,
        }
    }
    if abi < 3 {
        restricted.files &= !landlock::TRUNCATE;
    }
    restricted
}

/// Whether a rule of this reach could allow anything of what is restricted.
pub(super) fn any(reach: Reach, restricted: u64) -> bool {
    [PlaceKind::Folder, PlaceKind::Socket]
        .into_iter()
        .any(|kind| allowed(reach, kind, restricted) != 0)
}

/// What a rule of this reach allows, of what is restricted.
pub(super) fn allowed(reach: Reach, kind: PlaceKind, restricted: u64) -> u64 {
    let write = WRITES & !DEVICES;
    let rights = match reach {
        Reach::Ro => READS,
        Reach::Rox => READS | landlock::EXECUTE,
        Reach::Rw => READS | write | landlock::RESOLVE_UNIX,
        Reach::Rwx => READS | write | landlock::RESOLVE_UNIX | landlock::EXECUTE,
        Reach::Device => {
            READS | write | landlock::RESOLVE_UNIX | landlock::EXECUTE | landlock::IOCTL_DEV
        }
    };
    let rights = match kind {
        PlaceKind::Folder => rights,
        // A socket that is granted itself is granted to be connected to, however it is mounted.
        PlaceKind::Socket => (rights | landlock::RESOLVE_UNIX) & OF_FILES,
        PlaceKind::File => rights & OF_FILES,
    };
    rights & restricted
}

/// How a file that the launcher opened in this way may be opened again: a log that is appended to
/// is not there to be read, and none of it to be executed.
pub(super) fn as_opened(mode: OFlags, reach: Reach, kind: PlaceKind, restricted: u64) -> u64 {
    let not = if mode == OFlags::WRONLY {
        READS
    } else if mode == OFlags::RDWR {
        0
    } else {
        WRITES | landlock::IOCTL_DEV
    };
    allowed(reach, kind, restricted) & !not & !landlock::EXECUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_opened_again_as_it_was() {
        let all = restricted(&Handled::ALL, 9).files;
        let rights = |mode| as_opened(mode, Reach::Device, PlaceKind::File, all);
        let (read, write) = (landlock::READ_FILE, landlock::WRITE_FILE);
        for (mode, has, lacks) in [
            (OFlags::RDONLY, read, write | landlock::TRUNCATE | landlock::EXECUTE),
            (OFlags::WRONLY, write | landlock::TRUNCATE, read | landlock::EXECUTE),
            (OFlags::RDWR, read | write, landlock::EXECUTE),
        ] {
            assert_eq!((rights(mode) & has, rights(mode) & lacks), (has, 0), "{mode:?}");
        }
    }

    fn files(abi: u32) -> u64 {
        restricted(&Handled::ALL, abi).files
    }

    #[test]
    fn every_abi_gets_exactly_the_bits_that_its_kernel_knows() {
        let bits = |abi: u32| {
            let Restricted { files, network, scoped } = restricted(&Handled::ALL, abi);
            (files.count_ones(), network, scoped)
        };
        // From linux/landlock.h: the number of rights on files in each ABI,
        // those on ports, the scopes.
        assert_eq!(bits(0), (0, 0, 0));
        assert_eq!(bits(1), (0, 0, 0), "without REFER every rename between folders would fail");
        assert_eq!(bits(2), (14, 0, 0));
        assert_eq!(bits(3), (15, 0, 0));
        assert_eq!(bits(4), (15, 3, 0));
        assert_eq!(bits(5), (16, 3, 0));
        assert_eq!(bits(6), (16, 3, 3));
        assert_eq!(bits(7), (16, 3, 3));
        assert_eq!(bits(8), (16, 3, 3));
        assert_eq!(bits(9), (17, 3, 3));
        assert_eq!(bits(99), bits(9), "a newer kernel is asked for what is known");
        for abi in 2..12 {
            assert!(files(abi).trailing_ones() == files(abi).count_ones(), "no gaps at {abi}");
        }
    }

    #[test]
    fn only_what_is_asked_for_is_restricted() {
        let writes = restricted(&[Handled::Writes], 9);
        assert_eq!(writes.files & (READS | landlock::EXECUTE | landlock::IOCTL_DEV), 0);
        assert_eq!((writes.network, writes.scoped), (0, 0));
        let signals = restricted(&[Handled::Signals], 9);
        assert_eq!(signals, Restricted { scoped: landlock::SIGNAL, ..Restricted::default() });
        assert_eq!(restricted(&[], 9), Restricted::default());
    }

    #[test]
    fn a_rule_allows_its_reach_and_no_more() {
        let all = files(9);
        let has = |reach, right| allowed(reach, PlaceKind::Folder, all) & right == right;
        for (reach, write, execute, device) in [
            (Reach::Ro, false, false, false),
            (Reach::Rox, false, true, false),
            (Reach::Rw, true, false, false),
            (Reach::Rwx, true, true, false),
            (Reach::Device, true, true, true),
        ] {
            assert!(has(reach, READS), "{reach:?}");
            assert_eq!(has(reach, landlock::WRITE_FILE | landlock::REFER), write, "{reach:?}");
            assert_eq!(has(reach, landlock::EXECUTE), execute, "{reach:?}");
            assert_eq!(has(reach, landlock::IOCTL_DEV), device, "{reach:?}");
            assert_eq!(allowed(reach, PlaceKind::Folder, all) & DEVICES, 0, "{reach:?}");
            assert_eq!(allowed(reach, PlaceKind::File, all) & !OF_FILES, 0, "{reach:?}");
            assert_eq!(allowed(reach, PlaceKind::Folder, 0), 0, "{reach:?}");
        }
    }

    #[test]
    fn a_socket_that_is_granted_can_be_connected_to_also_where_it_is_mounted_read_only() {
        assert_eq!(
            allowed(Reach::Rox, PlaceKind::Socket, landlock::RESOLVE_UNIX),
            landlock::RESOLVE_UNIX
        );
        assert_eq!(allowed(Reach::Rox, PlaceKind::Folder, landlock::RESOLVE_UNIX), 0);
    }

    #[test]
    fn what_could_allow_nothing_is_not_even_opened() {
        let writes = restricted(&[Handled::Writes], 7).files;
        assert!(!any(Reach::Rox, writes));
        assert!(any(Reach::Rwx, writes));
        assert!(any(Reach::Rox, files(9)));
    }
}
