//! What is tried inside.

use jail_plan::{EnvOp, HostText, Plan};

use super::host::{Host, NAMESPACES};

/// What the host executes when you work in a project, by its place in there.
pub(super) const EXECUTED: &[&str] = &[
    ".claude/settings.json",
    ".cursor/mcp.json",
    ".direnv",
    ".envrc",
    ".git/config",
    ".github/workflows",
    ".husky",
    ".idea",
    ".mcp.json",
    ".mise.toml",
    ".npmrc",
    ".pre-commit-config.yaml",
    ".venv/bin/python",
    ".vscode/settings.json",
    ".vscode/tasks.json",
    "Cargo.toml",
    "Makefile",
    "build.rs",
    "flake.nix",
    "justfile",
    "package.json",
    "shell.nix",
];

/// Attempts that are the same everywhere.
const FIXED: &[&str] = &[
    "list /",
    "list /home",
    "list /proc",
    "list /dev",
    "list /sys",
    "list /nix/store",
    "environment",
    "descriptors",
    "read /proc/self/mountinfo",
    "read /proc/self/status",
    "read /proc/self/limits",
    "read /proc/net/dev",
    "read /etc/resolv.conf",
    "variable TZ",
    "create /jailgen-audit",
    "create /nix/store/jailgen-audit",
    "open-write /proc/sys/kernel/hostname",
    "open-write /proc/sysrq-trigger",
    "link /proc/1/root",
    "connect udp 192.0.2.1:53",
    "connect unix /run/nscd/socket",
    "connect unix /run/systemd/resolve/io.systemd.Resolve",
    "sockets /",
    // TIOCSTI and TIOCLINUX, plain and with bits set that only the kernel ignores.
    "call ioctl 0 0x5412 s:x",
    "call ioctl 0 0x100005412 s:x",
    "call ioctl 0 0x541c b:03",
    "call ioctl 0 0x10000541c b:03",
    "call keyctl 0 -3 0",
    "call add_key s:user s:jailgen-audit s:x 1 -1",
    "call unshare 0x10000000",
    "call clone 0x10000011 0 0 0 0",
    "call clone3 z:64 64",
    "call mount s:none s:/tmp s:tmpfs 0 0",
    "call ptrace 0 0 0 0",
    "call process_vm_readv 1 0 0 0 0 0",
    "call io_uring_setup 1 z:120",
    "call bpf 99 z:8 8",
    "call userfaultfd 0",
    "call perf_event_open z:8 0 -1 -1 0",
    "call open_by_handle_at -1 z:16 0",
    "call socket 17 3 0",
    "call socket 40 1 0",
    "call socket 2 3 1",
    "x32 39",
];

/// What is tried inside, in the words of `jail-probe`.
#[must_use]
pub fn attempts(plan: &Plan, host: &Host) -> Vec<Vec<String>> {
    let split = |text: &&str| text.split(' ').map(str::to_owned).collect::<Vec<String>>();
    let mut all: Vec<Vec<String>> = FIXED.iter().map(split).collect();
    let mut add = |words: &[&str]| all.push(words.iter().map(|word| (*word).to_owned()).collect());
    for name in NAMESPACES {
        add(&["link", &format!("/proc/self/ns/{name}")]);
    }
    add(&["list", &host.home]);
    add(&["connect", "tcp", &format!("127.0.0.1:{}", host.port)]);
    add(&["connect", "abstract", &host.abstract_socket]);
    if let Some(router) = &host.router {
        add(&["connect", "udp", &format!("{router}:53")]);
    }
    for folder in path(plan) {
        add(&["list", &folder]);
        add(&["create", &format!("{folder}/jailgen-audit")]);
    }
    for file in EXECUTED {
        add(&["open-write", &format!("{}/{file}", host.folder)]);
    }
    add(&["create", &format!("{}/.git/hooks/jailgen-audit", host.folder)]);
    all.extend(super::checks::attempts_of_network(plan));
    all.extend(super::checks::attempts_of_secrets(plan, host));
    let mut add = |words: &[&str]| all.push(words.iter().map(|word| (*word).to_owned()).collect());
    for socket in host.sockets.iter().filter(|_| super::is_cage(plan)) {
        add(&["connect", "unix", socket]);
    }
    for file in &host.deciding {
        add(&["open-write", &file.display().to_string()]);
        add(&["create", &format!("{}/jailgen-audit", file.display())]);
    }
    all
}

/// The folders of PATH inside.
pub(super) fn path(plan: &Plan) -> Vec<String> {
    let value = plan.env.iter().find_map(|variable| match &variable.op {
        EnvOp::Set(set) if set.name == "PATH" => match &set.value {
            HostText::Literal(text) => Some(text.clone()),
            // Folders that the launch names are not known here, and the check reports that.
            _ => None,
        },
        EnvOp::Set(_) | EnvOp::Forward(_) => None,
    });
    value.iter().flat_map(|value| value.split(':')).map(str::to_owned).collect()
}
