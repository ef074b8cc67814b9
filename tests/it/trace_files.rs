//! `jailgen trace --files`: what it lists and what it leaves out, that what it says to write is
//! enough and gives no secret, and that the spec it proposes is smaller and still works.

use std::fs;

use serde_json::Value;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const TOOLS: &str = "(add-pkg-deps [ pkgs.coreutils pkgs.python3 ])";

struct Traced<'a> {
    setup: &'a Setup,
    scratch: Scratch,
}

fn jail<'a>(setup: &'a Option<Setup>, permissions: &str) -> Option<Traced<'a>> {
    let setup = setup.as_ref().filter(|_| has_user_namespaces())?;
    let spec =
        format!("jail \"jailed-sh\" pkgs.bashInteractive [\n  {TOOLS}\n  {permissions}\n]\n");
    // The home folder is not in /tmp, which the jail has one of its own of.
    let scratch = Scratch::outside_of_tmp();
    for (path, text) in [
        ("sh.jail", spec.as_str()),
        (".config/demo/a.json", "first\n"),
        (".config/demo/b.json", "second\n"),
        (".ssh/id_ed25519", "key\n"),
        ("project/file", "file\n"),
        ("unused/file", "file\n"),
    ] {
        scratch.write(path, text.as_bytes());
    }
    scratch.run(&["approve", "sh.jail"]).assert_status(0);
    Some(Traced { setup, scratch })
}

impl Traced<'_> {
    fn run(&self, options: &[&str], script: &str) -> Outcome {
        let spec = ["trace", "--files", "sh.jail"];
        let arguments = [&spec, options, &self.setup.overrides(), &["--", "-c", script]].concat();
        self.setup.jailgen(&self.scratch, &self.setup.programs[0], &arguments)
    }

    fn report(&self, script: &str) -> Value {
        let _ = fs::remove_file(self.scratch.path("missed.json"));
        self.run(&["--json", "-o", "missed.json"], script);
        serde_json::from_str(&self.scratch.read("missed.json")).unwrap()
    }

    fn write_spec(&self, text: &str) {
        self.scratch.write("sh.jail", text.as_bytes());
        self.scratch.run(&["approve", "sh.jail"]).assert_status(0);
    }
}

fn group<'a>(report: &'a Value, title: &str) -> Option<&'a Value> {
    report["groups"].as_array().unwrap().iter().find(|group| group["title"] == title)
}

fn grants(report: &Value) -> Vec<String> {
    let groups = report["groups"].as_array().unwrap().iter();
    let grants = groups.flat_map(|group| group["grants"].as_array().unwrap());
    grants.map(|grant| grant.as_str().unwrap().to_owned()).collect()
}

const SECRETS: &str = "secrets and services";
const WANTS: &str = "cat ~/.config/demo/a.json ~/.config/demo/b.json; cat ~/.ssh/id_ed25519; \
                     perl -v; cat ~/nowhere; exit 7";

#[test]
fn what_is_missed_is_listed_with_a_grant_that_is_enough() {
    let setup = setup();
    let Some(jail) = jail(&setup, "") else { return };
    let outcome = jail.run(&[], &format!("echo out; {WANTS}"));
    outcome.assert_status(7);
    assert_eq!(outcome.stdout, "out\n", "standard output is the program's alone");
    assert!(
        outcome.stderr.contains("to allow it: (readonly (noescape \"~/.config/demo\"))"),
        "{}",
        outcome.stderr
    );
    let report = jail.report(WANTS);
    let demo = group(&report, "~/.config/demo").unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(demo["wanted"][0]["name"], "~/.config/demo/a.json");
    assert_eq!(demo["wanted"][0]["programs"], serde_json::json!(["cat"]));
    let perl = group(&report, "the program perl").unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(perl["grants"], serde_json::json!(["(add-pkg-deps [ pkgs.perl ])"]));
    let secrets = group(&report, SECRETS).unwrap_or_else(|| panic!("{report:#}"));
    assert_eq!(secrets["wanted"][0]["name"], "~/.ssh/id_ed25519");
    assert_eq!(secrets["grants"], serde_json::json!([]));
    assert!(!report.to_string().contains("nowhere"), "what is not there outside is not missed");
    // What it says to write is enough, and still keeps the key.
    let grant = demo["grants"][0].as_str().unwrap();
    jail.write_spec(&jail.scratch.read("sh.jail").replace(TOOLS, &format!("{TOOLS} {grant}")));
    let outcome = jail.run(&["-o", "again"], "cat ~/.config/demo/a.json; cat ~/.ssh/id_ed25519");
    assert_eq!(outcome.stdout, "first\n", "{}", outcome.all());
    assert_eq!(group(&jail.report(WANTS), "~/.config/demo"), None);
}

