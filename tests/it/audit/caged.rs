//! Cages: a cage as it comes passes, one whose rules are gone fails, and what its rules
//! grant is judged as binds are.

use std::collections::BTreeSet;

use jail_plan::{Beneath, Expansion, HostText, LandlockRule, Missing, Places, Reach};
use jailgen::audit::{Severity, stopped};

use super::fixtures::{Place, write};
use super::{audit, failed, read, verdicts};
use crate::escapes::subjects::{Subject, cages};

fn cage(name: &str) -> Option<&'static Subject> {
    cages().find(|cage| cage.name == name)
}

#[test]
fn a_cage_as_it_comes_passes_and_says_what_landlock_cannot() {
    let Some(cage) = cage("aiAgent") else { return };
    let place = Place::new();
    // Its one rule of its own is that of the tests.
    let (mut plan, _, stub) = read(&cage.wrapper);
    plan.landlock.rules.retain(|rule| !format!("{rule:?}").contains("JAIL_PROBE"));
    let wrapper = write(&place, &plan, &stub);
    let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!((status, failed(&report)), (0, BTreeSet::new()), "{report:#}");
    let all = verdicts(&report);
    for (code, verdict) in [
        ("home", "passed"),
        ("environment", "passed"),
        ("devices", "passed"),
        ("capabilities", "passed"),
        ("descriptors", "passed"),
        ("spec-writable", "passed"),
        ("local-network", "granted"),
        ("namespaces", "granted"),
        ("processes", "granted"),
        ("host-executes", "granted"),
    ] {
        assert_eq!(all[code], verdict, "{code}: {report:#}");
    }
    let codes: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(
        codes,
        ["cage-modes", "cage-ports", "cage-sees", "cage-sockets", "whole-store"],
        "{report:#}"
    );
}

#[test]
fn an_offline_cage_has_no_network_to_tell_of() {
    let Some(cage) = cage("offline") else { return };
    let place = Place::new();
    let (mut plan, _, stub) = read(&cage.wrapper);
    plan.landlock.rules.retain(|rule| !format!("{rule:?}").contains("JAIL_PROBE"));
    let wrapper = write(&place, &plan, &stub);
    let (_, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    assert_eq!(verdicts(&report)["local-network"], "passed", "{report:#}");
    assert!(!report.to_string().contains("cage-ports"), "{report:#}");
}

/// Without its wall nothing of a cage is left: the controls of its checks.
#[test]
fn a_cage_without_its_rules_fails() {
    let Some(cage) = cage("offline") else { return };
    let place = Place::new();
    let (mut plan, _, stub) = read(&cage.wrapper);
    plan.landlock.handles.clear();
    plan.landlock.rules.clear();
    plan.landlock.least = 0;
    let wrapper = write(&place, &plan, &stub);
    let (status, report) = audit(&place.home(), &place.project(), &[&wrapper]);
    let failed = failed(&report);
    for code in
        ["abstract-sockets", "devices", "home", "host-executes", "kernel-switches", "local-network"]
    {
        assert!(failed.contains(code), "{code}: {report:#}");
    }
    assert_eq!(status, 1);
}

/// A place, what may be done there, and the code; none where it is nothing to talk about.
const RULES: &[(&str, Reach, &[&str])] = &[
    ("/", Reach::Ro, &["grants-root"]),
    ("~", Reach::Rw, &["grants-home"]),
    ("~/.ssh", Reach::Ro, &["grants-credentials"]),
    ("~/.ssh/known_hosts", Reach::Ro, &[]),
    ("/run/docker.sock", Reach::Rw, &["grants-host-services"]),
    ("~/.bashrc", Reach::Ro, &[]),
    ("~/.bashrc", Reach::Rw, &["writes-host-programs"]),
    ("~/.local/state/jailgen", Reach::Rw, &["writes-host-programs"]),
    ("/nix/store", Reach::Rox, &["whole-store"]),
    ("/tmp", Reach::Rw, &["shares-tmp"]),
    ("/proc", Reach::Rw, &["grants-kernel"]),
    ("~/src", Reach::Rwx, &[]),
];

#[test]
fn what_is_dangerous_to_allow_is_found() {
    let Some(cage) = cage("offline") else { return };
    let (sealed, _, _) = read(&cage.wrapper);
    let places = Places::from([("cage#99".into(), "demo.jail:4:3".into())]);
    for (path, reach, expected) in RULES {
        let mut plan = sealed.clone();
        let path = HostText::Expand(Expansion::parse(path).unwrap());
        let rule = Beneath {
            path: path.clone(),
            reach: *reach,
            missing: Missing::Fail,
            by: "cage#99".into(),
        };
        plan.landlock.rules.push(LandlockRule::Path(rule));
        let report = stopped(&plan, &places, String::new());
        let codes: Vec<&str> = report
            .findings
            .iter()
            .filter(|finding| finding.place.as_deref() == Some("demo.jail:4:3"))
            .map(|finding| finding.code)
            .collect();
        assert_eq!(codes, *expected, "{path:?} {reach:?}");
    }
    let notes = stopped(&sealed, &places, String::new()).findings;
    assert!(notes.iter().all(|finding| finding.severity == Severity::Note), "{notes:#?}");
}
