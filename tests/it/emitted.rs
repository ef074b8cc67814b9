//! Emitted flakes under real Nix: they build, run, give a shell, and the lock that was
//! written is the one that holds.

use std::fs;
use std::path::Path;

use jailgen::backends::nix::value::{NixValue, Part};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::harness::{Scratch, project};
use crate::real_nix::{has_user_namespaces, searching, setup};

const SHELL: &str =
    r#"jail "jailed-sh" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.coreutils ]) ]"#;

/// The files of a folder, to tell whether Nix changed one.
fn snapshot(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.display().to_string(), fs::read_to_string(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn an_emitted_flake_builds_runs_and_gives_a_shell_with_every_nix_that_is_here() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    setup.emit(&scratch, &["sh.jail"]);
    let before = snapshot(&scratch.path("out"));
    for nix in &setup.programs {
        let folder = scratch.path(".");
        setup.nix_ok(nix, &folder, &["build", "path:out", "--out-link", "result"]);
        let wrapper = scratch.read("result/bin/jailed-sh");
        assert!(wrapper.starts_with("#!/nix/store/"));
        let places = wrapper.lines().last().unwrap();
        assert!(places.contains("\":\"sh.jail:1:41\""), "the line of `mount-cwd`: {places}");
        let shown = setup.nix_ok(nix, &folder, &["flake", "show", "--json", "path:out"]);
        assert!(shown.contains("jailed-sh"), "{shown}");
        let in_shell = ["develop", "path:out", "-c", "sh", "-c", "command -v jailed-sh"];
        let found = setup.nix_ok(nix, &folder, &in_shell);
        assert!(found.trim().ends_with("-jailed-sh/bin/jailed-sh"), "{found}");
        assert_eq!(snapshot(&scratch.path("out")), before, "{} changed the folder", nix.display());
    }
}

#[test]
fn a_comment_in_a_spec_changes_one_line_of_what_is_emitted() {
    let part = "[\n  (readonly \"/srv\")\n]\n";
    let team = "{\n  a = jail \"a\" pkgs.hello (import ./part.nix);\n  b = jail \"b\" pkgs.hello [ mount-cwd ];\n}\n";
    let scratch = Scratch::with(&[("team.jail", team), ("part.nix", part), ("sh.jail", SHELL)]);
    let emit = || {
        scratch.run(&["emit", "team.jail", "sh.jail", "-o", "out"]).assert_status(0);
        snapshot(&scratch.path("out"))
    };
    let before = emit();
    scratch.write("team.jail", format!("# A comment.\n{team}").as_bytes());
    scratch.write("part.nix", part.replace("[\n", "[\n  # Another.\n").as_bytes());
    let after = emit();
    let lines = |files: &[(String, String)]| -> Vec<String> {
        let lines = |(name, text): &(String, String)| {
            text.lines().map(|line| format!("{name}: {line}")).collect::<Vec<_>>()
        };
        files.iter().flat_map(lines).collect()
    };
    let (before, after) = (lines(&before), lines(&after));
    assert_eq!(before.len(), after.len());
    let changed: Vec<_> = before.iter().zip(&after).filter(|(old, new)| old != new).collect();
    assert!(matches!(changed[..], [(_, new)] if new.contains("lines.json: ")), "{changed:#?}");
}

#[test]
fn nix_run_starts_the_jail() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("sh.jail", SHELL), ("project/mine", "")]);
    setup.emit(&scratch, &["sh.jail"]);
    for nix in &setup.programs {
        let words = ["run", "path:../out", "--", "-c", "echo *; exec ls /etc/shadow"];
        let output = setup.nix(nix, &scratch.path("project"), &words);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "mine\n", "{output:?}");
        assert_eq!(output.status.code(), Some(2), "there is no /etc/shadow inside: {output:?}");
    }
}

