//! `remove`: removes what was built of a spec, and reports it.

use std::path::Path;

use super::{Context, of_state, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::state::trust::{self, place, written};
use crate::state::{self, Holding, State};

pub(in crate::cli) fn run(arguments: &args::Remove, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    for target in &arguments.targets {
        one(target, &state, context)?;
    }
    Ok(())
}

fn one(target: &Path, state: &State, context: Context) -> Result<(), Failure> {
    let holding = meant(target, state)?;
    let spec = holding.as_ref().and_then(|holding| holding.spec.clone());
    let mut something = holding.is_some();
    if let Some(holding) = holding {
        let removed = state::remove(state, &holding).map_err(of_state)?.map_err(|busy| {
            let message = format!("nothing of `{}` was removed: {busy}", shown(target));
            Failure::with_help(message, "try again when it has ended")
        })?;
        for (what, path, _) in &removed.things {
            context.console.note("removed", &format!("{what} {}", shown(path)));
        }
    }
    for path in [Some(target.to_path_buf()), spec].into_iter().flatten() {
        let forgotten = trust::forget_approval(state, &path).map_err(of_state)?;
        if forgotten {
            let said = format!("that {} was approved", shown(&path));
            context.console.note("forgot", &said);
        }
        something |= forgotten;
    }
    if something {
        return Ok(());
    }
    let message = format!("nothing was built of `{}`", shown(target));
    Err(Failure::with_help(message, "`jailgen list` shows what was built"))
}

/// What is meant: a spec by its path, else the spec that makes the jail of that name.
fn meant(target: &Path, state: &State) -> Result<Option<Holding>, Failure> {
    for at in [place(target), written(target)] {
        if let Some(holding) = state::holding_of(state, &at).map_err(of_state)? {
            return Ok(Some(holding));
        }
    }
    let Some(name) = target.to_str().filter(|name| !name.contains('/')) else { return Ok(None) };
    let makes = |holding: &Holding| holding.jails.iter().any(|jail| jail.name == name);
    let links = |holding: &Holding| {
        holding.commands.iter().any(|command| command.file_name().is_some_and(|it| it == name))
    };
    let all = state::holdings(state).map_err(of_state)?;
    let found: Vec<Holding> =
        all.into_iter().filter(|holding| makes(holding) || links(holding)).collect();
    match <[Holding; 1]>::try_from(found) {
        Ok([only]) if only.jails.len() < 2 => Ok(Some(only)),
        Ok([only]) => {
            let message = format!("`{name}` is one of several jails of `{}`", spec_path(&only));
            let help = "name the spec to remove all of them; to remove one, take it out of the spec and build that again";
            Err(Failure::with_help(message, help))
        }
        Err(none) if none.is_empty() => Ok(None),
        Err(several) => {
            let specs: Vec<String> = several.iter().map(spec_path).collect();
            let message = format!("several specs make `{name}`: `{}`", specs.join("`, `"));
            Err(Failure::with_help(message, "name the spec instead"))
        }
    }
}

/// The names of the jails of a spec that was built.
pub(super) fn jails_of(target: &Path, state: &State) -> Result<Vec<String>, Failure> {
    let built = meant(target, state)?.into_iter().flat_map(|holding| holding.jails);
    Ok(built.map(|jail| jail.name).collect())
}

fn spec_path(holding: &Holding) -> String {
    shown(&holding.spec.clone().unwrap_or_default())
}
