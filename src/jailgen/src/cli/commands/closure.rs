//! `closure`: the store paths of a jail, or of any store path, with their sizes.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use jail_plan::Wrapper;
use serde::Serialize;

use super::{Context, build, given};
use crate::cli::args;
use crate::cli::failure::Failure;
use crate::closure::{self, Closure, size};
use crate::files::read_regular;

const STORE: &str = "/nix/store";

pub(in crate::cli) fn run(arguments: &args::Closure, context: Context) -> Result<(), Failure> {
    let target = arguments.target.as_path();
    let roots = match closure::store_path_of(target, STORE) {
        Some(store_path) => match wrapper_of(target, &store_path) {
            Some(wrapper) => inside(&wrapper)?,
            None => vec![store_path],
        },
        None => {
            given::check(target, given::Wanted::SpecOrCommand)?;
            of_spec(arguments, context)?
        }
    };
    let closure = of_roots(&roots, context)?;
    context.console.result(&if arguments.json { json(&closure)? } else { text(&closure) })
}

/// The wrapper that is meant: the file itself, or the one program of a store path.
fn wrapper_of(target: &Path, store_path: &str) -> Option<PathBuf> {
    let is_wrapper = |file: &Path| {
        let bytes = read_regular(file).ok()?;
        Wrapper::parse(&bytes).ok().map(|_| file.to_path_buf())
    };
    if target.is_file() {
        return is_wrapper(target);
    }
    let mut programs = fs::read_dir(Path::new(store_path).join("bin")).ok()?;
    let only = programs.next()?.ok()?.path();
    if programs.next().is_some() { None } else { is_wrapper(&only) }
}

/// The store paths that exist in the jails of a spec, which is built if it is stale.
fn of_spec(arguments: &args::Closure, context: Context) -> Result<Vec<String>, Failure> {
    let state = context.state()?;
    let built = build::current(&arguments.target, &arguments.inputs, &state, context)?;
    let mut roots = BTreeSet::new();
    for command in &built.commands {
        roots.extend(inside(&command.wrapper())?);
    }
    Ok(roots.into_iter().collect())
}

/// The store paths that exist in the wrapper's jail. What the wrapper itself needs outside is not
/// among them.
pub(super) fn inside(wrapper: &Path) -> Result<Vec<String>, Failure> {
    let bytes = read_regular(wrapper).map_err(|error| Failure::new(error.to_string()))?;
    let wrapper = Wrapper::parse(&bytes).map_err(|error| Failure::new(error.to_string()))?;
    let closure = wrapper.plan.closure;
    Ok(closure.names.iter().map(|name| format!("{}/{name}", closure.store)).collect())
}

pub(super) fn of_roots(roots: &[String], context: Context) -> Result<Closure, Failure> {
    if roots.is_empty() {
        let help = "`jailgen explain` shows what the jail has of the store";
        return Err(Failure::with_help(
            "the jail has no closure: it has all of the store, or nothing of it",
            help,
        ));
    }
    let database = Path::new(closure::DATABASE);
    closure::closure(roots, database, || context.nix())
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))
}

#[derive(Serialize)]
struct Report<'a> {
    paths: &'a Closure,
    total: u64,
}

fn json(closure: &Closure) -> Result<String, Failure> {
    let report = Report { paths: closure, total: closure::total(closure) };
    let json = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::new(format!("the closure cannot be written: {error}")))?;
    Ok(json + "\n")
}

/// The largest first, which are what readers look for.
fn text(closure: &Closure) -> String {
    let mut paths: Vec<_> = closure.iter().collect();
    paths.sort_by(|(a, left), (b, right)| right.nar_size.cmp(&left.nar_size).then(a.cmp(b)));
    let mut text = String::new();
    for (path, info) in &paths {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{:>10}  {path}", size(info.nar_size));
    }
    let _ = writeln!(text, "{:>10}  {} store paths", size(closure::total(closure)), paths.len());
    text
}
