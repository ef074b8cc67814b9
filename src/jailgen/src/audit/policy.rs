//! What a plan grants that one should think twice about. It is looked at without starting anything.

use jail_plan::{
    Access, EnvOp, HostOp, HostText, InsideOp, KeptOverlay, Namespace, Overlay, Places, Plan,
    Service, Session,
};

use super::{Finding, Severity, caged};

/// Every code of a finding.
pub(super) const CODES: &[&str] = &[
    "grants-credentials",
    "grants-devices",
    "grants-home",
    "grants-host-services",
    "grants-kernel",
    "grants-nix-daemon",
    "grants-root",
    "home-as-folder",
    "host-scripts",
    "passes-secret",
    "shares-namespace",
    "unsafe-combinator",
    "whole-network",
    "whole-store",
    "writes-host-programs",
];

/// Places of the host that are worth a finding: the folder or file, with all that is below it and all that it is below.
struct Sensitive {
    code: &'static str,
    severity: Severity,
    places: &'static [&'static str],
    /// Whether reading alone is worth it.
    reading: bool,
    fix: &'static str,
}

const SENSITIVE: &[Sensitive] = &[
    Sensitive {
        code: "grants-host-services",
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
        code: "grants-nix-daemon",
        severity: Severity::High,
        places: &["/nix/var/nix/daemon-socket"],
        reading: true,
        fix: "builds of the daemon have a network and, for trusted users, root's rights: build outside the jail",
    },
    Sensitive {
        code: "grants-credentials",
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
        code: "grants-devices",
        severity: Severity::High,
        places: &["/dev/mem", "/dev/kmsg", "/dev/input", "/dev/uinput", "/dev/sda", "/dev/nvme0n1"],
        reading: true,
        fix: "bind the one device that is needed",
    },
    Sensitive {
        code: "grants-kernel",
        severity: Severity::High,
        places: &["/proc/sys", "/proc/sysrq-trigger", "/sys/kernel", "/sys/fs/cgroup"],
        reading: true,
        fix: "the jail has a /proc of its own; bind single files of /sys read-only",
    },
    Sensitive {
        code: "writes-host-programs",
        severity: Severity::High,
        places: &[
            "~/.bashrc",
            "~/.bash_profile",
            "~/.profile",
            "~/.zshrc",
            "~/.zshenv",
            "~/.gitconfig",
            "~/.config/git",
            "~/.config/autostart",
            "~/.config/fish",
            "~/.config/systemd",
            "~/.config/nix",
            "~/.local/bin",
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
const HARMLESS: &[&str] =
    &["~/.ssh/known_hosts", "/etc/ssh/ssh_config", "/etc/ssh/ssh_known_hosts"];

/// What was granted, by whom.
pub(super) struct Found<'a> {
    findings: Vec<Finding>,
    places: &'a Places,
}

impl Found<'_> {
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        by: &str,
        what: String,
        fix: &'static str,
    ) {
        self.findings.push(Finding {
            severity,
            code,
            what,
            combinator: by.split('#').next().unwrap_or_default().into(),
            place: self.places.get(by).cloned(),
            fix,
        });
    }
}

pub(super) fn findings(plan: &Plan, places: &Places) -> Vec<Finding> {
    let mut found = Found { findings: Vec::new(), places };
    for op in &plan.inside {
        inside(&mut found, op);
    }
    for op in &plan.before {
        before(&mut found, op);
    }
    for variable in &plan.env {
        if let EnvOp::Forward(forward) = variable {
            passed_on(&mut found, &forward.name, &forward.by);
        }
    }
    if super::is_cage(plan) {
        caged::findings(&mut found, plan);
    } else {
        shared(&mut found, plan);
    }
    applied(&mut found);
    found.findings
}

