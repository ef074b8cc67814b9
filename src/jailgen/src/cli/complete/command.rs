//! The command line as it is completed: without what is hidden, and with where its values come
//! from.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use jail_plan::OWN_STATE;
use jail_registry::{BUILDERS, GROUPS, HostGroup, combinators};

use crate::cli::args::Cli;
use crate::compile::SpecFolder;
use crate::session;
use crate::state::State;

/// What a shell is asked for where files belong.
#[derive(Clone, Copy, Debug)]
pub(super) enum Files {
    /// Specs, and folders that they may be in.
    Specs,
    Any,
    Folders,
}

impl Files {
    /// The line that asks for them.
    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::Specs => ":files .jail",
            Self::Any => ":files",
            Self::Folders => ":folders",
        }
    }

    /// What a candidate asks for, and the option before it whose value the files are.
    pub(super) fn asked(candidate: &str) -> Option<(&str, Self)> {
        [Self::Specs, Self::Any, Self::Folders]
            .into_iter()
            .find_map(|files| Some((candidate.strip_suffix(files.line())?, files)))
    }
}

/// The command without its hidden subcommands.
pub(in crate::cli) fn visible() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|command| !command.is_hide_set());
    let about = all.get_about().cloned().unwrap_or_default();
    Command::new("jailgen")
        .about(about)
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .args(all.get_arguments())
        .subcommands(shown)
}

/// The same with completers. `words` is the command line, which has the spec that jails are named
/// of.
pub(super) fn with_completers(words: &[OsString]) -> Command {
    let names: Vec<String> =
        visible().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    names.iter().fold(visible(), |command, name| {
        command.mut_subcommand(name, |command| completed(command, words))
    })
}

fn completed(command: Command, words: &[OsString]) -> Command {
    let nested: Vec<String> =
        command.get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let command = nested.iter().fold(command, |command, name| {
        command.mut_subcommand(name, |command| completed(command, words))
    });
    let is_doc = command.get_name() == "doc";
    let is_log = command.get_name() == "log";
    command.mut_args(|arg| match arg.get_id().as_str() {
        "jail" => {
            let words = words.to_owned();
            arg.add(ArgValueCompleter::new(move |current: &OsStr| jails(&words, current)))
        }
        "name" if is_doc => arg.add(ArgValueCompleter::new(documented)),
        "group" => arg.add(ArgValueCompleter::new(groups)),
        "session" => arg.add(ArgValueCompleter::new(sessions)),
        "target" if is_log => arg.add(ArgValueCompleter::new(logged)),
        _ => match files(&arg) {
            Some(files) => arg.add(ArgValueCompleter::new(move |_: &OsStr| {
                vec![CompletionCandidate::new(files.line())]
            })),
            None => arg,
        },
    })
}

/// The files that an argument takes, by its own description.
fn files(arg: &Arg) -> Option<Files> {
    let names = arg.get_value_names().unwrap_or_default();
    match arg.get_value_hint() {
        ValueHint::DirPath => Some(Files::Folders),
        ValueHint::FilePath if names.iter().any(|name| name.as_str() == "SPEC") => {
            Some(Files::Specs)
        }
        ValueHint::FilePath | ValueHint::AnyPath => Some(Files::Any),
        // Those of the program inside.
        _ if arg.is_last_set() => Some(Files::Any),
        _ => None,
    }
}

/// Every name that `jailgen doc` knows.
fn documented(current: &OsStr) -> Vec<CompletionCandidate> {
    let combinators = combinators().map(|it| (it.name, it.summary));
    let all = combinators.chain(BUILDERS.iter().map(|it| (it.name, it.summary)));
    let current = current.to_string_lossy();
    all.filter(|(name, _)| name.starts_with(&*current))
        .map(|(name, summary)| CompletionCandidate::new(name).help(Some(summary.into())))
        .collect()
}

/// Every group of hosts.
fn groups(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let begins = |group: &&HostGroup| group.name.starts_with(&*current);
    let candidate =
        |group: &HostGroup| CompletionCandidate::new(group.name).help(Some(group.summary.into()));
    GROUPS.iter().filter(begins).map(candidate).collect()
}

/// The state folder, where there is one.
fn state() -> Option<State> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|it| it.is_absolute());
    let root = OWN_STATE.iter().find_map(|(name, below)| Some(absolute(name)?.join(below)))?;
    State::open(root).ok()
}

/// The jails that run.
fn sessions(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let running = state().and_then(|state| session::sessions(&state).ok()).unwrap_or_default();
    let candidate = |session: session::Session| {
        CompletionCandidate::new(session.id).help(Some(session.name.into()))
    };
    running.into_iter().filter(|it| it.id.starts_with(&*current)).map(candidate).collect()
}

/// Specs, and jails that have a log.
fn logged(current: &OsStr) -> Vec<CompletionCandidate> {
    let current = current.to_string_lossy();
    let names =
        state().and_then(|state| session::log_names(&state.logs()).ok()).unwrap_or_default();
    let names = names.into_iter().filter(|name| name.starts_with(&*current));
    let files = CompletionCandidate::new(Files::Specs.line());
    std::iter::once(files).chain(names.map(CompletionCandidate::new)).collect()
}

/// The jails of the first spec of the command line. It is evaluated as `check` does, which runs
/// nothing and reads nothing but the folder of the spec.
fn jails(words: &[OsString], current: &OsStr) -> Vec<CompletionCandidate> {
    let compiled = words.iter().filter_map(|word| spec(word)).find_map(|path| {
        let compiled = SpecFolder::open(&path).ok()?.compile();
        (!compiled.policies.is_empty()).then_some(compiled)
    });
    let names = compiled.into_iter().flat_map(|compiled| compiled.policies).map(|it| it.name);
    let current = current.to_string_lossy();
    names.filter(|name| name.starts_with(&*current)).map(CompletionCandidate::new).collect()
}

/// The spec that a word of a command line names. Bash passes words on as they were typed.
fn spec(word: &OsStr) -> Option<PathBuf> {
    let word = word.to_str()?.replace(['\\', '\'', '"'], "");
    let path = match word.strip_prefix("~/") {
        Some(below) => Path::new(&std::env::var_os("HOME")?).join(below),
        None => PathBuf::from(word),
    };
    (path.extension() == Some("jail".as_ref()) && path.is_file()).then_some(path)
}
