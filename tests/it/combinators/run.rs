//! Builds the jails of all rows at once, and tries their probes.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::approval::answered;
use crate::harness::{Outcome, Scratch};
use crate::real_nix::{has_user_namespaces, setup, skip};

use super::row::{Example, Probe, Row};

/// A jail with the base only.
const PLAIN: &str = "row-with-the-base-only";
const WORKERS: usize = 4;
const PROBE_SECONDS: u64 = 60;

/// The commands of all rows and examples.
pub(super) struct Built {
    scratch: Scratch,
}

impl Built {
    /// Builds them. `None`, with a line that says so, if jails cannot be built or launched.
    pub(super) fn new(rows: &[&Row]) -> Option<Self> {
        let setup = setup()?;
        if !has_user_namespaces() {
            return None;
        }
        // What cannot run here may not be buildable here either.
        let able: Vec<&Row> = rows.iter().copied().filter(|row| (row.unable)().is_none()).collect();
        let scratch = Scratch::with(&[("rows.jail", &spec(&able))]);
        setup.build(&scratch, "rows.jail");
        Some(Self { scratch })
    }

    fn command(&self, name: &str) -> PathBuf {
        self.scratch.path(".local/state/jailgen/bin").join(name)
    }

    /// Tries a row's probes and its example; what went wrong.
    pub(super) fn check(&self, row: &Row) -> Option<String> {
        if let Some((what, reason)) = (row.unable)() {
            skip(what, &reason);
            return None;
        }
        let place = RowPlace::new(self, row);
        let mut failures = String::new();
        match place.host() {
            Ok(host) => {
                for probe in row.probes {
                    if let Some(failure) = place.probe(*probe) {
                        let _ = writeln!(failures, "{}: {probe:?}\n{failure}", row.command());
                    }
                }
                if let Some(failure) = place.example() {
                    let _ = writeln!(failures, "the example of {}\n{failure}", row.name);
                }
                host.end();
            }
            Err(failure) => {
                let _ = writeln!(failures, "{}: what runs outside\n{failure}", row.command());
            }
        }
        (!failures.is_empty()).then_some(failures)
    }
}

/// The spec that holds the jails of all rows, of their examples, and the one to compare with.
fn spec(rows: &[&Row]) -> String {
    let mut spec = String::from("{\n");
    let mut jail = |name: &str, program: &str, permissions: &str| {
        let _ = writeln!(spec, "\"{name}\" = jail \"{name}\" {program} [\n{permissions}\n];");
    };
    jail(PLAIN, "pkgs.bashInteractive", "");
    for row in rows {
        jail(&row.command(), row.program, row.spec);
        if let (Some(name), Example::Runs | Example::MayStop(_)) = (example_of(row), row.example) {
            let combinator = jail_registry::combinator(row.name).unwrap();
            jail(&name, "pkgs.bashInteractive", &format!("({})", combinator.example));
        }
    }
    spec + "}\n"
}

/// The name of the example's command. A combinator has one example, however many rows it has.
fn example_of(row: &Row) -> Option<String> {
    row.case.is_empty().then(|| format!("example-{}", row.name))
}

/// Where a row's commands run.
struct RowPlace<'a> {
    built: &'a Built,
    row: &'a Row,
    home: PathBuf,
}

impl<'a> RowPlace<'a> {
    fn new(built: &'a Built, row: &'a Row) -> Self {
        let home = built.scratch.path("homes").join(row.command());
        std::fs::create_dir_all(home.join("project")).unwrap();
        std::fs::create_dir_all(home.join(row.folder)).unwrap();
        Self { built, row, home }
    }

    fn surroundings(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("HOME", &self.home).env("USER", "row");
        for (name, value) in self.row.env {
            command.env(name, self.value(value));
        }
        command.current_dir(self.home.join(self.row.folder));
    }

    fn value(&self, text: &str) -> String {
        let mut hash = DefaultHasher::new();
        (std::process::id(), self.row.command()).hash(&mut hash);
        let number = 10_000 + hash.finish() % 20_000;
        text.replace("$HOME", &self.home.display().to_string())
            .replace("$NUMBER", &number.to_string())
    }

    fn launch(&self, name: &str, script: &str) -> Command {
        let mut command = Command::new(self.built.command(name));
        self.surroundings(&mut command);
        command.args(["-c", script, "probe"]).args(self.row.arguments);
        command
    }

    /// What is wrong with what arrives at a terminal.
    fn arrives(&self, name: &str, script: &str, expected: &str) -> Option<String> {
        let said = answered(self.launch(name, script), "");
        (!said.contains(expected))
            .then(|| format!("in `{name}`, {expected:?} should arrive at the terminal: {said:?}"))
    }

    fn inside(&self, name: &str, script: &str, env: &[(&str, &str)]) -> Outcome {
        let mut command = self.launch(name, script);
        for (name, value) in env {
            match *value {
                "" => command.env_remove(name),
                value => command.env(name, self.value(value)),
            };
        }
        outcome(command)
    }

