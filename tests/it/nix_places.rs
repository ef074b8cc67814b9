//! Wrappers that flakes build name the lines of a spec, and of a builder's
//! arguments, when a launch stops.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::Scratch;
use crate::nix_front_end::nix_file;
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SPEC: &str = "# Two grants.
jail \"jailed-x\" pkgs.bashInteractive [
  (compose [ mount-cwd (readonly \"/nowhere/a\") ])
]
";

/// Builds an attribute of a folder with a spec, and gives the line of places of its wrapper.
fn places(setup: &Setup, scratch: &Scratch, attribute: &str, name: &str) -> Value {
    let words = ["build", "--impure", "-f", "jails.nix", attribute, "--out-link", attribute];
    setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    let wrapper = scratch.read(&format!("{attribute}/bin/{name}"));
    serde_json::from_str(wrapper.lines().last().unwrap()).unwrap()
}

fn stopped(scratch: &Scratch, wrapper: &str) -> String {
    let mut command = Command::new(scratch.path(wrapper));
    command.env("HOME", scratch.path("home")).current_dir(scratch.path("project"));
    String::from_utf8(command.output().unwrap().stderr).unwrap()
}

#[test]
fn a_spec_in_a_flake_has_its_lines() {
    let Some(setup) = setup() else { return };
    let scratch = nix_file(
        &setup,
        "plain = jail.buildJail ./x.jail;
         based = (jailgen.extend { inherit pkgs; basePermissions = combinators: with combinators; [
           base (compose [ bind-nix-store-runtime-closure fake-passwd ])
         ]; }).buildJail ./x.jail;
         unchecked = jail.buildJail { spec = ./x.jail; checked = false; };",
    );
    scratch.write("x.jail", SPEC.as_bytes());
    scratch.write("project/file", b"");
    scratch.write("home/file", b"");
    for attribute in ["plain", "based"] {
        let found = places(&setup, &scratch, attribute, "jailed-x");
        let found = found.as_object().unwrap();
        let of = |name: &str| {
            let is = |(by, _): &(&String, &Value)| by.starts_with(&format!("{name}#"));
            found.iter().find(is).map(|(_, place)| place.as_str().unwrap())
        };
        assert_eq!(of("mount-cwd"), Some("x.jail:3:14"), "{attribute}: {found:?}");
        assert_eq!(of("readonly"), Some("x.jail:3:25"), "{attribute}: {found:?}");
    }
    assert_eq!(places(&setup, &scratch, "unchecked", "jailed-x"), json!({}));
    if has_user_namespaces() {
        for (wrapper, says) in [
            ("plain", "wanted by `readonly` at x.jail:3:25\n"),
            ("based", "wanted by `readonly` at x.jail:3:25\n"),
            ("unchecked", "wanted by `readonly`\n"),
        ] {
            let said = stopped(&scratch, &format!("{wrapper}/bin/jailed-x"));
            assert!(
                said.contains("/nowhere/a: ENOENT") && said.contains(says),
                "{wrapper}: {said}"
            );
        }
    }
}

#[test]
fn the_arguments_of_a_builder_have_their_lines_in_the_flake() {
    let Some(setup) = setup() else { return };
    let scratch = nix_file(
        &setup,
        "agent = jail.makeJailedAgent {
name = \"jailed-x\";
pkg = pkgs.bashInteractive;
configPaths = [ ];
  extraReadonlyDirs = [ \"/nowhere/a\" ];
};
again = (jail.makeJailedAgent { name = \"jailed-x\"; pkg = pkgs.jq; configPaths = [ ]; }).override { };",
    );
    scratch.write("project/file", b"");
    scratch.write("home/file", b"");
    let found = places(&setup, &scratch, "agent", "jailed-x");
    let readonly = found.as_object().unwrap().iter().find(|(by, _)| by.starts_with("readonly#"));
    let place = readonly.map(|(_, place)| place.as_str().unwrap()).unwrap_or_default();
    assert!(place.starts_with("jails.nix:") && place.ends_with(":3"), "{found}");
    let line: usize = place.split(':').nth(1).unwrap().parse().unwrap();
    let text = scratch.read("jails.nix");
    assert!(text.lines().nth(line - 1).unwrap().contains("extraReadonlyDirs"), "{place}");
    if has_user_namespaces() {
        let said = stopped(&scratch, "agent/bin/jailed-x");
        assert!(said.contains(&format!("wanted by `readonly` at {place}\n")), "{said}");
    }
    let again = places(&setup, &scratch, "again", "jailed-x");
    assert!(!again.to_string().contains("make-jail.nix"), "{again}");
}
