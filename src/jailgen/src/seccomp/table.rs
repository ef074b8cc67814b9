//! The default filter as a table: families of system calls, why they are refused, and how.
//!
//! Numbers come from the `syscalls` crate, which takes them from the kernel's own tables. A call that a processor does not
//! have is left out there. A number that is newer than the table is answered as by a kernel that is too old for it.

use super::Arch;
use super::set_id::{self, MODE_1, MODE_2, OPEN, OPEN_AT};

/// An error of the kernel that a filter gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    /// Operation not permitted.
    Perm,
    /// No such system call: programs then use an older one.
    NoSys,
    /// Protocol not supported.
    ProtoNoSupport,
    /// Address family not supported.
    AfNoSupport,
}

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The kernel carries it out.
    Allow,
    /// The kernel carries it out and logs it.
    Log,
    /// It fails with this error.
    Errno(Errno),
    /// The process is killed.
    Kill,
}

/// How a call is decided. Of an argument the low 32 bits count, which are all that the kernel looks at in these calls:
/// what stands above them must not change the answer (CVE-2019-10063).
#[derive(Debug, PartialEq, Eq)]
pub enum Rule {
    /// Always the same.
    Always(Answer),
    /// Whether an argument, under a mask, is one of these values.
    OneOf {
        /// Counted from 0.
        argument: u8,
        /// The bits that are compared.
        mask: u32,
        /// The values.
        values: &'static [u32],
        /// If it is.
        yes: &'static Rule,
        /// If not.
        no: &'static Rule,
    },
    /// Whether an argument has any of these bits.
    AnyBit {
        /// Counted from 0.
        argument: u8,
        /// The bits.
        bits: u32,
        /// If it has.
        yes: &'static Rule,
        /// If not.
        no: &'static Rule,
    },
}

/// Which working folder a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Folder {
    /// Any, and jails that have none.
    Plain,
    /// One whose set-group-id bit is set: what is made in it belongs to its group.
    SetGroupId,
}

/// Calls that are refused for one reason.
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// Why.
    pub why: &'static str,
    /// How its calls are decided.
    pub rule: &'static Rule,
    /// `allow-nested-sandbox` lifts it.
    pub lifted_for_nested_sandbox: bool,
    /// The calls.
    pub calls: &'static [&'static str],
}

pub(super) const ALLOW: Rule = Rule::Always(Answer::Allow);
pub(super) const PERM: Rule = Rule::Always(Answer::Errno(Errno::Perm));
const NO_SYS: Rule = Rule::Always(Answer::Errno(Errno::NoSys));

const fn family(
    name: &'static str,
    why: &'static str,
    rule: &'static Rule,
    calls: &'static [&'static str],
) -> Family {
    Family { name, why, rule, lifted_for_nested_sandbox: false, calls }
}

const fn sandbox(
    name: &'static str,
    why: &'static str,
    rule: &'static Rule,
    calls: &'static [&'static str],
) -> Family {
    Family { name, why, rule, lifted_for_nested_sandbox: true, calls }
}

/// CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID and NET. In clone(2) the bit of CLONE_NEWTIME is part of the signal number.
const NEW_NAMESPACES: u32 = 0x7e02_0000;
const CLONE_NEWTIME: u32 = 0x80;

const NO_NEW_NAMESPACES: Rule =
    Rule::AnyBit { argument: 0, bits: NEW_NAMESPACES, yes: &PERM, no: &ALLOW };

const NO_UNSHARED_NAMESPACES: Rule =
    Rule::AnyBit { argument: 0, bits: NEW_NAMESPACES | CLONE_NEWTIME, yes: &PERM, no: &ALLOW };

const TIOCSTI: u32 = 0x5412;
const TIOCLINUX: u32 = 0x541c;
const TIOCEXCL: u32 = 0x540c;
const TIOCSETD: u32 = 0x5423;

const NO_TERMINAL_CHANGES: Rule = Rule::OneOf {
    argument: 1,
    mask: u32::MAX,
    values: &[TIOCSTI, TIOCLINUX, TIOCEXCL, TIOCSETD],
    yes: &PERM,
    no: &ALLOW,
};

