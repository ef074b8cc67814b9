//! E18, E14: the first run of a checked-out spec, and what of a checked-out
//! project is not believed.

use std::fs;

use super::{HOOK, Project, SPEC, answered};

const RUN: &[&str] = &["run", "sh.jail", "--", "-c", "echo in-$((40+2))"];

/// What needs a build says what it would approve, and names the command that does.
#[test]
fn the_first_run_of_a_spec_with_a_hook_is_refused_without_a_terminal() {
    let Some(project) = Project::new() else { return };
    let overrides = project.setup.overrides();
    for words in [RUN, &["shell", "sh.jail", "-c", "echo in-42"], &["audit", "sh.jail"]] {
        let (command, rest) = words.split_at(2);
        let (status, said) = project.jailgen(&[command, &overrides, rest].concat());
        assert_eq!(status, 1, "{said}");
        assert!(said.contains("is not approved yet"), "{said}");
        assert!(said.contains("jailed-sh: on the host: before the launch"), "{said}");
        assert!(said.contains("it copies `word`"), "{said}");
        assert!(said.contains("jailgen approve sh.jail") && !said.contains("in-42"), "{said}");
    }
    let words = [&["trace", "sh.jail"][..], &overrides, &["--", "-c", "echo in-42"]].concat();
    let (status, said) = project.jailgen(&words);
    assert!(status == 1 && said.contains("jailgen approve sh.jail"), "{said}");
    assert!(!said.contains("first"), "the hook has not run: {said}");

    let (status, said) = project.jailgen(&["approve", "sh.jail"]);
    assert_eq!(status, 0, "{said}");
    assert!(said.contains("approved jailed-sh: on the host"), "{said}");
    let (status, said) = project.jailgen(&[&RUN[..2], &overrides, &RUN[2..]].concat());
    assert!(status == 0 && said.contains("in-42") && said.contains("first"), "{said}");
    // It is approved as it is: what changes is asked about again.
    project.write("word", "another\n");
    project.refused("the content of `word`");
}

/// What can be read is gone with the first packet, so it is asked about too.
#[test]
fn the_first_run_of_a_spec_that_reads_keys_is_refused_without_a_terminal() {
    let Some(project) = Project::new() else { return };
    let overrides = project.setup.overrides();
    let run = [&RUN[..2], &overrides, &RUN[2..]].concat();
    let spec = |grants: &str| {
        let spec = format!("jail \"jailed-sh\" pkgs.bashInteractive [ mount-cwd {grants} ]");
        project.write("sh.jail", &spec);
    };
    for (grants, told) in [
        ("(readonly (noescape \"~/.ssh\")) network", "~/.ssh"),
        ("(ro-bind (noescape \"\\${NOPE:-~}//.ssh\") \"/x\")", ".ssh"),
        ("(readonly-paths-from-var \"HOME\" \":\")", "HOME"),
        ("(try-fwd-env \"GITHUB_TOKEN\") network", "GITHUB_TOKEN"),
        ("share-terminal", "terminal"),
        ("ssh-agent", "agent"),
    ] {
        spec(grants);
        let (status, said) = project.jailgen(&run);
        assert!(status == 1 && said.contains("is not approved yet"), "{grants}: {said}");
        let told = said.lines().any(|it| it.contains("what is yours: ") && it.contains(told));
        assert!(told && !said.contains("in-42"), "{grants}: {said}");
    }
    spec("(try-readonly (noescape \"~/notes\")) network");
    let (status, said) = project.jailgen(&run);
    assert!(status == 0 && said.contains("in-42"), "{said}");
}

#[test]
fn the_first_run_of_a_spec_that_stays_in_its_folder_is_not_asked_about() {
    let Some(project) = Project::new() else { return };
    project.write("sh.jail", "jail \"jailed-sh\" pkgs.bashInteractive [ mount-cwd ]");
    let overrides = project.setup.overrides();
    let (status, said) = project.jailgen(&[&RUN[..2], &overrides, &RUN[2..]].concat());
    assert!(status == 0 && said.contains("in-42"), "{said}");
}

