//! `lib`: the functions of nixpkgs' library that specs use.
//!
//! Most are Nix source of our own, one entry for each name, parsed when it is first needed; those that make texts of
//! packages are Rust. A name that is not here stays symbolic, `lib.name`, and Nix finds it.

mod packages;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use jail_registry::Place;

use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible, Kind, LIBRARY};
use crate::ir::Params;
use crate::residual::Residual;
use crate::symbols::Symbol;
use crate::value::{Root, Value};

/// The files, each a run of entries `name =` in the first column.
const FILES: &[&str] = &[
    include_str!("trivial.nix"),
    include_str!("lists.nix"),
    include_str!("sets.nix"),
    include_str!("strings.nix"),
];

/// Where nixpkgs also keeps the same functions: `lib.strings.concatStrings`.
const GROUPS: &[&str] = &[
    "asserts",
    "attrsets",
    "customisation",
    "fixedPoints",
    "lists",
    "meta",
    "strings",
    "trivial",
    "versions",
];

/// A function of `lib`.
pub(crate) struct LibraryFunction {
    pub(crate) name: Rc<str>,
    pub(crate) function: Value,
    pub(crate) arity: usize,
}

fn index() -> &'static HashMap<&'static str, &'static str> {
    static INDEX: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    INDEX.get_or_init(|| FILES.iter().flat_map(|file| entries(file)).collect())
}

/// The entries of a file: from `name =` in the first column to the semicolon before the next blank line.
fn entries(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.split("\n\n").filter_map(|entry| {
        let start =
            entry.lines().take_while(|line| line.starts_with('#')).map(|line| line.len() + 1).sum();
        let (name, source) = entry.get(start..)?.split_once(" =")?;
        Some((name, source.trim_end().strip_suffix(';')?))
    })
}

/// The names of the functions in Nix.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    index().keys().copied()
}

/// Whether a name looks like one of ours, misspelt.
pub(crate) fn is_slip(name: &str) -> bool {
    jail_registry::nearest(name, index().keys().copied()).is_some()
}

/// `lib.name`.
pub(crate) fn get(evaluator: &Evaluator<'_>, name: Symbol, place: Place) -> Fallible<Value> {
    let found = known(evaluator, name, place)?;
    Ok(found.unwrap_or_else(|| {
        Value::residual(Residual::Select(Rc::new(Residual::Name("lib".into())), name))
    }))
}

/// `lib.name` when it is ours.
pub(crate) fn known(
    evaluator: &Evaluator<'_>,
    name: Symbol,
    place: Place,
) -> Fallible<Option<Value>> {
    if let Some(value) = evaluator.library.borrow().get(&name) {
        return Ok(Some(value.clone()));
    }
    let text = evaluator.symbols.name(name);
    if GROUPS.contains(&&*text) {
        return Ok(Some(Value::Root(Root::Library)));
    }
    if let Some(builtin) = packages::TABLE.iter().find(|builtin| builtin.name == &*text) {
        return Ok(Some(Value::Builtin(builtin)));
    }
    let Some(source) = index().get(&*text) else { return Ok(None) };
    let value = load(evaluator, &text, source, place)?;
    evaluator.library.borrow_mut().insert(name, value.clone());
    Ok(Some(value))
}

fn load(evaluator: &Evaluator<'_>, name: &Rc<str>, source: &str, place: Place) -> Fallible<Value> {
    let code = evaluator.parse(LIBRARY, "/", source).ok_or_else(|| Failure::told(place))?;
    let function = evaluator.eval_root(&code)?;
    let arity = match &function {
        Value::Lambda(closure) => match &closure.lambda.params {
            Params::Names(names) => names.len(),
            Params::Pattern(_) => 1,
        },
        _ => return Ok(function),
    };
    Ok(Value::Library(Rc::new(LibraryFunction { name: Rc::clone(name), function, arity })))
}

/// Calls a library function. What it cannot do without a value that only Nix knows is left to Nix.
pub(crate) fn call(
    evaluator: &Evaluator<'_>,
    function: &LibraryFunction,
    args: &[Value],
    place: Place,
) -> Fallible<Value> {
    match evaluator.apply(&function.function, args, place) {
        Err(failure) if failure.kind == Kind::Symbolic => {
            let name = format!("lib.{}", function.name);
            Ok(Value::residual(Residual::Call(name, args.to_vec())))
        }
        result => result.map_err(|failure| failure.outside_library(place)),
    }
}
