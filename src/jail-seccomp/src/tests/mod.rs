//! The program decides as the table does, for every number and for sampled arguments; and the
//! table decides as it should.

mod strict;

use super::bpf::{bytes, value};
use super::condition::{Condition, Match, Test};
use super::decision::{Answer, Decision, Errno};
use super::policy::{Base, Call, OnDeny, Policy, calls};
use super::segments::segments;
use super::simulate::{Question, answer};
use super::table::{Folder, exists};
use super::{Arch, default_program, tree};

const DEFAULT: Policy = Policy::DEFAULT;
const NESTED: Policy = with(Base::Default, true);
const STRICT: Policy = with(Base::Strict { agent: None }, false);

const fn with(base: Base, nested_sandbox: bool) -> Policy {
    let folder = Folder::Plain;
    Policy { base, nested_sandbox, folder, allow: Vec::new(), deny: Vec::new(), on_deny: None }
}
const ALLOW: Answer = Answer::Allow;
const PERM: Answer = Answer::Errno(Errno::Perm);
const NO_SYS: Answer = Answer::Errno(Errno::NoSys);

/// Values that the rules look for, their neighbours, and the same with bits above the 32 that
/// count.
fn samples() -> Vec<u64> {
    let low = [
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        8,
        10,
        15,
        16,
        17,
        40,
        58,
        132,
        262,
        0x80,
        1024,
        1026,
        1040,
        0x540c,
        0x5411,
        0x5412,
        0x541c,
        0x2_0000,
        0x2_0008,
        0x4_0000,
        0x40_0000,
        0x0100_0011,
        0x1000_0000,
        0x4000_0000,
        0x80002,
        0x80003,
        0x7fff_ffff,
        0xffff_ffff,
    ];
    low.iter().flat_map(|low| [*low, *low | 1 << 32, *low | 0xdead_beef << 32]).collect()
}

/// The kernel's interpretation of a program.
fn run(program: &[u8], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
    answer(program, &Question { arch, number, arguments }).unwrap()
}

/// The program of a policy, of any length.
fn compiled(arch: Arch, policy: &Policy) -> Vec<u8> {
    bytes(&tree::program(arch, &segments(arch, policy)))
}

/// The same answer straight from the table.
fn decide(rule: &Decision, arguments: [u64; 6]) -> Answer {
    let low = |index: u8| (arguments[usize::from(index)] & 0xffff_ffff) as u32;
    match rule {
        Decision::Always(answer) => *answer,
        Decision::If { condition: Condition { argument, mask, test }, yes, no } => {
            let found = low(*argument) & mask;
            let holds = match test {
                Test::OneOf(values) => values.contains(&found),
                Test::NoneOf(values) => !values.contains(&found),
                Test::AnyBit(bits) => found & bits != 0,
            };
            decide(if holds { yes } else { no }, arguments)
        }
    }
}

fn unknown(arch: Arch, number: u32) -> Answer {
    match (arch, number) {
        (Arch::X86_64, 0x4000_0000..0x8000_0000) => Answer::Kill,
        (_, _) => NO_SYS,
    }
}

#[test]
fn the_tree_decides_as_the_table_for_every_number_and_sampled_arguments() {
    let samples = samples();
    let odd = [600, 0x3fff_ffff, 0x4000_0000, 0x4000_0029, 0x7fff_ffff, 0x8000_0000, u32::MAX];
    for (arch, policy) in Arch::ALL
        .iter()
        .flat_map(|arch| [DEFAULT, NESTED, STRICT, picky()].map(|policy| (*arch, policy)))
    {
        let program = compiled(arch, &policy);
        let table = calls(arch, &policy);
        for number in (0..600).chain(odd) {
            let rule = table.iter().find(|call| call.number == number).map(|call| &call.decision);
            let looks = rule.is_some_and(|rule| !matches!(rule, Decision::Always(_)));
            let some: &[u64] = if looks { &samples } else { &[0, u64::MAX] };
            for (first, second) in some.iter().flat_map(|a| some.iter().map(move |b| (*a, *b))) {
                for third in [0, 1, 6, 9, 16, 17, 132, 1 << 32] {
                    let arguments = [first, second, third, 0, 0, 0];
                    let theirs = rule.map_or(unknown(arch, number), |rule| decide(rule, arguments));
                    let ours = run(&program, arch.audit(), number, arguments);
                    assert_eq!(ours, value(theirs), "{arch:?} {number} {arguments:x?}");
                }
            }
        }
    }
}

