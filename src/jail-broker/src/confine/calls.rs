//! The system calls of each process of the broker.
//!
//! Nothing here opens a file, executes a program, makes a process, or reaches another one. The
//! tests were run under strace(1) with these lists: nothing that the program called was refused.

use std::io;

use jail_seccomp::{Arch, Match};

/// The process that a filter is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Calls {
    /// The broker itself.
    Broker,
    /// The one that makes sockets in the jail's network namespace.
    Factory,
}

/// Memory, time, the end; what the C library and the runtime do by themselves. No memory becomes
/// executable.
const BOTH: &[&str] = &[
    "brk",
    "clock_gettime",
    "clock_nanosleep",
    "close",
    "exit",
    "exit_group",
    "futex",
    "getpid",
    "getrandom",
    "gettid",
    "madvise",
    "mmap(2=0|1|2|3)",
    "mprotect(2=0|1|2|3)",
    "mremap",
    "munmap",
    "read",
    "recvfrom",
    "recvmsg",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_getaffinity",
    "sched_yield",
    "sendmsg",
    "sigaltstack",
    "write",
];

/// Streams of TCP, and datagrams of UDP for look-ups; nothing else that a socket could be.
const BROKER: &[&str] = &[
    "accept4",
    "bind",
    "connect",
    "epoll_create1",
    "epoll_ctl",
    "epoll_pwait",
    "epoll_wait",
    "eventfd2",
    "fcntl",
    "fstat",
    "ftruncate",
    "getpeername",
    "getsockname",
    "getsockopt",
    "ioctl(1=0x5421)",
    "lseek",
    "mlock",
    "poll",
    "ppoll",
    "pipe2",
    "pread64",
    "pwrite64",
    "readv",
    "recvmmsg",
    "sendmmsg",
    "sendto",
    "setsockopt",
    "shutdown",
    "socket(0=2|10)",
    "socketpair(0=1)",
    "splice",
    "writev",
];

const FACTORY: &[&str] =
    &["bind", "fcntl(1=1)", "listen", "setsockopt", "socket(0=2|10,1=0x80001|0x80801)"];

impl Calls {
    /// Its filter, for the kernel.
    pub(crate) fn program(self, arch: Arch) -> io::Result<Vec<u8>> {
        let own = match self {
            Self::Broker => BROKER,
            Self::Factory => FACTORY,
        };
        let matches: Result<Vec<Match>, _> =
            BOTH.iter().chain(own).map(|text| Match::parse(text)).collect();
        let matches = matches.map_err(|error| io::Error::other(error.to_string()))?;
        jail_seccomp::listed_program(arch, &matches)
            .ok_or_else(|| io::Error::other("the filter is too long"))
    }
}

#[cfg(test)]
mod tests {
    use jail_seccomp::{Fate, Question, exists, fate};

    use super::*;

    #[test]
    fn every_call_exists() {
        for text in BOTH.iter().chain(BROKER).chain(FACTORY) {
            assert!(exists(&Match::parse(text).unwrap().call), "{text}");
        }
    }

    #[test]
    fn nothing_opens_executes_or_reaches_another_process() {
        for calls in [Calls::Broker, Calls::Factory] {
            for arch in Arch::ALL {
                let filter = vec![calls.program(arch).unwrap()];
                let by_name = |name: &str| {
                    let numbers = jail_seccomp::calls(arch, &jail_seccomp::Policy::DEFAULT);
                    numbers.iter().find(|call| call.name == name).map(|call| call.number)
                };
                let answer = |name: &str, arguments| {
                    by_name(name)
                        .map(|number| fate(&filter, &Question::new(arch, number, arguments)))
                };
                for name in
                    ["openat", "execve", "clone", "kill", "ptrace", "io_uring_setup", "setns"]
                {
                    assert!(
                        !matches!(answer(name, [0; 6]), Some(Some(Fate::CarriedOut))),
                        "{name}"
                    );
                }
                assert_eq!(answer("recvmsg", [0; 6]), Some(Some(Fate::CarriedOut)));
                let writable_code = [0, 4096, 7, 0, 0, 0];
                assert_ne!(answer("mmap", writable_code), Some(Some(Fate::CarriedOut)));
                let packet_socket = [17, 3, 0, 0, 0, 0];
                assert_ne!(answer("socket", packet_socket), Some(Some(Fate::CarriedOut)));
            }
        }
    }
}
