//! `trust`: lists what is written down about specs and trees, and forgets it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use crate::cli::args::{Trust, TrustForget, TrustList};
use crate::cli::failure::Failure;
use crate::render::{sanitise, sanitise_json};
use crate::state::State;
use crate::state::trust::{self, Approval, Trees};

pub(in crate::cli) fn run(arguments: &Trust, context: Context) -> Result<(), Failure> {
    match arguments {
        Trust::List(arguments) => list(arguments, context),
        Trust::Forget(arguments) => forget(arguments, context),
    }
}

fn list(arguments: &TrustList, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let trees = trust::trees(&state).map_err(|error| {
        let help = "until it can be, every folder that you can write counts as one that a jail could write";
        Failure::with_help(format!("the recorded trees cannot be read: {error}"), help)
    })?;
    let (approvals, unreadable) = trust::approvals(&state).map_err(|error| {
        let help = "until they can be, every spec is asked about";
        Failure::with_help(format!("the approvals cannot be read: {error}"), help)
    })?;
    if arguments.json {
        return context.console.result(&as_json(&trees, &approvals, &unreadable));
    }
    context.console.result(&in_words(&trees, &approvals, &unreadable))
}

fn in_words(trees: &Trees, approvals: &[Approval], unreadable: &[OsString]) -> String {
    let mut text = String::from("Trees that a jail could write:\n");
    for tree in &trees.known {
        text.push_str(&format!("  {}  ({})\n", shown(&tree.path), sanitise(&tree.jail)));
    }
    for name in &trees.unreadable {
        text.push_str(&format!("  one that cannot be read: {}\n", shown(Path::new(name))));
    }
    text.push_str("Specs that were approved:\n");
    for approval in approvals {
        text.push_str(&format!("  {}\n", shown(&approval.spec)));
    }
    for name in unreadable {
        text.push_str(&format!("  one that cannot be read: {}\n", shown(Path::new(name))));
    }
    text
}

fn as_json(trees: &Trees, approvals: &[Approval], unreadable: &[OsString]) -> String {
    let text = |path: &PathBuf| path.display().to_string();
    let names = |names: &[OsString]| -> Vec<String> {
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let known = trees.known.iter().map(|tree| json!({"path": text(&tree.path), "jail": tree.jail}));
    let approved = approvals.iter().map(|it| json!({"spec": text(&it.spec), "content": it.hash}));
    let all = json!({
        "trees": known.collect::<Vec<_>>(),
        "approvals": approved.collect::<Vec<_>>(),
        "unreadable": {"trees": names(&trees.unreadable), "approvals": names(unreadable)},
    });
    sanitise_json(&format!("{all:#}\n")).into_owned()
}

fn forget(arguments: &TrustForget, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    for path in &arguments.paths {
        forget_one(&state, path, context)?;
    }
    Ok(())
}

fn forget_one(state: &State, path: &Path, context: Context) -> Result<(), Failure> {
    let failed = |error| Failure::new(format!("`{}` cannot be forgotten: {error}", shown(path)));
    let tree = trust::forget_tree(state, path).map_err(failed)?;
    let approval = trust::forget_approval(state, path).map_err(failed)?;
    if tree {
        context.console.note("forgot", &format!("that a jail could write {}", shown(path)));
    }
    if approval {
        context.console.note("forgot", &format!("that {} was approved", shown(path)));
    }
    if tree || approval {
        return Ok(());
    }
    let message = format!("nothing is written down about `{}`", shown(path));
    Err(Failure::with_help(
        message,
        "`jailgen trust list` says what is; name the path as it stands there",
    ))
}

fn shown(path: &Path) -> String {
    sanitise(&path.display().to_string()).into_owned()
}
