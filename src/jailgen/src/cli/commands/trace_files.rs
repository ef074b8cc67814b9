//! `trace --files`: runs a jail once and says what it did not find or was refused, and proposes a
//! spec.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::trace::{Traced, arch, as_program, forbidden, write};
use super::{Context, build, diff, shown, write_new};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::session::{Line, Log, session_of};
use crate::state::{self, State};
use crate::trace::files::{
    FileTrace, Launcher, Report, Used, filter, is_stopping, propose, render,
};

pub(super) fn run(arguments: &args::Trace, context: Context) -> Result<(), Failure> {
    let state = Rc::new(context.state()?);
    refuse_present(arguments.write_spec.as_deref())?;
    let wrapper = build::wrapper(&arguments.jail, &state, context)?;
    let traced = Traced::of_wrapper(arguments, &wrapper)?;
    let plan = state::trace_files(&state, &wrapper, filter(arch()?))
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    // The last one is that of the trace.
    if plan.plan.seccomp.iter().rev().skip(1).any(is_stopping) {
        return Err(Failure::new(
            "a filter that the spec adds stops for a tracer, and would not refuse what it refuses now",
        ));
    }
    let launcher = launcher();
    let session = Rc::new(RefCell::new(None));
    let meanwhile = look_for_session(Rc::clone(&state), Rc::clone(&session));
    let closure = &plan.plan.closure;
    let mut trace = FileTrace::new(arch()?, &traced.policy, closure, launcher.clone(), meanwhile);
    let log = Earlier::of_jail(&state, &traced.policy.name);
    let ended = jail_trace::watch(&plan.wrapper, &arguments.arguments, trace.watcher());
    let ended = ended.map_err(forbidden)?;
    let lines = log.lines_of(session.borrow().as_deref());
    let programs = |name: &str| context.in_path(name, &state.bin());
    let (report, used) = trace.report(&traced.policy, &lines, &programs);
    write(&report, || render(&report), arguments, context)?;
    if let Some(file) = &arguments.write_spec {
        write_spec(file, arguments, &traced, (&report, &used), &launcher, context)?;
    }
    as_program(ended)
}

/// A run may take long, and its proposal is not to be lost in the end.
fn refuse_present(file: Option<&Path>) -> Result<(), Failure> {
    match file.filter(|file| file.symlink_metadata().is_ok()) {
        Some(file) => Err(Failure::with_help(
            format!("`{}` exists and is not changed", shown(file)),
            "name another file, and compare it with `jailgen diff`",
        )),
        None => Ok(()),
    }
}

fn launcher() -> Launcher {
    let variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let folder = std::env::current_dir().and_then(|here| here.canonicalize());
    Launcher { variables: variables.collect(), folder: folder.unwrap_or_default() }
}

/// Asks until the session of the jail has been found.
fn look_for_session(state: Rc<State>, session: Rc<RefCell<Option<String>>>) -> Box<dyn FnMut(i32)> {
    Box::new(move |supervisor| {
        if session.borrow().is_some() {
            return;
        }
        if let Ok(supervisor) = u32::try_from(supervisor) {
            *session.borrow_mut() = session_of(&state, supervisor);
        }
    })
}

/// The log of a jail as it was before a run.
struct Earlier(Option<Log>);

impl Earlier {
    fn of_jail(state: &State, name: &str) -> Self {
        let folder = state.logs();
        let mut log = Log::for_jails(&folder, &[name.to_owned()]);
        if folder.join(name).is_dir() && log.new_lines().is_err() {
            return Self(None);
        }
        Self(Some(log))
    }

    /// What has come since. Where the session was too short to be found, it is that of all sessions
    /// of the jail since then.
    fn lines_of(self, session: Option<&str>) -> Vec<Line> {
        let lines = self.0.and_then(|mut log| log.new_lines().ok()).unwrap_or_default();
        let is_own = |line: &Line| session.is_none_or(|session| line.session == session);
        lines.into_iter().filter(is_own).collect()
    }
}

fn write_spec(
    file: &Path,
    arguments: &args::Trace,
    traced: &Traced,
    (report, used): (&Report, &Used),
    launcher: &Launcher,
    context: Context,
) -> Result<(), Failure> {
    let Traced { compiled, policy, .. } = traced;
    let spec = &arguments.jail.spec;
    let Some(proposal) = propose(compiled, &policy.name, report, used, launcher) else {
        return Err(Failure::with_help(
            format!(
                "`{}` cannot be changed: its permissions are not a list in this file",
                shown(spec)
            ),
            "paste what the report says",
        ));
    };
    write_new(file, &proposal.text)?;
    context.console.note("spec", &shown(file));
    for title in &proposal.left_out {
        context.console.note("left out", &format!("too dangerous to be proposed: {title}"));
    }
    let difference = diff::in_words(spec, file, context)?;
    match difference.is_empty() {
        true => context.console.note("same", "it grants what the spec grants already"),
        false => context.console.aside(&difference),
    }
    Ok(())
}
