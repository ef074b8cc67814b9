//! The system calls that name files: where their paths are, and what they want of them.

use jail_seccomp::StopAt;

/// What a program wants of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Want {
    /// To know of it, or to read it.
    Read,
    /// To execute it.
    Execute,
    /// To connect to it: it is a socket.
    Connect,
    /// To make it, change it or remove it.
    Write,
}

/// How a call says what it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Always(Want),
    /// By the flags of open(2), in this argument.
    Flags(usize),
    /// By the flags in the memory that this argument points to.
    How(usize),
    /// By the mode of access(2), in this argument.
    Mode(usize),
    /// A socket's address is in this argument, and its length in the next one.
    Address(usize),
}

/// A path: the argument that names the folder that it starts from, and its own.
pub(super) type PathAt = (Option<usize>, usize);

/// A call that names files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileCall {
    pub(super) name: &'static str,
    pub(super) paths: &'static [PathAt],
    pub(super) says: Says,
    /// Of which nothing is to be seen: an argument, and bits.
    unless: Option<(u8, u32)>,
}

/// `AT_EMPTY_PATH`: the call is about a descriptor, and most calls of fstat(3) are made so.
const EMPTY_PATH: u32 = 0x1000;

const FIRST: &[PathAt] = &[(None, 0)];
const SECOND: &[PathAt] = &[(None, 1)];
const BELOW: &[PathAt] = &[(Some(0), 1)];
const READ: Says = Says::Always(Want::Read);
const WRITE: Says = Says::Always(Want::Write);
const EXECUTE: Says = Says::Always(Want::Execute);

const fn call(name: &'static str, paths: &'static [PathAt], says: Says) -> FileCall {
    FileCall { name, paths, says, unless: None }
}

const fn or_empty(name: &'static str, paths: &'static [PathAt], says: Says, flags: u8) -> FileCall {
    FileCall { name, paths, says, unless: Some((flags, EMPTY_PATH)) }
}

/// All of them. Those that work on descriptors alone are not here: a descriptor was opened.
pub(super) const CALLS: &[FileCall] = &[
    call("open", FIRST, Says::Flags(1)),
    call("openat", BELOW, Says::Flags(2)),
    call("openat2", BELOW, Says::How(2)),
    call("creat", FIRST, WRITE),
    call("stat", FIRST, READ),
    call("lstat", FIRST, READ),
    or_empty("newfstatat", BELOW, READ, 3),
    // Its name on ARM.
    or_empty("fstatat", BELOW, READ, 3),
    or_empty("statx", BELOW, READ, 2),
    call("statfs", FIRST, READ),
    call("readlink", FIRST, READ),
    call("readlinkat", BELOW, READ),
    call("access", FIRST, Says::Mode(1)),
    call("faccessat", BELOW, Says::Mode(2)),
    or_empty("faccessat2", BELOW, Says::Mode(2), 3),
    call("chdir", FIRST, READ),
    call("execve", FIRST, EXECUTE),
    or_empty("execveat", BELOW, EXECUTE, 4),
    call("connect", &[], Says::Address(1)),
    call("mkdir", FIRST, WRITE),
    call("mkdirat", BELOW, WRITE),
    call("mknod", FIRST, WRITE),
    call("mknodat", BELOW, WRITE),
    call("unlink", FIRST, WRITE),
    call("unlinkat", BELOW, WRITE),
    call("rmdir", FIRST, WRITE),
    call("rename", &[(None, 0), (None, 1)], WRITE),
    call("renameat", &[(Some(0), 1), (Some(2), 3)], WRITE),
    call("renameat2", &[(Some(0), 1), (Some(2), 3)], WRITE),
    call("link", &[(None, 0), (None, 1)], WRITE),
    call("linkat", &[(Some(0), 1), (Some(2), 3)], WRITE),
    call("symlink", SECOND, WRITE),
    call("symlinkat", &[(Some(1), 2)], WRITE),
    call("chmod", FIRST, WRITE),
    call("fchmodat", BELOW, WRITE),
    call("fchmodat2", BELOW, WRITE),
    call("chown", FIRST, WRITE),
    call("lchown", FIRST, WRITE),
    or_empty("fchownat", BELOW, WRITE, 4),
    call("truncate", FIRST, WRITE),
    call("utime", FIRST, WRITE),
    call("utimes", FIRST, WRITE),
    call("utimensat", BELOW, WRITE),
];

/// The calls at which a process stops.
pub(super) fn stops() -> Vec<StopAt> {
    CALLS.iter().map(|call| StopAt { name: call.name, unless: call.unless }).collect()
}

/// What the flags of open(2) want.
pub(super) fn of_flags(flags: u64) -> Want {
    // Any access but reading, or one of O_CREAT and O_TRUNC (fcntl(2)); the values are those of
    // both processors.
    if flags & 3 != 0 || flags & (0o100 | 0o1000) != 0 { Want::Write } else { Want::Read }
}

/// What the mode of access(2) wants.
pub(super) fn of_mode(mode: u64) -> Want {
    match mode {
        mode if mode & 2 != 0 => Want::Write,
        mode if mode & 1 != 0 => Want::Execute,
        _ => Want::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_is_one_of_a_processor() {
        for call in CALLS {
            let is_known = |arch| jail_seccomp::number(arch, call.name).is_some();
            assert!(jail_seccomp::Arch::ALL.into_iter().any(is_known), "{}", call.name);
        }
    }

    #[test]
    fn flags_and_modes_say_what_is_wanted() {
        for (flags, want) in
            [(0, Want::Read), (1, Want::Write), (2, Want::Write), (0o100, Want::Write)]
        {
            assert_eq!(of_flags(flags), want);
        }
        for (mode, want) in [(0, Want::Read), (4, Want::Read), (1, Want::Execute), (6, Want::Write)]
        {
            assert_eq!(of_mode(mode), want);
        }
    }
}
