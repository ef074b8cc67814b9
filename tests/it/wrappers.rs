//! `jailgen explain` of a wrapper prints the same as for the spec that the wrapper was built from.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::escapes::subjects::all;
use crate::harness::{Outcome, Scratch};
use crate::real_nix::setup;

const SPEC: &str = r#"{
  rich = jail "jailed-rich" pkgs.bashInteractive [
    mount-cwd
    network
    time-zone
    (add-pkg-deps [ pkgs.gnugrep pkgs.coreutils ])
    (readonly "/srv/data")
    (try-readonly (noescape "~/.ssh"))
    (state-dir (noescape "~/.rich"))
    (state-file (noescape "~/.rich.json"))
    (tmpfs-sized "1G" "/scratch")
    (set-env "GREETING" "hello")
    (fwd-env "MY_TOKEN")
    (limit-pids 64)
    (limit-files 100)
    (landlock "full")
    (share-ns "pid")
    no-die-with-parent
    open-urls-in-browser
    (seccomp "strict")
  ];
  caged = cage {
    name = "boxed";
    profile = "aiAgent";
    argv = [ "${pkgs.bashInteractive}/bin/bash" ];
    packages = [ pkgs.coreutils ];
    filesystem.ro = [ "~/notes" ];
    configDirs = [ "~/.boxed" ];
  };
}
"#;

/// The one jail of a report.
fn jail(outcome: &Outcome) -> Value {
    let report: Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    report["jails"][0].clone()
}

/// Its lines: the title, how, what, who wanted it and where that stands. What the store has
/// is known by other names.
fn lines(jail: &Value) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for group in jail["groups"].as_array().unwrap() {
        for line in group["lines"].as_array().unwrap() {
            for what in line["what"].as_array().unwrap() {
                let what = what.as_str().unwrap();
                let is_store = what.contains("/nix/store/") || what.contains("pkgs.");
                let what = what.split('=').next().filter(|_| !is_store).unwrap_or("…");
                let (title, how) = (&group["title"], &line["how"]);
                all.insert(format!(
                    "{title} {how} {what} {} {}",
                    line["combinator"], line["place"]
                ));
            }
        }
    }
    // Who put a folder in PATH a plan says of the first alone, and of the
    // program of a cage nothing.
    let is_known =
        |line: &String| !["\"Commands\"", "\"Program\""].iter().any(|it| line.starts_with(it));
    all.into_iter().filter(is_known).collect()
}

#[test]
fn a_wrapper_is_explained_as_its_spec_is() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("a.jail", SPEC)]);
    setup.build(&scratch, "a.jail");
    for command in ["jailed-rich", "boxed-cage"] {
        let spec = jail(&scratch.run(&["explain", "a.jail", "--jail", command, "--json"]));
        let link = format!(".local/state/jailgen/bin/{command}");
        let wrapper = jail(&scratch.run(&["explain", &link, "--json"]));
        assert_eq!(wrapper["name"], spec["name"]);
        assert_eq!(wrapper["summary"], spec["summary"]);
        assert_eq!(wrapper["findings"], spec["findings"]);
        assert_eq!(wrapper["absent"], spec["absent"]);
        assert_eq!(lines(&wrapper), lines(&spec));
        assert!(lines(&wrapper).iter().any(|line| line.contains("\"a.jail:")), "{wrapper}");
    }
    // By its name, as a shell finds it.
    let mut by_name = scratch.jailgen(&["explain", "jailed-rich", "--brief"]);
    by_name.env("PATH", scratch.path(".local/state/jailgen/bin"));
    let brief = Outcome::of(&by_name.assert()).assert_status(0).stdout.clone();
    let of_spec = scratch.run(&["explain", "a.jail", "--jail", "jailed-rich", "--brief"]);
    assert_eq!(brief, of_spec.stdout);
    assert!(brief.starts_with("Writes   this folder, ~/.rich, ~/.rich.json\n"), "{brief}");
    let link = ".local/state/jailgen/bin/jailed-rich";
    let calls = scratch.run(&["explain", link, "--syscalls"]);
    assert!(calls.assert_status(1).stderr.contains("name the spec"), "{}", calls.all());
    // What was built has sizes.
    let page = scratch.run(&["report", link]).assert_status(0).stdout.clone();
    assert!(page.contains("class=\"tile\"") && page.contains(" store paths, "), "{page}");
    assert!(!scratch.run(&["report", "a.jail"]).assert_status(0).stdout.contains("class=\"tile\""));
    let other = scratch.run(&["explain", link, "--jail", "jailed-poor"]);
    assert!(other.assert_status(2).stderr.contains("there is `jailed-rich`"), "{}", other.all());
}

