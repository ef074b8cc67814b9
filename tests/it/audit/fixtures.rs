//! Jails that are wrong in one point each, by a plan that was changed by hand; and for what no
//! plan can spoil, no jail.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jail_plan::{
    Access, Bind, EnvOp, HostText, InsideOp, Missing, Namespace, Places, Plan, Set, StartIn, Step,
    Tmpfs, encode,
};
use jailgen::audit::{Host, Verdict, attempts, report};
use rustix::io::{FdFlags, fcntl_setfd};
use tempfile::TempDir;

use super::{audit, default_jail, failed, read, verdicts};
use crate::escapes::world::probe;

/// A home folder with a project in it, below /var/tmp, where nothing is mounted over.
pub(super) struct Place {
    root: TempDir,
}

impl Place {
    pub(super) fn new() -> Self {
        let root = tempfile::Builder::new().prefix("jailgen-audit").tempdir_in("/var/tmp").unwrap();
        fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(root.path().join("home/project/.git/hooks")).unwrap();
        fs::create_dir(root.path().join("other")).unwrap();
        fs::write(root.path().join("home/project/Makefile"), "all:\n").unwrap();
        Self { root }
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    pub(super) fn project(&self) -> PathBuf {
        self.home().join("project")
    }

    fn other(&self) -> String {
        self.root.path().join("other").display().to_string()
    }
}

fn bind(from: &str, to: &str, access: Access) -> Step<InsideOp> {
    let (from, to) = (HostText::Literal(from.into()), HostText::Literal(to.into()));
    Step::new("fixture#0", InsideOp::Bind(Bind { from, to, access, missing: Missing::Fail }))
}

/// Before the root becomes read-only.
fn add(plan: &mut Plan, step: Step<InsideOp>) {
    let end = plan.inside.iter().position(|step| matches!(step.op, InsideOp::RemountReadOnly(_)));
    plan.inside.insert(end.unwrap_or(plan.inside.len()), step);
}

fn set(plan: &mut Plan, name: &str, value: &str) {
    set_by(plan, name, value, "fixture#0");
}

fn set_by(plan: &mut Plan, name: &str, value: &str, by: &str) {
    plan.env.retain(|variable| variable.op.name() != name);
    let value = HostText::Literal(value.into());
    plan.env.push(Step::new(by, EnvOp::Set(Set { name: name.into(), value })));
}

type Change = fn(&mut Plan, &Place);

/// A filter that allows everything: one instruction, `return SECCOMP_RET_ALLOW`.
const ALLOW: [u8; 8] = [6, 0, 0, 0, 0, 0, 0xff, 0x7f];

/// What fails, and how the plan was spoilt.
const FIXTURES: &[(&[&str], Change)] = &[
    (&["home"], |plan, place| {
        let home = place.home().display().to_string();
        add(plan, bind(&home, &home, Access::ReadOnly));
        plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
        plan.start = StartIn::Path(HostText::Literal(home));
    }),
    (
        &["abstract-sockets", "hosts-by-name", "local-names", "local-network", "namespaces"],
        |plan, _| {
            plan.namespaces.retain(|namespace| *namespace != Namespace::Net);
            plan.inside.retain(|step| !matches!(step.op, InsideOp::Loopback));
        },
    ),
    (&["devices"], |plan, _| add(plan, bind("/dev/null", "/dev/another", Access::ReadOnly))),
    (&["store"], |plan, _| add(plan, bind("/nix/store", "/nix/store", Access::ReadOnly))),
    (&["time-zone"], |plan, _| set(plan, "TZ", "Europe/Berlin")),
    (&["commands"], |plan, _| set(plan, "PATH", "/bin:/opt/bin")),
    (&["filter", "io-uring", "keyrings", "nested-namespaces", "terminal", "tracing"], |plan, _| {
        for filter in &mut plan.seccomp {
            filter.program = STANDARD.encode(ALLOW);
        }
    }),
    (&["sockets"], |plan, place| add(plan, bind(&place.other(), "/srv", Access::ReadOnly))),
    (&["kernel-switches"], |plan, _| add(plan, bind("/sys", "/sys", Access::ReadOnly))),
    // The folder of commands is on the root.
    (&["commands", "root"], |plan, _| {
        plan.inside.retain(|step| !matches!(step.op, InsideOp::RemountReadOnly(_)));
    }),
    (&["host-executes"], |plan, place| {
        let project = place.project().display().to_string();
        plan.inside.retain(|step| !matches!(step.op, InsideOp::Folder(_)));
        add(plan, bind(&project, &project, Access::ReadWrite));
        plan.start = StartIn::Path(HostText::Literal(project));
    }),
];

pub(super) fn write(place: &Place, plan: &Plan, stub: &str) -> String {
    write_with(place, plan, stub, &Places::new())
}

fn write_with(place: &Place, plan: &Plan, stub: &str, places: &Places) -> String {
    let path = place.root.path().join("wrapper");
    let text = encode(stub, plan, places).unwrap();
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path.display().to_string()
}

fn listen(place: &Place) -> UnixListener {
    UnixListener::bind(Path::new(&place.other()).join("socket")).unwrap()
}

#[test]
fn a_jail_as_it_comes_passes_and_says_what_it_grants() {
    let Some(jail) = default_jail() else { return };
    let place = Place::new();
    let wrapper = jail.wrapper.display().to_string();
    let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!((status, failed(&report)), (0, BTreeSet::new()), "{report:#}");
    let granted = &report["checks"].as_array().unwrap().iter();
    let mut granted = granted.clone().filter(|check| check["verdict"] == "granted");
    let only = granted.next().unwrap();
    assert_eq!(only["code"], "host-executes");
    assert_eq!(only["granted"]["combinator"], "mount-cwd");
    assert!(only["granted"]["place"].as_str().unwrap().starts_with("escapes.jail:2:"), "{only}");
    // Of git's configuration and hooks the jail has copies.
    assert_eq!(only["evidence"], "Makefile");
    assert!(granted.next().is_none());
}

#[test]
fn every_jail_passes() {
    for jail in crate::escapes::subjects::jails() {
        let place = Place::new();
        let wrapper = jail.wrapper.display().to_string();
        let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
        assert_eq!((status, failed(&report)), (0, BTreeSet::new()), "{}: {report:#}", jail.name);
    }
}

#[test]
fn each_check_fails_where_the_jail_is_wrong_and_nowhere_else() {
    let Some(jail) = default_jail() else { return };
    let (sealed, _, stub) = read(&jail.wrapper);
    for (codes, spoil) in FIXTURES {
        let place = Place::new();
        let _listener = listen(&place);
        let mut plan = sealed.clone();
        // The Landlock layer would hide what the mounts let through.
        plan.landlock.handles.clear();
        plan.landlock.rules.clear();
        spoil(&mut plan, &place);
        let wrapper = write(&place, &plan, &stub);
        let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
        let wanted: BTreeSet<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        assert_eq!(failed(&report), wanted, "{codes:?}: {report:#}");
        assert_eq!(status, 1, "{codes:?}");
    }
}

/// There is no place of the audit's own in the host's root, and in memory there is one for
/// everything. What to do about a check that the spec undoes, and by whom it is undone.
#[test]
fn advice_is_about_what_granted_it() {
    let Some(jail) = default_jail() else { return };
    let place = Place::new();
    let (plan, _, stub) = read(&jail.wrapper);
    let check = |code: &str, by: &str, change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        // The base stands in no spec.
        let written = [by, "readonly#1", "set-env#2"].into_iter().filter(|by| *by != "base#1");
        let places = written.map(|by| (by.to_owned(), "a.jail:1:1".to_owned())).collect();
        let wrapper = write_with(&place, &plan, &stub, &places);
        let (_, report) = audit(&place.home(), &place.project(), &[&wrapper]);
        let check = report["checks"].as_array().unwrap().iter().find(|it| it["code"] == code);
        let check = check.unwrap();
        let by = check["granted"]["combinator"].as_str().unwrap_or("nobody").to_owned();
        (by, check["fix"].as_str().unwrap_or_default().to_owned())
    };
    for (by, who, fix) in [
        ("network#3", "network", "put `utc` after `network`"),
        ("time-zone#3", "time-zone", "drop `time-zone`"),
        ("set-env#2", "set-env", "drop `TZ` among the variables"),
        ("base#1", "nobody", "drop `time-zone`, or `TZ`"),
    ] {
        let zone = |plan: &mut Plan| set_by(plan, "TZ", "Europe/Berlin", by);
        let (granted, said) = check("time-zone", by, &zone);
        assert!(granted == who && said.contains(fix), "{by}: {granted}: {said}");
    }
    let store = |plan: &mut Plan| {
        let whole = bind("/nix/store", "/nix/store", Access::ReadOnly);
        add(plan, Step::new("whole-nix-store#3", whole.op));
    };
    let (granted, said) = check("store", "whole-nix-store#3", &store);
    assert_eq!(granted, "whole-nix-store");
    assert!(said.contains("drop `whole-nix-store`"), "{said}");
}