fn inside(found: &mut Found<'_>, op: &InsideOp) {
    match op {
        InsideOp::Bind(bind) => bound(found, &bind.from, bind.access, &bind.by),
        InsideOp::Copy(copy) => bound(found, &copy.from, Access::ReadOnly, &copy.by),
        InsideOp::Deep(deep) => bound(found, &deep.from, Access::ReadOnly, &deep.by),
        InsideOp::SharedFile(op) => bound(found, &op.from, Access::ReadWrite, &op.by),
        InsideOp::OverlayReadOnly(Overlay { lower, by, .. })
        | InsideOp::OverlayInMemory(Overlay { lower, by, .. }) => {
            lower.iter().for_each(|from| bound(found, from, Access::ReadOnly, by));
        }
        InsideOp::OverlayKept(KeptOverlay { lower, upper, by, .. }) => {
            lower.iter().for_each(|from| bound(found, from, Access::ReadOnly, by));
            bound(found, upper, Access::ReadWrite, by);
        }
        // Single sockets and devices of the session, each by a combinator that says so; the checks find who answers.
        InsideOp::Session(op) => session(found, op),
        InsideOp::Worktree(_)
        | InsideOp::Folder(_)
        | InsideOp::BindArguments(_)
        | InsideOp::BindVariable(_)
        | InsideOp::StoreClosure(_)
        | InsideOp::Tmpfs(_)
        | InsideOp::Proc(_)
        | InsideOp::Dev(_)
        | InsideOp::Directory(_)
        | InsideOp::File(_)
        | InsideOp::Symlink(_)
        | InsideOp::Accounts(_)
        | InsideOp::RemountReadOnly(_)
        | InsideOp::Loopback(_)
        | InsideOp::HostSocket(_)
        | InsideOp::Queues(_)
        | InsideOp::RuntimeArguments(_) => {}
    }
}

/// A place as the table writes it: `~` for the home folder, /run for /var/run, no slash at the end.
pub(super) fn canonical(text: &HostText) -> String {
    let mut place = text.source().to_owned();
    if matches!(text, HostText::Literal(_)) {
        // What is taken as it stands has no home folder in it.
        place = place.replacen('~', "\\~", 1);
    }
    for home in ["$HOME", "${HOME}"] {
        if let Some(rest) =
            place.strip_prefix(home).filter(|rest| rest.is_empty() || rest.starts_with('/'))
        {
            place = format!("~{rest}");
        }
    }
    let place =
        place.replace("${XDG_RUNTIME_DIR}", "$XDG_RUNTIME_DIR").replacen("/var/run", "/run", 1);
    let trimmed = place.trim_end_matches('/');
    if trimmed.is_empty() { "/".into() } else { trimmed.into() }
}