const F_SETLEASE: u32 = 1024;
const F_NOTIFY: u32 = 1026;
/// The same for folders, from Linux 6.19 on.
const F_SETDELEG: u32 = 1040;

const NO_LEASES: Rule = Rule::OneOf {
    argument: 1,
    mask: u32::MAX,
    values: &[F_SETLEASE, F_NOTIFY, F_SETDELEG],
    yes: &PERM,
    no: &ALLOW,
};

/// PER_LINUX, PER_LINUX32, both with UNAME26, the query, and ADDR_NO_RANDOMIZE, which sanitizers set for themselves.
const HARMLESS_PERSONALITIES: Rule = Rule::OneOf {
    argument: 0,
    mask: u32::MAX,
    values: &[0, 0x8, 0x2_0000, 0x2_0008, 0xffff_ffff, 0x4_0000],
    yes: &ALLOW,
    no: &PERM,
};

const AF_UNIX: u32 = 1;
pub(super) const AF_INET: u32 = 2;
pub(super) const AF_INET6: u32 = 10;
const AF_NETLINK: u32 = 16;
pub(super) const SOCK_TYPE: u32 = 0xf;
pub(super) const SOCK_STREAM: u32 = 1;
const SOCK_DGRAM: u32 = 2;

pub(super) const NO_PROTOCOL: Rule = Rule::Always(Answer::Errno(Errno::ProtoNoSupport));
const NO_FAMILY: Rule = Rule::Always(Answer::Errno(Errno::AfNoSupport));

/// Unix sockets; IP with streams and datagrams of the common protocols; netlink as far as programs ask it about
/// interfaces, sockets and devices.
const ORDINARY_SOCKETS: Rule = Rule::OneOf {
    argument: 0,
    mask: u32::MAX,
    values: &[AF_UNIX],
    yes: &ALLOW,
    no: &Rule::OneOf {
        argument: 0,
        mask: u32::MAX,
        values: &[AF_INET, AF_INET6],
        yes: &Rule::OneOf {
            argument: 1,
            mask: SOCK_TYPE,
            values: &[SOCK_STREAM, SOCK_DGRAM],
            // The default, ICMP (which ping uses without privileges), TCP, UDP, ICMPv6 and multipath TCP.
            yes: &Rule::OneOf {
                argument: 2,
                mask: u32::MAX,
                values: &[0, 1, 6, 17, 58, 262],
                yes: &ALLOW,
                no: &NO_PROTOCOL,
            },
            no: &PERM,
        },
        no: &Rule::OneOf {
            argument: 0,
            mask: u32::MAX,
            values: &[AF_NETLINK],
            // NETLINK_ROUTE, SOCK_DIAG, KOBJECT_UEVENT and GENERIC.
            yes: &Rule::OneOf {
                argument: 2,
                mask: u32::MAX,
                values: &[0, 4, 15, 16],
                yes: &ALLOW,
                no: &NO_PROTOCOL,
            },
            no: &NO_FAMILY,
        },
    },
};

const UNIX_PAIRS: Rule =
    Rule::OneOf { argument: 0, mask: u32::MAX, values: &[AF_UNIX], yes: &ALLOW, no: &NO_FAMILY };

