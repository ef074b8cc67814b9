//! `trust`: lists what is written down about specs and trees, and forgets it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::{Context, shown};
use crate::cli::args::{Trust, TrustForget, TrustList};
use crate::cli::failure::Failure;
use crate::render::{sanitise, sanitise_json};
use crate::state::State;
use crate::state::trust::{self, Approval, Tree, Trees};

pub(in crate::cli) fn run(arguments: &Trust, context: Context) -> Result<(), Failure> {
    match arguments {
        Trust::List(arguments) => list(arguments, context),
        Trust::Forget(arguments) => forget(arguments, context),
    }
}

fn list(arguments: &TrustList, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let trees = trust::trees(&state).map_err(|error| {
        let help = "until it is readable, every folder that you can write counts as one that a jail could write";
        Failure::with_help(format!("the recorded trees cannot be read: {error}"), help)
    })?;
    let worktrees = trust::worktrees(&state).map_err(|error| {
        let help =
            "until they are readable, no worktree counts as one that had its repository before";
        Failure::with_help(format!("the recorded worktrees cannot be read: {error}"), help)
    })?;
    let (approvals, unreadable) = trust::approvals(&state).map_err(|error| {
        let help = "until they are readable, every spec is asked about";
        Failure::with_help(format!("the approvals cannot be read: {error}"), help)
    })?;
    let found = Records { trees, worktrees, approvals, unreadable };
    context.console.result(&if arguments.json { as_json(&found) } else { in_words(&found) })
}

/// Everything that is recorded.
struct Records {
    trees: Trees,
    worktrees: Trees,
    approvals: Vec<Approval>,
    unreadable: Vec<OsString>,
}

fn in_words(found: &Records) -> String {
    let mut text = String::new();
    let mut section = |title: &str, lines: String| {
        text.push_str(title);
        text.push_str(if lines.is_empty() { "  none\n" } else { &lines });
    };
    for (title, trees) in [
        ("Trees that a jail could write:\n", &found.trees),
        ("Worktrees that had their repository in a jail:\n", &found.worktrees),
    ] {
        let line = |tree: &Tree| format!("  {}  ({})\n", shown(&tree.path), sanitise(&tree.jail));
        let known: String = trees.known.iter().map(line).collect();
        section(title, known + &cannot_be_read(&trees.unreadable));
    }
    let line = |approval: &Approval| format!("  {}\n", shown(&approval.spec));
    let approved: String = found.approvals.iter().map(line).collect();
    section("Specs that were approved:\n", approved + &cannot_be_read(&found.unreadable));
    text
}

fn cannot_be_read(names: &[OsString]) -> String {
    let line = |name| format!("  unreadable: {}\n", shown(Path::new(name)));
    names.iter().map(line).collect()
}

fn as_json(found: &Records) -> String {
    let Records { trees, worktrees, approvals, unreadable } = found;
    let text = |path: &PathBuf| path.display().to_string();
    let names = |names: &[OsString]| -> Vec<String> {
        names.iter().map(|name| name.to_string_lossy().into_owned()).collect()
    };
    let known = |trees: &Trees| -> Vec<_> {
        trees.known.iter().map(|it| json!({"path": text(&it.path), "jail": it.jail})).collect()
    };
    let approved = approvals.iter().map(|it| json!({"spec": text(&it.spec), "content": it.hash}));
    let all = json!({
        "trees": known(trees),
        "worktrees": known(worktrees),
        "approvals": approved.collect::<Vec<_>>(),
        "unreadable": {
            "trees": names(&trees.unreadable),
            "worktrees": names(&worktrees.unreadable),
            "approvals": names(unreadable),
        },
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
    let worktree = trust::forget_worktree(state, path).map_err(failed)?;
    let approval = trust::forget_approval(state, path).map_err(failed)?;
    if tree {
        context.console.note("forgot", &format!("that a jail could write {}", shown(path)));
    }
    if worktree {
        let said = format!("which repository {} had as a worktree", shown(path));
        context.console.note("forgot", &said);
    }
    if approval {
        context.console.note("forgot", &format!("that {} was approved", shown(path)));
    }
    if tree || worktree || approval {
        return Ok(());
    }
    let message = format!("nothing is recorded about `{}`", shown(path));
    Err(Failure::with_help(
        message,
        "`jailgen trust list` shows the records; name the path as it is shown there",
    ))
}
