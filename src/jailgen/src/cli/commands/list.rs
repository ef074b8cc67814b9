//! `list`: what was built of which spec.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::{Context, of_state, shown};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::closure;
use crate::closure::size;
use crate::render::{sanitise, sanitise_json};
use crate::state::{self, BuiltJail, Holding};

pub(in crate::cli) fn run(arguments: &args::List, context: Context) -> Result<(), Failure> {
    let state = context.state()?;
    let found = state::holdings(&state).map_err(of_state)?;
    let entries: Vec<Entry<'_>> = found.iter().map(|holding| entry(holding, context)).collect();
    let text = if arguments.json { json(&entries)? } else { in_words(&entries) };
    context.console.result(&text)
}

/// How a build stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Condition {
    /// It is there.
    Built,
    /// Something of it is no longer in the store.
    Collected,
    /// The spec is gone.
    Gone,
    /// No build of the spec has succeeded.
    Never,
}

#[derive(Serialize)]
struct Entry<'h> {
    spec: Option<&'h Path>,
    state: Condition,
    jails: Vec<Jail<'h>>,
    /// Links in the folder of commands.
    commands: &'h [PathBuf],
    /// Seconds since 1970.
    built: Option<u64>,
    /// What of the store the builds keep, in bytes.
    closure: Option<u64>,
    flake: Option<Flake<'h>>,
    /// The flake of the last build, where that failed.
    failed: Option<&'h Path>,
    #[serde(skip)]
    at: Option<SystemTime>,
}

#[derive(Serialize)]
struct Jail<'h> {
    name: &'h str,
    store_path: &'h str,
}

#[derive(Serialize)]
struct Flake<'h> {
    path: &'h Path,
    size: u64,
}

fn entry(holding: &Holding, context: Context) -> Entry<'_> {
    let since = |at: SystemTime| at.duration_since(SystemTime::UNIX_EPOCH).ok();
    let jail = |jail: &'_ BuiltJail| -> bool { jail.is_there() };
    let condition = match &holding.spec {
        None => Condition::Never,
        Some(_) if !holding.is_current() => Condition::Gone,
        Some(_) if !holding.jails.iter().all(jail) => Condition::Collected,
        Some(_) => Condition::Built,
    };
    Entry {
        spec: holding.spec.as_deref(),
        state: condition,
        jails: holding
            .jails
            .iter()
            .map(|jail| Jail { name: &jail.name, store_path: &jail.store_path })
            .collect(),
        commands: &holding.commands,
        built: holding.built.and_then(since).map(|since| since.as_secs()),
        closure: kept(holding, context),
        flake: holding.flake.as_ref().map(|(path, size)| Flake { path, size: *size }),
        failed: holding.failed.as_deref(),
        at: holding.built,
    }
}

/// What of the store its builds keep, as far as that is known.
fn kept(holding: &Holding, context: Context) -> Option<u64> {
    let there = holding.jails.iter().filter(|jail| jail.is_there());
    let roots: Vec<String> = there.map(|jail| jail.store_path.clone()).collect();
    if roots.is_empty() {
        return None;
    }
    let closure = closure::closure(&roots, Path::new(closure::DATABASE), || context.nix());
    closure.ok().map(|closure| closure::total(&closure))
}

#[derive(Serialize)]
struct All<'e, 'h> {
    specs: &'e [Entry<'h>],
}

fn json(entries: &[Entry<'_>]) -> Result<String, Failure> {
    let json = serde_json::to_string_pretty(&All { specs: entries })
        .map_err(|error| Failure::new(format!("the list cannot be written: {error}")))?;
    Ok(sanitise_json(&json).into_owned() + "\n")
}

fn in_words(entries: &[Entry<'_>]) -> String {
    let mut text = String::new();
    for entry in entries {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", title(entry));
        for jail in &entry.jails {
            let _ = writeln!(text, "  {}  {}", sanitise(jail.name), linked(jail.name, entry));
        }
        let seconds = entry.at.and_then(|at| SystemTime::now().duration_since(at).ok());
        let mut facts: Vec<String> =
            seconds.map(|age| format!("built {}", ago(age))).into_iter().collect();
        facts.extend(entry.closure.map(|bytes| format!("closure {}", size(bytes))));
        facts.extend(
            entry
                .flake
                .as_ref()
                .map(|flake| format!("flake {} in {}", size(flake.size), shown(flake.path))),
        );
        if !facts.is_empty() {
            let _ = writeln!(text, "  {}", facts.join(", "));
        }
        if let Some(failed) = entry.failed {
            let _ = writeln!(text, "  its last build failed: {}", shown(failed));
        }
    }
    if entries.is_empty() { "Nothing is built.\n".into() } else { text }
}

fn title(entry: &Entry<'_>) -> String {
    let spec = entry.spec.map_or_else(|| never_built(entry), shown);
    match entry.state {
        Condition::Built | Condition::Never => spec,
        Condition::Collected => format!("{spec} (no longer in the store: build it again)"),
        Condition::Gone => format!("{spec} (the spec is gone: `jailgen gc` removes this)"),
    }
}

/// No record names the spec before a build has succeeded; its flake begins with its name.
fn never_built(entry: &Entry<'_>) -> String {
    let flake = entry.failed.and_then(|failed| failed.file_name()?.to_str()?.rsplit_once('-'));
    match flake {
        Some((name, _)) => {
            format!("A spec called `{}`, which was never built", shown(Path::new(name)))
        }
        None => "A spec that was never built".into(),
    }
}

/// The commands of a jail. A link with a second name leads to the jail too, and has another name.
fn linked(jail: &str, entry: &Entry<'_>) -> String {
    let names = |command: &&PathBuf| command.file_name().is_some_and(|name| name == jail);
    let only = entry.jails.len() == 1;
    let links: Vec<String> =
        entry.commands.iter().filter(|it| only || names(it)).map(|it| shown(it)).collect();
    if links.is_empty() { "not linked".into() } else { links.join(", ") }
}

/// How long ago something was, in its largest unit.
fn ago(age: Duration) -> String {
    const UNITS: [(u64, &str); 3] = [(86_400, "day"), (3_600, "hour"), (60, "minute")];
    let seconds = age.as_secs();
    let unit = UNITS.iter().find(|(length, _)| seconds >= *length);
    unit.map_or_else(
        || "just now".into(),
        |(length, unit)| {
            let count = seconds / length;
            format!("{count} {unit}{} ago", if count == 1 { "" } else { "s" })
        },
    )
}