#[test]
fn calls_of_a_foreign_processor_are_killed() {
    const I386: u32 = 0x4000_0003;
    for arch in Arch::ALL {
        let program = compiled(arch, &DEFAULT);
        for number in [0, 1, 11, 102, 360, 600] {
            assert_eq!(run(&program, I386, number, [0; 6]), value(Answer::Kill), "{number}");
        }
    }
}

/// The programs of a policy, which take a while to compile.
struct Compiled(Vec<(Arch, Vec<Call>, Vec<u8>)>);

impl Compiled {
    fn new(policy: &Policy) -> Self {
        Self(Arch::ALL.map(|arch| (arch, calls(arch, policy), compiled(arch, policy))).into())
    }

    #[track_caller]
    fn answers(&self, name: &str, arguments: &[u64], answer: Answer) {
        let mut all = [0; 6];
        all[..arguments.len()].copy_from_slice(arguments);
        for (arch, calls, program) in &self.0 {
            let Some(call) = calls.iter().find(|call| call.name == name) else { continue };
            let ours = run(program, arch.audit(), call.number, all);
            assert_eq!(ours, value(answer), "{arch:?} {name} {arguments:x?}");
        }
    }
}

#[track_caller]
fn answers(policy: &Policy, name: &str, arguments: &[u64], answer: Answer) {
    Compiled::new(policy).answers(name, arguments, answer);
}

#[test]
fn what_sandboxes_were_left_through_is_refused() {
    let policy = Compiled::new(&DEFAULT);
    let refused = |name: &str, arguments: &[u64], answer| policy.answers(name, arguments, answer);
    for name in [
        "ptrace",
        "process_vm_readv",
        "process_vm_writev",
        "bpf",
        "perf_event_open",
        "userfaultfd",
        "io_uring_setup",
        "keyctl",
        "add_key",
        "request_key",
        "open_by_handle_at",
        "mount",
        "umount2",
        "open_tree",
        "move_mount",
        "fsopen",
        "mount_setattr",
        "pivot_root",
        "setns",
        "kexec_load",
        "init_module",
        "finit_module",
        "quotactl",
        "swapon",
        "acct",
        "syslog",
        "iopl",
        "reboot",
        "process_madvise",
        "kcmp",
        "fanotify_init",
        "pidfd_getfd",
        "modify_ldt",
        "clock_settime",
    ] {
        refused(name, &[], PERM);
    }
    refused("clone3", &[], NO_SYS);
    refused("clone", &[0x1000_0011], PERM);
    refused("clone", &[0x0002_0011], PERM);
    refused("unshare", &[0x1000_0000], PERM);
    refused("unshare", &[0x80], PERM);
    for request in [1024, 1026, 1040, 1024 | 1 << 32] {
        refused("fcntl", &[0, request], PERM);
    }
    refused("ioctl", &[0, 0x540c], PERM);
    refused("ioctl", &[0, 0x5423 | 1 << 32], PERM);
    refused("ioctl", &[0, 0x5412], PERM);
    refused("ioctl", &[0, 0x5412 | 1 << 32], PERM);
    refused("ioctl", &[0, 0x541c | 0xffff_ffff << 32], PERM);
    refused("socket", &[40, 1], Answer::Errno(Errno::AfNoSupport));
    refused("socket", &[38, 5], Answer::Errno(Errno::AfNoSupport));
    refused("socket", &[17, 3], Answer::Errno(Errno::AfNoSupport));
    refused("socket", &[2, 3], PERM);
    refused("socket", &[2, 3 | 0x80000], PERM);
    refused("socket", &[2, 1, 132], Answer::Errno(Errno::ProtoNoSupport));
    refused("socket", &[16, 3, 12], Answer::Errno(Errno::ProtoNoSupport));
    refused("personality", &[0x40_0000], PERM);
}

