//! The default filter as a table: families of system calls, why they are refused, and how.
//!
//! Numbers come from the `syscalls` crate, which takes them from the kernel's own tables. A call
//! that a processor does not have is left out there. A number that is newer than the table is
//! answered as by a kernel that is too old for it, and so is a call that neither a family nor
//! `allowed.list` names.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::Arch;
use super::condition::Condition;
use super::decision::{ALLOW, Decision, NO_FAMILY, NO_PROTOCOL, NO_SYS, PERM};
use super::set_id;
use super::strict::words;

/// Which working folder a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Any, and for jails that have none.
    Plain,
    /// One whose set-group-id bit is set: what is made in it belongs to its group.
    SetGroupId,
}

/// Calls that are refused for one reason.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Why the calls are refused.
    pub why: &'static str,
    /// The decision on its calls.
    pub decision: fn() -> Decision,
    /// `allow-nested-sandbox` lifts it.
    pub lifted_for_nested_sandbox: bool,
    /// The names of the calls.
    pub calls: &'static [&'static str],
}

const fn family(
    name: &'static str,
    why: &'static str,
    decision: fn() -> Decision,
    calls: &'static [&'static str],
) -> Family {
    Family { name, why, decision, lifted_for_nested_sandbox: false, calls }
}

const fn sandbox(
    name: &'static str,
    why: &'static str,
    decision: fn() -> Decision,
    calls: &'static [&'static str],
) -> Family {
    Family { name, why, decision, lifted_for_nested_sandbox: true, calls }
}

/// CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. In clone(2) the bit of CLONE_NEWTIME is part
/// of the signal number.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
const CLONE_NEWTIME: u32 = 0x80;

fn no_namespaces(bits: u32) -> Decision {
    Decision::when(Condition::any_bit(0, bits), PERM, ALLOW)
}

const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const TIOCEXCL: u32 = 0x540c;
const TIOCSETD: u32 = 0x5423;

fn no_terminal_changes() -> Decision {
    let requests = [TIOCSTI, TIOCLINUX, TIOCEXCL, TIOCSETD];
    Decision::when(Condition::one_of(1, &requests), PERM, ALLOW)
}

const F_SETLEASE: u32 = 1024;
const F_NOTIFY: u32 = 1026;
/// The same for folders, from Linux 6.19 on.
const F_SETDELEG: u32 = 1040;

fn no_leases() -> Decision {
    Decision::when(Condition::one_of(1, &[F_SETLEASE, F_NOTIFY, F_SETDELEG]), PERM, ALLOW)
}

/// PER_LINUX, PER_LINUX32, both with UNAME26, the query, and ADDR_NO_RANDOMIZE, which sanitizers
/// set for themselves.
const HARMLESS_PERSONALITIES: &[u32] = &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff, 0x4_0000];

fn harmless_personalities() -> Decision {
    Decision::when(Condition::one_of(0, HARMLESS_PERSONALITIES), ALLOW, PERM)
}

const AF_UNIX: u32 = 1;
pub(super) const AF_INET: u32 = 2;
pub(super) const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
pub(super) const SOCK_TYPE: u32 = 0xf;
pub(super) const SOCK_STREAM: u32 = 1;
pub(super) const SOCK_DGRAM: u32 = 2;

/// The default, ICMP (which ping uses without privileges), TCP, UDP, ICMPv6 and multipath TCP.
const IP_PROTOCOLS: &[u32] = &[0, 1, 6, 17, 58, 262];
/// NETLINK_ROUTE, SOCK_DIAG, KOBJECT_UEVENT and GENERIC.
const NETLINK_PROTOCOLS: &[u32] = &[0, 4, 15, 16];

/// Unix sockets; IP with streams and datagrams of the common protocols; netlink as far as programs
/// ask it about interfaces, sockets and devices.
fn ordinary_sockets() -> Decision {
    let protocols = |values| Decision::when(Condition::one_of(2, values), ALLOW, NO_PROTOCOL);
    let types = Condition::one_of(1, &[SOCK_STREAM, SOCK_DGRAM]).masked(SOCK_TYPE);
    let ip = Decision::when(types, protocols(IP_PROTOCOLS), PERM);
    let netlink = by_family(&[AF_NETLINK], protocols(NETLINK_PROTOCOLS), NO_FAMILY);
    by_family(&[AF_UNIX], ALLOW, by_family(&[AF_INET, AF_INET6], ip, netlink))
}

fn unix_pairs() -> Decision {
    by_family(&[AF_UNIX], ALLOW, NO_FAMILY)
}

