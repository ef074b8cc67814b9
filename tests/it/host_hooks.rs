//! Scripts on the host whose launch is ended from outside: what they began is undone, whatever ended it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::Scratch;
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = r#"jail "hooked" pkgs.bashInteractive [
  (add-runtime ''KEPT=5; echo ready >"$HOME/ready"; [ -n "''${QUICK-}" ] || sleep 1000'')
  (add-cleanup ''echo "cleaned $KEPT" >"$HOME/cleaned"'')
]
"#;

/// Waits for a file to have content.
fn content(path: &Path) -> String {
    let begin = Instant::now();
    loop {
        match fs::read_to_string(path) {
            Ok(text) if !text.is_empty() => return text,
            _ if begin.elapsed() > Duration::from_secs(30) => return String::new(),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Starts the jail, ends it by this signal once the file `ready` is there, and returns what the cleanup has left.
fn ended(scratch: &Scratch, signal: &str, script: &str, quick: &str) -> String {
    let home = scratch.path("home");
    let _ = fs::remove_dir_all(&home);
    fs::create_dir_all(home.join("project")).unwrap();
    let mut command = Command::new(scratch.path(".local/state/jailgen/bin/hooked"));
    command.args(["-c", script]).env("HOME", &home).env("QUICK", quick);
    command.current_dir(home.join("project")).stdin(Stdio::null()).stdout(Stdio::piped());
    command.stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    assert_eq!(content(&home.join("ready")), "ready\n", "{signal}");
    if !quick.is_empty() {
        // The payload says that it runs.
        let mut byte = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut byte).unwrap();
    }
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status();
    assert!(sent.unwrap().success());
    assert!(!child.wait().unwrap().success(), "{signal}");
    content(&home.join("cleaned"))
}

#[test]
fn what_scripts_began_is_undone_whatever_ends_the_launch() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let scratch = Scratch::with(&[("hooked.jail", SPEC)]);
    let arguments = [&["build", "hooked.jail"][..], &setup.overrides()].concat();
    setup.jailgen(&scratch, &setup.programs[0], &arguments).assert_status(0);
    for signal in ["-TERM", "-INT", "-HUP", "-KILL"] {
        assert_eq!(ended(&scratch, signal, "true", ""), "cleaned 5\n", "before, {signal}");
    }
    for signal in ["-TERM", "-KILL"] {
        let script = "echo runs; sleep 1000";
        assert_eq!(ended(&scratch, signal, script, "1"), "cleaned 5\n", "during, {signal}");
    }
}
