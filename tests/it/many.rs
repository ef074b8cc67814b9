//! `jailgen run --each` with real jails: many runs, each in a stage of its own, recorded, resumed
//! and interrupted.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Outcome, Scratch};
use crate::real_nix::{has_user_namespaces, setup};

const SPEC: &str = "{
  staged = jail \"many-staged\" pkgs.bashInteractive [ stage-cwd (add-pkg-deps [ pkgs.coreutils ]) ];
  live = jail \"many-live\" pkgs.bashInteractive [ mount-cwd (add-pkg-deps [ pkgs.coreutils ]) ];
}
";

/// A project with a spec that was built.
fn built() -> Option<Scratch> {
    let setup = setup()?;
    if !has_user_namespaces() {
        return None;
    }
    let scratch = Scratch::with(&[("many.jail", SPEC), ("project/file", "the host's\n")]);
    setup.build(&scratch, "many.jail");
    Some(scratch)
}

/// `jailgen run ../many.jail --jail NAME OPTIONS -- -c SCRIPT x {}`, in the project.
fn run(scratch: &Scratch, jail: &str, options: &[&str], script: &str) -> Outcome {
    let words =
        [&["run", "../many.jail", "--jail", jail], options, &["--", "-c", script, "x", "{}"]];
    let mut command = scratch.jailgen(&words.concat());
    command.current_dir(scratch.path("project"));
    Outcome::of(&command.assert())
}

fn summary(outcome: &Outcome) -> Vec<Value> {
    let read: Value =
        serde_json::from_str(&outcome.stdout).unwrap_or_else(|_| panic!("{}", outcome.all()));
    read["runs"].as_array().unwrap().clone()
}

fn states(outcome: &Outcome) -> String {
    let state = |run: &Value| run["state"].as_str().unwrap().to_owned();
    summary(outcome).iter().map(state).collect::<Vec<_>>().join(" ")
}

