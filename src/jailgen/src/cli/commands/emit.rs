//! `emit`: writes the flake of specs, or says how a folder differs from it. Nix is asked only to
//! pin what is not pinned.

use std::path::{Path, PathBuf};

use super::{Context, clean, open, shown};
use crate::backends::nix::{self, Flake};
use crate::backends::{self, Change, EmitError, Spec};
use crate::cli::args::{Emit, Inputs};
use crate::cli::failure::Failure;
use crate::parallel;
use crate::render::sanitise;
use crate::state;

pub(in crate::cli) fn run(arguments: &Emit, context: Context) -> Result<(), Failure> {
    let Emit { specs, inputs, output, .. } = arguments;
    // The folder is for others too, so it has nothing of this user's settings.
    let flake = flake(&specs.specs, inputs, &inputs.owned(), output, context)?;
    if arguments.check {
        return check(&flake, &arguments.output, context);
    }
    write(&flake, &arguments.output, arguments.force, context)?;
    context.console.note("wrote", &shown(&arguments.output));
    Ok(())
}

/// The flake of these specs, as it should stand at `to`: what is pinned there stays pinned.
pub(super) fn flake(
    specs: &[PathBuf],
    inputs: &Inputs,
    overrides: &[(String, String)],
    to: &Path,
    context: Context,
) -> Result<Flake, Failure> {
    let specs = compile_all(specs, context)?;
    let kit = context.kit(inputs.kit.as_deref())?;
    let bar = context.console.progress("pinning inputs".into());
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let lock = state::lock(to, overrides, &|| context.nix(), &mut progress);
    bar.finish_and_clear();
    let lock = lock.map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    nix::emit(&specs, &kit, lock).map_err(failed)
}

fn compile_all(specs: &[PathBuf], context: Context) -> Result<Vec<Spec>, Failure> {
    let mut emissions = Vec::new();
    let mut faulty = false;
    let compiled = parallel::map(specs, |path| {
        let folder = open(path)?;
        let compiled = folder.compile();
        Ok((folder, compiled))
    });
    for compiled in compiled {
        // All specs are checked before the command ends.
        let emission = compiled.and_then(|(folder, compiled)| {
            folder.emission(&clean(compiled, context)?).map_err(failed)
        });
        match emission {
            Ok(emission) => emissions.extend(emission),
            Err(Failure::Findings) => faulty = true,
            Err(other) => return Err(other),
        }
    }
    if faulty { Err(Failure::Findings) } else { Ok(emissions) }
}

/// Writes the flake, and has Nix complete its lock where a spec brings inputs of its own.
pub(super) fn write(
    flake: &Flake,
    to: &Path,
    force: bool,
    context: Context,
) -> Result<(), Failure> {
    backends::write(&flake.folder, to, force).map_err(failed)?;
    if flake.locked {
        return Ok(());
    }
    let bar = context.console.progress("pinning inputs".into());
    let mut progress = |line: &str| bar.set_message(sanitise(line).into_owned());
    let locked = context.nix().and_then(|nix| nix.lock(to, &flake.references, &mut progress));
    bar.finish_and_clear();
    Ok(locked?)
}

/// Prints how the folder at `at` differs from what it should be.
pub(super) fn check(flake: &Flake, at: &Path, context: Context) -> Result<(), Failure> {
    let differences = backends::check(&flake.folder, at).map_err(failed)?;
    if differences.is_empty() {
        context.console.note("checked", &format!("{} is up to date", shown(at)));
        return Ok(());
    }
    for difference in &differences {
        let file = sanitise(&difference.file);
        let text = match &difference.change {
            Change::Missing => format!("{file} is missing\n"),
            Change::Extra => format!("{file} is no longer needed\n"),
            Change::Binary => format!("{file} differs\n"),
            Change::Content(diff) => sanitise(diff).into_owned(),
        };
        context.console.result(&text)?;
    }
    let message = format!("`{}` is out of date", shown(at));
    context.console.error(&message, Some("run the same command without `--check`"));
    Err(Failure::Findings)
}

pub(super) fn failed(error: EmitError) -> Failure {
    Failure::from_parts(sanitise(&error.to_string()), error.help())
}
