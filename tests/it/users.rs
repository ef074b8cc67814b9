//! Specs in the manner of people who use jail.nix and jailed-agents (`tests/users/*.jail`): each is
//! built, and its commands run.
//!
//! The first comment of a spec says what must be seen, in lines of bash that run outside, in a
//! folder `project` of a home folder of the spec's own, with the built commands first in PATH:
//! - `# host:` prepares the home folder;
//! - `# works:` must succeed, all of it (`set -e`);
//! - `# fails:` must not, and not because there was no launch;
//! - `# stops:` is a launch that stops.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use crate::harness::{Scratch, project};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const WORKERS: usize = 3;
/// The exit status of a launch that stops.
const STOPPED: i32 = 125;

#[test]
fn specs_of_users_are_built_and_do_what_they_say() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let specs = Mutex::new(specs());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let Some(spec) = specs.lock().unwrap().pop() else { break };
                    if let Err(failure) = check(&setup, &spec) {
                        failures.lock().unwrap().push(format!("{}: {failure}", spec.display()));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn there_are_thirty_specs_of_users_and_each_shows_something_refused() {
    let specs = specs();
    assert!(specs.len() >= 30, "{}", specs.len());
    for spec in specs {
        let text = fs::read_to_string(&spec).unwrap();
        for word in ["works", "fails"] {
            assert!(lines(&text, word).next().is_some(), "{}: no `# {word}:`", spec.display());
        }
    }
}

fn specs() -> Vec<PathBuf> {
    let entries = fs::read_dir(project().join("tests/users")).unwrap();
    let mut specs: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    specs.retain(|path| path.extension().is_some_and(|extension| extension == "jail"));
    specs.sort();
    specs
}

fn lines<'a>(text: &'a str, word: &str) -> impl Iterator<Item = &'a str> {
    let prefix = format!("# {word}: ");
    text.lines().filter_map(move |line| line.strip_prefix(&prefix))
}

fn check(setup: &Setup, spec: &Path) -> Result<(), String> {
    let scratch = Scratch::outside_of_tmp();
    let text = fs::read_to_string(spec).unwrap();
    let path = spec.display().to_string();
    let arguments = [&["build", &path][..], &setup.overrides()].concat();
    let built = setup.jailgen(&scratch, &setup.programs[0], &arguments);
    if built.status != 0 {
        return Err(built.all());
    }
    fs::create_dir_all(scratch.path("project")).unwrap();
    let host: String = lines(&text, "host").map(|line| format!("{line}\n")).collect();
    let (end, said) = run(&scratch, &host);
    if end != End::Well {
        return Err(format!("on the host: {said}"));
    }
    for (word, wanted) in [("works", End::Well), ("fails", End::Badly), ("stops", End::Stopped)] {
        for line in lines(&text, word) {
            let (end, said) = run(&scratch, line);
            if end != wanted {
                return Err(format!("`{line}` should end {wanted:?}, and ends {end:?}\n{said}"));
            }
        }
    }
    Ok(())
}

/// How a script ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Well,
    Badly,
    Stopped,
}

fn run(scratch: &Scratch, script: &str) -> (End, String) {
    let path = std::env::var("PATH").unwrap_or_default();
    let path = format!("{}:{path}", scratch.path(".local/state/jailgen/bin").display());
    let output = Command::new("bash")
        .args(["-euc", script])
        .env_clear()
        .env("PATH", path)
        .env("HOME", scratch.path(""))
        .env("USER", "somebody")
        .current_dir(scratch.path("project"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let end = match output.status.code() {
        Some(0) => End::Well,
        Some(STOPPED) => End::Stopped,
        Some(_) | None => End::Badly,
    };
    let said = [&output.stdout[..], &output.stderr].concat();
    (end, String::from_utf8_lossy(&said).into_owned())
}
