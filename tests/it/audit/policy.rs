//! What a plan grants that is dangerous, and what is not.

use jail_plan::{
    Access, Bind, EnvOp, Expansion, Forward, HostOp, HostText, InsideOp, Missing, Namespace,
    Places, Plan, RefuseFolder, Set, Step,
};
use jailgen::audit::{Report, Severity, stopped};

use super::{default_jail, read};

fn bind(from: &str, access: Access) -> Step<InsideOp> {
    let text = HostText::Expand(Expansion::parse(from).unwrap());
    let (from, to) = (text.clone(), text);
    Step::new("readonly#7", InsideOp::Bind(Bind { from, to, access, missing: Missing::Skip }))
}

fn findings(change: impl FnOnce(&mut Plan)) -> Option<Report> {
    let (mut plan, _, _) = read(&default_jail()?.wrapper);
    change(&mut plan);
    let places = Places::from([("readonly#7".into(), "demo.jail:4:3".into())]);
    Some(stopped(&plan, &places, String::new()))
}

/// What is granted, with which access, and the code; none where it is nothing to talk about.
const BINDS: &[(&str, Access, &[&str])] = &[
    ("/", Access::ReadOnly, &["grants-root"]),
    ("~", Access::ReadOnly, &["grants-home"]),
    ("$HOME", Access::ReadWrite, &["grants-home"]),
    ("${HOME}/", Access::ReadWrite, &["grants-home"]),
    ("/home", Access::ReadOnly, &["grants-home"]),
    ("~/.ssh", Access::ReadOnly, &["grants-credentials"]),
    ("~/.ssh/id_ed25519", Access::ReadOnly, &["grants-credentials"]),
    ("~/.config", Access::ReadOnly, &["grants-credentials"]),
    ("~/.config/opencode", Access::ReadWrite, &[]),
    ("/run/docker.sock", Access::ReadOnly, &["grants-host-services"]),
    ("/var/run/docker.sock", Access::ReadWrite, &["grants-host-services"]),
    ("/run", Access::ReadOnly, &["grants-host-services"]),
    ("$XDG_RUNTIME_DIR", Access::ReadOnly, &["grants-host-services"]),
    ("$XDG_RUNTIME_DIR/wayland-0", Access::ReadOnly, &[]),
    ("/tmp", Access::ReadWrite, &["grants-host-services"]),
    ("/nix/var", Access::ReadOnly, &["grants-nix-daemon"]),
    ("/nix/store", Access::ReadOnly, &["whole-store"]),
    ("/dev", Access::Device, &["grants-devices"]),
    ("/dev/null", Access::Device, &[]),
    ("/sys", Access::ReadOnly, &["grants-kernel"]),
    ("~/.bashrc", Access::ReadOnly, &[]),
    ("~/.bashrc", Access::ReadWrite, &["writes-host-programs"]),
    ("~/.local/state", Access::ReadWrite, &["writes-host-programs"]),
    ("~/.local/share/opencode", Access::ReadWrite, &[]),
    ("/srv/data", Access::ReadWrite, &[]),
    ("/runtime", Access::ReadWrite, &[]),
];

#[test]
fn what_is_dangerous_to_grant_is_found() {
    for (place, access, expected) in BINDS {
        let Some(report) = findings(|plan| plan.inside.push(bind(place, *access))) else { return };
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, *expected, "{place} {access:?}");
        for finding in &report.findings {
            assert_eq!(finding.place.as_deref(), Some("demo.jail:4:3"));
        }
    }
}

#[test]
fn what_is_shared_and_passed_on_is_found() {
    let Some(report) = findings(|plan| {
        plan.namespaces.retain(|one| !matches!(one, Namespace::Pid | Namespace::Net));
        let by = "fwd-env#2".to_owned();
        let (name, missing) = ("GITHUB_TOKEN".to_owned(), Missing::Skip);
        plan.env.push(Step::new(by.clone(), EnvOp::Forward(Forward { name, missing })));
        plan.before.push(Step::new(by, HostOp::RefuseFolder(RefuseFolder { home_allowed: true })));
    }) else {
        return;
    };
    let found: Vec<(&str, Severity)> =
        report.findings.iter().map(|finding| (finding.code, finding.severity)).collect();
    assert_eq!(
        found,
        [
            ("home-as-folder", Severity::High),
            ("shares-namespace", Severity::High),
            ("passes-secret", Severity::Note),
            ("whole-network", Severity::Note),
        ]
    );
}

#[test]
fn a_value_with_which_the_jail_breaks_is_found() {
    let set = |name: &str, value: &str, by: &str| {
        let value = HostText::Literal(value.into());
        Step::new(by, EnvOp::Set(Set { name: name.into(), value }))
    };
    for (name, value, by, expected) in [
        ("PATH", "/usr/bin:/opt/bin", "set-env#2", &["breaks-path"][..]),
        ("PATH", "/usr/bin:/bin", "set-env#2", &[]),
        ("PATH", "/usr/bin:/opt/bin", "add-path#2", &[]),
        ("HOME", "/work", "set-env#2", &["breaks-home"]),
        ("HOME", "/tmp/home", "set-env#2", &[]),
    ] {
        let Some(report) = findings(|plan| {
            plan.env.retain(|variable| variable.op.name() != name);
            plan.env.push(set(name, value, by));
        }) else {
            return;
        };
        let codes: Vec<&str> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, *expected, "{name}={value} by {by}");
    }
}

#[test]
fn notes_alone_fail_nothing() {
    let network = |plan: &mut Plan| plan.namespaces.retain(|one| *one != Namespace::Net);
    let Some(mut report) = findings(network) else { return };
    report.stopped = None;
    assert!(report.is_clean());
    let Some(mut report) = findings(|plan| plan.inside.push(bind("~/.ssh", Access::ReadOnly)))
    else {
        return;
    };
    report.stopped = None;
    assert!(!report.is_clean());
}