#[test]
fn what_interpreters_look_for_anyway_is_left_out() {
    let setup = setup();
    let Some(jail) = jail(&setup, "") else { return };
    let report = jail.report("python3 -c 'import json, ssl, locale, socket'; printf %s x; ls ~");
    assert_eq!(report["groups"], serde_json::json!([]), "{report:#}");
    assert_ne!(report["left_out"], serde_json::json!([]), "{report:#}");
    assert_eq!(report["hosts"], "no-network");
}

#[test]
fn what_may_only_be_read_is_refused_to_a_writer() {
    let setup = setup();
    let Some(jail) = jail(&setup, "(readonly (noescape \"~/project\"))") else { return };
    let report = jail.report("cat ~/project/file; echo x >~/project/file; mkdir ~/project/new");
    assert_eq!(grants(&report), ["(readwrite (noescape \"~/project\"))"], "{report:#}");
    let group = &report["groups"][0];
    assert!(group["wanted"].as_array().unwrap().iter().all(|it| it["result"] == "not writable"));
}

#[test]
fn a_hostile_name_is_escaped_and_gets_no_grant() {
    let setup = setup();
    let Some(jail) = jail(&setup, "(readwrite (noescape \"~/project\"))") else { return };
    let name = "e\u{1b}[2J\"]; evil";
    jail.scratch.write(&format!("outside/{name}"), b"");
    // A link of the jail's own is not followed to see what is there.
    let script = "n=$(printf 'e\\033[2J\"]; evil'); cat ~/outside/\"$n\"; \
                  ln -s ../.config ~/project/link; cat ~/project/link/demo/a.json";
    let outcome = jail.run(&[], script);
    assert!(outcome.stderr.contains("\\u{1b}[2J"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("\u{1b}[2J"), "{:?}", outcome.stderr);
    let report = jail.report(script);
    assert_eq!(grants(&report), [] as [&str; 0], "{report:#}");
    assert!(!report.to_string().contains("link/demo"), "{report:#}");
}

#[test]
fn hosts_that_were_refused_are_listed() {
    let setup = setup();
    let Some(jail) = jail(&setup, "(network-allow [ \"a.test.example\" ])") else { return };
    let report = jail.report("(: </dev/tcp/evil.example/443); sleep 0.5");
    let host = group(&report, "the host evil.example").unwrap_or_else(|| panic!("{report:#}"));
    let grant = host["grants"][0].as_str().unwrap();
    assert!(grant.contains("network-allow") && grant.contains("evil.example"), "{grant}");
    assert_eq!(report["hosts"], "by-name");
}

const WIDE: &str = "(readwrite (noescape \"~/project\"))\n  (readonly (noescape \"~/unused\"))\n  \
                    (network-allow [ \"a.test.example\" ])";

#[test]
fn the_spec_that_is_proposed_is_smaller_and_works() {
    let setup = setup();
    let Some(jail) = jail(&setup, WIDE) else { return };
    let script = "cat ~/project/file ~/.config/demo/a.json; cat ~/.ssh/id_ed25519";
    let outcome = jail.run(&["--write-spec", "smaller.jail", "-o", "missed"], script);
    let spec = jail.scratch.read("smaller.jail");
    assert_eq!(
        spec,
        format!(
            "jail \"jailed-sh\" pkgs.bashInteractive [\n  {TOOLS}\n  (readonly (noescape \"~/project\"))\n  (readonly (noescape \"~/.config/demo/a.json\"))\n]\n"
        )
    );
    for line in ["- ", "+ ", "~/unused", "~/.config/demo/a.json"] {
        assert!(outcome.stderr.contains(line), "{line}: {}", outcome.stderr);
    }
    // It is not overwritten.
    let again = jail.run(&["--write-spec", "smaller.jail"], script);
    again.assert_status(1);
    assert!(again.stderr.contains("exists and is not changed") && again.stdout.is_empty());
    jail.write_spec(&spec);
    let outcome = jail.run(&["-o", "missed"], script);
    assert_eq!(outcome.stdout, "file\nfirst\n", "{}", outcome.all());
    let outcome = jail.run(&["-o", "missed"], "cat ~/unused/file || echo x >~/project/file");
    outcome.assert_status(1);
}

#[test]
fn of_a_home_folder_only_what_was_used_is_proposed_and_no_secret() {
    let setup = setup();
    let Some(jail) = jail(&setup, "(readonly (noescape \"~\"))") else { return };
    let script = "cat ~/project/file ~/.ssh/id_ed25519";
    let outcome = jail.run(&["--write-spec", "smaller.jail", "-o", "missed"], script);
    assert_eq!(outcome.stdout, "file\nkey\n", "{}", outcome.all());
    let spec = jail.scratch.read("smaller.jail");
    assert!(spec.contains("(readonly (noescape \"~/project\"))"), "{spec}");
    assert!(!spec.contains(".ssh") && !spec.contains("\"~\""), "{spec}");
}
