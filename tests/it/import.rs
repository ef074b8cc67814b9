//! `jailgen import`: files in the manner of people who use today's libraries, and the specs next
//! to them that they become.

use std::fs;

use expect_test::{ExpectFile, expect, expect_file};

use crate::harness::{Outcome, Scratch, project};

fn import(name: &str) -> (Scratch, Outcome) {
    let nix = fs::read_to_string(project().join(format!("tests/import/{name}.nix"))).unwrap();
    let scratch = Scratch::with(&[("flake.nix", &nix)]);
    let outcome = scratch.run(&["import", "flake.nix", "-o", "spec.jail"]);
    (scratch, outcome)
}

/// The file becomes the spec next to it, completely; the compiler finds nothing wrong with that.
fn check(name: &str, expected: &ExpectFile) {
    let (scratch, outcome) = import(name);
    let outcome = outcome.assert_status(0);
    expected.assert_eq(&scratch.read("spec.jail"));
    assert_eq!(outcome.stdout, "");
    let checked = scratch.run(&["check", "spec.jail"]);
    checked.assert_status(0);
    assert!(checked.stderr.contains("0 errors"), "{}", checked.stderr);
}

#[test]
fn an_agent_in_a_development_shell() {
    check("devshell", &expect_file![project().join("tests/import/devshell.jail")]);
}

#[test]
fn common_options_and_factories() {
    check("playground", &expect_file![project().join("tests/import/playground.jail")]);
}

#[test]
fn a_module_that_gets_the_library_as_an_argument() {
    check("module", &expect_file![project().join("tests/import/module.jail")]);
}

#[test]
fn the_home_folder_of_a_configuration() {
    check("home", &expect_file![project().join("tests/import/home.jail")]);
}

#[test]
fn functions_that_a_flake_gives_to_others() {
    check("factories", &expect_file![project().join("tests/import/factories.jail")]);
}

#[test]
fn combinators_and_first_permissions_of_a_flake() {
    check("combinators", &expect_file![project().join("tests/import/combinators.jail")]);
}

#[test]
fn an_overlay_of_jailed_packages() {
    check("overlay", &expect_file![project().join("tests/import/overlay.jail")]);
}

#[test]
fn the_library_under_other_names_and_from_other_sources() {
    check("any-init", &expect_file![project().join("tests/import/any-init.jail")]);
}

#[test]
fn unfree_packages_and_a_second_nixpkgs() {
    check("unfree", &expect_file![project().join("tests/import/unfree.jail")]);
}

#[test]
fn a_cage() {
    check("cage", &expect_file![project().join("tests/import/cage.jail")]);
}

#[test]
fn a_sandbox_of_agent_sandbox() {
    check("sandbox", &expect_file![project().join("tests/import/sandbox.jail")]);
}

#[test]
fn jails_of_a_list_and_of_a_set() {
    check("several", &expect_file![project().join("tests/import/several.jail")]);
}

#[test]
fn a_library_of_ones_own_in_further_files() {
    let folder = project().join("tests/import/library");
    let names = [
        "flake.nix",
        "lib/default.nix",
        "lib/prompt.txt",
        "module.nix",
        "more.nix",
        "tools/tool.nix",
    ];
    let texts = names.map(|name| fs::read_to_string(folder.join(name)).unwrap());
    let files: Vec<(&str, &str)> =
        names.into_iter().zip(texts.iter().map(String::as_str)).collect();
    let scratch = Scratch::with(&files);
    scratch.run(&["import", "flake.nix", "-o", "spec.jail"]).assert_status(0);
    expect_file![folder.join("expected.jail")].assert_eq(&scratch.read("spec.jail"));
    scratch.run(&["check", "spec.jail"]).assert_status(0);
}

