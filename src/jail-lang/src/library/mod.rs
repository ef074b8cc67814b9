//! `lib`: the functions of nixpkgs' library that specs use.
//!
//! Most are Nix source of our own, one entry for each name, parsed when it is first needed; those
//! that make texts of packages are Rust. A name that is not here stays symbolic, `lib.name`, and
//! Nix finds it. An entry `lists.hasPrefix` is what `lib.lists.hasPrefix` means, where that is not,
//! or something else than, `lib.hasPrefix`.

mod modules;
mod natives;
mod packages;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use jail_registry::Place;

use crate::builtins::Builtin;
use crate::eval::Evaluator;
use crate::failure::{Failure, FailureKind, Fallible, LIBRARY};
use crate::ir::{Expr, Lambda, Params};
use crate::residual::Residual;
use crate::symbols::Symbol;
use crate::value::{Root, Value};

/// The files, each with some of the entries.
const FILES: &[&str] = &[
    include_str!("trivial.nix"),
    include_str!("lists.nix"),
    include_str!("sets.nix"),
    include_str!("strings.nix"),
    include_str!("texts.nix"),
    include_str!("outputs.nix"),
    include_str!("cli.nix"),
    include_str!("generators.nix"),
    include_str!("paths.nix"),
    include_str!("options.nix"),
    include_str!("debug.nix"),
    include_str!("reexports.nix"),
    include_str!("deprecated.nix"),
];

/// Groups in which nixpkgs keeps the same functions: `lib.strings.concatStrings`.
const GROUPS: &[&str] = &[
    "asserts",
    "attrsets",
    "cli",
    "customisation",
    "debug",
    "filesystem",
    "fixedPoints",
    "flakes",
    "generators",
    "lists",
    "meta",
    "misc",
    "modules",
    "network",
    "options",
    "path",
    "strings",
    "stringsWithDeps",
    "trivial",
    "versions",
];

/// Groups whose functions are not also in `lib` itself. A name that is missing here by its
/// full name is left to Nix.
const CLOSED: &[&str] = &["cli", "generators", "network", "path"];

/// One of [`GROUPS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Group(&'static str);

impl Group {
    /// The name as it is written after `lib`.
    pub(crate) const fn name(self) -> &'static str {
        self.0
    }
}

/// A function of `lib`.
pub(crate) struct LibraryFunction {
    /// The name with its group, if it is in only one.
    pub(crate) name: &'static str,
    pub(crate) function: Value,
    pub(crate) arity: usize,
}

fn index() -> &'static HashMap<&'static str, &'static str> {
    static INDEX: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    INDEX.get_or_init(|| FILES.iter().flat_map(|file| entries(file)).collect())
}

/// The entries of a file, which is a function from `lib` to an attribute set. Each extends from
/// `name =` to the semicolon before the next blank line. Only an entry that a spec calls is parsed.
fn entries(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let (_, set) = file.split_once("\nlib: {\n").unwrap_or_default();
    let set = set.trim_end().strip_suffix('}').unwrap_or_default();
    set.split("\n\n").filter_map(|entry| {
        let is_comment = |line: &&str| line.trim_start().starts_with('#');
        let start = entry.lines().take_while(is_comment).map(|line| line.len() + 1).sum();
        let (name, source) = entry.get(start..)?.split_once(" =")?;
        Some((name.trim_start(), source.trim().strip_suffix(';')?))
    })
}

/// The functions in Rust.
fn builtins() -> impl Iterator<Item = &'static Builtin> {
    packages::TABLE.iter().chain(natives::TABLE)
}

/// The names in `lib`. A name of a group comes with the group's name before it.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    index()
        .keys()
        .copied()
        .chain(builtins().map(|builtin| builtin.name))
        .chain(GROUPS.iter().copied())
}

/// How a function is called, such as `optional condition x`, and its name
/// if that is not part of it.
pub(crate) fn form(name: &str) -> String {
    let mut form = name.rsplit('.').next().unwrap_or(name).to_owned();
    let mut rest = index().get(name).copied().unwrap_or("");
    while let Some((param, body)) = rest.trim_start().split_once(':')
        && body.starts_with(char::is_whitespace)
        && param.chars().all(|char| char.is_ascii_alphanumeric())
    {
        form.push(' ');
        form.push_str(param);
        rest = body;
    }
    form
}

/// Whether a name looks like a misspelt one of ours.
pub(crate) fn is_slip(name: &str) -> bool {
    jail_registry::nearest(name, names()).is_some()
}

