//! `jailgen diff`: what one spec grants that another does not, in words, with lines, and as JSON.

use std::process::Command;

use expect_test::expect;

use crate::harness::Scratch;
use crate::real_nix::setup;

const BEFORE: &str = "jail \"demo\" pkgs.hello [
  mount-cwd
  (readonly \"/srv/a\")
  (limit-memory \"1G\")
]
";

const AFTER: &str = "jail \"demo\" pkgs.hello [
  mount-cwd
  # A comment changes nothing.
  (readonly \"/srv/a\")
  (readwrite \"/srv/b\")
  (set-env \"A\" \"b\")
  (limit-memory \"1G\")
]
";

fn scratch() -> Scratch {
    Scratch::with(&[("before.jail", BEFORE), ("after.jail", AFTER)])
}

#[test]
fn what_is_added_and_removed_is_said_with_its_line() {
    let scratch = scratch();
    let outcome = scratch.run(&["diff", "before.jail", "after.jail"]);
    let added = outcome.assert_status(1).stdout.clone();
    for line in [
        "demo\n",
        "  + read-write /srv/b  (readwrite, after.jail:5:4)\n",
        "(set-env, after.jail:6:4)\n",
    ] {
        assert!(added.contains(line), "{line}: {added}");
    }
    assert!(!added.contains("/srv/a") && !added.contains("  - "), "{added}");
    // The other way round something is taken, which is not a finding.
    let removed = scratch.run(&["diff", "after.jail", "before.jail"]);
    assert!(removed.assert_status(0).stdout.contains("  - read-write /srv/b"), "{}", removed.all());
    let same = scratch.run(&["diff", "before.jail", "before.jail"]);
    assert_eq!((same.assert_status(0).stdout.as_str(), same.stderr.contains("same")), ("", true));
}

#[test]
fn a_restriction_that_is_gone_is_something_added() {
    for (name, with, without) in [
        ("limit", "(limit-memory \"1G\")", ""),
        ("filter", "terminal-filter", ""),
        ("wall", "(landlock \"full\")", ""),
        ("mount", "(readwrite \"/srv\") (tmpfs \"/srv/secret\")", "(readwrite \"/srv\")"),
        (
            "layer",
            "(readwrite \"/srv\") (overlay-tmp [ \"/srv/a\" ] \"/srv/a\")",
            "(readwrite \"/srv\")",
        ),
        // Where these are only the launch knows.
        ("layer in the folder", "mount-cwd (overlay-tmp [ \"/srv/a\" ] \"/srv/a\")", "mount-cwd"),
        (
            "layer at home",
            "(readwrite (noescape \"~/a\")) (overlay-tmp [ \"/srv/a\" ] (noescape \"$HOME/a/b\"))",
            "(readwrite (noescape \"~/a\"))",
        ),
    ] {
        let spec = |permissions: &str| format!("jail \"demo\" pkgs.hello [ {permissions} ]\n");
        let files = [("with.jail", spec(with)), ("without.jail", spec(without))];
        let scratch = Scratch::with(&files.each_ref().map(|(name, text)| (*name, text.as_str())));
        let gone = scratch.run(&["diff", "with.jail", "without.jail"]);
        assert_eq!(gone.status, 1, "{name}: {}", gone.all());
        // The control: the restriction alone adds nothing that gives, but it is said.
        let other = scratch.run(&["diff", "without.jail", "with.jail"]);
        assert!(other.stdout.contains("  + "), "{name}: {}", other.all());
    }
}

#[test]
fn jails_and_inputs_are_compared_too() {
    let one = "{ inputs.x.url = \"github:a/b\"; outputs = { pkgs, ... }: { a = jail \"a\" pkgs.hello [ ]; }; }\n";
    let other = "{ inputs.x.url = \"github:c/d\"; outputs = { pkgs, ... }: { b = jail \"b\" pkgs.hello [ ]; c = jail \"c\" pkgs.hello [ ]; }; }\n";
    let scratch = Scratch::with(&[("one.jail", one), ("other.jail", other)]);
    let said = scratch.run(&["diff", "one.jail", "other.jail"]).assert_status(1).stdout.clone();
    for line in ["b (new)", "c (new)", "a (gone)", "+ the input x:", "github:c/d"] {
        assert!(said.contains(line), "{line}: {said}");
    }
    let none = scratch.run(&["diff", "/dev/null", "one.jail"]).assert_status(1).stdout.clone();
    assert!(none.contains("a (new)"), "{none}");
    scratch.run(&["diff", "one.jail", "/dev/null"]).assert_status(0);
}

/// Nix evaluates it, and it decides what every package of the jail is.
#[test]
fn overlays_and_the_configuration_of_nixpkgs_are_compared_too() {
    let spec = |settings: &str| {
        format!("{{ {settings} outputs = {{ pkgs, ... }}: jail \"a\" pkgs.hello [ ]; }}\n")
    };
    let one = spec("nixpkgs = { config.allowUnfree = true; overlays = [ (a: b: { }) ]; };");
    let other = spec("nixpkgs.overlays = [ (a: b: { hello = b.bash; }) (a: b: { }) ];");
    let scratch =
        Scratch::with(&[("none.jail", &spec("")), ("one.jail", &one), ("other.jail", &other)]);
    let said = scratch.run(&["diff", "one.jail", "other.jail"]).assert_status(1).stdout.clone();
    expect![[r#"
        - the code of nixpkgs.config: { allowUnfree = true; }
        - the code of overlays[0]: a: b: { }
        + the code of overlays[0]: a: b: { hello = b.bash; }
        + the code of overlays[1]: a: b: { }
    "#]]
    .assert_eq(&said);
    let json = scratch.run(&["diff", "none.jail", "one.jail", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.assert_status(1).stdout).unwrap();
    let first = &json["nixpkgs"][0];
    assert!(first["name"] == "nixpkgs.config" && first.get("before").is_none(), "{json}");
    // The control: what is only taken away adds nothing, and the same is the same.
    let gone = scratch.run(&["diff", "one.jail", "none.jail"]);
    assert!(gone.assert_status(0).stdout.contains("- the code of overlays[0]:"), "{}", gone.all());
    let same = scratch.run(&["diff", "one.jail", "one.jail"]);
    assert!(same.assert_status(0).stderr.contains("same"));
    let explained = scratch.run(&["explain", "one.jail"]).assert_status(0).stdout.clone();
    assert!(explained.contains("  nixpkgs.config  {"), "{explained}");
}

#[test]
fn json_says_the_same() {
    let outcome = scratch().run(&["diff", "before.jail", "after.jail", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&outcome.assert_status(1).stdout).unwrap();
    assert_eq!(json["adds"], true);
    let mut all = json["jails"][0]["added"].as_array().unwrap().iter();
    let added = all.find(|added| added["combinator"] == "readwrite").unwrap();
    expect![[r#"
        {
          "combinator": "readwrite",
          "place": "after.jail:5:4",
          "restricts": false,
          "what": "read-write /srv/b"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(added).unwrap());
}

#[test]
fn a_revision_of_git_is_compared_without_its_configuration() {
    let scratch = scratch();
    let git = |words: &[&str]| {
        let mut git = Command::new("git");
        git.current_dir(scratch.path("")).env("HOME", scratch.path(""));
        git.args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words);
        git.output().is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q", "."]) {
        println!("skipped: there is no git");
        return;
    }
    assert!(git(&["add", "before.jail"]) && git(&["commit", "-qm", "x"]));
    let ran = scratch.path("ran").display().to_string();
    assert!(git(&["config", "core.fsmonitor", &format!("touch {ran}")]));
    scratch.write("before.jail", AFTER.as_bytes());
    let outcome = scratch.run(&["diff", "HEAD:before.jail", "before.jail"]);
    assert!(outcome.assert_status(1).stdout.contains("  + read-write /srv/b"), "{}", outcome.all());
    let place = scratch.run(&["diff", "before.jail", "HEAD:./before.jail"]);
    assert!(place.assert_status(0).stdout.contains("  - read-write /srv/b"), "{}", place.all());
    assert!(!scratch.path("ran").exists());
    // The control: git itself runs what the configuration names.
    assert!(git(&["status"]) && scratch.path("ran").exists());
    for wrong in ["HEAD:nothing.jail", "nothing:before.jail", "HEAD:../../x.jail"] {
        scratch.run(&["diff", wrong, "before.jail"]).assert_status(1);
    }
}

#[test]
fn names_are_not_printed_as_they_are() {
    let spec = "jail \"demo\" pkgs.hello [ (readonly \"/a\u{1b}[2Jb\\n+ nothing\") ]\n";
    let scratch = Scratch::with(&[("odd.jail", spec)]);
    let outcome = scratch.run(&["diff", "/dev/null", "odd.jail"]);
    assert!(!outcome.all().contains('\u{1b}') && !outcome.all().contains("\n+ nothing"));
}

#[test]
fn folders_that_were_built_are_compared() {
    let Some(setup) = setup() else { return };
    let scratch = scratch();
    for (spec, folder) in [("before.jail", "a"), ("after.jail", "b")] {
        let arguments =
            [&["build", spec, "--force", "-o", folder][..], &setup.overrides()].concat();
        scratch.run(&arguments).assert_status(0);
    }
    let said = scratch.run(&["diff", "a", "b"]).assert_status(1).stdout.clone();
    assert!(said.contains("demo\n") && said.contains("  + read-write /srv/b"), "{said}");
    assert!(!said.contains("/srv/a"), "{said}");
    assert!(scratch.run(&["diff", "a", "a"]).assert_status(0).stderr.contains("same"));
    let other = scratch.run(&["diff", "before.jail", "b"]).assert_status(1).stdout.clone();
    assert!(other.contains("  + read-write /srv/b"), "{other}");
    // What runs in no jail is not one that is gone.
    std::fs::create_dir_all(scratch.path("c/bin")).unwrap();
    let none = scratch.run(&["diff", "a", "c"]);
    assert!(none.status != 0 && none.stderr.contains("there are no wrappers"), "{}", none.all());
    scratch.write("c/bin/demo", b"#!/bin/sh\n");
    let script = scratch.run(&["diff", "a", "c"]);
    assert!(
        script.status != 0 && script.stderr.contains("does not run in a jail"),
        "{}",
        script.all()
    );
}