/// What only a configuration knows: the spec is whole but for that, and says so where it is needed.
#[test]
fn holes_have_names_and_lines() {
    let (scratch, outcome) = import("holes");
    outcome.assert_status(1);
    expect_file![project().join("tests/import/holes.jail")].assert_eq(&scratch.read("spec.jail"));
    assert!(outcome.stderr.contains("`cfg.extraPackages` becomes a hole"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("flake.nix:20"), "{}", outcome.stderr);
    let checked = scratch.run(&["check", "spec.jail"]);
    checked.assert_status(1);
    assert!(checked.stderr.contains("left a hole for"), "{}", checked.stderr);
}

/// A file of another tool becomes the spec next to it, and what it could not say is in
/// the report next to that.
fn check_tool(file: &str) {
    let folder = project().join("tests/import");
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let scratch = Scratch::with(&[(file, &text)]);
    let outcome = scratch.run(&["import", file, "-o", "spec.jail"]);
    outcome.assert_status(0);
    let stem = file.split('.').next().unwrap();
    expect_file![folder.join(format!("{stem}.jail"))].assert_eq(&scratch.read("spec.jail"));
    expect_file![folder.join(format!("{stem}.reported"))].assert_eq(&outcome.stderr);
    let checked = scratch.run(&["check", "spec.jail"]);
    checked.assert_status(0);
}

#[test]
fn files_of_other_tools() {
    for file in ["srt.json", "claude-code.json", "nono.json", "codex.toml", "bwrap.sh"] {
        check_tool(file);
    }
}

#[test]
fn a_file_that_could_be_anything_is_named_by_its_kind() {
    let scratch = Scratch::with(&[("settings", "{ \"a\": 1 }"), ("run", "bwrap --bind / / bash")]);
    let outcome = scratch.run(&["import", "settings"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("--from KIND"), "{}", outcome.stderr);
    let outcome = scratch.run(&["import", "--from", "srt", "settings"]);
    outcome.assert_status(0);
    assert!(outcome.stderr.contains("`a` is not known here"), "{}", outcome.stderr);
    scratch.run(&["import", "--from", "nix", "run"]).assert_status(1);
}

/// A terminal would obey it.
#[test]
fn escapes_of_a_file_are_not_printed() {
    let nix = "{ pkgs, jail }: jail \"x\" pkgs.hello (c: [ (c.set-env \"A\" \"\u{1b}]0;x\u{7}\") ]) # \u{202e}";
    let scratch = Scratch::with(&[
        ("flake.nix", nix),
        ("srt.json", "{ \"\u{1b}[2J\": 1, \"filesystem\": {} }"),
    ]);
    for arguments in [
        &["import", "flake.nix"][..],
        &["import", "flake.nix", "-o", "x.jail"],
        &["import", "srt.json"],
    ] {
        let outcome = scratch.run(arguments);
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        }
    }
}

/// An import reads what is imported below the file's folder, and nothing else.
#[test]
fn nothing_beyond_the_folder_is_read() {
    let scratch = Scratch::with(&[
        ("project/flake.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello (import ../secret.nix)"),
        ("secret.nix", "[ \"secret\" ]"),
    ]);
    let outcome = scratch.run(&["import", "project/flake.nix"]);
    outcome.assert_status(1);
    assert!(outcome.stdout.contains("hole \"import ../secret.nix\""), "{}", outcome.stdout);
    assert!(!outcome.stdout.contains("[ \"secret\" ]"), "{}", outcome.stdout);
}

/// A foreign flake can name what it likes. The spec is checked after it is written, and that reads
/// nothing outside the flake's folder either, through no link.
#[test]
fn a_foreign_flake_reads_nothing_outside_its_folder() {
    let flake = |read: &str| {
        format!("{{ pkgs, jail }}: jail \"x\" pkgs.hello (c: [ (c.readonly ({read})) ])")
    };
    for (read, refused) in [
        ("builtins.readFile /etc/passwd", true),
        ("builtins.readFile ../secret", true),
        ("builtins.readFile \"${toString ./.}/../secret\"", true),
        ("builtins.readFile ./link", true),
        ("builtins.readFile ./folder/secret", true),
        ("builtins.readFile ./pipe", true),
        ("import ./link.nix", true),
        ("builtins.head (builtins.attrNames (builtins.readDir ../.))", true),
        ("builtins.head (builtins.attrNames (builtins.readDir ./folder))", true),
        // The control.
        ("builtins.readFile ./own", false),
    ] {
        let scratch = Scratch::with(&[
            ("a/secret", "/geheim"),
            ("a/secret.nix", "\"/geheim\""),
            ("a/foreign/own", "/geheim"),
            ("a/foreign/flake.nix", &flake(read)),
        ]);
        for (link, target) in
            [("link", "../secret"), ("link.nix", "../secret.nix"), ("folder", "..")]
        {
            let link = scratch.path(&format!("a/foreign/{link}"));
            std::os::unix::fs::symlink(target, link).unwrap();
        }
        let pipe = scratch.path("a/foreign/pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0)
            .unwrap();
        for output in ["-", "a/foreign/x.jail", "a/x.jail", "x.jail"] {
            let outcome = scratch.run(&["import", "a/foreign/flake.nix", "-o", output]);
            assert_eq!(outcome.status == 1, refused, "{read} {output}: {}", outcome.all());
            assert!(!outcome.all().contains("geheim"), "{read} {output}: {}", outcome.all());
        }
    }
}

/// What a Nix file imports lies next to the file itself, and a link could lead to any file.
#[test]
fn a_nix_file_behind_a_link_is_not_imported() {
    let scratch = Scratch::with(&[
        ("real.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ ]"),
        ("real.json", "{ \"filesystem\": {} }"),
    ]);
    std::os::unix::fs::symlink("real.nix", scratch.path("flake.nix")).unwrap();
    std::os::unix::fs::symlink("real.json", scratch.path("srt.json")).unwrap();
    let outcome = scratch.run(&["import", "flake.nix"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("is a symbolic link"), "{}", outcome.stderr);
    scratch.run(&["import", "real.nix"]).assert_status(0);
    // Settings are often links to a store, and import nothing.
    scratch.run(&["import", "--from", "srt", "srt.json"]).assert_status(0);
}

#[test]
fn a_spec_in_another_folder_names_the_same_files() {
    let nix = "{ pkgs, jail }: jail \"x\" pkgs.hello (c: [ (c.set-env \"A\" (builtins.readFile ./sub/text)) ])";
    let scratch = Scratch::with(&[
        ("a/b/flake.nix", nix),
        ("a/b/sub/text", "words"),
        ("c/none.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ ]"),
    ]);
    for (output, path) in [("x.jail", "./a/b/sub/text"), ("a/y.jail", "./b/sub/text")] {
        scratch.run(&["import", "a/b/flake.nix", "-o", output]).assert_status(0);
        assert!(scratch.read(output).contains(path), "{}", scratch.read(output));
        scratch.run(&["check", output]).assert_status(0);
    }
    // A spec reads its own folder, so it cannot stand next to that.
    let outcome = scratch.run(&["import", "a/b/flake.nix", "-o", "c/x.jail"]);
    outcome.assert_status(1);
    assert!(outcome.stderr.contains("could not read there"), "{}", outcome.stderr);
    assert!(!scratch.path("c/x.jail").exists());
    scratch.run(&["import", "c/none.nix", "-o", "a/z.jail"]).assert_status(0);
    let printed = scratch.run(&["import", "a/b/flake.nix"]);
    printed.assert_status(0);
    assert!(printed.stderr.contains("belongs next to `a/b/flake.nix`"), "{}", printed.stderr);
    let outcome = scratch.run(&["import", "a/b/flake.nix", "-o", "nowhere/x.jail"]);
    assert!(outcome.stderr.contains("there is no such folder"), "{}", outcome.stderr);
}

#[test]
fn nothing_is_written_over_and_nothing_invented() {
    let scratch = Scratch::with(&[
        ("flake.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ ]"),
        ("none.nix", "{ pkgs }: pkgs.hello"),
        ("broken.nix", "{ outputs = "),
        ("raw.nix", "{ pkgs, jail }: jail \"x\" pkgs.hello [ (state: state // { }) ]"),
        ("x.jail", "mine"),
    ]);
    let outcome = scratch.run(&["import", "flake.nix", "-o", "x.jail"]);
    outcome.assert_status(1);
    expect![[r#"
        error: `x.jail` exists and is not changed
          help: name another file with `-o FILE`, or print the spec with `-o -`
    "#]]
    .assert_eq(&outcome.stderr);
    assert_eq!(scratch.read("x.jail"), "mine");
    let printed = scratch.run(&["import", "flake.nix"]);
    printed.assert_status(0);
    expect![[r##"
        # Imported from flake.nix.
        jail "x" pkgs.hello [ ]
    "##]]
    .assert_eq(&printed.stdout);
    for file in ["none.nix", "broken.nix", "absent.nix"] {
        let outcome = scratch.run(&["import", file]);
        outcome.assert_status(1);
        assert_eq!(outcome.stdout, "", "{file}");
        assert!(outcome.stderr.starts_with("error"), "{}", outcome.stderr);
    }
    let raw = scratch.run(&["import", "raw.nix"]);
    raw.assert_status(1);
    expect![[r#"
        error[param-type]: expected a permission, got a function
         --> raw.jail:2:24
          |
        2 | jail "x" pkgs.hello [ (state: state // { }) ]
          |                        ^^^^^^^^^^^^^^^^^^^ this is a function
          |
          = help: a call in a list needs parentheses: `[ (f x) ]`
    "#]]
    .assert_eq(&raw.stderr);
}