/// Everything that is refused or looked at. What is not here is allowed.
pub const FAMILIES: &[Family] = &[
    family(
        "terminal",
        "typing into the launcher's shell (TIOCSTI), pasting into a console (TIOCLINUX), and what outlives the jail: closing the \
         terminal to others (TIOCEXCL), another line discipline (TIOCSETD)",
        &NO_TERMINAL_CHANGES,
        &["ioctl"],
    ),
    family(
        "leases",
        "a lease on a file stalls whoever opens it on the host, and a directory's notices are signals for each change in it",
        &NO_LEASES,
        &["fcntl"],
    ),
    family(
        "sockets",
        "address families and protocols that lead past the network's rules or into rarely used kernel code",
        &ORDINARY_SOCKETS,
        &["socket"],
    ),
    family("socket-pairs", "the same for pairs", &UNIX_PAIRS, &["socketpair"]),
    sandbox(
        "namespaces",
        "a namespace of one's own gives back capabilities, and the kernel code behind them",
        &NO_NEW_NAMESPACES,
        &["clone"],
    ),
    sandbox(
        "unshared-namespaces",
        "the same through unshare",
        &NO_UNSHARED_NAMESPACES,
        &["unshare"],
    ),
    sandbox(
        "clone3",
        "its flags lie behind a pointer, where a filter cannot look; programs fall back to clone",
        &NO_SYS,
        &["clone3"],
    ),
    sandbox("joined-namespaces", "entering namespaces of other processes", &PERM, &["setns"]),
    sandbox(
        "mounts",
        "what is masked or read-only must stay so",
        &PERM,
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
        "reading, writing, tracing and comparing other processes",
        &PERM,
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
        "putting code into the kernel or watching it",
        &PERM,
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
        "a set-user-id file gives whoever runs it on the host the rights of the jail's user",
        &MODE_1,
        &["chmod", "fchmod", "creat", "mknod"],
    ),
    family(
        "set-id-modes-at",
        "the same below a folder",
        &MODE_2,
        &["fchmodat", "fchmodat2", "mknodat"],
    ),
    family(
        "set-id-open",
        "the same for files that open makes, and queues",
        &OPEN,
        &["open", "mq_open"],
    ),
    family("set-id-openat", "the same for files that openat makes", &OPEN_AT, &["openat"]),
    family(
        "openat2",
        "its mode lies behind a pointer, where a filter cannot look; programs fall back to openat",
        &NO_SYS,
        &["openat2"],
    ),
    family("page-faults", "holding the kernel at a chosen point", &PERM, &["userfaultfd"]),
    family(
        "io-uring",
        "a second way to every call, which no filter sees",
        &PERM,
        &["io_uring_setup", "io_uring_enter", "io_uring_register"],
    ),
    family(
        "keyrings",
        "keys of the user's session, which no namespace separates",
        &PERM,
        &["add_key", "request_key", "keyctl"],
    ),
    family(
        "file-handles",
        "opening files by number, past every folder",
        &PERM,
        &["open_by_handle_at", "name_to_handle_at"],
    ),
    family(
        "watching-filesystems",
        "events of whole filesystems",
        &PERM,
        &["fanotify_init", "fanotify_mark"],
    ),
    family(
        "personality",
        "execution modes other than the harmless ones",
        &HARMLESS_PERSONALITIES,
        &["personality"],
    ),
    family(
        "machine",
        "the machine's clock, names, swap, accounts and power",
        &PERM,
        &[
            "settimeofday",
            "clock_settime",
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
        &PERM,
        &["iopl", "ioperm", "modify_ldt"],
    ),
    family(
        "obsolete",
        "calls that nothing current makes",
        &NO_SYS,
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
pub(super) fn rule(name: &str, nested_sandbox: bool, folder: Folder) -> &'static Rule {
    let instead = match folder {
        Folder::Plain => None,
        Folder::SetGroupId => set_id::in_group_folder(name),
    };
    instead.unwrap_or_else(|| in_families(name, nested_sandbox))
}

fn in_families(name: &str, nested_sandbox: bool) -> &'static Rule {
    let is_lifted = |family: &&Family| nested_sandbox && family.lifted_for_nested_sandbox;
    FAMILIES
        .iter()
        .filter(|family| !is_lifted(family))
        .find(|family| family.calls.contains(&name))
        .map_or(&ALLOW, |family| family.rule)
}

/// Whether `allow-nested-sandbox` is about this call.
pub(super) fn lifted(name: &str) -> bool {
    FAMILIES.iter().any(|family| family.lifted_for_nested_sandbox && family.calls.contains(&name))
}

/// Whether any of the processors has a call of this name.
#[must_use]
pub fn exists(name: &str) -> bool {
    name.parse::<syscalls::x86_64::Sysno>().is_ok()
        || name.parse::<syscalls::aarch64::Sysno>().is_ok()
}

pub(super) fn known(arch: Arch) -> Box<dyn Iterator<Item = (u32, &'static str)>> {
    match arch {
        Arch::X86_64 => Box::new(
            syscalls::x86_64::Sysno::iter().map(|call| (call.id().cast_unsigned(), call.name())),
        ),
        Arch::Aarch64 => Box::new(
            syscalls::aarch64::Sysno::iter().map(|call| (call.id().cast_unsigned(), call.name())),
        ),
    }
}
