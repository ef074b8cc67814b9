//! `handoff`: what sessions left in a project that a program of the host would execute or believe.
//! The helper looks, confined: this process reads nothing of the project.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use jail_plan::handoff::{FOLDER, LEDGER};

use super::{Context, helper, of_state, shown};
use crate::cli::failure::Failure;
use crate::cli::review;
use crate::session;
use crate::state::State;
use crate::state::trust::written;

pub(in crate::cli) fn run(arguments: &review::Handoff, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    match &arguments.command {
        None => {
            let project = project(arguments.target.as_deref(), &state)?;
            let mode = if arguments.json { "json" } else { "show" };
            let said = ledger(mode, &project, &[], context)?;
            if said.is_empty() {
                context.console.note("nothing", "is left that is new or not approved");
            }
            context.console.result(&said)
        }
        Some(review::HandoffCommand::Approve { paths }) => {
            change("approve", paths, &state, context)
        }
        Some(review::HandoffCommand::Restore { paths }) => {
            change("restore", paths, &state, context)
        }
    }
}

/// Has the helper change something about these paths, or about all that is left here.
fn change(mode: &str, paths: &[PathBuf], state: &State, context: Context) -> Result<(), Failure> {
    let project = project(None, state)?;
    let here = current()?;
    // What is there may be gone, or a link, so it is not looked up.
    let plain = |path: &PathBuf| written(&here.join(path)).into_os_string();
    let paths: Vec<OsString> = paths.iter().map(plain).collect();
    let said = ledger(mode, &project, &paths, context)?;
    context.console.note("done", said.trim_end());
    Ok(())
}

pub(super) fn current() -> Result<PathBuf, Failure> {
    std::env::current_dir()
        .map_err(|error| Failure::new(format!("the working folder cannot be found: {error}")))
}

/// The project: that of a session, the one that contains a folder or a spec, or
/// that of the working folder.
fn project(target: Option<&Path>, state: &State) -> Result<PathBuf, Failure> {
    let Some(target) = target else { return current() };
    let sessions = session::sessions(state).map_err(of_state)?;
    let mut called = sessions.iter().filter(|session| session.is_called(&target.to_string_lossy()));
    if let Some(folder) = called.next().and_then(|session| session.folder.clone()) {
        return Ok(folder);
    }
    let real = target.canonicalize().map_err(|_| {
        Failure::with_help(
            format!("there is no session, no folder and no spec `{}`", shown(target)),
            "`jailgen sessions` lists the sessions that run",
        )
    })?;
    Ok(if real.is_dir() { real } else { real.parent().unwrap_or(&real).to_owned() })
}

/// What is left in a project, as the helper says it in JSON.
pub(super) fn of_project(project: &Path, context: Context) -> Result<String, Failure> {
    ledger("json", project, &[], context)
}

/// What the helper says of the ledger of a project.
fn ledger(
    mode: &str,
    project: &Path,
    paths: &[OsString],
    context: Context,
) -> Result<String, Failure> {
    let state = context.state_folder().unwrap_or_default().join(FOLDER);
    let words = [LEDGER.as_ref(), mode.as_ref(), state.as_os_str(), project.as_os_str()];
    helper::output(context, &words, paths)
}