/// Nix evaluates both before there is a jail, and they decide what every package is.
#[test]
fn a_spec_that_changes_nixpkgs_is_asked_about() {
    let Some(project) = Project::new() else { return };
    let overrides = project.setup.overrides();
    let run = [&RUN[..2], &overrides, &RUN[2..]].concat();
    let spec = |settings: &str| {
        let jail = "jail \"jailed-sh\" pkgs.bashInteractive [ mount-cwd ]";
        project.write("sh.jail", &format!("{{ {settings} outputs = {{ pkgs, ... }}: {jail}; }}"));
    };
    for (settings, shown) in [
        ("nixpkgs.config.allowUnfree = true;", ["nixpkgs.config", "allowUnfree"]),
        ("nixpkgs.overlays = [ (final: prev: { own = prev.hello; }) ];", ["overlays[0]", "own"]),
        ("overlays = [ (final: prev: { own = prev.hello; }) ];", ["overlays[0]", "own"]),
    ] {
        spec(settings);
        let (status, said) = project.jailgen(&run);
        assert!(status == 1 && said.contains("is not approved yet"), "{settings}: {said}");
        assert!(!said.contains("in-42"), "{said}");
        assert!(shown.iter().all(|word| said.contains(word)), "{said}");
    }
    let (status, said) = project.jailgen(&["approve", "sh.jail"]);
    assert!(status == 0 && said.contains("overlays[0]") && said.contains("own"), "{said}");
    let (status, said) = project.jailgen(&run);
    assert!(status == 0 && said.contains("in-42"), "{said}");
    // A change shows the code as it is now.
    spec("overlays = [ (final: prev: { other = prev.hello; }) ];");
    project.refused("other");
    // The control.
    spec("");
    let (status, said) = project.jailgen(&["approve", "sh.jail"]);
    assert!(status == 0 && said.contains("`overlays[0]` is removed"), "{said}");
}

#[test]
fn on_a_terminal_the_first_run_and_the_first_build_ask() {
    let Some(project) = Project::new() else { return };
    let overrides = project.setup.overrides();
    let run = [&RUN[..2], &overrides, &RUN[2..]].concat();
    let build = [&["build", "sh.jail"][..], &overrides].concat();
    for words in [&run, &build] {
        for answer in ["n\n", "\n", "yes please\n"] {
            let said = answered(project.command(words), answer);
            assert!(said.contains("jailed-sh: on the host") && said.contains("[y/N]"), "{said}");
            assert!(said.contains("was not built") && !said.contains("in-42"), "{said}");
        }
    }
    let said = answered(project.command(&run), "y\n");
    assert!(said.contains("in-42"), "{said}");
    let said = answered(project.command(&build), "");
    assert!(!said.contains("[y/N]"), "nothing is new: {said}");
}

/// E14: a project that is checked out brings no approval along.
#[test]
fn nothing_in_a_project_approves_it() {
    let Some(project) = Project::new() else { return };
    let overrides = project.setup.overrides();
    project.build();
    project.runs();
    // Its own state folder, checked in, and settings of every name that one could think of.
    let state = project.scratch.path(".local/state/jailgen");
    let copy = project.scratch.path("project/.local/state");
    fs::create_dir_all(&copy).unwrap();
    let copied = std::process::Command::new("cp").arg("-r").args([&state, &copy]).status();
    assert!(copied.unwrap().success());
    for file in [".jailgen", "jailgen.json", ".config/jailgen/trust.json"] {
        project.write(file, "{ \"approve\": \"*\", \"trust\": true }");
    }
    fs::rename(project.scratch.path("project"), project.scratch.path("clone")).unwrap();
    fs::create_dir(project.scratch.path("project")).unwrap();
    for (name, text) in [("sh.jail", SPEC), ("hook.nix", HOOK), ("word", "first\n")] {
        project.scratch.write(&format!("clone/{name}"), text.as_bytes());
    }
    let words = [&["run", "../clone/sh.jail"][..], &overrides, &RUN[2..]].concat();
    let (status, said) = project.jailgen(&words);
    assert!(status == 1 && said.contains("is not approved yet"), "it has moved: {said}");
    assert!(!said.contains("in-42"), "{said}");
}
