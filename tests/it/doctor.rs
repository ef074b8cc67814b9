//! `jailgen doctor` on this machine, and on one that was made worse.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use jailgen::nix::{Nix, NixError};
use jailgen::state::trust::Trees;
use jailgen::surroundings::Surroundings;
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
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::new();
    let outcome = scratch.run(&["doctor", "--json"]);
    let report: Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    assert_eq!((&report["runs"], &report["builds"]), (&true.into(), &true.into()), "{report:#}");
    for code in ["jail", "kernel", "proc", "seccomp", "user-namespaces", "kit", "nix", "build"] {
        assert_eq!(item(&report, code)["state"], "good", "{report:#}");
    }
    assert_eq!(item(&report, "commands")["state"], "less", "it is not in PATH");
    let docs = fs::read_to_string(project().join("docs/doctor.md")).unwrap();
    let explained: BTreeSet<String> = docs
        .lines()
        .filter_map(|line| Some(line.strip_prefix("- `")?.split_once('`')?.0.to_owned()))
        .collect();
    assert_eq!(explained, codes(&report));
    for nix in &setup.programs {
        let text = setup.jailgen(&scratch, nix, &["doctor"]);
        let text = &text.assert_status(0).stdout;
        assert!(
            text.contains("✓ jail ") && text.contains("Jails can be built and run here."),
            "{}: {text}",
            nix.display()
        );
    }
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
    assert_eq!(item["commands"][0], "sudo sysctl user.max_user_namespaces=15000", "{item:#}");
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

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A command in this folder, without the settings that have Nix work here.
fn without_settings(scratch: &Scratch, arguments: &[&str]) -> assert_cmd::Command {
    let mut command = scratch.jailgen(arguments);
    command.env_remove("NIX_CONFIG").env("SHELL", "/bin/bash");
    command
}

/// Nix as root needs build users, and says so only when it builds.
#[test]
fn a_machine_on_which_nix_does_not_build_is_told_so_and_mended() {
    let group = fs::read_to_string("/etc/group").unwrap_or_default();
    if setup().is_none() || !is_root() || !has_user_namespaces() {
        return;
    }
    if group.lines().any(|line| line.starts_with("nixbld:")) {
        println!("skipped: there are build users here");
        return;
    }
    let scratch = Scratch::new();
    let doctor = |words: &[&str]| Outcome::of(&without_settings(&scratch, words).assert());
    let report: Value =
        serde_json::from_str(&doctor(&["doctor", "--json"]).assert_status(1).stdout).unwrap();
    assert_eq!((&report["runs"], &report["builds"]), (&true.into(), &false.into()), "{report:#}");
    let build = item(&report, "build");
    assert_eq!(build["state"], "no-build", "{build:#}");
    assert!(build["evidence"].as_str().unwrap().contains("'nixbld'"), "{build:#}");
    assert!(build["fix"].as_str().unwrap().contains("build-users-group"), "{build:#}");

    let fixed = doctor(&["doctor", "--fix"]).assert_status(0).all();
    assert!(fixed.contains("Jails run here, but cannot be built."), "{fixed}");
    assert!(fixed.contains("Jails can be built and run here."), "{fixed}");
    assert_eq!(scratch.read(".config/nix/nix.conf"), "build-users-group =\n");
    let bin = scratch.path(".local/state/jailgen/bin");
    assert_eq!(scratch.read(".bashrc"), format!("export PATH='{}':\"$PATH\"\n", bin.display()));
    assert!(fixed.contains("is in PATH of new shells"), "{fixed}");
    let left = fixed.split("Left to do by hand:\n").nth(1).unwrap_or_default();
    assert!(!left.contains("# build") && !left.contains("# commands"), "{fixed}");
    // A second time there is nothing to add.
    doctor(&["doctor", "--fix"]).assert_status(0);
    assert_eq!(scratch.read(".config/nix/nix.conf"), "build-users-group =\n");
}

/// `sudo -E` keeps the home folder of a user whose files must not become root's.
#[test]
fn nothing_is_written_to_a_home_folder_of_somebody_else() {
    if setup().is_none() || !is_root() {
        return;
    }
    let (scratch, state) = (Scratch::new(), Scratch::new());
    std::os::unix::fs::chown(scratch.path(""), Some(54321), None).unwrap();
    let mut command = without_settings(&scratch, &["doctor", "--fix"]);
    let said = Outcome::of(&command.env("XDG_STATE_HOME", state.path("")).assert()).all();
    let written: Vec<_> = fs::read_dir(scratch.path("")).unwrap().map(Result::unwrap).collect();
    let names: Vec<_> = written.iter().map(fs::DirEntry::file_name).collect();
    assert!(!names.iter().any(|name| name == ".bashrc" || name == ".config"), "{names:?} {said}");
    assert!(!said.contains("wrote"), "{said}");
}

