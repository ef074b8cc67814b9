//! `trace`: runs a jail once and says which system calls its processes made, or which files and
//! hosts they did not get.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use jail_policy::Policy;
use jail_registry::Jail;
use jail_trace::{Ended, Error};
use serde::Serialize;

use super::{Context, build, compile, trace_files};
use crate::cli::args;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::Compiled;
use crate::files::write_plain;
use crate::render::sanitise_json;
use crate::state;
use crate::trace::{Filters, Trace, render};
use jail_seccomp::{Arch, Folder};

pub(in crate::cli) fn run(arguments: &args::Trace, context: Context) -> Result<(), Failure> {
    if arguments.files {
        return trace_files::run(arguments, context);
    }
    let state = context.state()?;
    let wrapper = build::wrapper(&arguments.jail, &state, context)?;
    let filters = filters(arguments, &wrapper)?;
    let traced = state::trace(&state, &wrapper, filters.default())
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    let mut trace = Trace::under_filters(&traced.plan.seccomp, filters);
    let ended = jail_trace::trace(&traced.wrapper, &arguments.arguments, &mut |call| {
        trace.add(call);
    });
    let ended = ended.map_err(forbidden)?;
    let report = trace.report(&traced.plan.name);
    write(&report, || render(&report, width()), arguments, context)?;
    as_program(ended)
}

/// The exit status of the program is that of the command.
pub(super) fn as_program(ended: Ended) -> Result<(), Failure> {
    match ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(status) => Err(Failure::Ended(status)),
        // As a shell says it.
        Ended::Signalled(signal) => {
            Err(Failure::Ended(u8::try_from(128 + signal).unwrap_or(u8::MAX)))
        }
    }
}

/// A jail that is traced.
pub(super) struct Traced {
    pub(super) compiled: Compiled,
    pub(super) policy: Policy,
    pub(super) jail: Jail,
}

impl Traced {
    /// The jail that the wrapper is: it is named like its policy.
    pub(super) fn of_wrapper(arguments: &args::Trace, wrapper: &Path) -> Result<Self, Failure> {
        // What is to be said about the spec was said when it was built.
        let compiled = compile(&arguments.jail.spec)?;
        let jails = compiled.spec.iter().flat_map(|spec| &spec.jails);
        let named = |policy: &Policy| wrapper.file_name().is_some_and(|name| *name == *policy.name);
        let found = compiled.policies.iter().zip(jails).find(|(policy, _)| named(policy));
        let Some((policy, jail)) = found.map(|(policy, jail)| (policy.clone(), jail.clone()))
        else {
            let spec = arguments.jail.spec.display();
            return Err(Failure::with_help(
                format!("`{spec}` changed while it was built"),
                "run it again",
            ));
        };
        Ok(Self { compiled, policy, jail })
    }
}

pub(super) fn arch() -> Result<Arch, Failure> {
    Arch::from_nix(std::env::consts::ARCH)
        .ok_or_else(|| Failure::new(format!("jails do not run on {}", std::env::consts::ARCH)))
}

fn filters(arguments: &args::Trace, wrapper: &Path) -> Result<Filters, Failure> {
    let Traced { policy, jail, .. } = Traced::of_wrapper(arguments, wrapper)?;
    Filters::for_run(&policy, jail_registry::agent_of(&jail), arch()?, folder())
        .map_err(|error| Failure::new(error.to_string()))
}

/// The folder that the jail is about to be started in.
fn folder() -> Folder {
    let is_set_group_id = fs::metadata(".").is_ok_and(|meta| meta.mode() & 0o2000 != 0);
    if is_set_group_id { Folder::SetGroupId } else { Folder::Plain }
}

pub(super) fn forbidden(error: Error) -> Failure {
    match error {
        Error::Forbidden(error) => Failure::with_help(
            format!("this machine does not let you trace your own programs: {error}"),
            "`sudo sysctl kernel.yama.ptrace_scope=1` allows it; in a container, a seccomp profile that lets `ptrace` through",
        ),
        Error::Io(error) => Failure::new(format!("the jail cannot be traced: {error}")),
    }
}

/// To standard error: standard output is the program's.
pub(super) fn write(
    report: &impl Serialize,
    text: impl FnOnce() -> String,
    arguments: &args::Trace,
    context: Context,
) -> Result<(), Failure> {
    let text = if arguments.json {
        let json = serde_json::to_string_pretty(report)
            .map_err(|error| Failure::new(format!("the report cannot be written: {error}")))?;
        sanitise_json(&json).into_owned() + "\n"
    } else {
        text()
    };
    let Some(path) = &arguments.output else {
        context.console.aside(&text);
        return Ok(());
    };
    let plain = anstream::adapter::strip_str(&text).to_string();
    let failed = |path: &PathBuf, error| {
        Failure::new(format!("`{}` cannot be written: {error}", path.display()))
    };
    write_plain(path, plain.as_bytes()).map_err(|error| failed(path, error))
}
