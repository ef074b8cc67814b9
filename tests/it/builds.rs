//! `jailgen build` with real Nix: what is linked, what is stale, and what a failure leaves behind.

use std::fs;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SHELL: &str =
    r#"jail "jailed-sh" pkgs.bashInteractive [ (add-pkg-deps [ pkgs.coreutils ]) ]"#;

fn build(setup: &Setup, scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let arguments = [&["build"], arguments, &setup.overrides()].concat();
    setup.jailgen(scratch, &setup.programs[0], &arguments)
}

/// Where a link leads: one to the store, or a command, which leads through the root of its spec.
fn target(scratch: &Scratch, link: &str) -> String {
    let target = fs::read_link(scratch.path(link)).unwrap();
    if target.starts_with("/nix/store") {
        return target.display().to_string();
    }
    let folder = fs::canonicalize(target.parent().unwrap()).unwrap();
    folder.join(target.file_name().unwrap()).display().to_string()
}

const COMMAND: &str = ".local/state/jailgen/bin/jailed-sh";

#[test]
fn a_build_links_its_commands_and_keeps_them() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let built = build(&setup, &scratch, &["sh.jail", "-o", "result"]);
    built.assert_status(0);
    assert!(target(&scratch, COMMAND).ends_with("-jailed-sh/bin/jailed-sh"));
    assert!(target(&scratch, COMMAND).starts_with(&target(&scratch, "result")));
    let printed = built.all();
    assert!(printed.contains(COMMAND) && printed.contains("/flakes/sh-"), "{printed}");
    let roots = setup.nix_ok(
        &setup.programs[0].with_file_name("nix-store"),
        &scratch.path("."),
        &["--query", "--roots", &target(&scratch, "result")],
    );
    let root = roots.lines().find(|line| line.contains("/jailgen/roots/sh-"));
    assert!(root.is_some_and(|root| root.contains("/jailed-sh")), "{roots}");
    build(&setup, &scratch, &["sh.jail", "--check"]).assert_status(0);
    scratch.write("sh.jail", SHELL.replace("coreutils", "jq").as_bytes());
    let stale = build(&setup, &scratch, &["sh.jail", "--check"]);
    assert!(stale.assert_status(1).all().contains("pkgs.jq"), "{}", stale.all());
}

#[test]
fn jails_whose_names_begin_alike_keep_their_own_commands() {
    let Some(setup) = setup() else { return };
    let names = ["jailed-b", "jailed", "jailed-a", "jailed.c", "jailed0"];
    let jails = names.map(|name| format!("{name:?} = jail {name:?} pkgs.bashInteractive [ ];\n"));
    let scratch = Scratch::with(&[("sh.jail", &format!("{{\n{}}}\n", jails.concat()))]);
    build(&setup, &scratch, &["sh.jail"]).assert_status(0);
    for name in names {
        let command = target(&scratch, &format!(".local/state/jailgen/bin/{name}"));
        assert!(command.ends_with(&format!("-{name}/bin/{name}")), "{command}");
    }
}

