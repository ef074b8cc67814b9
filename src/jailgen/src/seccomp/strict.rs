//! The lists of the strict filter: what agents and the commands that they start were seen to use.
//!
//! Recorded by `tests/agents/run --syscalls` and, for [`COMMANDS`], with strace over shells, coreutils, git, Python, Node.js, a C
//! compiler, make and Cargo, with their like. Where processors have different calls for one thing, both are there. A call on a list is under the
//! checks of the default filter all the same: what that refuses with an error is refused with it here, too.

/// The calls that a strict filter leaves: those of an agent, or without one (or with one that was never recorded) those of all
/// agents and of the commands that they start.
pub(super) fn list(agent: Option<&str>) -> impl Iterator<Item = &'static str> {
    let own = agent.and_then(|agent| AGENTS.iter().find(|(name, _)| *name == agent));
    let lists: Vec<&[&str]> = match own {
        Some((_, calls)) => vec![EVERYBODY, calls],
        None => AGENTS.iter().map(|(_, calls)| *calls).chain([EVERYBODY, COMMANDS]).collect(),
    };
    lists.into_iter().flatten().copied()
}

/// What all of them use; what every language runtime, a name server or work on files may come to need, which a short run may
/// not; and what the jail's own processes need under the payload's filter: to start it, to wait for it, to report and to end.
#[rustfmt::skip]
const EVERYBODY: &[&str] = &[
    "accept4", "access", "arch_prctl", "bind", "brk", "chdir", "chmod", "clock_getres",
    "clock_gettime", "clock_nanosleep", "clone", "clone3", "close", "close_range", "connect",
    "dup", "dup2", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait",
    "eventfd2", "execve", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64",
    "fchmod", "fchmodat", "fcntl", "fstat", "fstatfs", "fsync", "ftruncate", "futex", "getcpu",
    "getcwd", "getdents64", "getegid", "geteuid", "getgid", "getgroups", "getpeername",
    "getpgid", "getpgrp", "getpid", "getppid", "getrandom", "getrusage", "getsockname",
    "getsockopt", "gettid", "gettimeofday", "getuid", "ioctl", "kill", "listen", "lseek",
    "lstat", "madvise", "membarrier", "mkdir", "mkdirat", "mmap", "mprotect", "mremap",
    "munmap", "nanosleep", "newfstatat", "open", "openat", "pipe2", "poll", "ppoll", "prctl",
    "pread64", "prlimit64", "pwrite64", "read", "readlink", "readlinkat", "readv", "recvfrom",
    "recvmsg", "rename", "renameat", "renameat2", "restart_syscall", "rmdir", "rseq",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sched_getaffinity", "sched_yield",
    "seccomp", "sendmmsg", "sendmsg", "sendto", "set_robust_list", "set_tid_address", "setpgid",
    "setsid", "setsockopt", "shutdown", "sigaltstack", "socket", "socketpair", "stat", "statfs",
    "statx", "sysinfo", "tgkill", "time", "times", "tkill", "umask", "uname", "unlink",
    "unlinkat", "utimensat", "vfork", "wait4", "write", "writev",
];

/// What an agent uses beside.
#[rustfmt::skip]
const AGENTS: &[(&str, &[&str])] = &[
    ("claude-code", &[
    "copy_file_range", "epoll_pwait2", "inotify_add_watch", "inotify_init1", "inotify_rm_watch",
    "pidfd_open", "pwritev2",
    ]),
    ("codex", &[
    "fchown", "flock", "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "symlink",
    "symlinkat",
    ]),
    ("copilot-cli", &[
    "capget", "epoll_create", "fchown", "flock", "get_mempolicy", "inotify_add_watch",
    "inotify_init1", "inotify_rm_watch", "io_uring_enter", "io_uring_setup", "pidfd_open",
    "set_mempolicy", "waitid",
    ]),
    ("gemini-cli", &[
    "capget", "pkey_alloc",
    ]),
    ("opencode", &[
    "epoll_pwait2", "fallocate", "fchown", "inotify_add_watch", "inotify_init1",
    "inotify_rm_watch", "pidfd_open", "rt_sigsuspend", "sched_setscheduler", "timerfd_create",
    "timerfd_settime",
    ]),
    ("pi", &[
    "capget", "pkey_alloc",
    ]),
    ("qwen-code", &[
    "capget", "get_mempolicy", "inotify_add_watch", "inotify_init1", "inotify_rm_watch",
    "pkey_alloc", "set_mempolicy", "symlink", "symlinkat",
    ]),
];

/// What ordinary commands use beside.
#[rustfmt::skip]
const COMMANDS: &[&str] = &[
    "accept", "alarm", "capget", "copy_file_range", "creat", "epoll_pwait2", "execveat",
    "fallocate", "fchdir", "fchown", "fchownat", "fdatasync", "flock", "fork", "fsetxattr",
    "get_mempolicy", "getdents", "getitimer", "getpriority", "getresgid", "getresuid", "getsid",
    "getxattr", "inotify_add_watch", "inotify_init1", "inotify_rm_watch", "ioprio_get",
    "lgetxattr", "link", "linkat", "llistxattr", "memfd_create", "mknodat", "mlock", "msync",
    "munlock", "pause", "pidfd_open", "pidfd_send_signal", "pipe", "pkey_alloc", "preadv",
    "pselect6", "pwritev", "recvmmsg", "removexattr", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "sched_getparam", "sched_getscheduler", "select", "sendfile",
    "set_mempolicy", "setgroups", "setitimer", "setpriority", "setresgid", "setresuid",
    "setxattr", "signalfd4", "splice", "symlink", "symlinkat", "tee", "timer_create",
    "timer_settime", "timerfd_create", "timerfd_settime", "waitid",
];