#[test]
fn every_example_builds() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::new();
    for entry in walkdir::WalkDir::new(project().join("examples")) {
        let entry = entry.unwrap();
        if entry.file_type().is_file() {
            let below = entry.path().strip_prefix(project().join("examples")).unwrap();
            scratch.write(below.to_str().unwrap(), &fs::read(entry.path()).unwrap());
        }
    }
    let names = fs::read_dir(scratch.path(".")).unwrap().map(|entry| entry.unwrap().file_name());
    let mut specs: Vec<String> = names.map(|name| name.into_string().unwrap()).collect();
    specs.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "jail"));
    specs.sort();
    setup.emit(&scratch, &specs.iter().map(String::as_str).collect::<Vec<_>>());
    let jails = fs::read_dir(scratch.path("out")).unwrap().map(|entry| entry.unwrap().path());
    let jails = jails.filter(|path| path.extension().is_some_and(|extension| extension == "nix"));
    let names = jails.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let references: Vec<String> =
        names.filter(|name| name != "flake").map(|name| format!("path:out#{name}")).collect();
    assert!(references.len() >= specs.len(), "{references:?}");
    let words: Vec<&str> =
        ["build", "--no-link"].into_iter().chain(references.iter().map(String::as_str)).collect();
    setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
}

#[test]
fn a_wrapper_does_not_keep_the_kit() {
    let Some(setup) = setup() else { return };
    // With a writable working folder the helper keeps git's settings apart, and looks
    // at what a session leaves.
    let shell = SHELL.replace("mount-cwd", "mount-cwd-readonly");
    let scratch = Scratch::with(&[("sh.jail", &*shell)]);
    setup.emit(&scratch, &["sh.jail"]);
    let nix = &setup.programs[0];
    setup.nix_ok(nix, &scratch.path("."), &["build", "path:out", "--out-link", "result"]);
    let closure = setup.nix_ok(nix, &scratch.path("."), &["path-info", "-r", "./result"]);
    assert!(closure.contains("-jail-stub\n"), "{closure}");
    assert!(!closure.contains("-jail-host"), "no work on the host: {closure}");
    assert!(!closure.contains("-jail-broker"), "no network by name: {closure}");
    assert!(!closure.contains("-source\n"), "{closure}");
}

#[test]
fn unfree_agents_are_allowed_by_name_and_nothing_else_that_is_unfree() {
    let Some(setup) = setup() else { return };
    let agent = r#"jail "jailed-agent" pkgs.claude-code [ ]"#;
    let scratch = Scratch::with(&[("agent.jail", agent), ("sh.jail", SHELL)]);
    setup.emit(&scratch, &["agent.jail"]);
    let nix = &setup.programs[0];
    setup.nix_ok(nix, &scratch.path("."), &["build", "--no-link", "path:out"]);

    // The predicate of another spec does not have the name.
    let flake = scratch.read("out/flake.nix");
    scratch
        .write("out/flake.nix", flake.replace("[ \"claude-code\" ]", "[ \"other\" ]").as_bytes());
    let output = setup.nix(nix, &scratch.path("."), &["build", "--no-link", "path:out"]);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && stderr.contains("unfree"), "{stderr}");
}

#[test]
fn an_override_is_written_into_the_lock_and_stays_there() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    setup.emit(&scratch, &["sh.jail"]);
    let first = scratch.read("out/flake.lock");
    let again = setup.jailgen(&scratch, &setup.programs[0], &["emit", "sh.jail", "-o", "out"]);
    again.assert_status(0);
    assert_eq!(scratch.read("out/flake.lock"), first, "the folder's lock wins");
    assert!(first.contains(setup.nixpkgs.trim_start_matches("path:")), "{first}");
    assert!(scratch.read("out/flake.nix").contains("github:NixOS/nixpkgs/nixos-unstable"));
}

#[test]
fn the_inputs_and_overlays_of_a_spec_work() {
    let Some(setup) = setup() else { return };
    let extra = "{ outputs = _: { overlays.default = final: prev: { mine = final.writeShellScriptBin \"mine\" \"echo mine\"; }; }; }";
    let scratch = Scratch::with(&[("extra/flake.nix", extra)]);
    let url = format!("path:{}", scratch.path("extra").display());
    let spec = format!(
        "{{ inputs.extra.url = \"{url}\"; overlays = inputs: [ inputs.extra.overlays.default ]; \
           outputs = {{ pkgs, ... }}: jail \"jailed-mine\" pkgs.mine [ ]; }}"
    );
    scratch.write("mine.jail", spec.as_bytes());
    setup.emit(&scratch, &["mine.jail"]);
    let nix = &setup.programs[0];
    setup.nix_ok(nix, &scratch.path("."), &["build", "path:out", "--out-link", "result"]);
    assert!(scratch.read("result/bin/jailed-mine").contains("-mine/bin/mine"));
}

