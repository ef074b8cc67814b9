//! The lock's algebra. What real Nix says to the result is in `tests/it`.

use super::*;
use crate::backends::nix::flake::inputs;

fn kit(follows: &[&str]) -> Kit {
    Kit {
        url: "path:/nix/store/k-source".into(),
        original: json!({"type": "path", "path": "/nix/store/k-source"}),
        locked: json!({"type": "path", "path": "/nix/store/k-source", "narHash": "sha256-kit"}),
        follows: follows.iter().map(|name| (*name).to_owned()).collect(),
        version: "0".into(),
    }
}

fn fitted(mut lock: Lock, kit: &Kit) -> Lock {
    assert!(lock.fit(&inputs(&[], kit).unwrap(), kit));
    lock
}

fn node<'l>(lock: &'l Lock, path: &[&str]) -> &'l Value {
    &lock.nodes[&lock.key(path).unwrap()]
}

fn pin(hash: &str) -> Pin {
    Pin { locked: json!({"type": "path", "path": "/x", "narHash": hash}), lock: None }
}

#[test]
fn the_compiled_in_lock_is_read_and_written_unchanged() {
    let lock = Lock::compiled_in().unwrap();
    assert_eq!(lock.to_text(), COMPILED_IN);
}

#[test]
fn the_kits_node_is_always_that_of_the_kit() {
    let lock = fitted(Lock::compiled_in().unwrap(), &kit(&[]));
    assert_eq!(node(&lock, &["jailgen"])["locked"]["narHash"], "sha256-kit");
    let mut newer = kit(&["nixpkgs"]);
    newer.locked = json!({"narHash": "sha256-newer"});
    let lock = fitted(lock, &newer);
    assert_eq!(node(&lock, &["jailgen"])["locked"]["narHash"], "sha256-newer");
    assert_eq!(node(&lock, &["jailgen"])["inputs"], json!({"nixpkgs": ["nixpkgs"]}));
    assert!(!lock.nodes.contains_key("jailgen_2"));
}

#[test]
fn an_override_changes_the_pin_and_not_what_the_flake_says() {
    let mut lock = Lock::compiled_in().unwrap();
    lock.override_input("nixpkgs", &pin("sha256-mine")).unwrap();
    let lock = fitted(lock, &kit(&[]));
    let node = node(&lock, &["nixpkgs"]);
    assert_eq!(node["locked"]["narHash"], "sha256-mine");
    assert_eq!(
        node["original"],
        json!({"type": "github", "owner": "NixOS", "repo": "nixpkgs", "ref": "nixos-unstable"})
    );
}

#[test]
fn an_overridden_input_brings_its_own_lock_and_leaves_nothing_behind() {
    let own = json!({
        "version": 7, "root": "root",
        "nodes": {
            "root": {"inputs": {"nixpkgs": "nixpkgs", "other": ["nixpkgs"]}},
            "nixpkgs": {"locked": {"narHash": "sha256-inner"}, "inputs": {"up": ["other"]}},
        },
    });
    let mut lock = Lock::compiled_in().unwrap();
    let pin = Pin { lock: Some(Lock::from_value(&own).unwrap()), ..pin("sha256-agents") };
    lock.override_input("llm-agents", &pin).unwrap();
    assert_eq!(node(&lock, &["llm-agents", "nixpkgs"])["locked"]["narHash"], "sha256-inner");
    assert_eq!(node(&lock, &["llm-agents"])["inputs"]["other"], json!(["llm-agents", "nixpkgs"]));
    assert_eq!(
        node(&lock, &["llm-agents", "nixpkgs"])["inputs"]["up"],
        json!(["llm-agents", "other"])
    );
    assert!(!lock.nodes.contains_key("treefmt-nix"), "{:?}", lock.nodes.keys());
    assert!(node(&lock, &["nixpkgs"])["locked"]["rev"].is_string(), "the other nixpkgs stays");
}

#[test]
fn the_input_of_an_input_can_be_overridden() {
    let mut lock = Lock::compiled_in().unwrap();
    lock.override_input("llm-agents/nixpkgs", &pin("sha256-mine")).unwrap();
    assert_eq!(node(&lock, &["llm-agents", "nixpkgs"])["locked"]["narHash"], "sha256-mine");
    assert_eq!(node(&lock, &["llm-agents"])["locked"]["owner"], "numtide");
}

#[test]
fn inputs_that_cannot_be_overridden_are_named() {
    let mut lock = Lock::compiled_in().unwrap();
    let error = lock.override_input("nixpkg", &pin("x")).unwrap_err().to_string();
    assert_eq!(error, "the input `nixpkg` does not exist; there are `llm-agents`, `nixpkgs`");
    let error = lock.override_input("llm-agents/flake-parts/nixpkgs-lib", &pin("x")).unwrap_err();
    assert!(error.to_string().contains("follows another input"), "{error}");
    assert!(lock.override_input("a/b/c", &pin("x")).is_err());
}

#[test]
fn locks_of_other_versions_are_refused() {
    let error = Lock::parse(r#"{"version": 8}"#, Path::new("x/flake.lock")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the lock `x/flake.lock` cannot be used: its version is 8, and jailgen knows version 7"
    );
    assert!(Lock::parse("{", Path::new("x")).is_err());
    assert!(Lock::parse(r#"{"version": 7}"#, Path::new("x")).is_err());
}

#[test]
fn overriding_twice_with_the_same_changes_nothing() {
    let mut first = Lock::compiled_in().unwrap();
    first.override_input("nixpkgs", &pin("sha256-mine")).unwrap();
    let first = fitted(first, &kit(&[])).to_text();
    let mut second = Lock::parse(&first, Path::new("x")).unwrap();
    second.override_input("nixpkgs", &pin("sha256-mine")).unwrap();
    assert_eq!(fitted(second, &kit(&[])).to_text(), first);
}

#[test]
fn names_that_nix_gave_the_nodes_stay() {
    let text = fitted(Lock::compiled_in().unwrap(), &kit(&[])).to_text();
    let mut by_nix: Value = serde_json::from_str(&text).unwrap();
    let nodes = by_nix["nodes"].as_object_mut().unwrap();
    let node = nodes.remove("nixpkgs").unwrap();
    nodes.insert("nixpkgs_9".into(), node);
    nodes["root"]["inputs"]["nixpkgs"] = json!("nixpkgs_9");
    let by_nix = serde_json::to_string_pretty(&by_nix).unwrap() + "\n";
    let lock = Lock::parse(&by_nix, Path::new("x")).unwrap();
    assert_eq!(fitted(lock, &kit(&[])).to_text(), by_nix);
}