#[test]
fn a_cage_is_linked_under_both_names_unless_another_command_is_called_so() {
    let Some(setup) = setup() else { return };
    let cage = "cage { name = \"sh\"; argv = [ \"${pkgs.bashInteractive}/bin/bash\" ]; packages = [ pkgs.jq ]; }";
    let scratch = Scratch::with(&[("cage.jail", cage), ("sh.jail", SHELL)]);
    let built = build(&setup, &scratch, &["cage.jail"]);
    assert!(built.assert_status(0).all().contains(COMMAND), "{}", built.all());
    assert!(target(&scratch, COMMAND).ends_with("-sh-cage/bin/jailed-sh"));
    let run = std::process::Command::new(scratch.path(COMMAND))
        .args(["-c", "echo \"$HOME\" in \"$0\""])
        .env("HOME", scratch.path("."))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(said.contains("/jailgen/sh/home in"), "{said}{}", String::from_utf8_lossy(&run.stderr));

    // Another spec cannot take the name over unasked; then the cage leaves it alone,
    // also when it is built again.
    build(&setup, &scratch, &["sh.jail"]).assert_status(1);
    build(&setup, &scratch, &["sh.jail", "--force"]).assert_status(0);
    let again = build(&setup, &scratch, &["cage.jail"]);
    assert!(!again.assert_status(0).all().contains(COMMAND), "{}", again.all());
    assert!(target(&scratch, COMMAND).ends_with("-jailed-sh/bin/jailed-sh"));

    // In one spec the jail has it. What is dropped is unlinked.
    let both = format!("{{ a = {SHELL}; b = {cage}; }}");
    scratch.write("sh.jail", both.as_bytes());
    fs::remove_file(scratch.path("cage.jail")).unwrap();
    build(&setup, &scratch, &["sh.jail"]).assert_status(0);
    assert!(target(&scratch, COMMAND).ends_with("-jailed-sh/bin/jailed-sh"));
    scratch.write("sh.jail", cage.as_bytes());
    build(&setup, &scratch, &["sh.jail"]).assert_status(0);
    assert!(target(&scratch, COMMAND).ends_with("-sh-cage/bin/jailed-sh"));
    scratch.write("sh.jail", cage.replace("\"sh\"", "\"other\"").as_bytes());
    build(&setup, &scratch, &["sh.jail"]).assert_status(0);
    assert!(fs::symlink_metadata(scratch.path(COMMAND)).is_err());
}

#[test]
fn a_package_that_does_not_exist_leads_back_to_the_line_of_the_spec() {
    let Some(setup) = setup() else { return };
    let spec =
        "jail \"jailed-sh\" pkgs.bashInteractive [\n  (add-pkg-deps [ pkgs.no-such-package ])\n]\n";
    let scratch = Scratch::with(&[("sh.jail", spec)]);
    for nix in &setup.programs {
        let arguments = [&["build", "sh.jail"][..], &setup.overrides()].concat();
        let outcome = setup.jailgen(&scratch, nix, &arguments);
        let text = outcome.assert_status(1).all();
        assert!(text.contains("attribute 'no-such-package' missing"), "{}: {text}", nix.display());
        assert!(text.contains("`add-pkg-deps` in sh.jail:2:"), "{}: {text}", nix.display());
    }
}

#[test]
fn a_build_that_fails_in_the_middle_shows_nixs_message_and_leaves_the_last_one_alone() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    build(&setup, &scratch, &["sh.jail"]).assert_status(0);
    let before = target(&scratch, COMMAND);
    let failing = "(pkgs.runCommand \"broken\" { } \"echo the reason; exit 3\")";
    scratch.write("sh.jail", SHELL.replace("pkgs.coreutils", failing).as_bytes());
    let failed = build(&setup, &scratch, &["sh.jail"]);
    let text = failed.assert_status(1).all();
    assert!(text.contains("the reason") && text.contains("exit code 3"), "{text}");
    assert!(text.contains(".failed`"), "where the flake is kept: {text}");
    assert_eq!(target(&scratch, COMMAND), before);
    let flakes = fs::read_dir(scratch.path(".local/state/jailgen/flakes")).unwrap();
    let mut names: Vec<String> =
        flakes.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.retain(|name| !name.ends_with(".lock"));
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[1], format!("{}.failed", names[0]));
    let kept = scratch.read(&format!(".local/state/jailgen/flakes/{}/jailed-sh.nix", names[0]));
    assert!(kept.contains("pkgs.coreutils") && !kept.contains("broken"), "{kept}");
}

#[test]
fn a_command_of_another_spec_is_not_taken_over() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("a.jail", SHELL), ("b.jail", SHELL)]);
    build(&setup, &scratch, &["a.jail"]).assert_status(0);
    let refused = build(&setup, &scratch, &["b.jail"]);
    let text = refused.assert_status(1).all();
    assert!(
        text.contains("the command `jailed-sh` belongs to another spec") && text.contains("a.jail"),
        "{text}"
    );
    build(&setup, &scratch, &["b.jail", "--force"]).assert_status(0);

    // The first spec drops the name, and the link is no longer its own.
    scratch.write("a.jail", SHELL.replace("jailed-sh", "jailed-other").as_bytes());
    build(&setup, &scratch, &["a.jail"]).assert_status(0);
    assert!(scratch.path(COMMAND).exists());
    scratch.write("b.jail", SHELL.replace("jailed-sh", "jailed-b").as_bytes());
    build(&setup, &scratch, &["b.jail"]).assert_status(0);
    assert!(fs::symlink_metadata(scratch.path(COMMAND)).is_err(), "it is gone");
}

