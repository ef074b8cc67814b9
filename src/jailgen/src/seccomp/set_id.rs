//! Modes of files with the set-user-id or the set-group-id bit: another user of the host who runs such a file runs it with the
//! rights of the jail's user.
//!
//! mkdir(2) is not here, because the kernel takes neither bit from its mode. A folder gets the set-group-id bit from the
//! folder that it is made in, or by chmod(2).

use super::table::{ALLOW, PERM, Rule};

const S_ISUID: u32 = 0o4000;
const S_ISGID: u32 = 0o2000;

/// O_CREAT and O_TMPFILE without its O_DIRECTORY. Only with one of them does the kernel look at the mode (open(2)).
const MAKES_A_FILE: u32 = 0o100 | 0o2000_0000;

const fn without(bits: u32, mode: u8) -> Rule {
    Rule::AnyBit { argument: mode, bits, yes: &PERM, no: &ALLOW }
}

/// The mode is argument 1: chmod, fchmod, creat and mknod.
pub(super) const MODE_1: Rule = without(S_ISUID | S_ISGID, 1);

/// The mode is argument 2: fchmodat, fchmodat2 and mknodat.
pub(super) const MODE_2: Rule = without(S_ISUID | S_ISGID, 2);

const MODE_3: Rule = without(S_ISUID | S_ISGID, 3);

/// open.
pub(super) const OPEN: Rule =
    Rule::AnyBit { argument: 1, bits: MAKES_A_FILE, yes: &MODE_2, no: &ALLOW };

/// openat.
pub(super) const OPEN_AT: Rule =
    Rule::AnyBit { argument: 2, bits: MAKES_A_FILE, yes: &MODE_3, no: &ALLOW };

/// Where the working folder is set-group-id, so are the folders in it, and who copies one keeps the bit. A filter cannot tell
/// a folder from a file.
const CHMOD_IN_GROUP_FOLDER: Rule = without(S_ISUID, 1);
const CHMOD_AT_IN_GROUP_FOLDER: Rule = without(S_ISUID, 2);

/// What a call may do instead where the working folder is set-group-id.
pub(super) fn in_group_folder(name: &str) -> Option<&'static Rule> {
    match name {
        "chmod" | "fchmod" => Some(&CHMOD_IN_GROUP_FOLDER),
        "fchmodat" | "fchmodat2" => Some(&CHMOD_AT_IN_GROUP_FOLDER),
        _ => None,
    }
}
