//! Modes of files with the set-user-id or the set-group-id bit: another user of the host who runs
//! such a file runs it with the rights of the jail's user.
//!
//! mkdir(2) is not here, because the kernel takes neither bit from its mode. A folder gets the
//! set-group-id bit from the folder that it is made in, or by chmod(2).

use super::condition::Condition;
use super::decision::{ALLOW, Decision, PERM};

const S_ISUID: u32 = 0o4000;
const S_ISGID: u32 = 0o2000;

/// O_CREAT and O_TMPFILE without its O_DIRECTORY. Only with one of them does the kernel look at the
/// mode (open(2)).
const MAKES_A_FILE: u32 = 0o100 | 0o2000_0000;

fn without(bits: u32, mode: u8) -> Decision {
    Decision::when(Condition::any_bit(mode, bits), PERM, ALLOW)
}

/// The mode is this argument: 1 in chmod, fchmod, creat and mknod, 2 in fchmodat, fchmodat2 and
/// mknodat.
pub(super) fn mode(argument: u8) -> Decision {
    without(S_ISUID | S_ISGID, argument)
}

pub(super) fn open() -> Decision {
    Decision::when(Condition::any_bit(1, MAKES_A_FILE), mode(2), ALLOW)
}

pub(super) fn open_at() -> Decision {
    Decision::when(Condition::any_bit(2, MAKES_A_FILE), mode(3), ALLOW)
}

/// The alternative for calls if the working folder is set-group-id. Then folders in it are too, and
/// a program that copies one keeps the bit. A filter cannot distinguish a folder from a file.
pub(super) fn in_group_folder(name: &str) -> Option<Decision> {
    match name {
        "chmod" | "fchmod" => Some(without(S_ISUID, 1)),
        "fchmodat" | "fchmodat2" => Some(without(S_ISUID, 2)),
        _ => None,
    }
}
