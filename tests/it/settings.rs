//! The user's settings: that they stand for options, that options win, and that a file which a jail
//! could write is not used.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::harness::{Outcome, Scratch, project};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SHELL: &str = r#"jail "jailed-sh" pkgs.bashInteractive [ mount-cwd ]"#;
const FILE: &str = ".config/jailgen/config.toml";

/// A home folder with the stand-ins in its settings, and a project with a spec.
fn set_up(setup: &Setup) -> Scratch {
    let scratch = Scratch::outside_of_tmp();
    scratch.write("project/sh.jail", SHELL.as_bytes());
    for (key, value) in [
        ("override-input.nixpkgs", setup.nixpkgs.as_str()),
        ("override-input.llm-agents", &setup.llm_agents),
    ] {
        scratch.run(&["config", "set", key, value]).assert_status(0);
    }
    for line in setup.config().lines().filter(|line| !line.starts_with('#')) {
        let Some((name, value)) = line.split_once(" =") else { continue };
        let key = format!("nix.{name}");
        scratch.run(&["config", "set", &key, value.trim()]).assert_status(0);
    }
    scratch
}

/// In the project, without anything of Nix in the environment but where its daemon is.
fn run(scratch: &Scratch, arguments: &[&str]) -> Outcome {
    let mut command = scratch.jailgen(arguments);
    command.current_dir(scratch.path("project")).env_remove("NIX_CONFIG");
    Outcome::of(&command.assert())
}

#[test]
fn settings_stand_for_the_options_that_are_not_given() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = set_up(&setup);
    let ran = run(&scratch, &["run", "sh.jail", "--", "-c", "echo \"in $PWD\""]);
    let project = scratch.path("project").canonicalize().unwrap();
    assert_eq!(ran.assert_status(0).stdout, format!("in {}\n", project.display()));
    run(&scratch, &["build", "sh.jail", "--check"]).assert_status(0);
    // Nix is not asked again.
    let mut again = scratch.jailgen(&["run", "sh.jail", "--", "-c", "echo again"]);
    again.current_dir(&project).env("PATH", "/nonexistent");
    assert_eq!(Outcome::of(&again.assert()).assert_status(0).stdout, "again\n");

    // A change of the settings is a change of what is built.
    let other = "path:/nonexistent/nixpkgs";
    run(&scratch, &["config", "set", "override-input.nixpkgs", other]).assert_status(0);
    let stale = run(&scratch, &["run", "sh.jail", "--", "-c", "echo ran"]);
    assert!(stale.assert_status(1).stderr.contains("/nonexistent/nixpkgs"), "{}", stale.all());
    // An option wins, and what it pinned stays pinned.
    let option = ["run", "sh.jail", "--nixpkgs", &setup.nixpkgs, "--", "-c", "echo ran"];
    assert_eq!(run(&scratch, &option).assert_status(0).stdout, "ran\n");
    let after = run(&scratch, &["run", "sh.jail", "--", "-c", "echo ran"]);
    assert_eq!(after.assert_status(0).stdout, "ran\n");
    // `update` goes back to what is set, and to nothing of the network.
    let update = run(&scratch, &["update", "sh.jail"]);
    assert!(update.assert_status(1).stderr.contains("/nonexistent/nixpkgs"), "{}", update.all());
    run(&scratch, &["config", "set", "override-input.nixpkgs", &setup.nixpkgs]).assert_status(0);
    run(&scratch, &["update", "sh.jail"]).assert_status(0);
}

#[test]
fn what_is_emitted_for_others_has_nothing_of_them_but_the_kit() {
    let scratch = Scratch::with(&[("sh.jail", SHELL)]);
    let emit = |to: &str| {
        scratch.run(&["emit", "sh.jail", "-o", to]).assert_status(0);
        scratch.read(&format!("{to}/flake.lock")) + &scratch.read(&format!("{to}/flake.nix"))
    };
    let before = emit("before");
    scratch.run(&["config", "set", "override-input.nixpkgs", "path:/x"]).assert_status(0);
    assert_eq!(emit("after"), before);
    let kit = scratch.path("kit");
    scratch.write("kit/flake.nix", b"{ outputs = _: { }; }");
    scratch.write("kit/nixlib/default.nix", b"{ }");
    scratch.write("kit/tools/x", b"");
    let kit = format!("path:{}", kit.canonicalize().unwrap().display());
    scratch.run(&["config", "set", "kit", &kit]).assert_status(0);
    assert!(emit("other").contains(&kit), "the control");
}