/// By the address family of a socket.
pub(super) fn by_family(families: &[u32], yes: Decision, no: Decision) -> Decision {
    Decision::when(Condition::one_of(0, families), yes, no)
}

/// Everything that is refused or checked. What is not here is allowed.
pub const FAMILIES: &[Family] = &[
    family(
        "terminal",
        "typing into the launcher's shell (TIOCSTI), pasting into a console (TIOCLINUX), and what outlives the jail: closing the \
         terminal to others (TIOCEXCL), another line discipline (TIOCSETD)",
        no_terminal_changes,
        &["ioctl"],
    ),
    family(
        "leases",
        "a lease on a file stalls a program that opens it on the host, and directory notifications are signals for each change",
        no_leases,
        &["fcntl"],
    ),
    family(
        "sockets",
        "address families and protocols that lead past the network's rules or into rarely used kernel code",
        ordinary_sockets,
        &["socket"],
    ),
    family("socket-pairs", "the same for pairs", unix_pairs, &["socketpair"]),
    sandbox(
        "namespaces",
        "a new user namespace gives capabilities back, and with them access to more kernel code",
        || no_namespaces(NEW_NAMESPACES),
        &["clone"],
    ),
    sandbox(
        "unshared-namespaces",
        "the same through unshare",
        || no_namespaces(NEW_NAMESPACES | CLONE_NEWTIME),
        &["unshare"],
    ),
    sandbox(
        "clone3",
        "its flags are behind a pointer, which a filter cannot read; programs fall back to clone",
        || NO_SYS,
        &["clone3"],
    ),
    sandbox("joined-namespaces", "enters namespaces of other processes", || PERM, &["setns"]),
    sandbox(
        "mounts",
        "could undo what is masked or read-only",
        || PERM,
        &[
            "mount",
            "umount2",
            "pivot_root",
            "chroot",
            "open_tree",
            "open_tree_attr",
            "move_mount",
            "fsopen",
            "fsconfig",
            "fsmount",
            "fspick",
            "mount_setattr",
        ],
    ),
    family(
        "other-processes",
        "reads, writes, traces and compares other processes",
        || PERM,
        &[
            "ptrace",
            "process_vm_readv",
            "process_vm_writev",
            "process_madvise",
            "kcmp",
            "pidfd_getfd",
            "move_pages",
            "migrate_pages",
            "mbind",
        ],
    ),
    family(
        "kernel-code",
        "loads code into the kernel, or observes it",
        || PERM,
        &[
            "kexec_load",
            "kexec_file_load",
            "init_module",
            "finit_module",
            "delete_module",
            "create_module",
            "bpf",
            "perf_event_open",
            "lookup_dcookie",
            "syslog",
        ],
    ),
    family(
        "set-id-modes",
        "a set-user-id file gives any user who runs it on the host the rights of the jail's user",
        || set_id::mode(1),
        &["chmod", "fchmod", "creat", "mknod"],
    ),
    family(
        "set-id-modes-at",
        "the same below a folder",
        || set_id::mode(2),
        &["fchmodat", "fchmodat2", "mknodat"],
    ),
    family(
        "set-id-open",
        "the same for files that open makes, and queues",
        set_id::open,
        &["open", "mq_open"],
    ),
    family("set-id-openat", "the same for files that openat makes", set_id::open_at, &["openat"]),
    family(
        "openat2",
        "its mode is behind a pointer, which a filter cannot read; programs fall back to openat",
        || NO_SYS,
        &["openat2"],
    ),
    family("page-faults", "stops the kernel at a chosen point", || PERM, &["userfaultfd"]),
    family(
        "io-uring",
        "a second way to make system calls, which filters do not see",
        || PERM,
        &["io_uring_setup", "io_uring_enter", "io_uring_register"],
    ),
    family(
        "keyrings",
        "keys of the user's session, which no namespace isolates",
        || PERM,
        &["add_key", "request_key", "keyctl"],
    ),
    family(
        "file-handles",
        "opens files by inode number, bypassing the folders above them",
        || PERM,
        &["open_by_handle_at", "name_to_handle_at"],
    ),
    family(
        "watching-filesystems",
        "events of whole filesystems",
        || PERM,
        &["fanotify_init", "fanotify_mark"],
    ),
    family(
        "personality",
        "execution domains other than the harmless ones",
        harmless_personalities,
        &["personality"],
    ),
    family(
        "machine",
        "the machine's clock, names, swap, accounts and power",
        || PERM,
        &[
            "settimeofday",
            "clock_settime",
            "clock_settime64",
            "sethostname",
            "setdomainname",
            "swapon",
            "swapoff",
            "acct",
            "quotactl",
            "quotactl_fd",
            "reboot",
            "vhangup",
        ],
    ),
    family(
        "hardware",
        "ports, segments and modes of the processor",
        || PERM,
        &["iopl", "ioperm", "modify_ldt"],
    ),
    family(
        "obsolete",
        "obsolete calls that no current program makes",
        || NO_SYS,
        &[
            "uselib",
            "_sysctl",
            "nfsservctl",
            "query_module",
            "get_kernel_syms",
            "afs_syscall",
            "tuxcall",
            "security",
            "vserver",
            "getpmsg",
            "putpmsg",
            "sysfs",
            "ustat",
            "remap_file_pages",
        ],
    ),
];

