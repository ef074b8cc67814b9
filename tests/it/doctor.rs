//! `jailgen doctor` on this machine, and on one that was made worse.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::harness::{Outcome, Scratch, project};
use crate::real_nix::{has_user_namespaces, setup};

fn codes(report: &Value) -> BTreeSet<String> {
    let items = report["items"].as_array().unwrap().iter();
    items.map(|item| item["code"].as_str().unwrap().to_owned()).collect()
}

fn item(report: &Value, code: &str) -> Value {
    let mut items = report["items"].as_array().unwrap().iter();
    items.find(|item| item["code"] == code).unwrap().clone()
}

#[test]
fn a_machine_on_which_jails_run_is_told_so() {
    let Some(_setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::new();
    let outcome = scratch.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    assert_eq!((&report["runs"], &report["builds"]), (&true.into(), &true.into()), "{report:#}");
    for code in ["jail", "kernel", "proc", "seccomp", "user-namespaces", "kit", "nix"] {
        assert_eq!(item(&report, code)["state"], "good", "{report:#}");
    }
    assert_eq!(item(&report, "commands")["state"], "less", "nobody put it into PATH");
    let docs = fs::read_to_string(project().join("docs/doctor.md")).unwrap();
    let explained: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(explained, codes(&report));
    let text = scratch.run(&["doctor"]);
    let text = &text.assert_status(0).stdout;
    assert!(
        text.contains("✓ jail ") && text.contains("Jails can be built and run here."),
        "{text}"
    );
}

#[test]
fn a_machine_without_user_namespaces_is_told_what_to_type() {
    if setup().is_none() || !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::new();
    // In a user namespace of one's own the limit can be set without touching the host's.
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" doctor --json";
    let output = Command::new("unshare")
        .args(["-Ur", "sh", "-c", script])
        .arg(assert_cmd::cargo::cargo_bin!("jailgen"))
        .env("HOME", scratch.path("."))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["runs"], false);
    assert_eq!(item(&report, "jail")["state"], "no-run");
    let item = item(&report, "user-namespaces");
    assert_eq!(item["fix"], "sudo sysctl user.max_user_namespaces=15000", "{item:#}");
}

#[test]
fn without_a_kit_and_nix_it_says_what_to_do() {
    let scratch = Scratch::new();
    let mut command = scratch.jailgen(&["doctor", "--json", "--kit", "./nowhere"]);
    let outcome = Outcome::of(&command.env("PATH", scratch.path("nothing")).assert());
    let report: Value = serde_json::from_str(&outcome.assert_status(1).stdout).unwrap();
    assert_eq!(item(&report, "kit")["state"], "no-build");
    assert_eq!(item(&report, "nix")["state"], "no-build");
    assert_eq!(report["runs"], false, "what could not be tried is not said to work");
}

#[test]
fn the_apparmor_profile_is_for_the_stub_of_every_kit() {
    let outcome = Scratch::new().run(&["doctor", "--apparmor"]);
    let profile = &outcome.assert_status(0).stdout;
    let places =
        "/{nix/store/*-jail-stub,usr/{,local/}lib/jailgen/kit/tools/*/jail-stub}/bin/jail-stub ";
    assert!(profile.contains(&format!("profile jail-stub {places}")), "{profile}");
    assert!(profile.contains("\n  userns,\n"), "{profile}");
}
