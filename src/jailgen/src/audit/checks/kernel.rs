//! Checks on privileges and on what of the kernel can be reached.

use jail_registry::names as combinator;

use super::{Judged, names, refused};
use crate::audit::seen::Seen;

const PERM: i32 = 1;
const NOSYS: i32 = 38;

pub(super) fn status<'a>(seen: &Seen<'a>, field: &str) -> Option<&'a str> {
    let text = seen.text("read /proc/self/status")?;
    text.lines().find_map(|line| Some(line.strip_prefix(field)?.strip_prefix(':')?.trim()))
}

pub(super) fn capabilities(seen: &Seen<'_>) -> Judged {
    const SETS: &[&str] = &["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
    let held: Vec<String> = SETS
        .iter()
        .map(|set| (set, status(seen, set).unwrap_or("no answer")))
        .filter(|(_, value)| !value.bytes().all(|digit| digit == b'0'))
        .map(|(set, value)| format!("{set} is {value}"))
        .collect();
    if held.is_empty() {
        Judged::Passed("all five sets are empty".into())
    } else {
        Judged::Failed(held.join(", "))
    }
}

pub(super) fn terminal(seen: &Seen<'_>) -> Judged {
    refused(
        seen,
        &[
            ("call ioctl 0 0x5412 s:x", &[PERM], "TIOCSTI"),
            ("call ioctl 0 0x100005412 s:x", &[PERM], "TIOCSTI with high bits"),
            ("call ioctl 0 0x541c b:03", &[PERM], "TIOCLINUX"),
            ("call ioctl 0 0x10000541c b:03", &[PERM], "TIOCLINUX with high bits"),
        ],
    )
}

pub(super) fn keyrings(seen: &Seen<'_>) -> Judged {
    refused(
        seen,
        &[
            ("call keyctl 0 -3 0", &[PERM, NOSYS], "keyctl"),
            ("call add_key s:user s:jailgen-audit s:x 1 -1", &[PERM, NOSYS], "add_key"),
        ],
    )
}

/// ENOENT is as good: what is not there cannot be turned.
pub(super) fn switches(seen: &Seen<'_>) -> Judged {
    let tried = refused(
        seen,
        &[
            ("open-write /proc/sys/kernel/hostname", &[2, 13, 30], "/proc/sys"),
            ("open-write /proc/sysrq-trigger", &[2, 13, 30], "/proc/sysrq-trigger"),
        ],
    );
    match (tried, seen.list("list /sys")) {
        (Judged::Passed(evidence), None) => Judged::Passed(format!("{evidence}; no /sys")),
        (Judged::Passed(_), Some(entries)) => {
            Judged::Failed(format!("/sys is there: {}", names(entries)))
        }
        (judged, _) => judged,
    }
}

pub(super) fn nested(seen: &Seen<'_>) -> Judged {
    refused(
        seen,
        &[
            ("call unshare 0x10000000", &[PERM, NOSYS], "unshare"),
            ("call clone 0x10000011 0 0 0 0", &[PERM], "clone with CLONE_NEWUSER"),
            ("call clone3 z:64 64", &[NOSYS], "clone3"),
            ("call mount s:none s:/tmp s:tmpfs 0 0", &[PERM, NOSYS], "mount"),
        ],
    )
    .unless_applied(seen, &[combinator::ALLOW_NESTED_SANDBOX])
}

pub(super) fn tracing(seen: &Seen<'_>) -> Judged {
    let tried = refused(
        seen,
        &[
            ("call ptrace 0 0 0 0", &[PERM, NOSYS], "ptrace"),
            ("call process_vm_readv 1 0 0 0 0 0", &[PERM, NOSYS], "process_vm_readv"),
            ("link /proc/1/root", &[13], "PID 1's files"),
        ],
    );
    tried.unless_applied(seen, &[combinator::SHARE_NS])
}

pub(super) fn io_uring(seen: &Seen<'_>) -> Judged {
    refused(seen, &[("call io_uring_setup 1 z:120", &[PERM, NOSYS], "io_uring_setup")])
}

pub(super) fn filter(seen: &Seen<'_>) -> Judged {
    let mode = status(seen, "Seccomp").unwrap_or("unknown");
    if mode != "2" {
        return Judged::Failed(format!("there is no system call filter (mode {mode})"));
    }
    let mut calls: Vec<(&str, &[i32], &str)> = vec![
        ("call bpf 99 z:8 8", &[PERM, NOSYS], "bpf"),
        ("call userfaultfd 0", &[PERM, NOSYS], "userfaultfd"),
        ("call perf_event_open z:8 0 -1 -1 0", &[PERM, NOSYS], "perf_event_open"),
        ("call open_by_handle_at -1 z:16 0", &[PERM, NOSYS], "open_by_handle_at"),
        ("call socket 17 3 0", &[PERM, 97], "packet sockets"),
        ("call socket 40 1 0", &[PERM, 97], "vsock"),
        ("call socket 2 3 1", &[PERM, 97], "raw sockets"),
    ];
    if cfg!(target_arch = "x86_64") {
        // Only the filter kills; a kernel without the numbering answers.
        calls.push(("x32 39", &[], "the x32 numbering"));
    }
    refused(seen, &calls)
}

pub(super) fn set_user_id(seen: &Seen<'_>) -> Judged {
    let Some(mounts) = seen.mounts() else { return Judged::Failed("no answer".into()) };
    let open: Vec<&str> = mounts
        .iter()
        .filter(|mount| !mount.has("nosuid"))
        .map(|mount| mount.place.as_str())
        .collect();
    let promised = status(seen, "NoNewPrivs") == Some("1");
    match (open.as_slice(), promised) {
        ([], true) => {
            Judged::Passed(format!("{} mounts are nosuid; no new privileges", mounts.len()))
        }
        ([], false) => Judged::Failed("new privileges are possible".into()),
        (open, _) => Judged::Failed(format!("mounts without nosuid: {}", names(open))),
    }
}

pub(super) fn propagation(seen: &Seen<'_>) -> Judged {
    let Some(mounts) = seen.mounts() else { return Judged::Failed("no answer".into()) };
    let shared: Vec<&str> = mounts
        .iter()
        .filter(|mount| !mount.propagation.is_empty())
        .map(|mount| mount.place.as_str())
        .collect();
    let evidence = if shared.is_empty() {
        format!("{} mounts are private", mounts.len())
    } else {
        format!("shared or following: {}", names(&shared))
    };
    Judged::when(shared.is_empty() && !mounts.is_empty(), evidence)
}

/// A limit of one byte allows no file, and keeps the kernel from starting programs that dumps are
/// piped to.
pub(super) fn core_dumps(seen: &Seen<'_>) -> Judged {
    let text = seen.text("read /proc/self/limits").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().skip(4).collect();
    match words.as_slice() {
        [soft @ ("0" | "1"), hard @ ("0" | "1"), ..] => {
            Judged::Passed(format!("no dump fits: {}", limit_words(soft, hard)))
        }
        [soft, hard, ..] => Judged::Failed(format!("dumps are made: {}", limit_words(soft, hard))),
        _ => Judged::Failed("no answer".into()),
    }
}

/// The limit that holds, and the one that it can be raised to.
fn limit_words(soft: &str, hard: &str) -> String {
    let amount = |limit: &str| match limit {
        "unlimited" => "any size".to_owned(),
        "1" => "1 byte".to_owned(),
        bytes => format!("{bytes} bytes"),
    };
    if soft == hard {
        return format!("{} at most, which cannot be raised", amount(soft));
    }
    format!("{} at most, which can be raised to {}", amount(soft), amount(hard))
}
