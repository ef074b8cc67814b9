//! `build`, `run`, `shell` and `update`: what needs Nix and the state folder.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process;

use super::{Context, agent_state, approve, each, emission, emit, given, shown};
use crate::backends::Spec;
use crate::backends::nix::lock::Lock;
use crate::cli::args::{self, Inputs, OneJail};
use crate::cli::failure::Failure;
use crate::render::sanitise;
use crate::state::trust::place;
use crate::state::{self, BuildError, Built, Linking, Options, State};

pub(in crate::cli) fn build(arguments: &args::Build, context: Context) -> Result<(), Failure> {
    let specs = &arguments.specs.specs;
    if arguments.output.is_some() && specs.len() > 1 {
        let message = "`--output` names one link, but there are several specs";
        return Err(Failure::Usage(message.into()));
    }
    if arguments.check && context.state_folder().is_none() {
        return check_alone(specs, &arguments.inputs, context);
    }
    let state = context.state()?;
    let mut findings = false;
    for spec in specs {
        let done = if arguments.check {
            check(spec, &arguments.inputs, &state, context)
        } else {
            let linking = if arguments.force { Linking::TakeOver } else { Linking::All };
            let options = options(&arguments.inputs, arguments.output.clone(), linking);
            let wanted = Wanted::Asked { shadow: &arguments.shadow };
            build_one(spec, &arguments.inputs, &options, wanted, &state, context)
                .map(|built| report(&built, &state, context))
        };
        match done {
            Ok(()) => {}
            // The other specs are built all the same.
            Err(Failure::Findings) => findings = true,
            Err(other) => return Err(other),
        }
    }
    if findings { Err(Failure::Findings) } else { Ok(()) }
}

fn options(inputs: &Inputs, link: Option<PathBuf>, linking: Linking) -> Options {
    Options { overrides: inputs.owned(), link, linking }
}

fn check(spec: &PathBuf, inputs: &Inputs, state: &State, context: Context) -> Result<(), Failure> {
    let (place, inputs_given) = (place(spec), inputs.owned());
    let at = state.flake(&place);
    let overrides = state::due(state, &place, &inputs_given);
    let flake = emit::flake(std::slice::from_ref(spec), inputs, &overrides, &at, context)?;
    emit::check(&flake, &at, context)
}

/// Without a home folder nothing was built, so nothing is out of date: the specs are compiled and
/// emitted, in memory.
fn check_alone(specs: &[PathBuf], inputs: &Inputs, context: Context) -> Result<(), Failure> {
    for spec in specs {
        let nowhere = Path::new("/nonexistent");
        emit::flake(std::slice::from_ref(spec), inputs, &inputs.owned(), nowhere, context)?;
        let spec = sanitise(&spec.display().to_string()).into_owned();
        let what =
            "can be emitted; without a home folder there is no earlier build to compare it with";
        context.console.note("checked", &format!("{spec} {what}"));
    }
    Ok(())
}

/// Whether the user has asked for a build and its commands, or for something that needs a build.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    Asked {
        /// The commands that may be called like others in PATH.
        shadow: &'a [String],
    },
    Needed,
}

fn build_one(
    path: &Path,
    inputs: &Inputs,
    options: &Options,
    wanted: Wanted<'_>,
    state: &State,
    context: Context,
) -> Result<Built, Failure> {
    let spec = emission(path, context)?;
    if let Wanted::Asked { shadow } = wanted {
        refuse_shadow(&spec, shadow, state, context)?;
    }
    approve::before_a_build(path, &spec, wanted, state, context)?;
    let kit = context.kit(inputs.kit.as_deref())?;
    let bar = context.console.progress(format!("building {}", path.display()));
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let nix = || context.nix();
    let built = state::build(state, &spec, &kit, options, &nix, &mut progress);
    bar.finish_and_clear();
    let built = built.map_err(failed)?;
    if let Wanted::Asked { .. } = wanted {
        agent_state::offer(&spec.policies, context);
    }
    Ok(built)
}

/// Asks the user to confirm a jail whose name is that of a command in PATH: a user who types that
/// name means the command. A name that the spec has already needs no confirmation.
fn refuse_shadow(
    spec: &Spec,
    shadow: &[String],
    state: &State,
    context: Context,
) -> Result<(), Failure> {
    let names =
        spec.policies.iter().flat_map(|policy| [Some(policy.name.as_str()), policy.alias()]);
    for name in names.flatten() {
        if state.is_linked(&spec.place, name) || shadow.iter().any(|shadow| shadow == name) {
            continue;
        }
        let Some(program) = context.in_path(name, &state.bin()) else { continue };
        let clash =
            format!("the jail `{name}` has the name of a command in PATH, `{}`", shown(&program));
        match context.console.ask(&format!("{clash}."), &format!("Link it as `{name}` anyway?")) {
            Some(true) => {}
            Some(false) => {
                return Err(Failure::new(format!("`{}` was not built", shown(&spec.place))));
            }
            None => {
                let help = format!("give it another name, or confirm it with `--shadow {name}`");
                return Err(Failure::with_help(clash, help));
            }
        }
    }
    Ok(())
}

fn failed(error: BuildError) -> Failure {
    Failure::from_parts(error.to_string(), error.help())
}

fn report(built: &Built, state: &State, context: Context) {
    let console = context.console;
    console.note("flake", &built.folder.display().to_string());
    for command in &built.commands {
        for link in command.link.iter().chain(&command.alias) {
            console.note("command", &link.display().to_string());
        }
    }
    if !context.is_in_path(&state.bin()) {
        let bin = state.bin().display().to_string();
        console.note("hint", &format!("put the folder of commands into PATH: {bin}"));
    }
}

