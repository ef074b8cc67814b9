//! `changes`, `apply`, `drop` and `stages`: what jails wrote under `stage-cwd`. The helper looks
//! and applies, confined: this process reads nothing that a jail has written.

mod listing;

use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use clap::builder::styling::{AnsiColor, Style};
use jail_plan::folder_name;
use jail_plan::stage::{FOLDER, NAME, STAGE, UPPER, is_name};
use jail_policy::Grant;
use serde::Deserialize;

pub(in crate::cli) use self::listing::list_all;
pub(super) use self::listing::{has_something, size_of};
use super::explained::Explained;
use super::helper;
use super::remove::jails_of;
use super::{Context, shown};
use crate::cli::failure::Failure;
use crate::cli::staged;
use crate::render::sanitise;
use crate::state::trust::written;

pub(in crate::cli) fn changes(
    arguments: &staged::Changes,
    context: Context,
) -> Result<(), Failure> {
    let stage = Stage::find(&arguments.which, context)?;
    let paths = stage.paths(&arguments.paths)?;
    let form = match (arguments.json, arguments.diff) {
        (true, _) => "json",
        (false, true) => "diff",
        (false, false) => "summary",
    };
    let said = stage.helper("changes", form, &paths, context)?;
    if arguments.json {
        return context.console.result(&said);
    }
    if said.is_empty() {
        context.console.note("nothing", "is changed in the stage");
    }
    let text: String = said.lines().map(|line| coloured(line, arguments.diff)).collect();
    paged(&text, context)
}

pub(in crate::cli) fn apply(arguments: &staged::Apply, context: Context) -> Result<(), Failure> {
    let stage = Stage::find(&arguments.which, context)?;
    let paths = stage.paths(&arguments.paths)?;
    let listed = stage.helper("changes", "json", &paths, context)?;
    let listed: Listed = serde_json::from_str(&listed)
        .map_err(|error| Failure::new(format!("the helper cannot be understood: {error}")))?;
    if listed.changes.is_empty() && listed.git.is_empty() {
        context.console.note("nothing", "is changed in the stage");
        return Ok(());
    }
    let references: Vec<&Reference> = listed.git.iter().filter(|line| line.applied).collect();
    let applied = listed.changes.iter().filter(|line| line.applied);
    let (executed, plain): (Vec<_>, Vec<_>) = applied.partition(|line| line.executed.is_some());
    let count = plain.len() + references.len();
    if count > 0 && !arguments.yes {
        let statement = format!("{}{}", list_references(&references), list(&plain));
        let question = format!("Apply {count} changes to {}?", shown(&stage.project));
        agreed(context, &statement, &question, "`--yes` applies without asking")?;
    }
    let brought: Vec<Line> = references.iter().flat_map(|it| held(it)).collect();
    let executed: Vec<&Line> = executed.into_iter().chain(&brought).collect();
    let executed = match (executed.as_slice(), arguments.yes_executed) {
        ([], _) => false,
        (_, true) => true,
        (executed, false) => {
            let statement = list(executed);
            let question = "Programs outside execute or trust these. Apply them too?";
            let answer = context.console.ask(&statement, question);
            answer.unwrap_or(false)
        }
    };
    let word = format!("{}{}", listed.digest, if executed { "+" } else { "" });
    let said = stage.helper("apply", &word, &paths, context)?;
    context.console.result(&sanitise(&said))
}

pub(in crate::cli) fn drop(arguments: &staged::Drop, context: Context) -> Result<(), Failure> {
    let stage = Stage::find(&arguments.which, context)?;
    let paths = stage.paths(&arguments.paths)?;
    if !arguments.yes {
        let summary = stage.helper("changes", "summary", &paths, context)?;
        agreed(context, &summary, "Throw this away?", "`--yes` drops without asking")?;
    }
    let said = stage.helper("drop", "", &paths, context)?;
    context.console.note("done", said.trim_end());
    Ok(())
}

/// Where the jail of a wrapper has a stage, in the working folder or the nearest above it. The
/// wrapper itself must say that it works in one: else the shell would be in the project.
pub(super) fn project_of(
    spec: &Path,
    wrapper: &Path,
    context: Context,
) -> Result<PathBuf, Failure> {
    let explained = Explained::load(wrapper, None, context)?;
    let mut grants = explained.policies().flat_map(|policy| &policy.grants);
    let name = grants.find_map(|entry| match &entry.grant {
        Grant::Folder { stage, .. } => stage.clone(),
        _ => None,
    });
    let name = name.ok_or_else(|| {
        let message = format!("`{}` does not work in a stage", shown(spec));
        Failure::with_help(message, "`stage-cwd` in the spec keeps apart what a jail writes")
    })?;
    let which = staged::Which { spec: spec.to_owned(), name: Some(name), project: None };
    Ok(Stage::find(&which, context)?.project)
}

