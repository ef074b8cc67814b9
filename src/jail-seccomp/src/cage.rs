//! What a cage refuses in addition to the default filter: ways around Landlock's rules for TCP, and
//! what belongs to the host where no namespace is in between.

use super::condition::Condition;
use super::decision::{ALLOW, Decision, NO_PROTOCOL, PERM};
use super::table::{AF_INET, AF_INET6, SOCK_DGRAM, SOCK_STREAM, SOCK_TYPE, by_family};

/// Which IP sockets can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// Streams of TCP.
    Tcp,
    /// Also datagrams of UDP, which are needed to look up names. Landlock does not check them.
    TcpAndUdp,
}

const IPPROTO_TCP: u32 = 6;
const IPPROTO_UDP: u32 = 17;
const MSG_FASTOPEN: u32 = 0x2000_0000;

/// The IP sockets that a cage allows. Multipath TCP and the like connect where Landlock's
/// rules for TCP do not apply.
fn sockets_of_ip(sockets: Sockets) -> Decision {
    let only = |protocol| Decision::when(Condition::one_of(2, &[0, protocol]), ALLOW, NO_PROTOCOL);
    let of_type =
        |kind, yes, no| Decision::when(Condition::one_of(1, &[kind]).masked(SOCK_TYPE), yes, no);
    let others = match sockets {
        Sockets::Tcp => PERM,
        Sockets::TcpAndUdp => of_type(SOCK_DGRAM, only(IPPROTO_UDP), PERM),
    };
    by_family(&[AF_INET, AF_INET6], of_type(SOCK_STREAM, only(IPPROTO_TCP), others), ALLOW)
}

/// TCP Fast Open connects by sending, without the call that Landlock checks.
fn no_fast_open(flags: u8) -> Decision {
    Decision::when(Condition::any_bit(flags, MSG_FASTOPEN), PERM, ALLOW)
}

/// The limits of another process: the number 0 is the caller's own.
fn own_limits() -> Decision {
    Decision::when(Condition::one_of(0, &[0]), ALLOW, PERM)
}

/// Shared memory, semaphores and queues of System V and POSIX: they are the host's, and no
/// Landlock rule applies to them.
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
pub(super) fn decision(name: &str, sockets: Sockets) -> Decision {
    match name {
        "socket" => sockets_of_ip(sockets),
        "sendto" | "sendmmsg" => no_fast_open(3),
        "sendmsg" => no_fast_open(2),
        "prlimit64" => own_limits(),
        shared if SHARED.contains(&shared) => PERM,
        _ => ALLOW,
    }
}
