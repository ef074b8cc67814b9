//! `gc`: removes what is no longer needed, and prints how much that was.

use std::path::Path;

use super::{Context, of_state, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::closure;
use crate::closure::size;
use crate::state::{self, Mode, Removed, State};

pub(in crate::cli) fn run(arguments: &args::Gc, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let (mode, verb) =
        if arguments.dry_run { (Mode::DryRun, "would remove") } else { (Mode::Remove, "removed") };
    let removed = state::collect(&state, mode).map_err(of_state)?;
    let mut text = String::new();
    for (what, path, bytes) in &removed.things {
        text.push_str(&format!("{verb} {what} {} ({})\n", shown(path), size(*bytes)));
    }
    for (path, busy) in &removed.kept {
        text.push_str(&format!("kept {}: {busy}\n", shown(path)));
    }
    if removed.things.is_empty() {
        return context.console.result(&(text + "There is nothing to remove.\n"));
    }
    let bytes = removed.things.iter().map(|(_, _, bytes)| bytes).sum();
    let freed = if arguments.dry_run { "would be freed" } else { "freed" };
    text.push_str(&format!("{} {freed} in jailgen's state folder\n", size(bytes)));
    if let Some(bytes) = no_longer_kept(&removed, &state, context) {
        let rest = "of the Nix store, which `nix-collect-garbage` frees";
        text.push_str(&format!("{} no longer kept {rest}\n", size(bytes)));
    }
    context.console.result(&text)
}

/// How much of the store the removed roots kept, and no other build of ours does. Something else
/// may keep it all the same.
fn no_longer_kept(removed: &Removed, state: &State, context: Context) -> Option<u64> {
    let of = |roots: Vec<String>| {
        let roots: Vec<String> = roots.into_iter().filter(|it| Path::new(it).exists()).collect();
        if roots.is_empty() {
            return Some(closure::Closure::new());
        }
        closure::closure(&roots, Path::new(closure::DATABASE), || context.nix()).ok()
    };
    let gone = |path: &Path| removed.things.iter().any(|(_, removed, _)| removed == path);
    let all = state::holdings(state).ok()?.into_iter();
    let kept = all.filter(|holding| holding.flake.as_ref().is_some_and(|(path, _)| !gone(path)));
    let kept = kept.flat_map(|holding| holding.jails).map(|jail| jail.store_path).collect();
    let (mut before, after) = (of(removed.store_paths.clone())?, of(kept)?);
    before.retain(|path, _| !after.contains_key(path));
    (!before.is_empty()).then(|| closure::total(&before))
}