#[test]
fn commands_are_linked_where_the_settings_say_and_replace_nothing_there() {
    let Some(setup) = setup() else { return };
    let scratch = set_up(&setup);
    run(&scratch, &["config", "set", "commands", "~/.local/bin"]).assert_status(0);
    let link = scratch.path(".local/bin/jailed-sh");
    fs::create_dir_all(link.parent().unwrap()).unwrap();
    symlink("/opt/other/jailed-sh", &link).unwrap();
    let taken = run(&scratch, &["build", "sh.jail"]);
    assert!(taken.assert_status(1).stderr.contains("/opt/other/jailed-sh"), "{}", taken.all());
    fs::remove_file(&link).unwrap();
    let built = run(&scratch, &["build", "sh.jail"]);
    assert!(built.assert_status(0).stderr.contains("/.local/bin/jailed-sh"), "{}", built.all());
    assert!(link.canonicalize().unwrap().starts_with("/nix/store"));
    run(&scratch, &["build", "sh.jail"]).assert_status(0);

    fs::set_permissions(link.parent().unwrap(), fs::Permissions::from_mode(0o777)).unwrap();
    let open = run(&scratch, &["build", "sh.jail"]);
    assert!(open.assert_status(1).stderr.contains("others may write it"), "{}", open.all());
}

#[test]
fn a_value_that_is_given_wrongly_has_no_line_in_the_file() {
    let scratch = Scratch::new();
    for (key, value, says) in [
        ("color", "blue", "error: `color` has no such value\n  help: write one of \"auto\""),
        ("colour", "never", "error: there is no setting `colour`"),
    ] {
        let told = scratch.run(&["config", "set", key, value]);
        assert!(told.assert_status(1).stderr.starts_with(says), "{}", told.all());
    }
    // What is wrong in the file already has one.
    scratch.write(".config/jailgen/config.toml", b"kit = \"./kit\"\n");
    let told = scratch.run(&["config", "set", "color", "never"]);
    assert!(told.assert_status(1).stderr.contains("config.toml:1`: `kit`"), "{}", told.all());
}