#[test]
fn a_jail_with_another_root_can_be_audited() {
    let Some(jail) = default_jail() else { return };
    let (sealed, _, stub) = read(&jail.wrapper);
    let root = Tmpfs { to: HostText::Literal("/".into()), mode: 0o755, size: None };
    let memory = Step::new("fixture#0", InsideOp::Tmpfs(root));
    let changes: [&dyn Fn(&mut Plan); 2] = [
        &|plan| add(plan, bind("/", "/", Access::ReadOnly)),
        // Before everything else, or the program would have nothing to run with.
        &|plan| plan.inside.insert(0, memory.clone()),
    ];
    for change in changes {
        let place = Place::new();
        let mut plan = sealed.clone();
        change(&mut plan);
        let wrapper = write(&place, &plan, &stub);
        let (_, report) = audit(&place.home(), &place.project(), &[&wrapper]);
        assert!(report["stopped"].is_null(), "{report:#}");
        assert!(!failed(&report).contains("environment"), "{report:#}");
    }
    assert!(!Path::new("/.jailgen-probe").exists());
}

/// What no plan can spoil is seen outside of any jail, by the same attempts.
#[test]
fn what_no_plan_can_spoil_fails_outside() {
    let Some(jail) = default_jail() else { return };
    let (plan, places, _) = read(&jail.wrapper);
    let place = Place::new();
    let home = place.home().display().to_string();
    let folder = place.project().display().to_string();
    let host = Host { home, folder, abstract_socket: "nobody".into(), ..Host::read() };
    let lines: Vec<String> = attempts(&plan, &host)
        .iter()
        .map(|words| serde_json::to_string(words).unwrap() + "\n")
        .collect();
    // In a mount namespace of its own, whose mounts are shared, but not with the host.
    let script = "\"$0\" call mount s:none s:/ 0 0x104000 0 >/dev/null; exec \"$0\" --many";
    let mut command = Command::new("unshare");
    if !rustix::process::getuid().is_root() {
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args([
        "--mount",
        "--propagation",
        "private",
        "prlimit",
        "--core=4096",
        "sh",
        "-c",
        script,
    ]);
    command.arg(probe()).env("GITHUB_TOKEN", "secret").env_remove("TZ");
    let open = File::open("/").unwrap();
    fcntl_setfd(&open, FdFlags::empty()).unwrap();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    drop(open);
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let answers: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let report = report(&plan, &places, &host, &answers);
    let failed = |code: &str| {
        let check = report.checks.iter().find(|check| check.code == code).unwrap();
        assert_eq!(check.verdict, Verdict::Failed, "{check:#?}");
    };
    let here = [
        "capabilities",
        "core-dumps",
        "descriptors",
        "environment",
        "processes",
        "propagation",
        "set-user-id",
    ];
    here.iter().for_each(|code| failed(code));
    let spoilt = FIXTURES.iter().flat_map(|(codes, _)| codes.iter().copied());
    // `secrets` shows it for the first of these.
    let elsewhere = ["secrets", "spec-writable"];
    let shown: BTreeSet<&str> = spoilt.chain(here).chain(elsewhere).collect();
    let all: BTreeSet<&str> = report.checks.iter().map(|check| check.code).collect();
    assert_eq!(shown, all, "a check that was never seen to fail");
}

#[test]
fn a_socket_in_a_granted_folder_is_found() {
    let Some(jail) = default_jail() else { return };
    let (mut plan, _, stub) = read(&jail.wrapper);
    let place = Place::new();
    let listener = listen(&place);
    add(&mut plan, bind(&place.other(), "/srv", Access::ReadOnly));
    let wrapper = write(&place, &plan, &stub);
    let (_, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!(verdicts(&report)["sockets"], "failed");
    assert!(report.to_string().contains("/srv/socket"), "{report:#}");
    // Where no server listens there is nothing to find.
    drop(listener);
    let (_, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!(verdicts(&report)["sockets"], "passed");
}

#[test]
fn a_jail_that_does_not_start_is_told_with_what_it_grants() {
    let Some(jail) = default_jail() else { return };
    let (mut plan, _, stub) = read(&jail.wrapper);
    let place = Place::new();
    add(&mut plan, bind("/run/docker.sock/\u{1b}[31m", "/srv", Access::ReadOnly));
    let wrapper = write(&place, &plan, &stub);
    let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!(status, 1);
    assert!(report["stopped"].as_str().unwrap().contains("ENOENT"), "{report:#}");
    assert_eq!(report["findings"][0]["code"], "grants-host-services");
    assert!(!report.to_string().contains('\u{1b}'));
}

#[test]
fn a_spec_in_the_folder_that_its_jail_writes_is_kept_and_what_it_reads_is_found() {
    let Some(setup) = crate::real_nix::setup() else { return };
    if default_jail().is_none() {
        return;
    }
    let place = Place::new();
    let spec = "jail \"jailed-audit\" pkgs.bashInteractive [ mount-cwd ]";
    for folder in [place.project(), place.home()] {
        fs::write(folder.join("a.jail"), spec).unwrap();
    }
    let overrides = setup.overrides();
    let run = |spec: &str| {
        let mut words = vec![spec];
        words.extend(overrides);
        let output = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"))
            .env("HOME", place.home())
            .env("NIX_CONFIG", setup.config())
            .current_dir(place.project())
            .arg("audit")
            .args(&words)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, text) = run("../a.jail");
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("✓ spec-writable") && text.contains("○ host-executes"), "{text}");
    // What it imports is kept as the spec itself is.
    fs::write(place.project().join("part.nix"), "[ mount-cwd ]").unwrap();
    let parted = spec.replace("[ mount-cwd ]", "(import ./project/part.nix)");
    fs::write(place.home().join("a.jail"), parted).unwrap();
    let (status, text) = run("../a.jail");
    assert!(status == Some(0) && text.contains("✓ spec-writable"), "{text}");
    // What it reads may be a file that the agent works on, such as a lock. It decides as much.
    fs::write(place.project().join("data.json"), "{}").unwrap();
    let reading = spec.replace(
        "[ mount-cwd ]",
        "(builtins.seq (builtins.readFile ./project/data.json) [ mount-cwd ])",
    );
    fs::write(place.home().join("a.jail"), reading).unwrap();
    let (status, text) = run("../a.jail");
    assert_eq!(status, Some(1), "{text}");
    assert!(text.contains("✗ spec-writable") && text.contains("project/data.json"), "{text}");
    fs::remove_file(place.home().join("a.jail")).unwrap();
    let (status, text) = run("a.jail");
    assert!(status == Some(0) && text.contains("✓ spec-writable"), "{text}");
}