/// The calls that give a file its mode, with the arguments before it.
const MODES: &[(&str, &[u64])] = &[
    ("chmod", &[0]),
    ("fchmod", &[0]),
    ("fchmodat", &[0, 0]),
    ("fchmodat2", &[0, 0]),
    ("creat", &[0]),
    ("mknod", &[0]),
    ("mknodat", &[0, 0]),
    // O_CREAT | O_WRONLY, and O_TMPFILE | O_RDWR as both processors have it.
    ("open", &[0, 0x41]),
    ("openat", &[0, 0, 0x41]),
    ("open", &[0, 0x41_0002]),
    ("openat", &[0, 0, 0x40_4002]),
];

#[test]
fn no_file_becomes_set_user_id_or_set_group_id() {
    for policy in [DEFAULT, NESTED, STRICT].map(|policy| Compiled::new(&policy)) {
        for (name, before) in MODES {
            let with =
                |mode: u64, answer| policy.answers(name, &[*before, &[mode]].concat(), answer);
            for refused in [0o4755, 0o2755, 0o6777, 0o4000, 0o104_755, 0o4755 | 1 << 32] {
                with(refused, PERM);
            }
            for allowed in [0o755, 0o1777, 0o100_644, 0, 1 << 32] {
                with(allowed, ALLOW);
            }
        }
        // Without a flag that makes a file the kernel does not look at the mode, and neither does
        // the filter.
        policy.answers("openat", &[0, 0, 0x8000, 0o4755], ALLOW);
        policy.answers("open", &[0, 0x1_0000, 0o4755], ALLOW);
        policy.answers("openat2", &[], NO_SYS);
        // The kernel takes neither bit from these.
        policy.answers("mkdir", &[0, 0o6777], ALLOW);
        policy.answers("mkdirat", &[0, 0, 0o6777], ALLOW);
    }
}

#[test]
fn no_queue_is_a_set_user_id_file() {
    for policy in [DEFAULT, NESTED].map(|policy| Compiled::new(&policy)) {
        for (mode, answer) in [(0o4755, PERM), (0o2755 | 1 << 32, PERM), (0o755, ALLOW)] {
            policy.answers("mq_open", &[0, 0x42, mode], answer);
        }
    }
}

#[test]
fn in_a_set_group_id_folder_chmod_may_set_that_bit_and_nothing_else_may() {
    let policy = Compiled::new(&Policy { folder: Folder::SetGroupId, ..DEFAULT });
    for (name, before) in MODES {
        let with = |mode: u64, answer| policy.answers(name, &[*before, &[mode]].concat(), answer);
        with(0o4755, PERM);
        with(0o6755, PERM);
        with(0o2755, if name.contains("chmod") { ALLOW } else { PERM });
    }
}

#[test]
fn what_agents_and_runtimes_need_is_allowed() {
    let policy = Compiled::new(&DEFAULT);
    let allowed = |name: &str, arguments: &[u64]| policy.answers(name, arguments, ALLOW);
    for name in [
        "read",
        "openat",
        "execve",
        "execveat",
        "memfd_create",
        "pidfd_open",
        "pidfd_send_signal",
        "set_mempolicy",
        "get_mempolicy",
        "pkey_alloc",
        "sched_setscheduler",
        "sched_setaffinity",
        "inotify_init1",
        "wait4",
        "kill",
        "prctl",
        "seccomp",
        "landlock_create_ruleset",
        "statx",
        "rseq",
        "futex",
        "epoll_pwait2",
        "close_range",
        "copy_file_range",
        "getrandom",
        "membarrier",
        "mknodat",
        "setpriority",
        "prlimit64",
    ] {
        allowed(name, &[]);
    }
    allowed("clone", &[0x003d_0f00]);
    allowed("clone", &[0x0120_0011]);
    allowed("clone", &[0x4111]);
    allowed("unshare", &[0x400]);
    // Locks, flags, sizes of pipes, seals; not leases.
    for request in [0, 1, 2, 3, 4, 6, 7, 36, 37, 38, 1025, 1030, 1031, 1033, 1034] {
        allowed("fcntl", &[0, request]);
    }
    allowed("ioctl", &[0, 0x5413]);
    allowed("ioctl", &[0, 0x5410]);
    allowed("socket", &[1, 3]);
    allowed("socket", &[2, 0x80801, 6]);
    allowed("socket", &[10, 2, 58]);
    allowed("socket", &[2, 1, 262]);
    allowed("socket", &[16, 0x80003, 0]);
    allowed("socketpair", &[1, 5]);
    allowed("personality", &[0xffff_ffff]);
}

