//! `jailgen trace`: what it sees, that the jail is the same while it looks, and that what it
//! says to write is enough.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{Setup, has_user_namespaces, setup};

const TOOLS: &str = "(add-pkg-deps [ pkgs.coreutils pkgs.python3 ])";
/// Makes two odd calls: one that a jail may make, and one that it may not. Its status says how
/// the second was answered.
const ODD: &str = "python3 -c 'import ctypes as c; l = c.CDLL(None, use_errno=True); l.mlockall(4); \
                   l.ptrace(16, 1, 0, 0); exit(40 + c.get_errno())'";

struct Traced<'a> {
    setup: &'a Setup,
    scratch: Scratch,
}

impl Traced<'_> {
    fn run(&self, options: &[&str], script: &str) -> Outcome {
        let spec = ["trace", "sh.jail"];
        let arguments = [&spec, options, &self.setup.overrides(), &["--", "-c", script]].concat();
        self.setup.jailgen(&self.scratch, &self.setup.programs[0], &arguments)
    }

    /// What grants more is built when it is asked for.
    fn build(&self) {
        self.setup.build(&self.scratch, "sh.jail");
    }

    fn report(&self, script: &str, status: i32) -> Value {
        self.run(&["--json", "-o", "calls.json"], script).assert_status(status);
        serde_json::from_str(&self.scratch.read("calls.json")).unwrap()
    }
}

fn jail<'a>(setup: &'a Option<Setup>, permissions: &str) -> Option<Traced<'a>> {
    let setup = setup.as_ref().filter(|_| has_user_namespaces())?;
    let spec = format!("jail \"jailed-sh\" pkgs.bashInteractive [ {TOOLS} {permissions} ]");
    let scratch = Scratch::with(&[("sh.jail", &spec)]);
    scratch.run(&["approve", "sh.jail"]).assert_status(0);
    Some(Traced { setup, scratch })
}

fn call(report: &Value, name: &str) -> Option<Value> {
    report["calls"].as_array().unwrap().iter().find(|call| call["name"] == name).cloned()
}

#[test]
fn a_trace_shows_what_was_called_and_changes_neither_the_jail_nor_its_end() {
    let setup = setup();
    let Some(jail) = jail(&setup, "") else { return };
    // EPERM is 1, so the filter was there.
    let outcome = jail.run(&[], &format!("echo out; {ODD}"));
    let Outcome { stdout, stderr, .. } = outcome.assert_status(41);
    assert_eq!(stdout, "out\n", "standard output is the program's alone");
    let line = |name: &str| stderr.lines().find(|line| line.contains(name)).unwrap_or_default();
    assert!(
        line(" mlockall ").contains("python3") && line(" mlockall ").contains("[strict: killed]")
    );
    assert!(line(" ptrace ").contains("[EPERM]"), "{stderr}");
    assert!(
        line(" execve ").contains("jail-stub"),
        "what starts the program is under the filters too"
    );
    assert!(stderr.contains("missing: mlockall\n"), "{stderr}");
    let plain = jail.report("exit 3", 3);
    assert_eq!(call(&plain, "mlockall"), None, "what no program calls is not listed");
    assert_eq!((&plain["missed"], &plain["add"]), (&serde_json::json!([]), &Value::Null));
}

#[test]
fn what_a_trace_says_to_write_lets_a_strict_jail_do_the_same() {
    let setup = setup();
    let strict = "(seccomp \"strict\")";
    let Some(jail) = jail(&setup, strict) else { return };
    let run = |jail: &Traced<'_>| {
        let command = jail.scratch.path(".local/state/jailgen/bin/jailed-sh");
        let mut command = Command::new(command);
        command.args(["-c", ODD]).current_dir(jail.scratch.path("."));
        command.env("HOME", jail.scratch.path("."));
        let status = command.status().unwrap();
        (status.code(), status.signal())
    };
    let report = jail.report(ODD, 41);
    jail.build();
    assert_eq!(run(&jail), (None, Some(31)), "it is killed by SIGSYS");
    assert_eq!(report["missed"], serde_json::json!(["mlockall"]));
    let add = report["add"].as_str().unwrap();
    let spec = jail.scratch.read("sh.jail").replace(strict, &format!("{strict} {add}"));
    jail.scratch.write("sh.jail", spec.as_bytes());
    jail.build();
    let report = jail.report(ODD, 41);
    assert_eq!(report["missed"], Value::Array(vec![]));
    assert_eq!(run(&jail), (Some(41), None));
}

#[test]
fn names_that_the_jail_chooses_are_not_printed_as_they_are() {
    let setup = setup();
    let Some(jail) = jail(&setup, "") else { return };
    let script = "cp $(command -v sleep) \"/tmp/$(printf '\\033[31mred')\"; /tmp/*red 0";
    let outcome = jail.run(&[], script);
    let stderr = &outcome.assert_status(0).stderr;
    assert!(stderr.contains("\\u{1b}[31mred") && !stderr.contains("\x1b[31mred"), "{stderr}");
    let report = jail.report(script, 0).to_string();
    assert!(report.contains("\\u001b[31mred"), "{report}");
}

/// Starts a trace whose program writes a file, so that one knows when it runs.
fn start(jail: &Traced<'_>, script: &str) -> Child {
    jail.report("true", 0);
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
    command.args(["trace", "sh.jail", "-o", "calls", "--", "-c", script]);
    command.current_dir(jail.scratch.path(".")).env("HOME", jail.scratch.path("."));
    command.env("NIX_CONFIG", jail.setup.config()).env_remove("XDG_STATE_HOME");
    let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !jail.scratch.path("project/ready").exists() {
        assert!(Instant::now() < deadline, "the program did not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}

const PROJECT: &str = "(readwrite (noescape \"~/project\"))";

#[test]
fn a_signal_for_the_launch_reaches_the_program_and_the_report_is_written() {
    let setup = setup();
    let Some(jail) = jail(&setup, PROJECT) else { return };
    fs::create_dir(jail.scratch.path("project")).unwrap();
    for signal in ["TERM", "INT"] {
        let script =
            format!("trap 'exit 9' {signal}; touch ~/project/ready; while :; do sleep 0.1; done");
        let mut child = start(&jail, &script);
        let kill = format!("kill -{signal} {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert_eq!(child.wait().unwrap().code(), Some(9), "{signal}");
        assert!(jail.scratch.read("calls").contains("rt_sigreturn"), "{signal}");
        fs::remove_file(jail.scratch.path("project/ready")).unwrap();
    }
}

#[test]
fn a_jail_whose_tracer_is_killed_ends_with_it() {
    let setup = setup();
    let Some(jail) = jail(&setup, &format!("{PROJECT} no-die-with-parent")) else {
        return;
    };
    let project = jail.scratch.path("project");
    fs::create_dir(&project).unwrap();
    fs::set_permissions(&project, fs::Permissions::from_mode(0o755)).unwrap();
    let script = "touch ~/project/ready; while :; do date +%s%N > ~/project/time; sleep 0.05; done";
    let mut child = start(&jail, script);
    child.kill().unwrap();
    child.wait().unwrap();
    let time = || fs::read_to_string(project.join("time")).unwrap_or_default();
    let still = |_| {
        let before = time();
        std::thread::sleep(Duration::from_millis(300));
        before == time()
    };
    assert!((0..20).any(still), "the program still writes");
}