#[test]
fn run_and_shell_build_what_is_stale_and_start_it() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let overrides = setup.overrides();
    let run = |arguments: &[&str]| setup.jailgen(&scratch, &setup.programs[0], arguments);
    let first = run(&[&["run", "sh.jail"], &overrides[..], &["--", "-c", "echo inside"]].concat());
    assert_eq!(first.assert_status(0).stdout, "inside\n");
    let again = run(&["run", "sh.jail", "--", "-c", "exit 7"]);
    again.assert_status(7);
    let shell = run(&["shell", "sh.jail", "-c", "echo $0 && ls /home"]);
    assert!(shell.all().contains("No such file"), "{}", shell.all());
}

#[test]
fn a_daemon_that_does_not_answer_is_an_error_that_says_what_to_do() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let arguments = [&["build", "sh.jail"][..], &setup.overrides()].concat();
    let mut command = scratch.jailgen(&arguments);
    command.env("NIX_REMOTE", "daemon").env("NIX_DAEMON_SOCKET_PATH", scratch.path("no-socket"));
    let text = Outcome::of(&command.assert()).assert_status(1).all();
    assert!(text.contains("the Nix daemon does not answer"), "{text}");
}

#[test]
fn without_nix_emission_works_and_a_build_says_what_is_missing() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let without = |arguments: &[&str]| {
        let mut command = scratch.jailgen(arguments);
        Outcome::of(&command.env("PATH", scratch.path("nothing")).assert())
    };
    let overrides = setup.overrides();
    without(&[&["emit", "sh.jail", "-o", "out"], &overrides[..]].concat()).assert_status(0);
    let built = without(&[&["build", "sh.jail"], &overrides[..]].concat());
    let text = built.assert_status(1).all();
    assert!(text.contains("Nix is not installed") && text.contains("nix-bin"), "{text}");
}

#[test]
fn builds_of_one_spec_at_once_wait_for_each_other() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    std::thread::scope(|scope| {
        let builds: Vec<_> =
            (0..4).map(|_| scope.spawn(|| build(&setup, &scratch, &["sh.jail"]))).collect();
        for build in builds {
            build.join().unwrap().assert_status(0);
        }
    });
    assert!(target(&scratch, COMMAND).ends_with("-jailed-sh/bin/jailed-sh"));
}

#[test]
fn a_store_path_that_is_written_out_is_refused_with_its_line() {
    let Some(setup) = setup() else { return };
    let path = "/nix/store/00000000000000000000000000000000-x";
    let spec = format!("jail \"jailed-sh\" pkgs.bashInteractive [\n  (readonly \"{path}\")\n]\n");
    let scratch = Scratch::with(&[("sh.jail", &spec)]);
    let text = build(&setup, &scratch, &["sh.jail"]).assert_status(1).all();
    assert!(text.contains("sh.jail:2:"), "{text}");
    assert!(text.contains("is not in the reference graph of this build"), "{text}");
}

#[test]
fn flakes_need_not_be_switched_on() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let without: Vec<&str> =
        setup.config().lines().filter(|line| !line.starts_with("experimental-features")).collect();
    let arguments = [&["build", "sh.jail"][..], &setup.overrides()].concat();
    for nix in &setup.programs {
        let plain = std::process::Command::new(nix)
            .args(["flake", "metadata", &setup.nixpkgs])
            .env("NIX_CONFIG", without.join("\n"))
            .env("HOME", scratch.path("."))
            .output()
            .unwrap();
        assert!(!plain.status.success(), "the control: they are switched off here");
        let mut command = scratch.jailgen(&arguments);
        command.env("NIX_CONFIG", without.join("\n"));
        command.env("PATH", crate::real_nix::path_with(nix));
        Outcome::of(&command.assert()).assert_status(0);
    }
}
