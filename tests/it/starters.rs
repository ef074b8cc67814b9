//! The specs that `jailgen init` writes, with and without a project to look at.

use crate::harness::Scratch;

/// A project of everything that is known: what each file adds is there, with the file, and the spec
/// is clean.
#[test]
fn the_starter_specs_of_a_project_are_clean() {
    let files = [
        "package.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "bun.lock",
        "deno.json",
        "Cargo.toml",
        "go.mod",
        "pyproject.toml",
        "uv.lock",
        "poetry.lock",
        "Gemfile",
        "composer.json",
        "pom.xml",
        "build.gradle",
        "mix.exs",
        "build.zig",
        "CMakeLists.txt",
        "meson.build",
        "Makefile",
        "justfile",
        ".pre-commit-config.yaml",
        "flake.nix",
        ".envrc",
        "rust-toolchain.toml",
    ];
    let scratch = Scratch::with(&files.map(|name| (name, "")));
    for program in jailgen::init::programs() {
        scratch.run(&["init", program, "--from", "."]).assert_status(0);
        let file = format!("{program}.jail");
        scratch.run(&["check", "--deny", "warnings", &file]).assert_status(0);
        let spec = scratch.read(&file);
        for name in files {
            assert!(spec.contains(&format!("# {name}")), "{program}: {name}: {spec}");
        }
        let summary = scratch.run(&["explain", "--brief", &file]).assert_status(0).stdout.clone();
        assert!(summary.contains("more hosts") && !summary.contains("all networks"), "{summary}");
    }
    let none = scratch.run(&["init", "shell", "--from", "absent", "-o", "-"]);
    assert!(none.assert_status(1).stderr.contains("`absent`"), "{}", none.all());
}

#[test]
fn the_starter_specs_are_clean() {
    let scratch = Scratch::new();
    for program in jailgen::init::programs() {
        scratch.run(&["init", program]).assert_status(0);
        let file = format!("{program}.jail");
        scratch.run(&["check", "--deny", "warnings", &file]).assert_status(0);
        let again = scratch.run(&["init", program]);
        again.assert_status(1);
        assert!(again.stderr.contains("exists and is not changed"), "{}", again.all());
    }
}