#[test]
fn nothing_is_written_where_the_answer_is_no() {
    if setup().is_none() || !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::new();
    let command = scratch.jailgen(&["doctor", "--fix"]);
    let mut plain = Command::new(command.get_program());
    plain.args(["doctor", "--fix"]).env("HOME", scratch.path("")).env("SHELL", "/bin/bash");
    let said = crate::approval::answered(plain, "n\n");
    assert!(said.contains(".bashrc gets the line") && said.contains("Write it? [y/N]"), "{said}");
    assert!(!scratch.path(".bashrc").exists(), "{said}");
}

#[test]
fn a_daemon_that_does_not_answer_is_named() {
    if setup().is_none() || !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::new();
    let mut command = scratch.jailgen(&["doctor", "--json"]);
    command.env("NIX_REMOTE", "daemon").env("NIX_DAEMON_SOCKET_PATH", scratch.path("no-socket"));
    let outcome = Outcome::of(&command.assert());
    let report: Value = serde_json::from_str(&outcome.assert_status(1).stdout).unwrap();
    let build = item(&report, "build");
    assert_eq!((&report["builds"], &build["state"]), (&false.into(), &"no-build".into()));
    assert!(build["fix"].as_str().unwrap().contains("the Nix daemon does not answer"), "{build:#}");
    if !is_root() {
        let store = item(&report, "nix-store");
        assert_eq!(store["state"], "no-build", "{store:#}");
        assert!(store["commands"][0].as_str().unwrap().starts_with("sudo "), "{store:#}");
    }
}

/// The person behind sudo is whom subordinate ids are for; as root the caller
/// is `root`, and no number.
#[test]
fn a_range_of_ids_is_proposed_for_somebody_by_name() {
    let scratch = Scratch::new();
    let propose = |person: Option<&str>| {
        let mut command = scratch.jailgen(&["doctor", "--json"]);
        command.env_remove("USER");
        if let Some(person) = person {
            command.env("SUDO_USER", person).env("SUDO_UID", "54321");
        }
        let report: Value = serde_json::from_str(&Outcome::of(&command.assert()).stdout).unwrap();
        item(&report, "subordinate-ids")
    };
    let own = propose(None);
    if own["state"] != "good" && own["commands"][0].as_str().unwrap().starts_with("sudo usermod") {
        let command = own["commands"][0].as_str().unwrap();
        let name = Command::new("id").arg("-un").output().unwrap();
        let name = String::from_utf8(name.stdout).unwrap();
        assert!(command.ends_with(&format!(" {}", name.trim())), "{command}");
    }
    let behind = propose(Some("somebody-else"));
    let text = behind.to_string();
    assert_eq!(is_root(), text.contains("somebody-else"), "{behind:#}");
}

#[test]
fn a_nix_that_takes_too_long_is_ended() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::new();
    let flake = format!(
        r#"{{ outputs = inputs: {{ packages.{arch}-linux.slow = derivation {{
             name = "slow"; system = "{arch}-linux"; builder = "/bin/sh"; mark = "{mark}";
             args = [ "-c" "exec /bin/sleep 600" ]; allowSubstitutes = false; }}; }}; }}"#,
        arch = std::env::consts::ARCH,
        mark = scratch.path("").display()
    );
    scratch.write("flake.nix", flake.as_bytes());
    let surroundings = [
        ("NIX_CONFIG".into(), setup.config().into()),
        ("PATH".into(), std::env::var_os("PATH").unwrap()),
        ("HOME".into(), scratch.path("home").into()),
    ];
    let daemon = std::env::var_os("NIX_DAEMON_SOCKET_PATH");
    let daemon = daemon.map(|socket| ("NIX_DAEMON_SOCKET_PATH".into(), socket));
    let surroundings =
        Surroundings::new(surroundings.into_iter().chain(daemon), None, Trees::default());
    let nix = Nix::find(surroundings).unwrap().within(Duration::from_secs(2));
    let error = nix.build(&scratch.path(""), &["slow"], &mut |_| {}).unwrap_err();
    assert!(matches!(error, NixError::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains("was ended after 2 seconds"), "{error}");
    assert!(error.help().is_some());
}

#[test]
fn a_name_that_dns_does_not_know_is_no_fault_of_the_build_users() {
    if setup().is_none() {
        return;
    }
    let scratch = Scratch::with(&[("sh.jail", "jail \"jailed-sh\" pkgs.hello [ ]")]);
    // Without settings Nix warns of its build users too, where it has none.
    for config in ["", "build-users-group = jailgen-nobody"] {
        let words = ["build", "sh.jail", "--nixpkgs", "https://jailgen.invalid/nixpkgs.tar.gz"];
        let mut command = without_settings(&scratch, &words);
        command.env("NIX_CONFIG", format!("{config}\ndownload-attempts = 1\nconnect-timeout = 5"));
        let said = Outcome::of(&command.assert()).assert_status(1).all();
        assert!(said.contains("DNS does not know") && !said.contains("create the group"), "{said}");
    }
}