pub(in crate::cli) fn run(arguments: &args::Run, context: Context) -> Result<(), Failure> {
    if arguments.each.list.is_some() {
        return each::run(arguments, context);
    }
    let wrapper = wrapper(&arguments.jail, &context.state()?, context)?;
    exec(&wrapper, &arguments.arguments)
}

pub(in crate::cli) fn shell(arguments: &args::Shell, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let wrapper = wrapper(&arguments.jail, &state, context)?;
    let shell = state::shell(&state, &wrapper)
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    if arguments.staged {
        let project = super::stages::project_of(&arguments.jail.spec, &wrapper, context)?;
        std::env::set_current_dir(&project).map_err(|error| {
            Failure::new(format!("`{}` cannot be entered: {error}", shown(&project)))
        })?;
    }
    let command = arguments.command.as_ref();
    let words = command.map_or_else(Vec::new, |command| vec!["-c".into(), command.into()]);
    exec(&shell, &words)
}

/// The wrapper of the jail that is meant, built if it is stale.
pub(super) fn wrapper(jail: &OneJail, state: &State, context: Context) -> Result<PathBuf, Failure> {
    let built = current(&jail.spec, &jail.inputs, state, context)?;
    let names: Vec<&str> = built.commands.iter().map(|command| command.name.as_str()).collect();
    let found = match (&jail.jail, built.commands.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => {
            let shown = names.join("`, `");
            let message = format!("the spec makes several jails: `{shown}`");
            return Err(Failure::Usage(format!("{message}; name one with `--jail NAME`")));
        }
        (Some(name), commands) => commands.iter().find(|command| command.name == *name),
    };
    match (found, &jail.jail) {
        (Some(command), _) => Ok(command.wrapper()),
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            Err(Failure::no_such_jail(name, &names))
        }
    }
}

/// What is built of a spec. An input that is given anew means another build.
pub(super) fn current(
    spec: &Path,
    inputs: &Inputs,
    state: &State,
    context: Context,
) -> Result<Built, Failure> {
    given::check(spec, given::Wanted::Spec)?;
    let kit = context.kit(inputs.kit.as_deref())?;
    let fresh = match inputs.overrides().next() {
        None => state::fresh(state, spec, &kit),
        Some(_) => None,
    };
    match fresh {
        Some(built) => {
            if state.failed(&place(spec)).is_some() {
                let build = format!("`jailgen build {}` tries again", shown(spec));
                context.console.note(
                    "note",
                    &format!("this runs the build before the one that failed; {build}"),
                );
            }
            Ok(built)
        }
        None => {
            // Commands that need a build need no link in PATH, which all projects share.
            let options = options(inputs, None, Linking::Own);
            build_one(spec, inputs, &options, Wanted::Needed, state, context)
        }
    }
}

/// Becomes the program, so that signals, the terminal and the exit status are its own.
fn exec(program: &Path, arguments: &[OsString]) -> Result<(), Failure> {
    let error = process::Command::new(program).args(arguments).exec();
    Err(Failure::new(format!("`{}` cannot be started: {error}", program.display())))
}

pub(in crate::cli) fn update(arguments: &args::Update, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let folder = state.pinned(&place(&arguments.spec));
    if !folder.join("flake.lock").exists() {
        given::check(&arguments.spec, given::Wanted::Spec)?;
        let spec = arguments.spec.display();
        let message = format!("`{}` has not been built", sanitise(&spec.to_string()));
        return Err(Failure::with_help(message, format!("run `jailgen build {spec}` first")));
    }
    let lock = Lock::of_folder(&folder).map_err(emit::failed)?;
    if let (Some(input), Some(lock)) = (&arguments.input, &lock) {
        lock.check_input(input).map_err(emit::failed)?;
    }
    let (inputs, from_settings) = moved(arguments.input.as_deref(), lock.as_ref(), context);
    let references = lock.map_or_else(Vec::new, |lock| lock.repositories());
    let bar = context.console.progress("updating".into());
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let updated = match inputs {
        Some(inputs) => {
            context.nix().and_then(|nix| nix.update(&folder, &references, &inputs, &mut progress))
        }
        None => Ok(()),
    };
    bar.finish_and_clear();
    updated?;
    let mut options = options(&Inputs::default(), None, Linking::Own);
    options.overrides = from_settings;
    let inputs = Inputs::default();
    let built = build_one(&arguments.spec, &inputs, &options, Wanted::Needed, &state, context)?;
    report(&built, &state, context);
    Ok(())
}

/// What Nix moves forward, if anything, where an empty list means everything; and what is pinned
/// anew to what the settings say.
fn moved(
    input: Option<&str>,
    lock: Option<&Lock>,
    context: Context,
) -> (Option<Vec<String>>, Vec<(String, String)>) {
    let mut settings = context.settings.overrides();
    settings.retain(|(name, _)| input.is_none_or(|input| input == name));
    let is_set = |name: &String| settings.iter().any(|(set, _)| set == name);
    let inputs = match input {
        Some(input) => vec![input.to_owned()],
        None if settings.is_empty() => return (Some(Vec::new()), settings),
        None => lock.map_or_else(Vec::new, Lock::inputs),
    };
    let inputs: Vec<String> = inputs.into_iter().filter(|name| !is_set(name)).collect();
    (Some(inputs).filter(|inputs| !inputs.is_empty()), settings)
}
