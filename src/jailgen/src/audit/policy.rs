//! What a plan grants that one should think twice about. It is looked at without starting anything.

use jail_plan::{
    Access, EnvOp, HostOp, HostText, InsideOp, KeptOverlay, Namespace, Overlay, Places, Plan,
    Service, Session,
};

use jail_policy::{Text, canonical_place, exposures};

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

/// What of the host this gives, as a text of a policy.
fn text(from: &HostText) -> Text {
    match from {
        HostText::Literal(text) => Text::literal(text.clone()),
        HostText::Expand(_) | HostText::PerFolder(_) => Text::expanded(from.source()),
    }
}

/// A place of the host, without what spells it differently.
pub(super) fn canonical(from: &HostText) -> String {
    canonical_place(&text(from)).unwrap_or_default()
}

pub(super) fn bound(found: &mut Found<'_>, from: &HostText, access: Access, by: &str) {
    let shown = format!(
        "`{}`{}",
        from.source(),
        if access == Access::ReadOnly { "" } else { ", writable" }
    );
    for exposure in exposures(&text(from), access) {
        let what = match exposure.place {
            Some(place) => format!("{shown} (`{place}`)"),
            None => shown.clone(),
        };
        found.add(exposure.severity, exposure.code, by, what, exposure.fix);
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
