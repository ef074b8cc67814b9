//! Jails that run: listed, stopped, and not changed where they have no hosts by name.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "{
  one = jail \"watched-one\" pkgs.bashInteractive [ (add-pkg-deps [ pkgs.coreutils ]) ];
  two = jail \"watched-two\" pkgs.bashInteractive [ (add-pkg-deps [ pkgs.coreutils ]) ];
}
";

/// Starts a jail, and waits until its payload runs.
fn start(scratch: &Scratch, name: &str, script: &str) -> Child {
    let mut command = Command::new(scratch.path(".local/state/jailgen/bin").join(name));
    command.args(["-c", &format!("{script}; echo; sleep 1000 & wait")]);
    command.env("HOME", scratch.path("")).current_dir(scratch.path(""));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut byte = [0];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    child
}

#[test]
fn jails_that_run_are_listed_and_stopped() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("watched.jail", SPEC)]);
    setup.build(&scratch, "watched.jail");
    // A program inside may call itself as the supervisor of another jail is called.
    let posing = "echo 'sleep 1000; :' >/tmp/watched-two; (exec -a /x/bin/jail-stub bash /tmp/watched-two) & sleep 1";
    let mut one = start(&scratch, "watched-one", posing);
    let mut stubborn = start(&scratch, "watched-two", "trap '' TERM");

    let listed = scratch.run(&["sessions", "--json"]).assert_status(0).stdout.clone();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let of = |name: &str| -> Vec<serde_json::Value> {
        let all = listed["sessions"].as_array().unwrap();
        all.iter().filter(|session| session["name"] == name).cloned().collect()
    };
    // One for each, however many processes a jail has.
    assert_eq!((of("watched-one").len(), of("watched-two").len()), (1, 1), "{listed:#}");
    let session = &of("watched-one")[0];
    assert_eq!(session["process"], one.id());
    let spec = scratch.path("watched.jail").canonicalize().unwrap();
    assert_eq!(session["spec"], spec.to_str().unwrap());
    assert_eq!(session["network"], serde_json::Value::Null);
    let words = scratch.run(&["sessions"]).assert_status(0).stdout.clone();
    assert!(words.contains("watched-two  for "), "{words}");

    let ran = scratch.run(&["allow", "watched-one", "example.com"]).assert_status(1).all();
    assert!(ran.contains("no session") && ran.contains("network by name"), "{ran}");

    let ran = scratch.run(&["stop", "watched-one"]).assert_status(0).all();
    assert!(ran.contains("stopped") && !ran.contains("killed"), "{ran}");
    assert!(!one.wait().unwrap().success());
    let began = Instant::now();
    let id = stubborn.id().to_string();
    let ran = scratch.run(&["stop", &id]).assert_status(0).all();
    assert!(ran.contains("killed") && began.elapsed().as_secs() >= 4, "{ran}");
    assert_eq!(stubborn.wait().unwrap().signal(), Some(9));
    let ran = scratch.run(&["stop", "watched-one"]).assert_status(1).all();
    assert!(ran.contains("no session `watched-one` runs"), "{ran}");
    let words = scratch.run(&["sessions"]).assert_status(0).stdout.clone();
    assert!(!words.contains("watched-"), "{words}");
}

#[test]
fn a_log_is_shown_by_its_jail_or_its_spec() {
    let spec = "jail \"logged\" pkgs.hello [ (network-allow [ \"a.test.example\" ]) ]";
    let line = "{\"time\":\"2026-01-31T12:00:00.000Z\",\"session\":\"1a2b3c4d\",\"number\":0,\"verdict\":\"refused\",\
        \"host\":\"evil.example\",\"port\":443,\"reason\":\"no rule allows this host\\u001b[2J\"}\n";
    let path = ".local/state/jailgen/log/logged/1a2b3c4d.jsonl";
    let scratch = Scratch::with(&[("a.jail", spec), (path, line)]);
    let said =
        "2026-01-31 12:00:00  refused  evil.example:443  no rule allows this host\\u{1b}[2J\n";
    for target in [&["log", "a.jail"][..], &["log", "logged"], &["log"]] {
        assert_eq!(scratch.run(target).assert_status(0).stdout, said, "{target:?}");
    }
    let json = scratch.run(&["log", "logged", "--json"]).assert_status(0).stdout.clone();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&read["host"], &read["name"]), (&"evil.example".into(), &"logged".into()));
    assert!(!json.contains('\u{1b}'));
    let ran = scratch.run(&["log", "other"]).assert_status(1).all();
    assert!(ran.contains("no log of a jail `other`"), "{ran}");
    // A spec whose jail has not run has no log, and that is not a fault.
    scratch.write("b.jail", spec.replace("logged", "quiet").as_bytes());
    assert_eq!(scratch.run(&["log", "b.jail"]).assert_status(0).stdout, "");
}

#[test]
fn a_log_is_followed() {
    let path = ".local/state/jailgen/log/logged/1.jsonl";
    let line = |number: u32| {
        format!(
            "{{\"time\":\"2026-01-31T12:00:0{number}.000Z\",\"session\":\"1\",\"number\":{number},\"verdict\":\"allowed\",\"host\":\"h{number}\"}}\n"
        )
    };
    let scratch = Scratch::with(&[(path, &line(0))]);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
    command.args(["log", "logged", "--follow"]).env("HOME", scratch.path(""));
    command.env_remove("XDG_STATE_HOME").current_dir(scratch.path("")).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().ends_with("h0"));
    scratch.write(path, (line(0) + &line(1)).as_bytes());
    assert!(next().ends_with("h1"));
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn groups_of_hosts_are_listed_with_their_sources() {
    let scratch = Scratch::new();
    let all = scratch.run(&["hosts"]).assert_status(0).stdout.clone();
    assert!(all.contains("@npm ") && all.contains("api.anthropic.com"), "{all}");
    for name in ["claude-code", "@claude-code", "jailed-claude-code"] {
        let group = scratch.run(&["hosts", name]).assert_status(0).stdout.clone();
        assert!(group.contains("api.anthropic.com") && group.contains("https://"), "{group}");
    }
    // An agent is called by its command too, which is not always its package.
    scratch.run(&["hosts", "goose"]).assert_status(0);
    let json = scratch.run(&["hosts", "crush", "--json"]).assert_status(0).stdout.clone();
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    let hosts = read["groups"][0]["hosts"].as_array().unwrap();
    assert!(hosts.iter().any(|host| host["host"] == "api.openai.com"), "{json}");
    let ran = scratch.run(&["hosts", "pypy"]).assert_status(1).all();
    assert!(ran.contains("did you mean `pypi`?"), "{ran}");
}