/// Nothing unfree is allowed but what the spec's own settings allow.
#[test]
fn the_settings_of_a_spec_for_nixpkgs_work() {
    let Some(setup) = setup() else { return };
    let spec = |settings: &str| {
        format!(
            "{{ {settings} outputs = {{ pkgs, ... }}: jail \"jailed-unfree\" pkgs.mine
               [ (add-pkg-deps ([ pkgs.jq ] ++ lib.optionals pkgs.stdenv.isLinux [ pkgs.git ])) ]; }}"
        )
    };
    let overlay = "overlays = [ (final: prev: { mine = prev.hello-unfree; }) ];";
    let scratch = Scratch::new();
    let allowed = format!(
        "nixpkgs = {{ {overlay} config.allowUnfreePredicate = package: lib.getName package == \"example-unfree-package\"; }};"
    );
    scratch.write("mine.jail", spec(&allowed).as_bytes());
    setup.emit(&scratch, &["mine.jail"]);
    let build = ["build", "path:out", "--out-link", "result"];
    for nix in &setup.programs {
        setup.nix_ok(nix, &scratch.path("."), &build);
    }
    let wrapper = scratch.read("result/bin/jailed-unfree");
    assert!(wrapper.contains("-packages/bin"), "{wrapper}");
    scratch.write("mine.jail", spec(&format!("nixpkgs = {{ {overlay} }};")).as_bytes());
    setup.emit(&scratch, &["mine.jail", "--force"]);
    let output = setup.nix(&setup.programs[0], &scratch.path("."), &build);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("unfree license"), "{told}");
}

#[test]
fn an_agent_works_in_the_development_shell_of_its_project() {
    let Some(setup) = setup() else { return };
    let flake = "{
      inputs.nixpkgs.url = \"github:NixOS/nixpkgs/nixos-unstable\";
      outputs = { nixpkgs, ... }: {
        devShells.x86_64-linux.default = nixpkgs.legacyPackages.x86_64-linux.mkShell {
          packages = [ nixpkgs.legacyPackages.x86_64-linux.jq ];
          DATABASE_URL = \"postgres://localhost/test\";
        };
      };
    }";
    let scratch = Scratch::with(&[("project/flake.nix", flake)]);
    let url = format!("path:{}", scratch.path("project").display());
    let spec = format!(
        "{{ inputs.project = {{ url = \"{url}\"; inputs.nixpkgs.follows = \"nixpkgs\"; }};
           outputs = {{ pkgs, inputs, ... }}: jail \"jailed-sh\" pkgs.bashInteractive
             [ mount-cwd (add-dev-shell inputs.project.devShells.x86_64-linux.default) ]; }}"
    );
    scratch.write("sh.jail", spec.as_bytes());
    setup.emit(&scratch, &["sh.jail"]);
    let nix = &setup.programs[0];
    setup.nix_ok(nix, &scratch.path("."), &["build", "path:out", "--out-link", "result"]);
    if !has_user_namespaces() {
        return;
    }
    let output = std::process::Command::new(scratch.path("result/bin/jailed-sh"))
        .args([
            "-c",
            "echo $DATABASE_URL; echo '[1]' | jq -c; echo \"$OUTSIDE$NIX_BUILD_TOP\"; type git",
        ])
        .current_dir(scratch.path("project"))
        .env("OUTSIDE", "1")
        .env("HOME", scratch.path("."))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(told, "postgres://localhost/test\n[1]\n\n", "{output:?}");
    assert_eq!(output.status.code(), Some(1), "there is no git in that shell: {output:?}");
}

#[test]
fn a_folder_of_a_spec_is_part_of_the_flake() {
    let Some(setup) = setup() else { return };
    let spec = r#"jail "jailed-sh" pkgs.bashInteractive [ (ro-bind "${./cfg}" "/cfg") ]"#;
    let scratch = Scratch::with(&[("sh.jail", spec), ("cfg/a", "from the spec's folder")]);
    setup.emit(&scratch, &["sh.jail"]);
    let nix = &setup.programs[0];
    setup.nix_ok(nix, &scratch.path("."), &["build", "path:out", "--out-link", "result"]);
    let wrapper = scratch.read("result/bin/jailed-sh");
    let bind = wrapper.lines().find(|line| line.contains("\"/cfg\"")).unwrap();
    let from = bind.split('"').find(|word| word.starts_with("/nix/store/")).unwrap();
    assert_eq!(fs::read_to_string(Path::new(from).join("a")).unwrap(), "from the spec's folder");
}

