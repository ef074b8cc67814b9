//! `approve`, and the question before a build: shows what a spec would be let do, and writes down
//! that its user has agreed.

use std::path::Path;

use jail_policy::Policy;

use super::build::Wanted;
use super::{Context, emission, shown};
use crate::backends::Spec;
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::explain::sum_up;
use crate::render::sanitise;
use crate::state::State;
use crate::state::trust::{self, Question, Verdict, Why};

pub(in crate::cli) fn run(arguments: &args::Specs, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    for path in &arguments.specs {
        let spec = emission(path, context)?;
        if let Verdict::Ask(question) = trust::judge(&state, path, &spec) {
            show(&question, &spec, context);
        }
        remember(&state, path, &spec)?;
        context.console.note("approved", &shown(path));
    }
    Ok(())
}

/// Lets a build go on if the spec is approved, or becomes so. Without a terminal, asking for a
/// build is agreeing to it; asking for something else is not, because its user may not know that
/// there is something to build.
pub(super) fn before_a_build(
    path: &Path,
    spec: &Spec,
    wanted: Wanted<'_>,
    state: &State,
    context: Context,
) -> Result<(), Failure> {
    let question = match trust::judge(state, path, spec) {
        Verdict::Approved => return Ok(()),
        Verdict::Unremarkable => return remember(state, path, spec),
        Verdict::Ask(question) => question,
    };
    let why = why(path, &question.why);
    let lines = lines(&question, spec).join("\n");
    match (context.console.ask(&format!("{why}:\n{lines}"), "Build it as it is now?"), wanted) {
        (Some(true), _) => remember(state, path, spec),
        (Some(false), _) => Err(Failure::new(format!("`{}` was not built", shown(path)))),
        (None, Wanted::Asked { .. }) => {
            show(&question, spec, context);
            remember(state, path, spec)
        }
        (None, Wanted::Needed) => {
            let approve = format!("`jailgen approve {}` allows it as it is now", shown(path));
            Err(Failure::with_help(why, format!("{lines}\nread the spec; {approve}")))
        }
    }
}

fn remember(state: &State, path: &Path, spec: &Spec) -> Result<(), Failure> {
    trust::approve(state, path, spec).map_err(|error| {
        Failure::new(format!("the approval of `{}` cannot be written: {error}", shown(path)))
    })
}

fn show(question: &Question, spec: &Spec, context: Context) {
    lines(question, spec).iter().for_each(|line| context.console.note("approved", line));
}

fn why(path: &Path, why: &Why) -> String {
    let path = shown(path);
    match why {
        Why::First => {
            format!("`{path}` is not approved yet, and grants more than the working folder")
        }
        Why::Changed => format!("what `{path}` grants has changed since it was approved"),
        Why::Elsewhere(before) => {
            format!("`{path}` is not the spec that was approved: it led to `{}`", shown(before))
        }
        Why::Unreadable(error) => {
            format!("the approval of `{path}` cannot be read ({})", sanitise(error))
        }
    }
}

/// A name with a line break in it must not look like another line of ours.
fn lines(question: &Question, spec: &Spec) -> Vec<String> {
    let all = summed_up(question, spec).into_iter().chain(question.lines.iter().cloned());
    all.map(|line| sanitise(&line).replace('\n', "\\n")).collect()
}

/// What its jails write, read and reach, if the spec is new. For a changed spec,
/// only the change is shown.
fn summed_up(question: &Question, spec: &Spec) -> Vec<String> {
    match question.why {
        Why::First | Why::Unreadable(_) => spec.policies.iter().flat_map(of_jail).collect(),
        Why::Changed | Why::Elsewhere(_) => Vec::new(),
    }
}

fn of_jail(policy: &Policy) -> impl Iterator<Item = String> {
    let lines = sum_up(policy).lines();
    let line = move |(word, what): (&str, String)| format!("{}: {word} {what}", policy.name);
    lines.into_iter().map(line)
}
