//! The commands of `jailgen` on a cage, from the example; what a cage
//! refuses is in `escapes/caged.rs`.

use std::fs;

use crate::harness::{Outcome, Scratch, project};
use crate::real_nix::{Setup, setup};

fn jailgen(setup: &Setup, scratch: &Scratch, arguments: &[&str]) -> Outcome {
    setup.jailgen(scratch, &setup.programs[0], arguments)
}

#[test]
fn every_command_works_on_a_cage() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::outside_of_tmp();
    let spec = fs::read(project().join("examples/cage.jail")).unwrap();
    scratch.write("specs/cage.jail", &spec);
    let build = [&["build", "specs/cage.jail"][..], &setup.overrides()].concat();
    let built = jailgen(&setup, &scratch, &build);
    assert!(built.assert_status(0).all().contains("bin/claude-cage"), "{}", built.all());
    // The scratch folder is the home folder too, where nothing is started.
    fs::create_dir(scratch.path("project")).unwrap();
    let inside = |script: &str| {
        let mut command = scratch.jailgen(&["shell", "../specs/cage.jail", "-c", script]);
        command.env("NIX_CONFIG", setup.config()).current_dir(scratch.path("project"));
        Outcome::of(&command.assert())
    };
    let own = scratch.path(".local/state/jailgen/claude/home").display().to_string();
    let shell = inside("echo $HOME; echo x > made; cat made");
    assert_eq!(shell.assert_status(0).stdout, format!("{own}\nx\n"));
    inside("cat \"$ORIG_HOME/specs/cage.jail\"").assert_status(1);
    let mut run = scratch.jailgen(&["run", "../specs/cage.jail", "--", "--version"]);
    run.env("NIX_CONFIG", setup.config()).current_dir(scratch.path("project"));
    assert!(Outcome::of(&run.assert()).assert_status(0).stdout.starts_with("claude "));
    let closure = jailgen(&setup, &scratch, &["closure", "specs/cage.jail"]);
    assert!(closure.assert_status(0).stdout.contains("claude-code"), "{}", closure.all());
    let mut audit = scratch.jailgen(&["audit", "../specs/cage.jail"]);
    audit.env("NIX_CONFIG", setup.config()).current_dir(scratch.path("project"));
    let audit = Outcome::of(&audit.assert());
    assert!(audit.assert_status(0).stdout.contains("✓ home"), "{}", audit.all());
}

#[test]
fn a_cage_is_explained_without_mounts() {
    let scratch = Scratch::new();
    let example = project().join("examples/cage.jail");
    let text = scratch.run(&["explain", &example.display().to_string()]);
    let text = &text.assert_status(0).stdout;
    assert!(text.contains("the folder that it is started in"), "{text}");
    assert!(text.contains("executing    of /nix/store what this cage needs"), "{text}");
    assert!(!text.contains("bind for now"), "{text}");
    let calls = scratch.run(&["explain", "--syscalls", &example.display().to_string()]);
    assert!(calls.assert_status(0).stdout.starts_with("claude-cage "), "{}", calls.all());
    // The filter that only cages have: no TCP Fast Open.
    assert!(
        calls.stdout.contains("if argument 3 has a bit of 0x20000000: EPERM"),
        "{}",
        calls.all()
    );
}

/// What a cage has of the host only if its spec says so, in a cage that says so and in one that
/// does not.
#[test]
fn the_distributions_programs_and_a_port_of_the_kernels_are_granted_on_request() {
    let Some(setup) = setup() else { return };
    let scratch = Scratch::outside_of_tmp();
    scratch.write("there", b"here\n");
    scratch.write("other", b"here\n");
    let more = "systemPrograms = true; network.bindTcp = \"ephemeral\"; \
        filesystem.ro = [ \"~/there\" { path = \"~/missing\"; try = true; } ];";
    for (name, more) in [("plain", ""), ("more", more)] {
        let spec = format!(
            "cage {{ name = \"{name}\"; argv = [ \"${{pkgs.bashInteractive}}/bin/bash\" ]; \
            packages = [ pkgs.bashInteractive ]; {more} }}"
        );
        scratch.write(&format!("specs/{name}.jail"), spec.as_bytes());
        let file = format!("specs/{name}.jail");
        let build = [&["build", &file][..], &setup.overrides()].concat();
        jailgen(&setup, &scratch, &build).assert_status(0);
    }
    fs::create_dir(scratch.path("project")).unwrap();
    let run = |name: &str, script: &str| {
        let file = format!("../specs/{name}.jail");
        let mut command = scratch.jailgen(&["run", &file, "--", "-c", script]);
        command.env("NIX_CONFIG", setup.config()).current_dir(scratch.path("project"));
        Outcome::of(&command.assert())
    };
    let bind = |port: u16| {
        format!(
            "/usr/bin/python3 -c 'import mimetypes, socket; mimetypes.init(); socket.socket().bind((\"127.0.0.1\", {port}))'"
        )
    };
    let readable = "for file in /etc/passwd /etc/ssl/openssl.cnf /etc/mime.types /etc/bash.bashrc; do \
        [ ! -e $file ] || : <$file || exit 1; done";
    for name in ["plain", "more"] {
        run(name, readable).assert_status(0);
        // Nothing else of the host, whatever it is.
        run(name, "read -r it <$ORIG_HOME/other").assert_status(1);
        // Whatever /etc/profile does, a login shell has the spec's packages. The file that says so
        // is not the cage's.
        run(name, "[ \"$(bash -lc 'echo $PATH')\" = \"$PATH\" ]").assert_status(0);
        run(name, "[ -n \"$PATH\" ] && [ -s ~/.profile ] && : >>~/.profile").assert_status(1);
    }
    run("plain", "/usr/bin/env true").assert_status(126);
    run("more", "/usr/bin/env true && [ \"$(type -P env)\" = /usr/bin/env ]").assert_status(0);
    run("more", "read -r it <$ORIG_HOME/there && [ \"$it\" = here ]").assert_status(0);
    run("plain", "read -r it <$ORIG_HOME/there").assert_status(1);
    run("more", &bind(0)).assert_status(0);
    run("more", &bind(8764)).assert_status(1);
}
