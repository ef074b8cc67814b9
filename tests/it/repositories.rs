//! No command of ours, and nothing that a launch runs of its own, does what the
//! configuration of a repository says.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::Scratch;
use crate::real_nix::{Setup, has_user_namespaces, setup};

const SPEC: &str = r#"jail "jailed-git" pkgs.bashInteractive [
  mount-cwd
  git-worktree
  git-identity
]
"#;

/// A project whose configuration names programs in every place that git runs one for a mere look,
/// as is that of the home folder. Each leaves a word in `fired`.
fn armed(setup: &Setup) -> Scratch {
    let scratch = Scratch::with(&[("project/git.jail", SPEC), ("project/tracked", "one\n")]);
    let flake = format!(
        "{{\n  inputs.real.url = \"{}\";\n  outputs = {{ real, ... }}: {{ inherit (real) lib; }}; }}",
        setup.nixpkgs
    );
    scratch.write("project/nixpkgs/flake.nix", flake.as_bytes());
    for repository in ["", "project"] {
        arm(&scratch, &scratch.path(repository));
    }
    scratch.write("project/tracked", b"two\n");
    scratch
}

fn arm(scratch: &Scratch, repository: &Path) {
    let fired = scratch.path("fired");
    let fire = |word: &str| format!("echo {word} >>'{}'; cat", fired.display());
    git(repository, &["init", "-q", "."]);
    git(repository, &["add", "-A"]);
    git(repository, &["-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "x"]);
    for (key, word) in [
        ("core.fsmonitor", "fsmonitor"),
        ("core.pager", "pager"),
        ("core.sshCommand", "ssh"),
        ("diff.external", "external"),
        ("diff.armed.textconv", "textconv"),
        ("filter.armed.clean", "clean"),
        ("filter.armed.smudge", "smudge"),
    ] {
        git(repository, &["config", key, &fire(word)]);
    }
    fs::write(repository.join(".git/info/attributes"), "* filter=armed diff=armed\n").unwrap();
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(folder).env("HOME", "/nonexistent");
    assert!(command.output().unwrap().status.success(), "git {arguments:?}");
}

#[test]
fn no_repository_has_its_programs_run_by_a_command_of_ours() {
    let Some(setup) = setup() else { return };
    let scratch = armed(&setup);
    let fired = scratch.path("fired");
    git(&scratch.path("project"), &["status"]);
    let control = fs::read_to_string(&fired).unwrap();
    assert!(control.contains("fsmonitor") && control.contains("clean"), "{control}");
    fs::remove_file(&fired).unwrap();
    let pinned = ["--nixpkgs", "./nixpkgs", "--override-input", "llm-agents", &setup.llm_agents];
    let overrides = setup.overrides();
    for (arguments, inputs) in [
        (&["check", "git.jail"][..], &[][..]),
        (&["explain", "git.jail"], &[]),
        (&["build", "git.jail"], &overrides),
        (&["emit", "git.jail", "-o", "out"], &overrides),
        (&["emit", "git.jail", "-o", ".", "--force"], &pinned),
    ] {
        let arguments = [arguments, inputs].concat();
        let mut command = scratch.jailgen(&arguments);
        command.current_dir(scratch.path("project")).env("NIX_CONFIG", setup.config());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        assert!(!fired.exists(), "{arguments:?}: {}", fs::read_to_string(&fired).unwrap());
    }
    assert!(
        !scratch.path("project/nixpkgs/flake.lock").exists(),
        "what is pinned is not written to"
    );
    if has_user_namespaces() {
        let mut jail = Command::new(scratch.path(".local/state/jailgen/bin/jailed-git"));
        jail.args(["-c", "true"]).current_dir(scratch.path("project"));
        let output = jail.env("HOME", scratch.path("")).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(!fired.exists(), "a launch: {}", fs::read_to_string(&fired).unwrap());
    }
}

#[test]
fn a_reference_for_which_nix_would_run_git_where_a_jail_could_write_is_refused() {
    let Some(setup) = setup() else { return };
    let scratch = armed(&setup);
    for reference in
        ["git+file:./", "./?dir=nixpkgs", "/project?dir=nixpkgs", "git+file:///project"]
    {
        let project = scratch.path("project").display().to_string();
        let reference = reference.replacen("/project", &project, 1);
        let mut command = scratch.jailgen(&["build", "git.jail", "--nixpkgs", &reference]);
        command.current_dir(scratch.path("project")).env("NIX_CONFIG", setup.config());
        let output = command.output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("where a jail could write"), "{reference}: {errors}");
        assert!(!scratch.path("fired").exists(), "{reference}");
    }
}

#[test]
fn an_input_of_a_spec_in_a_repository_that_a_jail_could_write_is_refused() {
    let Some(setup) = setup() else { return };
    let scratch = armed(&setup);
    let project = scratch.path("project").display().to_string();
    let build = |folder: &str, command: &str| {
        let arguments = [&[command, "/inputs.jail"][..], &setup.overrides()].concat();
        let arguments: Vec<String> = arguments
            .iter()
            .map(|word| word.replace("/inputs.jail", &format!("{project}/inputs.jail")))
            .collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let arguments = if command == "update" { &arguments[..2] } else { &arguments };
        let mut command = scratch.jailgen(arguments);
        command.current_dir(scratch.path(folder)).env("NIX_CONFIG", setup.config());
        String::from_utf8_lossy(&command.output().unwrap().stderr).into_owned()
    };
    let spec = |input: &str| {
        let spec = format!(
            "{{\n  inputs.x = {input};\n  outputs = {{ pkgs, jail, combinators, ... }}: {};\n}}\n",
            r#"jail "jailed-inputs" pkgs.bashInteractive (with combinators; [ mount-cwd ])"#
        );
        scratch.write("project/inputs.jail", spec.as_bytes());
    };
    for input in [
        format!("{{ url = \"git+file://{project}\"; flake = false; }}"),
        "{ url = \"git+file:../../../../../project\"; flake = false; }".into(),
        format!("{{ url = \"hg+file://{project}\"; flake = false; }}"),
        format!(
            "{{ url = \"path:{project}/nixpkgs\"; inputs.real = {{ url = \"git+file://{project}\"; flake = false; }}; }}"
        ),
    ] {
        spec(&input);
        let errors = build("project", "build");
        assert!(errors.contains("where a jail could write"), "{input}: {errors}");
        assert!(!scratch.path("fired").exists(), "{input}");
    }
    // From where no jail could write it is built, of what is committed; once a jail was
    // given it, it is not updated.
    scratch.write("elsewhere/x", b"");
    spec(&format!("{{ url = \"git+file://{project}\"; flake = false; }}"));
    let errors = build("elsewhere", "build");
    assert!(!errors.contains("where a jail could write"), "{errors}");
    let errors = build("project", "update");
    assert!(errors.contains("where a jail could write"), "{errors}");
    assert!(!scratch.path("fired").exists());
}

/// What a package, an overlay or an input of a spec has Nix evaluate is any Nix.
#[test]
fn no_spec_has_git_do_what_the_configuration_of_a_repository_says() {
    let Some(setup) = setup() else { return };
    let scratch = armed(&setup);
    let project = scratch.path("project");
    let mut head = Command::new("git");
    let head = head.args(["rev-parse", "HEAD"]).current_dir(&project).output().unwrap();
    let head = String::from_utf8(head.stdout).unwrap();
    let repository = format!("file://{}", project.display());
    let fetch =
        format!("builtins.fetchGit {{ url = \"{repository}\"; rev = \"{}\"; }}", head.trim());
    let nix = format!("bash: builtins.seq ({fetch}).outPath bash");
    for (name, spec) in [
        ("package", format!("jail \"package\" (pkgs.lib.makeOverridable ({nix}) pkgs.bash) [ ]")),
        (
            "overlay",
            format!(
                "{{ overlays = [ (final: prev: {{ bash = ({nix}) prev.bash; }}) ];\n\
                 outputs = {{ pkgs, ... }}: jail \"overlay\" pkgs.bash [ ]; }}"
            ),
        ),
        (
            "input",
            format!(
                "{{ inputs.x = {{ url = \"git+{repository}\"; flake = false; }};\n\
                 outputs = {{ pkgs, ... }}: jail \"input\" pkgs.bash [ ]; }}"
            ),
        ),
    ] {
        let file = format!("{name}.jail");
        scratch.write(&file, spec.as_bytes());
        // Each asks anew, and not what an earlier one has fetched.
        let cache = scratch.path(&format!("cache-{name}"));
        let overrides = setup.overrides();
        let mut command = scratch.jailgen(&[&["build", &file][..], &overrides].concat());
        command.env("NIX_CONFIG", setup.config()).env("XDG_CACHE_HOME", cache);
        let output = command.current_dir(scratch.path("")).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name}: {errors}");
        let fired = fs::read_to_string(scratch.path("fired"));
        assert!(fired.is_err(), "{name}: {fired:?}");
    }
}