#[test]
fn the_file_is_shown_with_the_line_of_each_setting() {
    let scratch = Scratch::new();
    let shown = scratch.run(&["config"]);
    assert!(
        shown.assert_status(0).stdout.contains("(not there: nothing is set)"),
        "{}",
        shown.all()
    );
    scratch.run(&["config", "set", "color", "never"]).assert_status(0);
    scratch.run(&["config", "set", "nix.max-jobs", "2"]).assert_status(0);
    let shown = scratch.run(&["config"]);
    let text = &shown.assert_status(0).stdout;
    for line in
        ["  color         never  (line 1)", "  nix.max-jobs  2  (line 4)", "/bin  (default)"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let json = scratch.run(&["config", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json.assert_status(0).stdout).unwrap();
    let color = &json["settings"][0];
    assert_eq!((&color["value"], &color["from"]["file"]), (&"never".into(), &1.into()), "{json}");
    let path = scratch.run(&["config", "path"]);
    assert_eq!(path.stdout, format!("{}\n", scratch.path(FILE).display()));
    assert_eq!(fs::metadata(scratch.path(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
    scratch.run(&["config", "unset", "color"]).assert_status(0);
    assert_eq!(scratch.read(FILE).trim_start(), "[nix]\nmax-jobs = \"2\"\n");
    scratch.run(&["config", "unset", "color"]).assert_status(1);
}

#[test]
fn colour_is_what_the_option_says_and_else_what_the_settings_say() {
    let scratch = Scratch::new();
    let is_coloured = |arguments: &[&str]| scratch.run(arguments).stderr.contains('\u{1b}');
    assert!(!is_coloured(&["check", "nothing.jail"]));
    scratch.run(&["config", "set", "color", "always"]).assert_status(0);
    assert!(is_coloured(&["check", "nothing.jail"]));
    assert!(!is_coloured(&["check", "nothing.jail", "--color", "never"]));
}

#[test]
fn a_file_with_a_fault_stops_every_command_but_those_that_mend_it() {
    let scratch = Scratch::with(&[("sh.jail", SHELL), (FILE, "\ncolour = \"never\"\n")]);
    fs::set_permissions(scratch.path(FILE), fs::Permissions::from_mode(0o600)).unwrap();
    for command in [&["check", "sh.jail"][..], &["config"], &["doctor"]] {
        let failed = scratch.run(command);
        let text = &failed.assert_status(1).stderr;
        assert!(text.contains("config.toml:2`: unknown key `colour`"), "{text}");
        assert!(text.contains("did you mean `color`?"), "{text}");
    }
    scratch.run(&["config", "path"]).assert_status(0);
    scratch.run(&["completions", "bash"]).assert_status(0);
    scratch.run(&["config", "set", "kit", "path:/x"]).assert_status(1);
    scratch.run(&["config", "unset", "colour"]).assert_status(0);
    scratch.run(&["check", "sh.jail"]).assert_status(0);
}

#[test]
fn a_file_that_a_jail_or_another_user_could_write_is_not_used() {
    let scratch = Scratch::with(&[("project/sh.jail", SHELL), (FILE, "color = \"never\"\n")]);
    let check = |config: Option<&str>| {
        let mut command = scratch.jailgen(&["check", "sh.jail"]);
        command.current_dir(scratch.path("project"));
        if let Some(config) = config {
            command.env("XDG_CONFIG_HOME", scratch.path(config));
        }
        Outcome::of(&command.assert())
    };
    let own = scratch.path(FILE);
    let mode = |mode| fs::set_permissions(&own, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    check(None).assert_status(0);
    mode(0o666);
    assert!(check(None).assert_status(1).stderr.contains("chmod go-w"));
    mode(0o600);
    // XDG_CONFIG_HOME may name another folder, but none of the project's, as a `.envrc` might.
    for folder in ["elsewhere", "project/.config"] {
        scratch.write(&format!("{folder}/jailgen/config.toml"), b"");
        let file = scratch.path(folder).join("jailgen/config.toml");
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    check(Some("elsewhere")).assert_status(0);
    let refused = check(Some("project/.config"));
    assert!(refused.assert_status(1).stderr.contains("are not used"), "{}", refused.all());
    // Nor through a link into it.
    fs::remove_file(&own).unwrap();
    symlink(scratch.path("project/.config/jailgen/config.toml"), &own).unwrap();
    check(None).assert_status(1);
    // An edit does not replace a link.
    fs::remove_file(&own).unwrap();
    symlink(scratch.path("elsewhere/jailgen/config.toml"), &own).unwrap();
    check(None).assert_status(0);
    let edit = scratch.run(&["config", "set", "color", "auto"]);
    assert!(edit.assert_status(1).stderr.contains("is a link to"), "{}", edit.all());
}

#[test]
fn a_check_of_a_build_needs_no_home_folder() {
    let scratch = Scratch::with(&[("sh.jail", SHELL), ("bad.jail", "jail \"x\" [ ]")]);
    let check = |spec: &str| {
        let mut command = scratch.jailgen(&["build", spec, "--check"]);
        command.env_remove("HOME").env("PATH", "/nonexistent");
        Outcome::of(&command.assert())
    };
    let checked = check("sh.jail");
    assert!(checked.assert_status(0).stderr.contains("no earlier build to compare it with"));
    check("bad.jail").assert_status(1);
}

/// What `make demo` ends with.
#[test]
fn the_demo_writes_settings_with_which_jails_are_built_offline_where_there_are_none() {
    if setup().is_none() || !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::outside_of_tmp();
    scratch.write("project/sh.jail", SHELL.as_bytes());
    let write = || {
        let mut command = assert_cmd::Command::new(project().join("scripts/write-settings"));
        command.arg(assert_cmd::cargo::cargo_bin!("jailgen")).env("HOME", scratch.path("."));
        command.env_remove("XDG_CONFIG_HOME").env_remove("NIX_CONFIG");
        Outcome::of(&command.assert())
    };
    let written = write();
    let undo = written.assert_status(0).stdout.lines().last().unwrap_or_default();
    assert!(undo.starts_with("Undo it with: rm /") && undo.ends_with(FILE), "{}", written.all());
    let ran = run(&scratch, &["run", "sh.jail", "--", "-c", "echo ran"]);
    assert_eq!(ran.assert_status(0).stdout, "ran\n", "{}", ran.all());

    let own = "color = \"never\"\n";
    scratch.write(FILE, own.as_bytes());
    let left = write();
    assert!(
        left.assert_status(0).stdout.contains("config set override-input.nixpkgs path:/nix/store/")
    );
    assert_eq!(scratch.read(FILE), own);
}
