//! What a cage refuses beside the default filter: ways around Landlock's rules for TCP, and what is the host's where there is no
//! namespace in between.

use super::table::{AF_INET, AF_INET6, ALLOW, NO_PROTOCOL, PERM, Rule, SOCK_STREAM, SOCK_TYPE};

/// Which sockets of IP can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// Streams of TCP.
    Tcp,
    /// And datagrams of UDP, which names are looked up with. Landlock does not look at them.
    TcpAndUdp,
}

const SOCK_DGRAM: u32 = 2;
const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const MSG_FASTOPEN: u32 = 0x2000_0000;

/// Multipath TCP and its like connect where Landlock's rules for TCP do not look.
const STREAMS: Rule = Rule::OneOf {
    argument: 2,
    mask: u32::MAX,
    values: &[0, IPPROTO_TCP],
    yes: &ALLOW,
    no: &NO_PROTOCOL,
};

const DATAGRAMS: Rule = Rule::OneOf {
    argument: 2,
    mask: u32::MAX,
    values: &[0, IPPROTO_UDP],
    yes: &ALLOW,
    no: &NO_PROTOCOL,
};

const fn of_ip(by_type: &'static Rule) -> Rule {
    Rule::OneOf {
        argument: 0,
        mask: u32::MAX,
        values: &[AF_INET, AF_INET6],
        yes: by_type,
        no: &ALLOW,
    }
}

const NO_DATAGRAMS: Rule =
    Rule::OneOf { argument: 1, mask: SOCK_TYPE, values: &[SOCK_STREAM], yes: &STREAMS, no: &PERM };

const WITH_DATAGRAMS: Rule = Rule::OneOf {
    argument: 1,
    mask: SOCK_TYPE,
    values: &[SOCK_STREAM],
    yes: &STREAMS,
    no: &Rule::OneOf {
        argument: 1,
        mask: SOCK_TYPE,
        values: &[SOCK_DGRAM],
        yes: &DATAGRAMS,
        no: &PERM,
    },
};

static TCP: Rule = of_ip(&NO_DATAGRAMS);
static TCP_AND_UDP: Rule = of_ip(&WITH_DATAGRAMS);

/// TCP Fast Open connects by sending, without the call that Landlock looks at.
const fn no_fast_open(flags: u8) -> Rule {
    Rule::AnyBit { argument: flags, bits: MSG_FASTOPEN, yes: &PERM, no: &ALLOW }
}

static SEND_TO: Rule = no_fast_open(3);
static SEND_MESSAGE: Rule = no_fast_open(2);

/// The limits of another process: the number 0 is the caller's own.
static OWN_LIMITS: Rule =
    Rule::OneOf { argument: 0, mask: u32::MAX, values: &[0], yes: &ALLOW, no: &PERM };

/// Shared memory, semaphores and queues of System V and POSIX: the host's, which no Landlock rule is about.
const SHARED: &[&str] = &[
    "shmget",
    "shmat",
    "shmctl",
    "semget",
    "semop",
    "semtimedop",
    "semctl",
    "msgget",
    "msgsnd",
    "msgrcv",
    "msgctl",
    "mq_open",
    "mq_unlink",
];

/// How a call is decided.
pub(super) fn rule(name: &str, sockets: Sockets) -> &'static Rule {
    match (name, sockets) {
        ("socket", Sockets::Tcp) => &TCP,
        ("socket", Sockets::TcpAndUdp) => &TCP_AND_UDP,
        ("sendto" | "sendmmsg", _) => &SEND_TO,
        ("sendmsg", _) => &SEND_MESSAGE,
        ("prlimit64", _) => &OWN_LIMITS,
        (shared, _) if SHARED.contains(&shared) => &PERM,
        (_, _) => &ALLOW,
    }
}