#[test]
fn each_item_is_run_in_a_stage_of_its_own_and_what_failed_is_run_again() {
    let Some(scratch) = built() else { return };
    // No shell comes near an item: each is one argument, whatever is in it.
    scratch.write("list", b"a\nb c;$(touch /tmp/x)\n\n\xff\xfe\na\nfails\n");
    let script = "printf %s \"$1\" >out; cat file; echo $'\\e[2J'; [ \"$1\" != fails ] || [ -e good ] || exit 3";
    let options = ["--each", "../list", "--jobs", "2", "--json"];
    let ran = run(&scratch, "many-staged", &options, script);
    ran.assert_status(1);
    assert!(!ran.all().contains('\u{1b}'), "what a jail prints is not shown");
    let runs = summary(&ran);
    let statuses: Vec<_> = runs.iter().map(|run| run["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [0, 0, 0, 0, 3]);
    assert!(runs.iter().all(|run| run["changed"] == 1 && run["stage"] == run["name"]), "{runs:#?}");
    assert!(!scratch.path("project/out").exists());
    // The names are safe, and what each of them has is its own.
    let project = scratch.path("project").canonicalize().unwrap();
    let stages = scratch.path(".local/state/jailgen/stages/many-staged");
    for (run, expected) in
        runs.iter().zip([&b"a"[..], b"b c;$(touch /tmp/x)", b"\xff\xfe", b"a", b"fails"])
    {
        let name = run["name"].as_str().unwrap();
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
        let upper = stages.join(name).join("upper");
        let found = fs::read_dir(&upper).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read(found.join("out")).unwrap(), expected, "{name}");
    }
    let logs: Value = serde_json::from_str(&ran.stdout).unwrap();
    let log = fs::read_to_string(Path::new(logs["logs"].as_str().unwrap()).join("a")).unwrap();
    assert!(log.contains("the host's\n"), "{log}");
    // What was changed is looked at as that of any stage.
    let mut changes = scratch.jailgen(&["changes", "many-staged", "--name", "a"]);
    let said = Outcome::of(&changes.current_dir(&project).assert());
    assert!(said.stdout.contains("new        out"), "{}", said.all());

    let resumed = run(&scratch, "many-staged", &[&options[..], &["--resume"]].concat(), script);
    assert_eq!(states(resumed.assert_status(1)), "earlier earlier earlier earlier ended");
    assert!(resumed.stderr.contains("1 of 5 items go on in stages"), "{}", resumed.stderr);
    // Another list with the same items: what is done is known by the item.
    scratch.write("list", b"new\na\n");
    let resumed = run(&scratch, "many-staged", &[&options[..], &["--resume"]].concat(), script);
    assert_eq!(states(resumed.assert_status(0)), "ended earlier");
    // Other arguments are other runs.
    let other =
        run(&scratch, "many-staged", &[&options[..], &["--resume"]].concat(), "echo \"$1\"");
    assert_eq!(states(other.assert_status(0)), "ended ended");
    // Without `--resume` everything is run, and the summary is a table.
    let again = run(&scratch, "many-staged", &["--each", "../list"], script);
    let table = &again.assert_status(0).stdout;
    assert!(
        table.starts_with("item  status  time") && table.contains("\nnew   exit 0  "),
        "{table}"
    );
    // Nothing of the plans stays.
    let mut find = Command::new("find");
    find.arg(scratch.path(".local/state/jailgen/many")).args(["-name", "*@*"]);
    let plans = find.output().unwrap();
    assert_eq!(String::from_utf8_lossy(&plans.stdout), "");
}

#[test]
fn one_folder_that_is_written_is_not_given_to_several_runs_at_once() {
    let Some(scratch) = built() else { return };
    scratch.write("list", b"a\0b\nc\0");
    let options = ["--each", "../list", "--null", "--json"];
    let two = [&options[..], &["--jobs", "2"]].concat();
    let ran = run(&scratch, "many-live", &two, "printf %s \"$1\" >>out");
    assert!(ran.assert_status(1).stderr.contains("would mix up their changes"), "{}", ran.all());
    assert!(!scratch.path("project/out").exists());
    let one = [&options[..], &["--jobs", "1"]].concat();
    run(&scratch, "many-live", &one, "printf %s \"$1\" >>out").assert_status(0);
    assert_eq!(scratch.read("project/out"), "ab\nc");
}

#[test]
fn what_is_interrupted_ends_and_what_is_not_done_is_run_by_resume() {
    let Some(scratch) = built() else { return };
    scratch.write("list", b"quick\nslow\nnever\n");
    // What ends at SIGTERM does not end well, and what would go on for long is ended.
    let script = "echo begun; [ \"$1\" = quick ] || [ -e ../go ] || sleep 1000";
    let mut words = vec!["run", "../many.jail", "--jail", "many-staged", "--each", "../list"];
    words.extend(["--jobs", "1", "--json", "--", "-c", script, "x", "{}"]);
    let start = || {
        let mut command = Command::new(assert_cmd::cargo::cargo_bin!("jailgen"));
        command.args(&words).env("HOME", scratch.path("")).env_remove("XDG_STATE_HOME");
        command.current_dir(scratch.path("project")).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let has_begun = |name: &str| {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            let many = scratch.path(".local/state/jailgen/many");
            let batches = fs::read_dir(many).into_iter().flatten().flatten();
            let mut logs = batches.map(|batch| batch.path().join("logs").join(name));
            if logs.any(|log| fs::read_to_string(log).is_ok_and(|text| text.contains("begun"))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("{name} has not begun");
    };
    let child = start();
    has_begun("slow");
    // A second one of the same must not run next to it.
    let second = start().wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let ran = Outcome {
        status: 130,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::new(),
    };
    assert_eq!(states(&ran), "ended stopped not-begun");
    let sessions = scratch.run(&["sessions"]).assert_status(0).stdout.clone();
    assert!(!sessions.contains("many-staged"), "{sessions}");

    // A batch that was killed leaves no jail, and its record is whole.
    let mut child = start();
    has_begun("slow");
    child.kill().unwrap();
    child.wait().unwrap();
    let began = Instant::now();
    while scratch.run(&["sessions"]).stdout.contains("many-staged") {
        assert!(began.elapsed() < Duration::from_secs(60), "a jail is left");
    }
    let options = ["--each", "../list", "--jobs", "2", "--json", "--resume"];
    fs::write(scratch.path("list"), "quick\n").unwrap();
    let resumed = run(&scratch, "many-staged", &options, script);
    assert_eq!(states(resumed.assert_status(0)), "earlier");
}

#[test]
fn bad_input_is_refused_before_anything_runs() {
    let scratch = Scratch::with(&[
        ("many.jail", SPEC),
        ("empty", "\n\n"),
        ("nul", "a\0b\n"),
        ("list", "a\n"),
    ]);
    for (words, status, says) in [
        (&["--each", "list", "--", "-c", "id"][..], 2, "no argument behind `--` has `{}`"),
        (&["--each", "list"], 2, "required"),
        (&["--each", "empty", "--", "{}"], 1, "`empty`: the list has no items"),
        (&["--each", "nul", "--", "{}"], 1, "line 1 of the list contains a NUL byte"),
        (&["--each", "gone", "--", "{}"], 1, "the list `gone` cannot be read"),
        (&["--each", ".", "--", "{}"], 1, "the list `.` cannot be read"),
        (&["--each", "list", "--jobs", "0", "--", "{}"], 2, "0 is not in 1..=4096"),
        (&["--jobs", "2", "--", "{}"], 2, "--each <LIST>"),
        (&["--each", "list", "--replace", "", "--", "{}"], 2, "no argument behind"),
    ] {
        let words = [&["run", "many.jail", "--jail", "many-staged"], words].concat();
        let ran = scratch.run(&words);
        assert!(ran.status == status && ran.stderr.contains(says), "{words:?}: {}", ran.all());
    }
    // What a jail may have put in the place of a list is not followed, nor waited for.
    std::os::unix::fs::symlink("list", scratch.path("link")).unwrap();
    let made = Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap();
    assert!(made.success());
    for (list, says) in [("link", "is a symbolic link"), ("pipe", "is not a file")] {
        let ran = scratch.run(&["run", "many.jail", "--each", list, "--", "{}"]);
        assert!(ran.status == 1 && ran.stderr.contains(says), "{list}: {}", ran.all());
    }
    assert!(!scratch.path(".local/state/jailgen/many").exists());
}

/// What a run is refused is found in the log of its own broker, and ports of the host do not
/// collide.
#[test]
fn refused_hosts_are_told_apart_by_item_and_exposed_ports_are_free_ones() {
    let Some(setup) = setup() else { return };
    if !has_user_namespaces() {
        return;
    }
    let spec = "jail \"many-named\" pkgs.bashInteractive [
  stage-cwd (add-pkg-deps [ pkgs.coreutils ])
  (network-allow [ \"allowed.test\" ]) (expose-port 47613)
]
";
    let scratch = Scratch::with(&[("many.jail", spec), ("project/file", ""), ("list", "a\nb\n")]);
    setup.build(&scratch, "many.jail");
    // Both hold their port until the other has begun, so they run at the same time.
    let _taken = std::net::TcpListener::bind("127.0.0.1:47613").unwrap();
    let script = "exec 3<>/dev/tcp/10.11.12.13/80; exec 4<>/dev/tcp/$1.example/443; sleep 1";
    let ran = run(&scratch, "many-named", &["--each", "../list", "--jobs", "2", "--json"], script);
    let runs = summary(ran.assert_status(0));
    for run in &runs {
        let name = run["name"].as_str().unwrap();
        let refused: Vec<_> =
            run["refused"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        let own = format!("{name}.example");
        assert!(refused.iter().any(|host| host.starts_with(&own)), "{name}: {refused:?}");
        let others = refused.iter().filter(|host| host.contains(".example"));
        assert_eq!(others.count(), 1, "{name}: {refused:?}");
    }
}
