//! `jailgen audit`: a jail as it comes passes, and a jail that is wrong in one point fails there.

mod caged;
mod fixtures;
mod network;
mod policy;
mod secrets;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use jail_plan::{Places, Plan, Wrapper};
use jailgen::audit::codes;
use serde_json::Value;

use crate::escapes::subjects::{Subject, jails};
use crate::harness::project;

/// The default jail.
fn default_jail() -> Option<&'static Subject> {
    jails().find(|jail| jail.name == "default")
}

fn read(wrapper: &Path) -> (Plan, Places, String) {
    let bytes = fs::read(wrapper).unwrap();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let stub = text.lines().next().unwrap().trim_start_matches("#!").to_owned();
    let places = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    (Wrapper::parse(&bytes).unwrap().plan, places, stub)
}

/// Runs the command in a folder of its own, with a home folder next to it; its
/// status and its one report.
fn audit(home: &Path, folder: &Path, words: &[&str]) -> (i32, Value) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
    command.env_clear().env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap());
    // It must not be visible inside, and is the control for the environment.
    command.env("GITHUB_TOKEN", "secret");
    let output =
        command.current_dir(folder).arg("audit").args(words).arg("--json").output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{stderr}"));
    (output.status.code().unwrap(), report["jails"][0].clone())
}

/// How each check came out.
fn verdicts(report: &Value) -> BTreeMap<String, String> {
    let checks = report["checks"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    checks.map(|check| (text(&check["code"]), text(&check["verdict"]))).collect()
}

fn failed(report: &Value) -> BTreeSet<String> {
    let failed = verdicts(report).into_iter().filter(|(_, verdict)| verdict == "failed");
    failed.map(|(code, _)| code).collect()
}

#[test]
fn docs_explain_every_code_and_no_other() {
    let docs = fs::read_to_string(project().join("docs/audit.md")).unwrap();
    let explained: BTreeSet<&str> =
        docs.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    assert_eq!(explained, codes().collect());
    assert_eq!(codes().count(), explained.len(), "a code stands twice");
}