/// What the default filter does with a call.
pub(super) fn decision(name: &str, nested_sandbox: bool, folder: Folder) -> Decision {
    let instead = match folder {
        Folder::Plain => None,
        Folder::SetGroupId => set_id::in_group_folder(name),
    };
    instead.unwrap_or_else(|| in_families(name, nested_sandbox))
}

fn in_families(name: &str, nested_sandbox: bool) -> Decision {
    let is_lifted = |family: &&Family| nested_sandbox && family.lifted_for_nested_sandbox;
    FAMILIES
        .iter()
        .filter(|family| !is_lifted(family))
        .find(|family| family.calls.contains(&name))
        .map_or(ALLOW, |family| (family.decision)())
}

/// Whether `allow-nested-sandbox` is about this call.
pub(super) fn lifted(name: &str) -> bool {
    FAMILIES.iter().any(|family| family.lifted_for_nested_sandbox && family.calls.contains(&name))
}

/// Whether any of the processors has a call of this name.
#[must_use]
pub fn exists(name: &str) -> bool {
    let is_known = name.parse::<syscalls::x86_64::Sysno>().is_ok()
        || name.parse::<syscalls::aarch64::Sysno>().is_ok();
    is_known && is_reviewed(name)
}

/// The names of all calls of both processors; those that both have occur twice.
pub fn names() -> impl Iterator<Item = &'static str> {
    Arch::ALL.into_iter().flat_map(known).map(|(_, name)| name)
}

/// The calls of a processor, with their numbers: those of the kernel's table that were reviewed.
pub(super) fn known(arch: Arch) -> impl Iterator<Item = (u32, &'static str)> {
    numbered(arch).into_iter().filter(|(_, name)| is_reviewed(name))
}

/// The calls of a processor that the `syscalls` crate knows.
pub(super) fn numbered(arch: Arch) -> Vec<(u32, &'static str)> {
    match arch {
        Arch::X86_64 => syscalls::x86_64::Sysno::iter()
            .map(|call| (call.id().cast_unsigned(), call.name()))
            .collect(),
        Arch::Aarch64 => syscalls::aarch64::Sysno::iter()
            .map(|call| (call.id().cast_unsigned(), call.name()))
            .collect(),
    }
}

/// Whether a call is in a family, or on the list of those that were found harmless. A newer
/// `syscalls` crate knows more calls than that; they fail with ENOSYS, as on a kernel that lacks
/// them, until they are added to either.
pub(super) fn is_reviewed(name: &str) -> bool {
    static REVIEWED: LazyLock<BTreeSet<&str>> = LazyLock::new(|| {
        let refused = FAMILIES.iter().flat_map(|family| family.calls.iter().copied());
        words(include_str!("allowed.list")).chain(refused).collect()
    });
    REVIEWED.contains(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_names_calls_that_exist_and_each_once() {
        let names: Vec<&str> =
            FAMILIES.iter().flat_map(|family| family.calls.iter().copied()).collect();
        for (index, name) in names.iter().enumerate() {
            assert!(exists(name), "{name}");
            assert!(!names[..index].contains(name), "{name} is in two families");
        }
    }

    #[test]
    fn every_call_was_looked_at_before_it_was_allowed() {
        for arch in Arch::ALL {
            for (_, name) in numbered(arch) {
                assert!(
                    is_reviewed(name),
                    "`{name}` is new: put it into a family of table.rs or, if it is harmless in a jail, into allowed.list"
                );
            }
        }
        let allowed: Vec<&str> = words(include_str!("allowed.list")).collect();
        assert!(allowed.is_sorted_by(|one, next| one < next), "allowed.list is not sorted");
        for name in allowed {
            assert!(exists(name), "{name}");
            assert!(
                !FAMILIES.iter().any(|family| family.calls.contains(&name)),
                "{name} is in both"
            );
        }
    }
}