/// Ends where the answer is no, and where no user can answer.
fn agreed(context: Context, statement: &str, question: &str, help: &str) -> Result<(), Failure> {
    match context.console.ask(statement.trim_end(), question) {
        Some(true) => Ok(()),
        Some(false) => Err(Failure::new("nothing was changed")),
        None => Err(Failure::with_help("there is no terminal to ask on", help)),
    }
}

/// What the helper says about a stage.
#[derive(Debug, Deserialize)]
struct Listed {
    digest: String,
    changes: Vec<Line>,
    git: Vec<Reference>,
}

/// A branch, a tag or `HEAD` of a repository.
#[derive(Debug, Deserialize)]
struct Reference {
    repository: String,
    reference: String,
    change: String,
    applied: bool,
    /// What it brings that host programs execute or trust.
    #[serde(default)]
    executed: Vec<Brought>,
    /// It stays without a word about that, because it is checked out.
    held: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Brought {
    path: String,
    executed_by: String,
    executed: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Line {
    path: String,
    change: String,
    applied: bool,
    executed_by: Option<String>,
    executed: Option<String>,
}

/// What a branch that is checked out brings, as lines to ask about.
fn held(reference: &Reference) -> impl Iterator<Item = Line> {
    let is_held = reference.held;
    reference.executed.iter().filter(move |_| is_held).map(|it| Line {
        path: format!("{} (in commits of {})", it.path, reference.reference),
        change: "committed".into(),
        applied: true,
        executed_by: Some(it.executed_by.clone()),
        executed: Some(it.executed.clone()),
    })
}

/// At most this many are named that no program outside executes.
const PLAIN_MAX: usize = 40;

/// All of them: there are few.
fn list_references(references: &[&Reference]) -> String {
    let mut text = String::new();
    for Reference { repository, reference, change, executed, held, .. } in references {
        let [repository, reference, change] =
            [repository, reference, change].map(|part| jail_plan::one_line(part));
        let _ = writeln!(text, "  {repository} {reference}: {change}");
        for Brought { path, executed, .. } in executed.iter().filter(|_| !held) {
            let path = jail_plan::one_line(path);
            let _ = writeln!(text, "    brings {path}  ! {executed}");
        }
    }
    text
}

/// What is executed is named without exception: first what programs look for by its name, then what
/// is only a program.
fn list(lines: &[&Line]) -> String {
    let (executed, plain): (Vec<&Line>, Vec<&Line>) =
        lines.iter().partition(|line| line.executed.is_some());
    let (programs, named): (Vec<&Line>, Vec<&Line>) =
        executed.into_iter().partition(|line| line.executed_by.as_deref() == Some("executable"));
    let mut text = String::new();
    for Line { path, change, executed, .. } in
        named.into_iter().chain(programs).chain(plain.iter().copied().take(PLAIN_MAX))
    {
        let reason = executed.as_ref().map_or_else(String::new, |reason| format!(": {reason}"));
        let path = jail_plan::one_line(path);
        let _ = writeln!(text, "  {change:<12} {path}{reason}");
    }
    if let Some(more @ 1..) = plain.len().checked_sub(PLAIN_MAX) {
        let _ = writeln!(text, "  and {more} more; `jailgen changes --json` lists all");
    }
    text.trim_end().to_owned()
}

/// A stage.
struct Stage {
    /// Its folder in the state folder.
    folder: PathBuf,
    /// What the project is called in it.
    name: String,
    project: PathBuf,
}

impl Stage {
    /// The one that is meant: of the jail, in the working folder or the nearest above it that has
    /// one.
    fn find(which: &staged::Which, context: Context) -> Result<Self, Failure> {
        let state = context.state()?;
        let stages = context.state_folder().unwrap_or_default().join(FOLDER);
        let name = which.name.as_deref().unwrap_or(NAME);
        if !is_name(name) {
            return Err(Failure::Usage(format!("`{}` is no name of a stage", sanitise(name))));
        }
        let given = which.project.clone().map_or_else(std::env::current_dir, Ok);
        let real = given.and_then(|folder| folder.canonicalize());
        let real = real.map_err(|error| {
            let help = "`--project` takes the folder that the jail was started in";
            Failure::with_help(format!("the project cannot be found: {error}"), help)
        })?;
        let folders: Vec<&Path> = match which.project {
            Some(_) => vec![&real],
            None => real.ancestors().collect(),
        };
        let named = which.spec.to_str().filter(|name| !name.contains('/') && *name != "..");
        // A stage stays when its spec is gone.
        let jails = match named.filter(|name| stages.join(name).is_dir()) {
            Some(jail) => vec![jail.to_owned()],
            None => jails_of(&which.spec, &state)?,
        };
        for jail in jails {
            let folder = stages.join(&jail).join(name);
            for project in &folders {
                let Some(name) = project.to_str().and_then(folder_name) else { continue };
                if folder.join(UPPER).join(&name).is_dir() {
                    return Ok(Self { folder, name, project: project.to_path_buf() });
                }
            }
        }
        let message = format!("`{}` has no stage `{name}` in {}", shown(&which.spec), shown(&real));
        Err(Failure::with_help(
            message,
            "`jailgen stages` lists the stages; one begins when a jail with `stage-cwd` is started",
        ))
    }

    /// Paths as they are below the project. What is there may be gone, or a link, so it is not
    /// looked up.
    fn paths(&self, given: &[PathBuf]) -> Result<Vec<OsString>, Failure> {
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        let here = here.map_err(|error| {
            Failure::new(format!("the working folder cannot be found: {error}"))
        })?;
        let below = |path: &PathBuf| {
            let whole = written(&here.join(path));
            let below = whole.strip_prefix(&self.project).map(Path::to_path_buf);
            below.map(PathBuf::into_os_string).map_err(|_| {
                Failure::new(format!(
                    "`{}` is not in the project {}",
                    shown(path),
                    shown(&self.project)
                ))
            })
        };
        given.iter().map(below).collect()
    }

    /// Has the helper of the kit do it, and returns what it says.
    fn helper(
        &self,
        mode: &str,
        word: &str,
        paths: &[OsString],
        context: Context,
    ) -> Result<String, Failure> {
        let project = self.project.as_os_str();
        run(
            context,
            &[
                OsStr::new(mode),
                self.folder.as_os_str(),
                self.name.as_ref(),
                project,
                word.as_ref(),
            ],
            paths,
        )
    }
}

fn run(context: Context, words: &[&OsStr], paths: &[OsString]) -> Result<String, Failure> {
    helper::output(context, &[&[STAGE.as_ref()], words].concat(), paths)
}

/// A line of a summary or a difference in its colour.
fn coloured(line: &str, is_diff: bool) -> String {
    let line = sanitise(line);
    let style = match (line.as_bytes().first(), is_diff) {
        (Some(b'+'), true) => AnsiColor::Green.on_default(),
        (Some(b'-'), true) => AnsiColor::Red.on_default(),
        (Some(b'@'), true) => AnsiColor::Cyan.on_default(),
        (Some(b' '), _) | (None, _) => Style::new(),
        (Some(_), _) => Style::new().bold(),
    };
    format!("{style}{line}{style:#}\n")
}

/// Shows a text by the user's pager where there is a terminal, and where it is too long for that.
fn paged(text: &str, context: Context) -> Result<(), Failure> {
    let height = terminal_size::terminal_size().map_or(0, |(_, height)| usize::from(height.0));
    if !std::io::stdout().is_terminal() || text.lines().count() < height {
        return context.console.result(text);
    }
    let surroundings = context.surroundings()?;
    let named = std::env::var_os("PAGER");
    let named = named.as_deref().and_then(OsStr::to_str).filter(|name| !name.contains(['/', ' ']));
    let Some((name, pager)) = [named.unwrap_or("less"), "less"]
        .into_iter()
        .find_map(|name| Some((name, surroundings.program(name)?)))
    else {
        return context.console.result(text);
    };
    let child = surroundings.command(&pager, name).env("LESS", "FRX").stdin(Stdio::piped()).spawn();
    let Ok(mut child) = child else { return context.console.result(text) };
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager early has seen enough.
        let _ = stdin.write_all(text.as_bytes());
    }
    let _ = child.wait();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_is_executed_is_listed_and_programs_come_last() {
        let line = |path: &str, by: Option<&str>| Line {
            path: path.into(),
            change: "new".into(),
            applied: true,
            executed_by: by.map(Into::into),
            executed: by.map(Into::into),
        };
        let mut lines: Vec<Line> =
            (0..100).map(|number| line(&format!("a{number}"), Some("executable"))).collect();
        lines.push(line("z/.envrc", Some("shell")));
        let text = list(&lines.iter().collect::<Vec<_>>());
        assert_eq!(text.lines().count(), 101);
        assert!(text.starts_with("  new          z/.envrc: shell\n"), "{text}");
        let plain: Vec<Line> = (0..41).map(|number| line(&format!("a{number}"), None)).collect();
        let text = list(&plain.iter().collect::<Vec<_>>());
        assert!(text.ends_with("  and 1 more; `jailgen changes --json` lists all"), "{text}");
    }
}
