//! `build`, `run`, `shell` and `update`: what needs Nix and the state folder.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process;

use super::{Context, approve, emission, emit};
use crate::cli::args::{self, Inputs, OneJail};
use crate::cli::failure::Failure;
use crate::emit::lock::Lock;
use crate::render::sanitise;
use crate::state::trust::place;
use crate::state::{self, BuildError, Built, Options, State};

pub(in crate::cli) fn build(arguments: &args::Build, context: Context) -> Result<(), Failure> {
    let specs = &arguments.specs.specs;
    if arguments.output.is_some() && specs.len() > 1 {
        let message = "`--output` names one link, and there are several specs";
        return Err(Failure::Usage(message.into()));
    }
    let state = context.state()?;
    let mut findings = false;
    for spec in specs {
        let done = if arguments.check {
            check(spec, &arguments.inputs, &state, context)
        } else {
            let options = options(&arguments.inputs, arguments.output.clone(), arguments.force);
            build_one(spec, &arguments.inputs, &options, Wanted::Asked, &state, context)
                .map(|built| tell(&built, &state, context))
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

fn options(inputs: &Inputs, link: Option<PathBuf>, force: bool) -> Options {
    let owned = |(name, reference): (&str, &str)| (name.to_owned(), reference.to_owned());
    Options { overrides: inputs.overrides().map(owned).collect(), link, force }
}

fn check(spec: &PathBuf, inputs: &Inputs, state: &State, context: Context) -> Result<(), Failure> {
    let at = state.flake(&place(spec));
    let folder = emit::folder(std::slice::from_ref(spec), inputs, &at, context)?;
    emit::check(&folder, &at, context)
}

/// Whether the user has asked for a build, or for something that needs one.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Asked,
    Needed,
}

fn build_one(
    path: &Path,
    inputs: &Inputs,
    options: &Options,
    wanted: Wanted,
    state: &State,
    context: Context,
) -> Result<Built, Failure> {
    let spec = emission(path, context)?;
    approve::before_a_build(path, &spec, wanted, state, context)?;
    let kit = emit::kit(inputs, context)?;
    let bar = context.console.progress(format!("building {}", path.display()));
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let nix = || context.nix();
    let built = state::build(state, &spec, &kit, options, &nix, &mut progress);
    bar.finish_and_clear();
    built.map_err(failed)
}

fn failed(error: BuildError) -> Failure {
    Failure::from_parts(error.to_string(), error.help())
}

fn tell(built: &Built, state: &State, context: Context) {
    let console = context.console;
    console.note("flake", &built.folder.display().to_string());
    for command in &built.commands {
        for link in std::iter::once(&command.link).chain(&command.alias) {
            console.note("command", &link.display().to_string());
        }
    }
    if !context.is_in_path(&state.bin()) {
        let bin = state.bin().display().to_string();
        console.note("hint", &format!("put the folder of commands into PATH: {bin}"));
    }
}

pub(in crate::cli) fn run(arguments: &args::Run, context: Context) -> Result<(), Failure> {
    let wrapper = wrapper(&arguments.jail, &context.state()?, context)?;
    exec(&wrapper, &arguments.arguments)
}

pub(in crate::cli) fn shell(arguments: &args::Shell, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let wrapper = wrapper(&arguments.jail, &state, context)?;
    let shell = state::shell(&state, &wrapper)
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    let command = arguments.command.as_ref();
    let words = command.map_or_else(Vec::new, |command| vec!["-c".into(), command.into()]);
    exec(&shell, &words)
}

/// The wrapper of the jail that is meant, built if it is stale.
pub(super) fn wrapper(jail: &OneJail, state: &State, context: Context) -> Result<PathBuf, Failure> {
    let built = current(&jail.spec, &jail.inputs, state, context)?;
    let names: Vec<&str> = built.commands.iter().map(|command| command.name.as_str()).collect();
    let shown = names.join("`, `");
    let found = match (&jail.jail, built.commands.as_slice()) {
        (None, [only]) => Some(only),
        (None, _) => {
            let message = format!("the spec makes several jails: `{shown}`");
            return Err(Failure::Usage(format!("{message}; name one with `--jail NAME`")));
        }
        (Some(name), commands) => commands.iter().find(|command| command.name == *name),
    };
    match (found, &jail.jail) {
        (Some(command), _) => Ok(command.wrapper()),
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            Err(Failure::Usage(format!("there is no jail `{name}`; there are `{shown}`")))
        }
    }
}

/// What stands built of a spec. An input that is given anew means another build.
pub(super) fn current(
    spec: &Path,
    inputs: &Inputs,
    state: &State,
    context: Context,
) -> Result<Built, Failure> {
    let kit = emit::kit(inputs, context)?;
    let fresh = match inputs.overrides().next() {
        None => state::fresh(state, spec, &kit),
        Some(_) => None,
    };
    match fresh {
        Some(built) => Ok(built),
        None => {
            let options = options(inputs, None, false);
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
    let folder = state.flake(&place(&arguments.spec));
    if !folder.join("flake.lock").exists() {
        let spec = arguments.spec.display();
        let message = format!("`{}` has not been built", sanitise(&spec.to_string()));
        return Err(Failure::with_help(message, format!("run `jailgen build {spec}` first")));
    }
    let inputs: Vec<String> = arguments.input.iter().cloned().collect();
    let lock = Lock::of_folder(&folder).map_err(emit::failed)?;
    let references = lock.map_or_else(Vec::new, |lock| lock.repositories());
    let bar = context.console.progress("updating".into());
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let updated =
        context.nix().and_then(|nix| nix.update(&folder, &references, &inputs, &mut progress));
    bar.finish_and_clear();
    updated?;
    let options = options(&Inputs::default(), None, false);
    let inputs = Inputs::default();
    let built = build_one(&arguments.spec, &inputs, &options, Wanted::Needed, &state, context)?;
    tell(&built, &state, context);
    Ok(())
}