/// The author of a wrapper cannot control the terminal, or add lines to an explanation.
#[test]
fn nothing_of_a_wrapper_is_printed_raw() {
    let Some(subject) = all().first() else { return };
    let wrapper = std::fs::read_to_string(&subject.wrapper).unwrap();
    let hostile = r"x\u001b]0;t\u0007\nWrites   nothing";
    let (plan, places) = wrapper.trim_end().rsplit_once('\n').unwrap();
    let bind = r#""inside":[{"by":"unsafe-HOSTILE#1","bind":{"from":"/run/docker.sockHOSTILE","to":"/srv","access":"rw","missing":"skip"}},"#;
    let bind = bind.replace("HOSTILE", hostile);
    let plan = plan.replacen(r#""inside":["#, &bind, 1);
    let plan = plan.replacen("\"name\":\"jailed", &format!("\"name\":\"{hostile}jailed"), 1);
    let places = places.replace("escapes.jail", &format!("{hostile}escapes.jail"));
    let places = places.replacen('{', &format!("{{\"unsafe-{hostile}#1\":\"{hostile}\","), 1);
    let scratch = Scratch::with(&[("hostile", &format!("{plan}\n{places}\n"))]);
    for arguments in [
        &["explain", "hostile"][..],
        &["explain", "--json", "hostile"],
        &["explain", "--brief", "hostile"],
        &["explain", "hostile", "--jail", "x"],
        &["report", "hostile", "--svg"],
    ] {
        let outcome = scratch.run(arguments);
        let said = format!("{}{}", outcome.stdout, outcome.stderr);
        assert!(said.contains("x\\u"), "{said}");
        assert!(!said.contains(['\u{1b}', '\u{7}']), "{said:?}");
        assert!(said.matches("\nWrites ").count() <= 1, "{said}");
    }
}

#[test]
fn every_wrapper_can_be_explained() {
    for subject in all() {
        let wrapper = subject.wrapper.to_str().unwrap();
        let outcome = Scratch::new().run(&["explain", wrapper]);
        let text = &outcome.assert_status(0).stdout;
        assert!(text.contains("\nWrites ") && text.contains("\nProgram\n"), "{text}");
        assert!(!text.contains("foreign-wrapper"), "{text}");
        assert!(!text.contains("rules of the spec's own"), "{}: {text}", subject.name);
    }
}

/// A wrapper's first line names the program that it is given to, and a project's files
/// are for a jail to write.
#[test]
fn a_wrapper_that_starts_another_program_is_told_and_not_audited() {
    let Some(subject) = all().first() else { return };
    let wrapper = std::fs::read_to_string(&subject.wrapper).unwrap();
    let scratch = Scratch::with(&[(
        "bin/jail-stub",
        "#!/bin/sh\nif [ -n \"$1\" ]; then echo ran >> ran; fi\n",
    )]);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(scratch.path("bin/jail-stub"), mode.clone()).unwrap();
    let (_, rest) = wrapper.split_once('\n').unwrap();
    let stub = scratch.path("bin/jail-stub");
    // The kernel starts no script for another script, so the stub is a shell that reads it.
    let hostile = format!("#!/bin/sh {}\n{rest}", stub.display());
    std::fs::write(scratch.path("jailed-x"), hostile).unwrap();
    std::fs::set_permissions(scratch.path("jailed-x"), mode).unwrap();
    let explained = scratch.run(&["explain", "./jailed-x"]);
    let text = &explained.assert_status(0).stdout;
    assert!(text.contains("foreign-wrapper") && text.contains("critical"), "{text}");
    let audited = scratch.run(&["audit", "./jailed-x"]);
    let said = &audited.assert_status(1).stderr;
    assert!(said.contains("is not a wrapper that jailgen built"), "{said}");
    assert!(!scratch.path("ran").exists(), "the audit started it");
    let outside = Command::new(scratch.path("jailed-x")).current_dir(scratch.path(".")).status();
    assert!(outside.unwrap().success() && scratch.path("ran").exists(), "the control");
}

#[test]
fn a_wrapper_in_the_folder_is_not_taken_for_the_command_of_its_name() {
    let Some(subject) = all().first() else { return };
    let scratch = Scratch::new();
    std::fs::create_dir(scratch.path("bin")).unwrap();
    std::fs::create_dir(scratch.path("project")).unwrap();
    std::os::unix::fs::symlink(&subject.wrapper, scratch.path("bin/jailed-x")).unwrap();
    let explain = |word: &str| {
        let mut explain = scratch.jailgen(&["explain", word, "--brief"]);
        explain.current_dir(scratch.path("project")).env("PATH", scratch.path("bin"));
        Outcome::of(&explain.assert())
    };
    explain("jailed-x").assert_status(0);
    std::fs::copy(&subject.wrapper, scratch.path("project/jailed-x")).unwrap();
    let two = explain("jailed-x");
    let said = &two.assert_status(1).stderr;
    assert!(said.contains("another one in PATH") && said.contains("./jailed-x"), "{said}");
    explain("./jailed-x").assert_status(0);
    std::fs::remove_file(scratch.path("project/jailed-x")).unwrap();
    std::os::unix::fs::symlink("../bin/jailed-x", scratch.path("project/jailed-x")).unwrap();
    explain("jailed-x").assert_status(0);
}