/// `lib.name`, or `lib.group.name`.
pub(crate) fn get(
    evaluator: &Evaluator<'_>,
    group: Option<Group>,
    name: Symbol,
    place: Place,
) -> Fallible<Value> {
    let found = known(evaluator, group, name, place)?;
    Ok(found.unwrap_or_else(|| Value::residual(Residual::Select(residual(evaluator, group), name))))
}

/// nixpkgs' own `lib`, or `lib.group`.
pub(crate) fn residual(evaluator: &Evaluator<'_>, group: Option<Group>) -> Rc<Residual> {
    let set = Rc::new(Residual::Name("lib".into()));
    match group {
        Some(Group(group)) => Rc::new(Residual::Select(set, evaluator.symbols.intern(group))),
        None => set,
    }
}

/// The same if we have it.
pub(crate) fn known(
    evaluator: &Evaluator<'_>,
    group: Option<Group>,
    name: Symbol,
    place: Place,
) -> Fallible<Option<Value>> {
    let text = evaluator.symbols.name(name);
    modules::check(&text, place)?;
    if let Some(Group(group)) = group {
        let full = format!("{group}.{text}");
        let found = named(evaluator, &full, place)?;
        if found.is_some() || CLOSED.contains(&group) {
            return Ok(found);
        }
    }
    if let Some(group) = GROUPS.iter().find(|group| **group == &*text) {
        return Ok(Some(Value::Root(Root::Library(Some(Group(group))))));
    }
    named(evaluator, &text, place)
}

/// The function of this full name.
fn named(evaluator: &Evaluator<'_>, name: &str, place: Place) -> Fallible<Option<Value>> {
    if let Some(builtin) = builtins().find(|builtin| builtin.name == name) {
        return Ok(Some(Value::Builtin(builtin)));
    }
    match index().get_key_value(name) {
        Some((name, source)) => entry(evaluator, name, source, place).map(Some),
        None => Ok(None),
    }
}

fn entry(
    evaluator: &Evaluator<'_>,
    name: &'static str,
    source: &str,
    place: Place,
) -> Fallible<Value> {
    let symbol = evaluator.symbols.intern(name);
    if let Some(value) = evaluator.library.borrow().get(&symbol) {
        return Ok(value.clone());
    }
    let value = load(evaluator, name, source, place)?;
    evaluator.library.borrow_mut().insert(symbol, value.clone());
    Ok(value)
}

fn load(
    evaluator: &Evaluator<'_>,
    name: &'static str,
    source: &str,
    place: Place,
) -> Fallible<Value> {
    let code = evaluator.parse(LIBRARY, "/", source).ok_or_else(|| Failure::reported(place))?;
    let function = evaluator.eval_root(&code)?;
    let arity = match &function {
        Value::Lambda(closure) => arity(&closure.lambda),
        _ => return Ok(function),
    };
    Ok(Value::Library(Rc::new(LibraryFunction { name, function, arity })))
}

/// The arguments that a function takes one after the other.
fn arity(lambda: &Lambda) -> usize {
    let own = match &lambda.params {
        Params::Names(names) => names.len(),
        Params::Pattern(_) => 1,
    };
    match &lambda.body.expr {
        Expr::Lambda(inner) => own + arity(inner),
        _ => own,
    }
}

/// Calls a library function. If it needs a value that only Nix knows, the call is left to Nix.
pub(crate) fn call(
    evaluator: &Evaluator<'_>,
    function: &LibraryFunction,
    args: &[Value],
    place: Place,
) -> Fallible<Value> {
    match evaluator.apply(&function.function, args, place) {
        Err(failure) if failure.kind == FailureKind::Symbolic => {
            let name = format!("lib.{}", function.name);
            Ok(Value::residual(Residual::Call(name, args.to_vec())))
        }
        result => result.map_err(|failure| failure.outside_library(place)),
    }
}

#[cfg(test)]
mod tests {
    use rnix::ast::{AttrSet, HasEntry as _};
    use rowan::ast::AstNode as _;

    use super::*;

    #[test]
    fn every_binding_of_the_files_is_an_entry() {
        for file in FILES {
            let tree = rnix::Root::parse(file).ok().unwrap();
            let set = tree.syntax().descendants().find_map(AttrSet::cast).unwrap();
            let bindings = set.attrpath_values().map(|binding| {
                let value = binding.value().unwrap();
                (binding.attrpath().unwrap().to_string(), value.to_string())
            });
            let entries = entries(file).map(|(name, source)| (name.to_owned(), source.to_owned()));
            assert!(bindings.eq(entries));
        }
    }
}