fn is_below(place: &str, folder: &str) -> bool {
    let rest = place.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

const ONE_BY_ONE: &str = "grant the folders that the program needs, one by one";

pub(super) fn bound(found: &mut Found<'_>, from: &HostText, access: Access, by: &str) {
    let place = canonical(from);
    let shown = format!(
        "`{}`{}",
        from.source(),
        if access == Access::ReadOnly { "" } else { ", writable" }
    );
    match place.as_str() {
        "/" => return found.add(Severity::Critical, "grants-root", by, shown, ONE_BY_ONE),
        "~" | "/home" | "/root" => {
            return found.add(Severity::Critical, "grants-home", by, shown, ONE_BY_ONE);
        }
        "/nix" | "/nix/store" if access == Access::ReadOnly => {
            let fix = "the closure is there by itself; name what else is needed as a package";
            return found.add(Severity::Medium, "whole-store", by, shown, fix);
        }
        "/tmp" | "/var/tmp" => {
            let fix =
                "the jail has a /tmp of its own; the host's holds sockets and files of others";
            return found.add(Severity::High, "grants-host-services", by, shown, fix);
        }
        _ => {}
    }
    if access == Access::ReadOnly && HARMLESS.contains(&place.as_str()) {
        return;
    }
    let counts = |sensitive: &&Sensitive| sensitive.reading || access != Access::ReadOnly;
    for sensitive in SENSITIVE.iter().filter(counts) {
        let touched = |one: &&&str| is_below(&place, one) || is_below(one, &place);
        // A single socket that the spec names is what it names; a folder of them is more.
        if let Some(one) = sensitive.places.iter().find(touched) {
            let what = if place == **one { shown.clone() } else { format!("{shown} (`{one}`)") };
            found.add(sensitive.severity, sensitive.code, by, what, sensitive.fix);
        }
    }
}

/// Sockets behind which somebody does as the jail says, outside.
fn session(found: &mut Found<'_>, op: &Session) {
    let (severity, what, fix) = match op.service {
        Service::SessionBus => (
            Severity::High,
            "the session's message bus: programs outside can be started through it",
            "name what is needed of it with `dbus`",
        ),
        Service::SystemBus => (
            Severity::High,
            "the machine's message bus, unfiltered",
            "name what is needed of it with `dbus-system`",
        ),
        Service::X11 => (
            Severity::High,
            "the X server: every key and every window can be read, and keys typed",
            "use `wayland` where the program can",
        ),
        Service::NixDaemon => (
            Severity::High,
            "the Nix daemon: it builds and downloads outside of the jail",
            "drop `nix-daemon` if the program can do with what is in its closure",
        ),
        Service::Wayland
        | Service::Pulse
        | Service::Pipewire
        | Service::SshAgent
        | Service::GpgAgent
        | Service::FilteredSessionBus
        | Service::FilteredSystemBus
        | Service::Gpu
        | Service::Camera => return,
    };
    found.add(severity, "grants-host-services", &op.by, what.into(), fix);
}

fn before(found: &mut Found<'_>, op: &HostOp) {
    match op {
        HostOp::RefuseFolder(op) if op.home_allowed => {
            let what = "started in the home folder it has all of it".into();
            let fix = "drop `allow-home-cwd`";
            found.add(Severity::High, "home-as-folder", &op.by, what, fix);
        }
        HostOp::Script(op) => {
            let what = "a script runs on the host, with your rights".into();
            let fix = "read the script: it must not trust what the jail can write";
            found.add(Severity::Note, "host-scripts", &op.by, what, fix);
        }
        HostOp::Channel(op) => {
            let what = "what the jail asks for is run on the host, with your rights".into();
            let fix = "read the handler: it must not trust its arguments";
            found.add(Severity::Note, "host-scripts", &op.by, what, fix);
        }
        HostOp::RefuseFolder(_)
        | HostOp::StateDirectory(_)
        | HostOp::StateFile(_)
        // What is let through is named, one by one.
        | HostOp::Bus(_)
        | HostOp::StateLink(_)
        | HostOp::OpenUrls(_) => {}
    }
}

fn passed_on(found: &mut Found<'_>, name: &str, by: &str) {
    const SECRET: &[&str] = &["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "CREDENTIALS"];
    if SECRET.iter().any(|word| name.contains(word)) {
        let what = format!("the value of `{name}`");
        let fix = "whoever is in the jail can read it, and send it where the jail can reach";
        found.add(Severity::Note, "passes-secret", by, what, fix);
    }
}

fn shared(found: &mut Found<'_>, plan: &Plan) {
    const ALL: &[(Namespace, &str, Severity)] = &[
        (Namespace::Cgroup, "cgroup", Severity::Medium),
        (Namespace::Ipc, "ipc", Severity::High),
        (Namespace::Mount, "mount", Severity::Critical),
        (Namespace::Pid, "pid", Severity::High),
        (Namespace::User, "user", Severity::High),
        (Namespace::Uts, "uts", Severity::Medium),
    ];
    let origin = |combinator: &str| {
        let is = |origin: &&String| origin.split('#').next() == Some(combinator);
        found.places.keys().find(is).cloned().unwrap_or_else(|| combinator.to_owned())
    };
    let (network, share) = (origin("network"), origin("share-ns"));
    for (namespace, name, severity) in ALL {
        if !plan.namespaces.contains(namespace) {
            let what = format!("the host's {name} namespace");
            found.add(*severity, "shares-namespace", &share, what, "drop the `share-ns` for it");
        }
    }
    if !plan.namespaces.contains(&Namespace::Net) {
        let what = "the host's network: its loopback and abstract sockets too".into();
        let fix = "drop it if the program can do without; there is no filter by name yet";
        let by = if found.places.contains_key(&network) { network } else { share };
        found.add(Severity::Note, "whole-network", &by, what, fix);
    }
}

fn applied(found: &mut Found<'_>) {
    let origins: Vec<String> = found.places.keys().cloned().collect();
    for origin in origins.iter().filter(|origin| origin.starts_with("unsafe-")) {
        let what = "what it is called: no check looks at what it adds".into();
        let fix = "use the combinator that is made for it";
        found.add(Severity::High, "unsafe-combinator", origin, what, fix);
    }
}
