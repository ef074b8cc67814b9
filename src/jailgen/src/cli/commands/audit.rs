//! `audit`: runs the probe in the real jail, and prints what that shows.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jail_plan::Wrapper;
use jail_probe::{ANSWER_MAX, Answer};
use rustix::io::{FdFlags, fcntl_setfd};
use serde::Serialize;

use super::{Context, build, given, of_state, wrapper};
use crate::audit::{self, Canary, Host, Report};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::files::read_regular;
use crate::render::sanitise_json;
use crate::session::secret_uses;
use crate::state::{self, AuditPlan, State};

pub(in crate::cli) fn run(arguments: &args::Audit, context: Context) -> Result<(), Failure> {
    given::check(&arguments.target, given::Wanted::SpecOrCommand)?;
    let state = context.state()?;
    let probe = probe(arguments, context)?;
    let (wrappers, mut deciding) = wrappers(arguments, &state, context)?;
    deciding.extend([state.bin(), state.roots()]);
    let mut reports = Vec::new();
    for wrapper in wrappers {
        let derived = state::audit(&state, &wrapper, &probe)
            .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
        let mut report = inspect(&derived, deciding.clone())?;
        add_uses(&mut report, &state)?;
        reports.push(report);
    }
    let text = if arguments.json {
        json(&reports)?
    } else {
        reports.iter().map(audit::render).collect::<Vec<_>>().join("\n")
    };
    context.console.result(&text)?;
    if reports.iter().all(Report::is_clean) { Ok(()) } else { Err(Failure::Findings) }
}

/// Where the jail's secrets went in the sessions that there were.
fn add_uses(report: &mut Report, state: &State) -> Result<(), Failure> {
    let mut uses = secret_uses(state, &report.name).map_err(of_state)?;
    for secret in &mut report.secrets {
        secret.uses = uses.remove(&secret.name).unwrap_or_default();
    }
    Ok(())
}

/// What packaging compiled in, else that of the kit.
fn probe(arguments: &args::Audit, context: Context) -> Result<PathBuf, Failure> {
    if let Some(probe) = option_env!("JAILGEN_PROBE") {
        return Ok(probe.into());
    }
    let kit = context.kit(arguments.inputs.kit.as_deref())?;
    kit.tool("jail-probe").ok_or_else(|| {
        Failure::with_help("the kit has no jail-probe", "run `make kit` again, with this jailgen")
    })
}

/// The wrappers that are meant, and the files that decide on the next ones.
fn wrappers(
    arguments: &args::Audit,
    state: &State,
    context: Context,
) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let target = &arguments.target;
    let wrapper = read_regular(target).ok().filter(|bytes| Wrapper::parse(bytes).is_ok());
    if let Some(bytes) = wrapper {
        // The stub that its first line names is started, with the caller's rights.
        wrapper::refuse_foreign(target, &bytes)?;
        return Ok((vec![target.clone()], Vec::new()));
    }
    let built = build::current(target, &arguments.inputs, state, context)?;
    let wanted = |name: &String| arguments.jail.as_ref().is_none_or(|jail| jail == name);
    let chosen: Vec<PathBuf> = built
        .commands
        .iter()
        .filter(|command| wanted(&command.name))
        .map(state::Command::wrapper)
        .collect();
    if chosen.is_empty() {
        let name = arguments.jail.as_deref().unwrap_or_default();
        let known: Vec<&str> = built.commands.iter().map(|command| command.name.as_str()).collect();
        return Err(Failure::no_such_jail(name, &known));
    }
    let spec = fs::canonicalize(target).unwrap_or_else(|_| target.clone());
    let mut deciding = vec![spec, built.folder];
    deciding.extend(state::sources(state, target));
    Ok((chosen, deciding))
}

/// Runs the probe in one jail.
fn inspect(derived: &AuditPlan, deciding: Vec<PathBuf>) -> Result<Report, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the audit: {error}"));
    let loopback = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let name = format!("jailgen-audit-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).map_err(failed)?;
    let _abstract = UnixListener::bind_addr(&address).map_err(failed)?;
    let folder = std::env::current_dir().map_err(failed)?;
    let home = std::env::var("HOME").unwrap_or_default();
    let host = Host {
        canaries: audit::canaries(&derived.plan, &home).map_err(failed)?,
        home,
        folder: folder.display().to_string(),
        port: loopback.local_addr().map_err(failed)?.port(),
        abstract_socket: name,
        deciding,
        ..Host::read()
    };
    let attempts = audit::attempts(&derived.plan, &host);
    let AuditPlan { wrapper, plan, places } = derived;
    Ok(match ask(wrapper, &attempts, &host.canaries)? {
        Ok(answers) => audit::report(plan, places, &host, &answers),
        Err(why) => audit::stopped(plan, places, why),
    })
}

/// Makes the attempts in the jail, or reports why it did not start. The output is bounded, and
/// trusted only where it is an answer.
fn ask(
    wrapper: &Path,
    attempts: &[Vec<String>],
    canaries: &[Canary],
) -> Result<Result<Vec<Answer>, String>, Failure> {
    let failed = |error: std::io::Error| Failure::new(format!("the audit's jail: {error}"));
    // Left open on purpose: the jail must not have it.
    let inherited = fs::File::open("/").map_err(failed)?;
    fcntl_setfd(&inherited, FdFlags::empty()).map_err(|error| failed(error.into()))?;
    let mut child = Command::new(wrapper)
        .envs(canaries.iter().map(|canary| (&canary.variable, &canary.text)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    drop(inherited);
    let lines: Vec<String> =
        attempts.iter().filter_map(|words| serde_json::to_string(words).ok()).collect();
    let stdin = child.stdin.take();
    // Written in a thread of its own, because the probe answers while it reads.
    let writer = std::thread::spawn(move || {
        stdin.map(|mut stdin| stdin.write_all((lines.join("\n") + "\n").as_bytes()))
    });
    let bound = (attempts.len() + 1) * 8 * ANSWER_MAX;
    let mut answers = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let lines = BufReader::new(stdout.take(bound as u64)).lines().take(attempts.len());
        for line in lines {
            let answer = line.ok().and_then(|line| serde_json::from_str(&line).ok());
            answers.push(answer.unwrap_or_else(|| Answer::Unknown("not an answer".into())));
        }
    }
    let mut said = String::new();
    if let Some(stderr) = child.stderr.take() {
        let _ = stderr.take(ANSWER_MAX as u64).read_to_string(&mut said);
    }
    let status = child.wait().map_err(failed)?;
    let _ = writer.join();
    if !status.success() || answers.len() != attempts.len() {
        return Ok(Err(format!("{status}\n{}", said.trim())));
    }
    Ok(Ok(answers))
}

#[derive(Serialize)]
struct Reports<'a> {
    jails: &'a [Report],
    clean: bool,
}

fn json(jails: &[Report]) -> Result<String, Failure> {
    let reports = Reports { jails, clean: jails.iter().all(Report::is_clean) };
    let json = serde_json::to_string_pretty(&reports)
        .map_err(|error| Failure::new(format!("the report cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}
