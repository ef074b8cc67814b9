//! E: what a jail leaves for the host, and what it may do to what the host shares with it.

use super::Columns;

const FORBIDDEN: &str = "errno 1";

pub(super) const ROWS: &[Columns] = &[
    // AF_ALG, AF_RXRPC, AF_KEY: a kernel without them answers as the filter does. The XFRM of
    // netlink every kernel with IPsec has.
    ("E15", "call socket 38 5 0", "errno 97", "ok…|errno 97"),
    ("E15", "call socket 33 2 2", "errno 97", "ok…|errno 97"),
    ("E15", "call socket 15 3 2", "errno 97", "ok…|errno 97|errno 1"),
    ("E15", "call socket 16 3 6", "errno 93", "ok…|errno 93"),
    ("E15", "call socketpair 38 5 0 z:8", "errno 97", "errno 95|errno 97"),
    ("E17", "call chmod s:{project}/mine 0x9ed", FORBIDDEN, "ok 0"),
    ("E17", "call chmod s:{project}/mine 0x5ed", FORBIDDEN, "ok 0"),
    ("E17", "call chmod s:{project}/mine 0x1ed", "ok 0", "ok 0"),
    ("E17", "call fchmod -1 0x9ed", FORBIDDEN, "errno 9"),
    ("E17", "call fchmodat -100 s:{project}/mine 0x9ed", FORBIDDEN, "ok 0"),
    ("E17", "call fchmodat2 -100 s:{project}/mine 0x5ed 0", FORBIDDEN, "ok 0|errno 38"),
    ("E17", "call openat -100 s:{project}/made 0x41 0x9ed", FORBIDDEN, "ok…"),
    ("E17", "call openat -100 s:{project} 0x414002 0x9ed", FORBIDDEN, "ok…"),
    ("E17", "call mknodat -100 s:{project}/node 0x89ed 0", FORBIDDEN, "ok 0"),
    // Its mode lies behind a pointer: there is no such call.
    ("E17", "call openat2 -100 s:{project}/mine z:24 24", "errno 38", "ok…"),
    // F_SETLEASE, F_NOTIFY, F_SETDELEG: without the filter the kernel looks
    // at the descriptor first.
    ("E27", "call fcntl -1 1024 1", FORBIDDEN, "errno 9"),
    ("E27", "call fcntl -1 0x100000400 1", FORBIDDEN, "errno 9"),
    ("E27", "call fcntl -1 1026 1", FORBIDDEN, "errno 9"),
    ("E27", "call fcntl -1 1040 0", FORBIDDEN, "errno 9"),
    ("E27", "call fcntl 0 1", "ok 0", "ok 0"),
    // TIOCEXCL, TIOCSETD: outside there is no terminal on standard input.
    ("E27", "call ioctl 0 0x540c", FORBIDDEN, "errno 25"),
    ("E27", "call ioctl 0 0x5423 b:00000000", FORBIDDEN, "errno 25"),
];
