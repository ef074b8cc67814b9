//! `doctor`: tries on this machine what jails need, and prints what that shows.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jail_probe::Answer;

use super::Context;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::doctor::{self, Machine, PROGRAMS};
use crate::files::{create_private, write_atomically};
use crate::kit::{Kit, KitError};
use crate::render::sanitise_json;
use crate::state::State;

pub(in crate::cli) fn run(arguments: &args::Doctor, context: Context) -> Result<(), Failure> {
    if arguments.apparmor {
        return context.console.result(doctor::APPARMOR);
    }
    let machine = machine(arguments, context)?;
    let report = doctor::report(&machine);
    let text = if arguments.json {
        let json = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::new(format!("the report cannot be written: {error}")))?;
        sanitise_json(&json).into_owned() + "\n"
    } else {
        doctor::render(&report)
    };
    context.console.result(&text)?;
    if report.runs { Ok(()) } else { Err(Failure::Findings) }
}

fn machine(arguments: &args::Doctor, context: Context) -> Result<Machine, Failure> {
    let state = context.state()?;
    let kit = context.find_kit(arguments.kit.as_deref());
    let uid = rustix::process::geteuid().as_raw();
    let cgroup = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let cgroup = cgroup.lines().find_map(|line| line.strip_prefix("0::")).map(str::to_owned);
    let daemon =
        std::env::var("NIX_DAEMON_SOCKET_PATH").unwrap_or_else(|_| doctor::DAEMON.to_owned());
    let probe = probe(kit.as_ref());
    let answers = probe.as_deref().map_or_else(BTreeMap::new, |probe| {
        ask(probe, &doctor::attempts(uid, cgroup.as_deref(), &daemon))
    });
    let stub = kit.as_ref().ok().and_then(doctor::stub);
    let jail = match (&probe, stub) {
        (Some(probe), Some(stub)) => Some(launch(&state, &stub, probe)),
        _ => None,
    };
    let bin = state.bin();
    let has = |name: &&str| context.in_path(name, &bin).is_some();
    Ok(Machine {
        answers,
        jail,
        user: (std::env::var("USER").unwrap_or_else(|_| uid.to_string()), uid),
        cgroup,
        daemon,
        programs: PROGRAMS.iter().copied().filter(has).collect(),
        nix: context
            .nix()
            .map(|nix| format!("Nix {}", nix.version()))
            .map_err(|error| error.to_string()),
        kit: kit.map(|kit| kit.url).map_err(|error| error.to_string()),
        commands: (context.is_in_path(&bin), bin.display().to_string()),
    })
}

/// The static probe: what packaging compiled in, else that of the kit.
fn probe(kit: Result<&Kit, &KitError>) -> Option<PathBuf> {
    let compiled_in = option_env!("JAILGEN_PROBE").map(PathBuf::from);
    compiled_in.or_else(|| kit.ok()?.tool("jail-probe"))
}

/// Makes attempts outside of any jail. One without an answer was not made, and counts as missing.
fn ask(probe: &Path, attempts: &[String]) -> BTreeMap<String, Answer> {
    let lines = attempts.iter().filter_map(|attempt| {
        let words: Vec<&str> = attempt.split(' ').collect();
        Some(serde_json::to_string(&words).ok()? + "\n")
    });
    let text: String = lines.collect();
    let child = Command::new(probe)
        .arg("--many")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = child else { return BTreeMap::new() };
    if let Some(mut stdin) = child.stdin.take() {
        // A few hundred bytes: they fit the pipe, so nobody waits.
        let _ = stdin.write_all(text.as_bytes());
    }
    let Ok(output) = child.wait_with_output() else { return BTreeMap::new() };
    let stdout = String::from_utf8_lossy(&output.stdout);
    let answers = stdout.lines().map(|line| {
        serde_json::from_str(line).unwrap_or_else(|_| Answer::Unknown("not an answer".into()))
    });
    attempts.iter().cloned().zip(answers).collect()
}

/// Launches the smallest jail.
fn launch(state: &State, stub: &Path, probe: &Path) -> Result<(), String> {
    let wrapper = state.doctor_plan();
    let text = doctor::plan(stub).map_err(|error| error.to_string())?;
    wrapper
        .parent()
        .map_or(Ok(()), create_private)
        .and_then(|()| write_atomically(&wrapper, text.as_bytes()))
        .and_then(|()| fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o700)))
        .map_err(|error| format!("{}: {error}", wrapper.display()))?;
    let output = Command::new(&wrapper)
        .env(doctor::PROBE, probe)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", wrapper.display()))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}: {told}", output.status))
}
