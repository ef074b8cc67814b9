//! What the first pages say, as it stands there: the commands of README.md and
//! docs/getting-started.md run one after the other, and so do the specs on them.

use std::fs;

use crate::harness::{Outcome, Scratch, project};
use crate::real_nix::{has_user_namespaces, setup};

/// A home folder with settings for the stand-ins, and a project.
fn first_hour() -> Option<Scratch> {
    setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let scratch = Scratch::outside_of_tmp();
    scratch.write("project/main.py", b"");
    let mut command = assert_cmd::Command::new(project().join("scripts/write-settings"));
    command.arg(assert_cmd::cargo::cargo_bin!("jailgen")).env("HOME", scratch.path("."));
    command.env_remove("XDG_CONFIG_HOME").env_remove("NIX_CONFIG");
    Outcome::of(&command.assert()).assert_status(0);
    Some(scratch)
}

/// A command line in the project, as the user of this home folder would type it. Nothing can be
/// typed to what it starts.
fn type_in(scratch: &Scratch, line: &str) -> Outcome {
    let bin = assert_cmd::cargo::cargo_bin!("jailgen").parent().unwrap().to_owned();
    let path = std::env::var("PATH").unwrap();
    let commands = scratch.path(".local/state/jailgen/bin");
    let mut command = assert_cmd::Command::new("bash");
    command.args(["-c", line]).current_dir(scratch.path("project")).env_remove("NIX_CONFIG");
    command.env("HOME", scratch.path(".").canonicalize().unwrap()).env_remove("XDG_STATE_HOME");
    command.env("PATH", format!("{}:{}:{path}", bin.display(), commands.display()));
    Outcome::of(&command.assert())
}

/// The lines of a page's blocks without a language that begin with `jailgen`, below a title.
fn commands(page: &str, title: &str) -> Vec<String> {
    let text = fs::read_to_string(project().join(page)).unwrap();
    let section = text.split("\n## ").find(|section| section.starts_with(title)).unwrap();
    let blocks = section.split("```").skip(1).step_by(2).filter(|block| block.starts_with('\n'));
    let lines = blocks.flat_map(str::lines).filter(|line| line.starts_with("jailgen "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_commands_of_the_first_pages_can_be_typed_as_they_stand() {
    for (page, title) in [("README.md", "Use"), ("docs/getting-started.md", "A first jail")] {
        let Some(scratch) = first_hour() else { return };
        let lines = commands(page, title);
        assert_eq!(lines.len(), 3, "{page}: {lines:?}");
        for line in lines {
            let ran = type_in(&scratch, &line);
            assert_eq!(ran.status, 0, "{page}: {line}\n{}", ran.all());
        }
        // And in a second project, also below /tmp.
        let other = tempfile::tempdir_in("/tmp").unwrap();
        let line = format!("cd {} && jailgen init shell", other.path().display());
        assert_eq!(type_in(&scratch, &line).status, 0);
    }
}

#[test]
fn one_looks_around_inside_as_the_page_says() {
    let Some(scratch) = first_hour() else { return };
    type_in(&scratch, "jailgen init shell && jailgen build shell.jail").assert_status(0);
    let lines = commands("docs/getting-started.md", "Looking around inside");
    assert!(lines.len() >= 3, "{lines:?}");
    for line in lines {
        let ran = type_in(&scratch, &line);
        // An audit ends with 1 where it has findings.
        let expected: &[i32] = if line.starts_with("jailgen audit") { &[0, 1] } else { &[0] };
        assert!(expected.contains(&ran.status), "{line}\n{}", ran.all());
    }
    type_in(&scratch, "head -c 20 $(command -v jailed-shell)").assert_status(0);
}

#[test]
fn the_first_spec_of_the_page_needs_nothing_that_is_not_there() {
    let Some(scratch) = first_hour() else { return };
    let page = fs::read_to_string(project().join("docs/getting-started.md")).unwrap();
    let spec = page.split("```nix\n").nth(1).unwrap().split("```").next().unwrap();
    scratch.write("project/first.jail", spec.as_bytes());
    let ran = type_in(
        &scratch,
        "jailgen run first.jail -- -c 'cat /etc/os-release; jq -n 1; echo $EDITOR'",
    );
    let release = fs::read_to_string("/etc/os-release").unwrap();
    assert_eq!(ran.assert_status(0).stdout, format!("{release}1\nvi\n"), "{}", ran.all());
}

#[test]
fn a_jail_of_the_distributions_programs_has_those_and_nothing_else_of_the_host() {
    let Some(scratch) = first_hour() else { return };
    if fs::metadata("/usr/bin/bash").is_err() || fs::metadata("/usr/bin/python3").is_err() {
        println!("skipped: this distribution has no /usr/bin/bash and python3");
        return;
    }
    let spec = fs::read(project().join("examples/distribution.jail")).unwrap();
    scratch.write("project/distribution.jail", &spec);
    let page = fs::read_to_string(project().join("docs/getting-started.md")).unwrap();
    let section = page.split("## Your distribution's programs").nth(1).unwrap();
    let section = section.split("```nix\n").nth(1).unwrap().split("```").next().unwrap();
    scratch.write(
        "project/page.jail",
        section.replace("jailed-distribution", "jailed-page").as_bytes(),
    );
    for spec in ["distribution.jail", "page.jail"] {
        let inside =
            |script: &str| type_in(&scratch, &format!("jailgen run {spec} -- -c '{script}'"));
        let uses = inside(
            "command -v python3 && python3 -c \"import ssl, json; print(1 + 1)\" && echo x >made",
        );
        assert_eq!(uses.assert_status(0).stdout, "/usr/bin/python3\n2\n", "{}", uses.all());
        assert_eq!(fs::read_to_string(scratch.path("project/made")).unwrap(), "x\n");
        for refused in [
            "cat /etc/passwd.bak /etc/shadow /etc/hosts",
            "ls /home /root /var/lib",
            "echo x >/usr/made",
        ] {
            assert_ne!(inside(refused).status, 0, "{spec}: {refused}");
        }
        let outside = type_in(&scratch, "cat /etc/hosts; ls /root /home /var/lib; true");
        assert!(!outside.assert_status(0).stdout.is_empty(), "the control");
    }
}

/// The number stands in one page, for jails, and the others lead there.
#[test]
fn the_kernel_that_jails_need_is_said_once() {
    let least = "Linux 5.12";
    let mut pages: Vec<_> =
        fs::read_dir(project().join("docs")).unwrap().map(|it| it.unwrap().path()).collect();
    pages.extend(["README.md", "SECURITY.md", "ARCHITECTURE.md"].map(|page| project().join(page)));
    for page in pages.iter().filter(|page| page.extension() == Some("md".as_ref())) {
        let text = fs::read_to_string(page).unwrap();
        let expected = usize::from(page.ends_with("docs/layers.md"));
        assert_eq!(text.matches(least).count(), expected, "{}", page.display());
        assert!(!text.contains("Linux 5.13"), "{}", page.display());
    }
    let doctor = fs::read_to_string(project().join("src/jailgen/src/doctor/kernel.rs")).unwrap();
    assert!(doctor.contains(&format!("jails need {least} ")), "the kernel that doctor asks for");
}