    /// A control: in a mount namespace of its own, as nothing that is tried
    /// may be felt on the machine.
    fn outside(&self, script: &str) -> Outcome {
        let mut command = Command::new("unshare");
        self.surroundings(&mut command);
        if !is_root() {
            command.args(["--user", "--map-current-user"]);
        }
        command.args(["--mount", "bash", "-c", script, "probe"]).args(self.row.arguments);
        outcome(command)
    }

    /// What is wrong with a probe's result.
    fn probe(&self, probe: Probe) -> Option<String> {
        let name = self.row.command();
        let here = |script| self.inside(&name, script, &[]);
        match probe {
            Probe::Works(script) => works("in the jail", &here(script)),
            Probe::Grants(script) => works("in the jail", &here(script)).or_else(|| {
                is_refused("in a jail with the base only", &self.inside(PLAIN, script, &[]))
            }),
            Probe::Shows(script, expected) => self
                .arrives(&name, script, expected)
                .or_else(|| self.arrives(PLAIN, script, expected)),
            Probe::Filters(script, left, plain) => {
                self.arrives(&name, script, left).or_else(|| self.arrives(PLAIN, script, plain))
            }
            Probe::Denies(script) => is_refused("in the jail", &here(script)),
            Probe::Refuses(script) => is_refused("in the jail", &here(script))
                .or_else(|| works("outside", &self.outside(script))),
            Probe::Says { script, says } => {
                let outcome = here(script);
                let silent = || format!("it should say `{says}`: {}", outcome.all());
                works("in the jail", &outcome)
                    .or_else(|| (!outcome.stderr.contains(says)).then(silent))
            }
            Probe::Left(script) => works("outside", &self.outside(script)),
            Probe::Stops { env, says } => stops(&self.inside(&name, "true", env), says),
        }
    }

    fn example(&self) -> Option<String> {
        let name = example_of(self.row)?;
        match self.row.example {
            Example::NoJail => None,
            Example::Runs => works("its start", &self.inside(&name, "true", &[])),
            Example::MayStop(says) => {
                let outcome = self.inside(&name, "true", &[]);
                (outcome.status != 0).then(|| stops(&outcome, says)).flatten()
            }
        }
    }

    /// Runs the row's script of the host, and keeps what it started.
    fn host(&self) -> Result<Host, String> {
        let mut command = Command::new("bash");
        self.surroundings(&mut command);
        let script = format!("set -e\n{}\n{AWAIT_THE_END}", self.row.host);
        command.args(["-c", &script]).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let host = Host { child };
        if lines.any(|line| line.is_ok_and(|line| line == "ready")) {
            return Ok(host);
        }
        host.end();
        Err("it ended before it was ready".into())
    }
}

/// What the script of the host ends with. Servers that are asked to end take their sockets
/// and locks with them; the script stays until it is killed, because the group's number is
/// its own as long as it is there.
const AWAIT_THE_END: &str = "echo ready; set +e; read -r _
kill $(jobs -p) 2>/dev/null
for _ in {1..200}; do [ -z \"$(jobs -rp)\" ] && break; sleep 0.01; done
exec sleep 60";

/// The row's script of the host, which waits for its end, and what it started.
struct Host {
    child: Child,
}

impl Host {
    fn end(mut self) {
        drop(self.child.stdin.take());
        let name = format!("/proc/{}/comm", self.child.id());
        let is_over = || std::fs::read_to_string(&name).is_ok_and(|name| name.trim() == "sleep");
        let begin = std::time::Instant::now();
        while !is_over() && begin.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(2));
        }
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

fn works(place: &str, outcome: &Outcome) -> Option<String> {
    (outcome.status != 0).then(|| format!("{place}, it should work: {}", outcome.all()))
}

/// Refused by what is there, not because there was no launch.
fn is_refused(place: &str, outcome: &Outcome) -> Option<String> {
    let refused = outcome.status != 0 && outcome.status != 125;
    (!refused).then(|| format!("{place}, it should be refused: {}", outcome.all()))
}

fn stops(outcome: &Outcome, says: &str) -> Option<String> {
    let stopped = outcome.status == 125 && outcome.stderr.contains(says);
    (!stopped).then(|| format!("the launch should stop and say `{says}`: {}", outcome.all()))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) == 0)
}

/// Runs to the end, at most a minute, without anything to read.
fn outcome(mut command: Command) -> Outcome {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = reader(child.stdout.take().unwrap());
    let stderr = reader(child.stderr.take().unwrap());
    let begin = std::time::Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code().unwrap_or(-1);
        }
        if begin.elapsed() > Duration::from_secs(PROBE_SECONDS) {
            let _ = child.kill();
            let _ = child.wait();
            break -2;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    Outcome { status, stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap() }
}

fn reader(mut stream: impl Read + Send + 'static) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Checks the rows with a few threads; the failures in the order of the table.
pub(super) fn in_parallel(
    rows: &[&Row],
    check: impl Fn(&Row) -> Option<String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((index, row)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    rows.get(index).map(|row| (index, *row))
                } {
                    if let Some(failure) = check(row) {
                        failures.lock().unwrap().push((index, failure));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    failures.into_iter().map(|(_, failure)| failure).collect()
}
