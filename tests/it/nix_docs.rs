//! The flakes of docs/nix.md are built, with this project in the place of
//! the input that is changed.

use std::fs;

use crate::harness::{Scratch, project};
use crate::own_flake::flake_with_tools;
use crate::real_nix::setup;

/// The flakes of the page.
fn flakes() -> Vec<String> {
    let page = fs::read_to_string(project().join("docs/nix.md")).unwrap();
    let blocks = page.split("```nix\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.filter(|block| block.contains("outputs =")).map(str::to_owned).collect()
}

/// The input that stands for this project.
fn our_input(flake: &str) -> &str {
    let line = flake.lines().find(|line| line.contains("github:OWNER/jailgen")).unwrap();
    line.trim().strip_prefix("inputs.").unwrap().split(".url").next().unwrap()
}

#[test]
fn every_flake_of_the_page_builds() {
    let Some(setup) = setup() else { return };
    let flakes = flakes();
    assert_eq!(flakes.len(), 5);
    let ours = flake_with_tools(&setup);
    let ours = format!("path:{}", ours.path(".").canonicalize().unwrap().display());
    for flake in flakes {
        let scratch = Scratch::with(&[("flake.nix", flake.as_str())]);
        scratch.write("opencode.jail", b"makeJailedOpencode { }");
        let input = our_input(&flake);
        let what = if flake.contains("devShells") { "devShells" } else { "packages" };
        let output = format!("path:.#{what}.x86_64-linux.default");
        let words = [
            "build",
            "--no-link",
            &output,
            "--override-input",
            "nixpkgs",
            &setup.nixpkgs,
            "--override-input",
            input,
            &ours,
        ];
        let output = setup.nix(&setup.programs[0], &scratch.path("."), &words);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{flake}\n{told}");
    }
}