#[test]
fn a_nested_sandbox_lifts_namespaces_and_mounts_and_nothing_else() {
    for name in ["mount", "unshare", "setns", "clone3", "pivot_root"] {
        answers(&NESTED, name, &[0x1000_0000], ALLOW);
    }
    answers(&NESTED, "ioctl", &[0, 0x5412], PERM);
    answers(&NESTED, "ptrace", &[], PERM);
    answers(&NESTED, "io_uring_setup", &[], PERM);
}

#[test]
fn the_program_is_short_and_shallow() {
    for arch in Arch::ALL {
        let bytes = default_program(arch);
        assert_eq!(bytes.len() % 8, 0);
        assert!(bytes.len() / 8 < 180, "{} instructions", bytes.len() / 8);
        // Six halvings leave five segments at most, and three comparisons decide among those.
        assert!(segments(arch, &DEFAULT).len() < 256, "{}", segments(arch, &DEFAULT).len());
    }
}

/// A policy with every form of rule.
fn picky() -> Policy {
    Policy {
        allow: vec![
            matching("ptrace", &[]),
            matching("ioctl", &[(1, Test::OneOf(vec![0x5412]))]),
            matching("keyctl", &[(0, Test::OneOf(vec![0, 1])), (1, Test::NoneOf(vec![2]))]),
        ],
        deny: vec![
            matching("getpid", &[]),
            matching("socket", &[(0, Test::OneOf(vec![16]))]),
            matching("openat", &[(2, Test::AnyBit(1))]),
        ],
        ..DEFAULT
    }
}

fn matching(call: &str, conditions: &[(u8, Test)]) -> Match {
    let condition = |(argument, test): &(u8, Test)| Condition::new(*argument, test.clone());
    Match { call: call.into(), conditions: conditions.iter().map(condition).collect() }
}

#[test]
fn a_spec_lifts_and_refuses_what_it_names() {
    let policy = picky();
    let is = |name: &str, arguments: &[u64], answer| answers(&policy, name, arguments, answer);
    is("ptrace", &[], ALLOW);
    is("ioctl", &[0, 0x5412], ALLOW);
    is("ioctl", &[0, 0x541c], PERM);
    is("keyctl", &[0, 1], ALLOW);
    is("keyctl", &[0, 2], PERM);
    is("keyctl", &[3, 1], PERM);
    is("getpid", &[], PERM);
    is("socket", &[16, 3, 0], PERM);
    is("socket", &[1, 1, 0], ALLOW);
    is("socket", &[40, 1, 0], Answer::Errno(Errno::AfNoSupport));
    is("openat", &[0, 0, 1], PERM);
    is("openat", &[0, 0, 2], ALLOW);
    is("bpf", &[], PERM);
}

#[test]
fn a_name_alone_lifts_no_check_of_arguments() {
    let policy = Policy { allow: vec![matching("ioctl", &[]), matching("clone", &[])], ..DEFAULT };
    answers(&policy, "ioctl", &[0, 0x5412], PERM);
    answers(&policy, "clone", &[0x1000_0011], PERM);
}

#[test]
fn what_is_refused_is_answered_as_the_spec_says() {
    for (on_deny, answer) in [
        (None, PERM),
        (Some(OnDeny::Errno), PERM),
        (Some(OnDeny::Kill), Answer::Kill),
        (Some(OnDeny::Log), Answer::Log),
    ] {
        let deny = vec![matching("getpid", &[]), matching("bpf", &[])];
        let policy = Policy { deny, on_deny, ..DEFAULT };
        answers(&policy, "getpid", &[], answer);
        // What the default refuses is not allowed because a rule also refuses it.
        answers(&policy, "bpf", &[], PERM);
    }
}

#[test]
fn every_filter_is_shorter_than_the_kernel_takes() {
    let long = vec![matching("ioctl", &[(1, Test::OneOf((0..5000).collect()))])];
    for arch in Arch::ALL {
        for policy in [DEFAULT, NESTED, STRICT, picky()] {
            assert!(super::program(arch, &policy).is_some_and(|program| program.len() < 8 * 1000));
        }
        assert_eq!(super::program(arch, &Policy { deny: long.clone(), ..DEFAULT }), None);
    }
}
