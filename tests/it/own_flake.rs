//! The project's own flake, with the stand-ins as inputs: what it offers, and that jailgens which
//! it built emit flakes that evaluate. Its Rust packages are not built here: that needs crates from
//! the network. Jails are made with the tools of the kit instead.

use std::fs;
use std::path::Path;
use std::process::Command;

use jail_registry::PRESETS;
use jailgen::kit::Kit;
use serde_json::{Value, json};

use crate::harness::{Scratch, project};
use crate::real_nix::{Setup, has_user_namespaces, setup};

/// A copy of what a flake of this project consists of.
fn own_flake() -> Scratch {
    let scratch = Scratch::new();
    for part in [
        "flake.nix",
        "flake.lock",
        "Cargo.toml",
        "Cargo.lock",
        "nixlib",
        "packaging",
        "src",
        "templates",
    ] {
        for entry in walkdir::WalkDir::new(project().join(part)) {
            let entry = entry.unwrap();
            if entry.file_type().is_file() {
                let below = entry.path().strip_prefix(project()).unwrap();
                scratch.write(below.to_str().unwrap(), &fs::read(entry.path()).unwrap());
            }
        }
    }
    scratch
}

fn with_inputs<'a>(setup: &'a Setup, words: &[&'a str]) -> Vec<&'a str> {
    let overrides = [
        "--override-input",
        "nixpkgs",
        &setup.nixpkgs,
        "--override-input",
        "llm-agents",
        &setup.llm_agents,
        // Old Nix takes what an overridden input is locked to from the lock of before.
        "--override-input",
        "llm-agents/nixpkgs",
        &setup.nixpkgs,
    ];
    [words, &overrides, &["--no-write-lock-file"]].concat()
}

#[test]
fn the_projects_flake_offers_its_packages_with_every_nix_that_is_here() {
    let Some(setup) = setup() else { return };
    let flake = own_flake();
    for nix in &setup.programs {
        let words = with_inputs(&setup, &["flake", "show", "--json", "path:."]);
        let shown: Value =
            serde_json::from_str(&setup.nix_ok(nix, &flake.path("."), &words)).unwrap();
        let text = shown.to_string();
        for name in [
            "jailgen",
            "jail-broker",
            "jail-host",
            "jail-stub",
            "x86_64-linux",
            "aarch64-linux",
            "devShells",
        ] {
            assert!(text.contains(&format!("\"{name}\"")), "{name}: {text}");
        }
        for (output, name) in OFFERED {
            let found = &shown[output];
            let of_system = &found["x86_64-linux"][name];
            assert!(!of_system.is_null() || !found[name].is_null(), "{output}.{name}: {text}");
        }
        for preset in PRESETS {
            for output in ["packages", "apps"] {
                let found = &shown[output]["aarch64-linux"][preset.command];
                assert!(!found.is_null(), "{output}: {}", preset.command);
            }
        }
    }
}

/// Outputs of the flake, besides the presets.
const OFFERED: &[(&str, &str)] = &[
    ("packages", "default"),
    ("packages", "jailgen-kit"),
    ("apps", "jailgen"),
    ("checks", "presets"),
    ("templates", "default"),
    ("templates", "agent"),
    ("templates", "team"),
    ("overlays", "default"),
    ("nixosModules", "default"),
    ("homeManagerModules", "type"),
    ("devShells", "default"),
    ("formatter", "name"),
];

#[test]
fn the_projects_flake_passes_its_own_checks() {
    let Some(setup) = setup() else { return };
    let flake = own_flake();
    for nix in &setup.programs {
        setup.nix_ok(nix, &flake.path("."), &with_inputs(&setup, &["flake", "check", "path:."]));
    }
}

/// The same flake, whose jails are made with the tools that cargo built, and
/// locked to the stand-ins.
pub(crate) fn flake_with_tools(setup: &Setup) -> Scratch {
    let flake = own_flake();
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    let kit: Kit = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    let mut text = flake.read("flake.nix");
    for (from, to) in [
        ("inputs = {\n", format!("inputs = {{\n    kit.url = \"{}\";\n", kit.url)),
        ("      self,\n", "      self,\n      kit,\n".to_owned()),
        ("stub = packages.jail-stub;", "inherit (kit.tools.${system}) stub;".to_owned()),
        ("host = packages.jail-host;", "inherit (kit.tools.${system}) host;".to_owned()),
        ("broker = packages.jail-broker;", "inherit (kit.tools.${system}) broker;".to_owned()),
        (
            "jailgen = \"${packages.jailgen}/bin/jailgen\";",
            "inherit (kit.tools.${system}) jailgen;".to_owned(),
        ),
    ] {
        assert!(text.contains(from), "flake.nix has no `{from}` any more");
        text = text.replacen(from, &to, 1);
    }
    flake.write("flake.nix", text.as_bytes());
    let words = with_inputs(setup, &["flake", "lock", "path:."]);
    let words: Vec<&str> =
        words.into_iter().filter(|word| *word != "--no-write-lock-file").collect();
    setup.nix_ok(&setup.programs[0], &flake.path("."), &words);
    flake
}

#[test]
fn every_preset_of_the_flake_builds_and_runs() {
    let Some(setup) = setup() else { return };
    let flake = flake_with_tools(&setup);
    flake.write("project/file", b"");
    let nix = &setup.programs[0];
    let presets = PRESETS.iter().map(|preset| format!("path:.#{}", preset.command));
    let presets: Vec<String> = presets.collect();
    let mut words = vec!["build", "--no-link"];
    words.extend(presets.iter().map(String::as_str));
    setup.nix_ok(nix, &flake.path("."), &words);
    if !has_user_namespaces() {
        return;
    }
    let words = ["run", "path:..#jailed-pi", "--", "--help"];
    let output = setup.nix(nix, &flake.path("project"), &words);
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn every_template_gives_a_shell_with_its_jails() {
    let Some(setup) = setup() else { return };
    let flake = flake_with_tools(&setup);
    let jailgen = format!("path:{}", flake.path(".").canonicalize().unwrap().display());
    let nix = &setup.programs[0];
    for (template, command) in
        [("default", "jailed-node"), ("agent", "jailed-opencode"), ("team", "jailed-review")]
    {
        let scratch = Scratch::new();
        let named = format!("{jailgen}#{template}");
        let words = ["flake", "init", "--template", &named];
        setup.nix_ok(nix, &scratch.path("."), &words);
        let overrides = ["--override-input", "jailgen", &jailgen];
        let nixpkgs = ["--override-input", "nixpkgs", &setup.nixpkgs];
        let find = ["--command", "sh", "-c", "command -v \"$1\"", "sh", command];
        let words = [&["develop", "path:."], &overrides[..], &nixpkgs, &find].concat();
        let found = setup.nix_ok(nix, &scratch.path("."), &words);
        assert!(found.trim().ends_with(&format!("/bin/{command}")), "{template}: {found}");
    }
}

#[test]
fn the_projects_lock_is_the_one_that_jailgen_starts_from() {
    let compiled_in = project().join("src/jailgen/src/data/flake.lock");
    let own = fs::read_to_string(project().join("flake.lock")).unwrap();
    assert_eq!(own, fs::read_to_string(compiled_in).unwrap());
}

/// The kit that packaging compiles in, as Nix says it.
fn compiled_in_kit(setup: &Setup, flake: &Path) -> Kit {
    let expression = "flake: import ./packaging/kit.nix { self = flake; }";
    let source = format!("({expression}) (builtins.getFlake \"path:{}\")", flake.display());
    let words = with_inputs(setup, &["eval", "--json", "--impure", "--expr", &source]);
    let json = setup.nix_ok(&setup.programs[0], flake, &words);
    serde_json::from_str(&json).unwrap()
}

#[test]
fn what_a_packaged_jailgen_emits_evaluates_and_follows_the_inputs_of_the_emitted_flake() {
    let Some(setup) = setup() else { return };
    let flake = own_flake();
    // `getFlake` knows no overrides, so this flake's lock pins the stand-ins.
    let words = with_inputs(&setup, &["flake", "lock", "path:."]);
    let words: Vec<&str> =
        words.into_iter().filter(|word| *word != "--no-write-lock-file").collect();
    setup.nix_ok(&setup.programs[0], &flake.path("."), &words);
    let kit = compiled_in_kit(&setup, &flake.path("."));
    assert_eq!(kit.follows, ["llm-agents", "nixpkgs"]);
    assert_eq!(kit.locked["type"], json!("path"));

    let scratch = Scratch::with(&[("sh.jail", r#"jail "jailed-sh" pkgs.bashInteractive [ ]"#)]);
    let opened = jailgen::compile::SpecFolder::open(&scratch.path("sh.jail")).unwrap();
    let emission = opened.emission(&opened.compile()).unwrap().unwrap();
    let nix = || Err(jailgen::nix::NixError::Missing);
    let overrides = [("nixpkgs", &setup.nixpkgs), ("llm-agents", &setup.llm_agents)]
        .map(|(name, reference)| (name.to_owned(), reference.clone()));
    let lock = jailgen::state::lock(&scratch.path("out"), &overrides, &nix, &mut |_| {}).unwrap();
    let flake = jailgen::backends::nix::emit(&[emission], &kit, lock).unwrap();
    jailgen::backends::write(&flake.folder, &scratch.path("out"), false).unwrap();
    let before = scratch.read("out/flake.lock");
    for nix in &setup.programs {
        let words = ["eval", "--raw", "path:out#jailed-sh.drvPath"];
        let derivation = setup.nix_ok(nix, &scratch.path("."), &words);
        assert!(derivation.ends_with("-jailed-sh.drv"), "{derivation}");
        assert_eq!(scratch.read("out/flake.lock"), before);
    }
}

#[test]
fn a_commit_is_named_by_its_repository_only_where_that_is_published() {
    let Some(setup) = setup() else { return };
    let flake = own_flake();
    let kit = |published: &str| -> Kit {
        let source = format!(
            "import {}/packaging/kit.nix {{ self = {{ outPath = \"/nix/store/x-source\"; rev = \"0123\"; \
             narHash = \"sha256-x\"; }}; {published} }}",
            flake.path(".").canonicalize().unwrap().display()
        );
        let words = ["eval", "--json", "--impure", "--expr", &source];
        serde_json::from_str(&setup.nix_ok(&setup.programs[0], &flake.path("."), &words)).unwrap()
    };
    let published = kit("published = { owner = \"o\"; repo = \"r\"; };");
    assert_eq!(published.url, "github:o/r/0123");
    assert_eq!(published.locked["narHash"], json!("sha256-x"));
    assert_eq!(kit("published = null;").url, "path:/nix/store/x-source");
}

/// The package is made with the jailgen that cargo built, in the place of a compiler: what is
/// tested is all that is around it.
#[test]
fn the_package_can_be_installed_in_a_profile_and_comes_with_the_overlay() {
    let Some(setup) = setup() else { return };
    let flake = flake_with_tools(&setup);
    let record = assert_cmd::cargo::cargo_bin!("jailgen").with_file_name("jailgen-kit.json");
    let kit: Kit = serde_json::from_str(&fs::read_to_string(record).unwrap()).unwrap();
    let program = kit.tool("jailgen").unwrap();
    flake.write("packaging/jailgen", &fs::read(program).unwrap());
    let text = flake.read("packaging/jailgen.nix");
    let compiled =
        "  src = import ./source.nix { inherit lib; };\n  cargoLock.lockFile = ../Cargo.lock;\n";
    assert!(text.contains(compiled) && text.contains("rustPlatform.buildRustPackage"), "{text}");
    let copied = "  dontUnpack = true;\n  installPhase = ''\n    mkdir -p $out/bin\n    cp ${./jailgen} $out/bin/jailgen\n    \
                  chmod 755 $out/bin/jailgen\n    runHook postInstall\n  '';\n";
    let probe = "  JAILGEN_PROBE = \"${probe}/bin/jail-probe\";\n";
    assert!(text.contains(probe), "{text}");
    let text = text.replace(compiled, copied).replace(probe, "");
    let text = text.replace("rustPlatform.buildRustPackage", "stdenv.mkDerivation");
    flake.write(
        "packaging/jailgen.nix",
        text.replacen("  lib,\n", "  lib,\n  stdenv,\n", 1).as_bytes(),
    );

    // Not in the flake, which would be another one then.
    let elsewhere = Scratch::new();
    let profile = elsewhere.path("profile");
    let words = ["profile", "install", "--profile", profile.to_str().unwrap(), "path:.#jailgen"];
    setup.nix_ok(&setup.programs[0], &flake.path("."), &words);
    for file in [
        "bin/jailgen",
        "share/man/man1/jailgen-run.1",
        "share/bash-completion/completions/jailgen",
        "share/zsh/site-functions/_jailgen",
        "share/fish/vendor_completions.d/jailgen.fish",
        "share/jailgen/apparmor.d/jail-stub",
    ] {
        // Debian's Nix may compress manual pages.
        let found = ["", ".gz"].iter().any(|end| profile.join(format!("{file}{end}")).exists());
        assert!(found, "{file}");
    }
    let version = Command::new(profile.join("bin/jailgen")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&version.stdout).trim(), format!("jailgen {}", kit.version));

    let source = format!(
        "let flake = builtins.getFlake \"path:{}\"; pkgs = import flake.inputs.nixpkgs {{ system = \"x86_64-linux\"; \
         overlays = [ flake.overlays.default ]; }}; in pkgs.jailgen.outPath + \" \" + pkgs.jailed-pi.name",
        flake.path(".").canonicalize().unwrap().display()
    );
    let words = ["eval", "--raw", "--impure", "--expr", &source];
    let from_overlay = setup.nix_ok(&setup.programs[0], &flake.path("."), &words);
    let installed = profile.join("bin/jailgen").canonicalize().unwrap();
    let (path, jail) = from_overlay.split_once(' ').unwrap();
    assert_eq!(
        (installed.parent().unwrap().parent().unwrap().to_str(), jail),
        (Some(path), "jailed-pi")
    );
}

#[test]
fn the_source_of_the_packages_has_every_file_that_is_compiled_in() {
    let list = fs::read_to_string(project().join("packaging/source.nix")).unwrap();
    let mut found = 0;
    for entry in walkdir::WalkDir::new(project().join("src")).into_iter().map(Result::unwrap) {
        let path = entry.path();
        let is_test = path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
        if is_test || path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        for rest in text.split("include_str!(\"").skip(1) {
            let named = rest.split('"').next().unwrap();
            let file = path.parent().unwrap().join(named).canonicalize().unwrap();
            let below = file.strip_prefix(project().canonicalize().unwrap()).unwrap();
            let top = below.iter().next().unwrap().to_str().unwrap();
            assert!(list.contains(&format!("\"{top}\"\n")), "{} of {}", named, path.display());
            found += 1;
        }
    }
    assert!(found > 10, "{found}");
}