/// Strings with everything that Nix gives a meaning to.
fn texts(count: usize) -> Vec<String> {
    let strategy = "([ \\t\\n\\r'$\\{\\}\"\\\\a-c\u{e9}]|''|\\$\\{|\\$\\$|\n  |\n){0,12}\n?";
    let strategy = proptest::string::string_regex(strategy).unwrap();
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn what_nix_reads_is_what_was_written() {
    let Some(setup) = setup() else { return };
    let texts = texts(2000);
    let blocks = |nix: &str| nix.matches("''\n").count();
    // Each is written as one literal, as two, and with an expression in the middle.
    let value = |text: &String| {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let (first, second) = text.split_at(middle);
        let literal = |part: &str| Part::Literal(part.into());
        let code = Part::Code("toString 1".into());
        NixValue::List(vec![
            NixValue::text(text),
            NixValue::Text(vec![literal(first), literal(second)]),
            NixValue::Text(vec![literal(first), code, literal(second)]),
            NixValue::Set(vec![(text.clone(), NixValue::Integer(-1))]),
        ])
    };
    let nix = NixValue::List(texts.iter().map(value).collect()).to_nix(0);
    assert!(blocks(&nix) > 20, "hardly any text is written as a block");
    let scratch = Scratch::with(&[("values.nix", &nix)]);
    let words = ["eval", "--json", "--file", "values.nix"];
    let json = setup.nix_ok(&setup.programs[0], &scratch.path("."), &words);
    let read: Vec<(String, String, String, std::collections::BTreeMap<String, i64>)> =
        serde_json::from_str(&json).unwrap();
    for (text, (whole, halves, expression, name)) in texts.iter().zip(read) {
        assert_eq!(whole, *text);
        assert_eq!(halves, *text);
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        assert_eq!(expression, format!("{}1{}", &text[..middle], &text[middle..]));
        assert_eq!(name.keys().next(), Some(text));
    }
}

#[test]
fn one_input_is_moved_forward_and_the_others_stay() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::new();
    let extra = |text: &str| {
        let flake = format!("{{ outputs = _: {{ word = \"{text}\"; }}; }}");
        scratch.write("extra/flake.nix", flake.as_bytes());
    };
    extra("first");
    let url = format!("path:{}", scratch.path("extra").display());
    let jail = "jail \"jailed-sh\" pkgs.bashInteractive [ ]";
    let spec = format!("{{ inputs.extra.url = \"{url}\"; outputs = {{ pkgs, ... }}: {jail}; }}");
    scratch.write("sh.jail", spec.as_bytes());
    setup.emit(&scratch, &["sh.jail"]);
    for (index, nix) in setup.programs.iter().enumerate() {
        let before = scratch.read("out/flake.lock");
        extra(&format!("word {index}"));
        let found = jailgen::nix::Nix::find(searching(nix.parent().unwrap())).unwrap();
        found.update(&scratch.path("out"), &[], &["extra".to_owned()], &mut |_| {}).unwrap();
        let after = scratch.read("out/flake.lock");
        assert_ne!(before, after, "{} changed nothing", nix.display());
        let pinned = |lock: &str| lock.matches(setup.nixpkgs.trim_start_matches("path:")).count();
        assert_eq!(pinned(&before), pinned(&after), "{after}");
        // The lock that Nix has written is taken as it is.
        setup.jailgen(&scratch, nix, &["emit", "sh.jail", "-o", "out"]).assert_status(0);
        assert_eq!(scratch.read("out/flake.lock"), after);
    }
}

#[test]
fn a_folder_of_a_strange_name_is_a_flake_like_any_other() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("a b#c%20é/sh.jail", SHELL)]);
    for nix in &setup.programs {
        let folder = scratch.path("a b#c%20é");
        let arguments = [&["build", "a b#c%20é/sh.jail"][..], &setup.overrides()].concat();
        let mut command = scratch.jailgen(&arguments);
        command.env("NIX_CONFIG", setup.config()).env("PATH", crate::real_nix::path_with(nix));
        command.env("XDG_STATE_HOME", &folder);
        let built = crate::harness::Outcome::of(&command.assert());
        built.assert_status(0);
        assert!(folder.join("jailgen/bin/jailed-sh").exists(), "{}", built.all());
        fs::remove_dir_all(folder.join("jailgen")).unwrap();
    }
}
