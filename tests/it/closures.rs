//! `jailgen closure` and `update`: of a spec, of its wrapper, of any store path.

use std::fs;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, setup};

const SHELL: &str = r#"jail "jailed-sh" pkgs.bashInteractive [ (add-pkg-deps [ pkgs.jq ]) ]"#;

fn run(setup: &Setup, scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let arguments = [arguments, &setup.overrides()].concat();
    setup.jailgen(scratch, &setup.programs[0], &arguments)
}

fn paths(report: &serde_json::Value) -> Vec<&str> {
    report["paths"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn the_closure_of_a_spec_is_what_exists_inside() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let outcome = run(&setup, &scratch, &["closure", "sh.jail", "--json"]);
    let report: serde_json::Value = serde_json::from_str(&outcome.assert_status(0).stdout).unwrap();
    let paths = paths(&report);
    for (name, inside) in [
        ("-jq-", true),
        ("-bash-", true),
        ("-jail-stub", false),
        ("-jail-host", false),
        ("-jail-broker", false),
        ("-git-", false),
    ] {
        assert_eq!(paths.iter().any(|path| path.contains(name)), inside, "{name}: {paths:?}");
    }
    let sizes = report["paths"].as_object().unwrap().values();
    let sum: u64 = sizes.map(|path| path["nar_size"].as_u64().unwrap()).sum();
    assert_eq!(report["total"], sum);

    run(&setup, &scratch, &["build", "sh.jail"]).assert_status(0);
    let command = scratch.path(".local/state/jailgen/bin/jailed-sh");
    let of_wrapper = run(&setup, &scratch, &["closure", command.to_str().unwrap(), "--json"]);
    assert_eq!(of_wrapper.assert_status(0).stdout, outcome.stdout);
    let in_words = run(&setup, &scratch, &["closure", command.to_str().unwrap()]).stdout;
    assert_eq!(in_words.lines().count(), paths.len() + 1);
    assert!(in_words.ends_with(&format!("  {} store paths\n", paths.len())), "{in_words}");
}

#[test]
fn the_closure_of_a_store_path_is_its_own() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    run(&setup, &scratch, &["build", "sh.jail"]).assert_status(0);
    let command = scratch.path(".local/state/jailgen/bin/jailed-sh");
    let wrapper = fs::read_to_string(command).unwrap();
    let stub = wrapper.lines().next().unwrap().trim_start_matches("#!");
    let outcome = run(&setup, &scratch, &["closure", stub]);
    assert!(outcome.assert_status(0).stdout.ends_with("  1 store paths\n"), "{}", outcome.all());
}

#[test]
fn what_has_no_closure_is_said_to_have_none() {
    let scratch = Scratch::new();
    let outcome = scratch.run(&["closure", "nowhere"]);
    let message = &outcome.assert_status(1).stderr;
    assert!(message.contains("`nowhere` does not exist"), "{message}");
}

#[test]
fn what_was_not_built_cannot_be_updated() {
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let outcome = scratch.run(&["update", "sh.jail"]);
    let message = &outcome.assert_status(1).stderr;
    assert!(message.contains("`sh.jail` has not been built"), "{message}");
    assert!(message.contains("run `jailgen build sh.jail` first"), "{message}");
}
