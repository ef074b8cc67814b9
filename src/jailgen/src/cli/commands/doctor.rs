//! `doctor`: tries on this machine what jails need, and prints what that shows.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use jail_probe::Answer;

use super::{Context, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::doctor::{self, Fault, Machine, Own, PROGRAMS, Report};
use crate::files::{create_private, write_atomically};
use crate::kit::{Kit, KitError};
use crate::nix::Nix;
use crate::render::{sanitise, sanitise_json};
use crate::state::State;

/// How long a build of one line may take, waits included.
const BUILD_LIMIT: Duration = Duration::from_secs(30);

pub(in crate::cli) fn run(arguments: &args::Doctor, context: Context) -> Result<(), Failure> {
    if arguments.apparmor {
        return context.console.result(doctor::APPARMOR);
    }
    let mut report = doctor::report(&machine(arguments, context)?);
    if arguments.fix {
        context.console.result(&doctor::render(&report))?;
        if repair(&report, context) {
            report = doctor::report(&machine(arguments, context)?);
            context.console.result(&format!("\n{}", doctor::render(&report)))?;
        }
        context.console.result(&left(&report))?;
    } else if arguments.json {
        let json = serde_json::to_string_pretty(&report)
            .map_err(|error| Failure::new(format!("the report cannot be written: {error}")))?;
        context.console.result(&(sanitise_json(&json).into_owned() + "\n"))?;
    } else {
        context.console.result(&doctor::render(&report))?;
    }
    if report.runs && report.builds { Ok(()) } else { Err(Failure::Findings) }
}

/// Does what needs no root, each after it was shown: whether something was done. Without a
/// terminal, `--fix` counts as consent.
fn repair(report: &Report, context: Context) -> bool {
    let mut done = false;
    for repair in report.items.iter().filter_map(|item| item.repair.as_ref()) {
        let file = shown(&repair.file);
        let change =
            format!("{file} gets the line\n    {}\nwhich {}.", repair.lines.trim_end(), repair.why);
        if context.console.ask(&change, "Write it?") == Some(false) {
            continue;
        }
        match repair.apply() {
            Ok(()) => {
                context.console.note("wrote", &format!("{file}: {}", repair.lines.trim_end()));
                done = true;
            }
            Err(error) => context.console.error(
                &format!("`{file}` cannot be written: {error}"),
                Some(&format!("add this line to it: {}", repair.lines.trim_end())),
            ),
        }
    }
    done
}

fn left(report: &Report) -> String {
    let commands = doctor::commands(report);
    if commands.is_empty() {
        return "\nNothing is left to do.\n".into();
    }
    format!("\nLeft to do by hand:\n{commands}")
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
    let broker = kit.as_ref().is_ok_and(|kit| kit.tool("jail-broker").is_some());
    let jail = match (&probe, stub) {
        (Some(probe), Some(stub)) => Some(launch(&state, &stub, probe)),
        _ => None,
    };
    let bin = state.bin();
    let nix = context.nix();
    let build = match (&nix, &probe) {
        (Ok(nix), Some(probe)) => Some(build(&state, nix.clone(), probe, context)),
        _ => None,
    };
    let user = (name_of(uid), uid);
    let has = |name: &&str| context.in_path(name, &bin).is_some();
    Ok(Machine {
        answers,
        jail,
        build,
        person: behind_sudo().filter(|_| uid == 0).unwrap_or_else(|| user.clone()),
        user,
        own: own(),
        cgroup,
        daemon,
        programs: PROGRAMS.iter().copied().filter(has).collect(),
        nix: nix.map(|nix| format!("Nix {}", nix.version())).map_err(|error| error.to_string()),
        kit: kit.map(|kit| kit.url).map_err(|error| error.to_string()),
        broker,
        commands: (context.is_in_path(&bin), bin.display().to_string()),
    })
}

/// Builds a derivation that was never built, by the clock.
fn build(state: &State, nix: Nix, probe: &Path, context: Context) -> Result<(), Fault> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let mark = format!("{}-{}", now.as_nanos(), std::process::id());
    let bar = context.console.progress("building a derivation of one line".into());
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let nix = nix.within(BUILD_LIMIT);
    let built = doctor::trial(&nix, &state.doctor_flake(), probe, &mark, &mut progress);
    bar.finish_and_clear();
    built
}

/// The name of a user, as /etc/passwd has it, else as the login says.
fn name_of(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let is = |line: &&str| line.split(':').nth(2) == Some(uid.to_string().as_str());
    let name = passwd.lines().find(is).and_then(|line| line.split(':').next().map(str::to_owned));
    let login = || std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
    name.or_else(login).unwrap_or_else(|| uid.to_string())
}

/// The user who became root by sudo.
fn behind_sudo() -> Option<(String, u32)> {
    let uid = std::env::var("SUDO_UID").ok()?.parse().ok()?;
    let name = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty())?;
    (uid != 0).then_some((name, uid))
}

/// Where the caller's own settings are. With the environment of another user, as under `sudo -E`,
/// there are no settings.
fn own() -> Own {
    let caller = rustix::process::geteuid().as_raw();
    let is_own = |path: &PathBuf| {
        let mut there = path.ancestors().filter_map(|folder| folder.metadata().ok());
        there.next().is_some_and(|data| data.uid() == caller)
    };
    let folder = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = folder("HOME");
    let config = folder("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    Own {
        nix_conf: config.map(|config| config.join("nix/nix.conf")).filter(is_own),
        shell: std::env::var("SHELL").ok(),
        home: home.filter(is_own),
    }
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
        // A few hundred bytes: they fit the pipe, so this does not block.
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
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(format!("{}: {said}", output.status))
}
