//! Places of the host that one should think twice about, by what they hold.

use super::Severity;
use crate::danger::DangerCode;

/// Places of the host that are worth a word: the folder or file, with all that is below it and all that it is below.
pub(super) struct Sensitive {
    pub(super) code: DangerCode,
    /// What they are, after "it holds".
    pub(super) holds: &'static str,
    pub(super) severity: Severity,
    pub(super) places: &'static [&'static str],
    /// Whether reading alone is worth it.
    pub(super) reading: bool,
    pub(super) fix: &'static str,
}

pub(super) const SENSITIVE: &[Sensitive] = &[
    Sensitive {
        code: DangerCode::GrantsHostServices,
        holds: "sockets of services",
        severity: Severity::Critical,
        places: &[
            "/run/docker.sock",
            "/run/podman",
            "/run/containerd",
            "/run/crio",
            "/run/libvirt",
            "/run/dbus",
            "/run/systemd",
            "/run/user",
            "/tmp/.X11-unix",
            "$XDG_RUNTIME_DIR/bus",
            "$XDG_RUNTIME_DIR/docker.sock",
            "$XDG_RUNTIME_DIR/podman",
            "$XDG_RUNTIME_DIR/systemd",
        ],
        reading: true,
        fix: "a service acts with its own rights for whoever connects: bind nothing of it, or the one socket that is needed",
    },
    Sensitive {
        code: DangerCode::GrantsNixDaemon,
        holds: "the socket of the Nix daemon",
        severity: Severity::High,
        places: &["/nix/var/nix/daemon-socket"],
        reading: true,
        fix: "builds of the daemon have a network and, for trusted users, root's rights: build outside the jail",
    },
    Sensitive {
        code: DangerCode::GrantsCredentials,
        holds: "keys, tokens or profiles of yours",
        severity: Severity::High,
        places: &[
            "~/.ssh",
            "~/.gnupg",
            "~/.aws",
            "~/.azure",
            "~/.config/gcloud",
            "~/.config/gh",
            "~/.kube",
            "~/.docker",
            "~/.netrc",
            "~/.git-credentials",
            "~/.pypirc",
            "~/.cargo/credentials.toml",
            "~/.password-store",
            "~/.local/share/keyrings",
            "~/.mozilla",
            "~/.config/google-chrome",
            "~/.config/chromium",
            "~/.bash_history",
            "/etc/shadow",
            "/etc/ssh",
        ],
        reading: true,
        fix: "give the program a key of its own, or an agent's socket, instead of yours",
    },
    Sensitive {
        code: DangerCode::GrantsDevices,
        holds: "devices of the machine",
        severity: Severity::High,
        places: &["/dev/mem", "/dev/kmsg", "/dev/input", "/dev/uinput", "/dev/sda", "/dev/nvme0n1"],
        reading: true,
        fix: "bind the one device that is needed",
    },
    Sensitive {
        code: DangerCode::GrantsKernel,
        holds: "switches of the kernel",
        severity: Severity::High,
        places: &["/proc/sys", "/proc/sysrq-trigger", "/sys/kernel", "/sys/fs/cgroup"],
        reading: true,
        fix: "the jail has a /proc of its own; bind single files of /sys read-only",
    },
    Sensitive {
        code: DangerCode::WritesHostPrograms,
        holds: "what the host runs",
        severity: Severity::High,
        places: &[
            "~/.bashrc",
            "~/.bash_profile",
            "~/.profile",
            "~/.zshrc",
            "~/.zshenv",
            "~/.gitconfig",
            "~/.config/git",
            "~/.config/jailgen",
            "~/.config/autostart",
            "~/.config/fish",
            "~/.config/systemd",
            "~/.config/nix",
            "~/.local/bin",
            "~/.local/lib/jailgen",
            "~/.local/share/applications",
            "~/.local/state/jailgen",
            "~/.cargo/bin",
            "~/.cargo/config.toml",
            "~/bin",
            "/etc/profile",
            "/usr/bin",
            "/bin",
            "/opt",
            "/nix/store",
            "/boot",
        ],
        reading: false,
        fix: "grant it read-only: the host runs what is written there",
    },
];

/// What may be read in places that are worth a finding.
pub(super) const HARMLESS: &[&str] =
    &["~/.ssh/known_hosts", "/etc/ssh/ssh_config", "/etc/ssh/ssh_known_hosts"];
