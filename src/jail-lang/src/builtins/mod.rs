//! Nix's builtins: the pure ones, each with its strictness. What needs the store, the network, the
//! clock or the environment is there too, and says why it is refused.

mod control;
mod files;
mod flake_refs;
mod hash;
mod hash_format;
mod lists;
mod numbers;
mod patterns;
mod refused;
mod replace;
mod sets;
mod sort;
mod strings;
mod toml;
mod types;
mod versions;
mod xml;

use std::collections::HashMap;
use std::sync::OnceLock;

use jail_registry::Place;

use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{Root, Value};

pub(crate) use patterns::Pattern;

/// A function in Rust.
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    /// The set that contains it: `builtins` or `lib`.
    pub(crate) home: &'static str,
    pub(crate) arity: usize,
    pub(crate) run: fn(&Evaluator<'_>, &[Value], Place) -> Fallible<Value>,
    /// Whether a call becomes source code when it needs a value that only Nix knows.
    pub(crate) symbolic: bool,
}

type Run = fn(&Evaluator<'_>, &[Value], Place) -> Fallible<Value>;

const fn builtin(name: &'static str, arity: usize, run: Run) -> Builtin {
    Builtin { name, home: "builtins", arity, run, symbolic: true }
}

/// A builtin that must give its value here, whatever its arguments are.
const fn concrete(name: &'static str, arity: usize, run: Run) -> Builtin {
    Builtin { name, home: "builtins", arity, run, symbolic: false }
}

/// The builtins that are in scope without `builtins.`, as in Nix.
const GLOBAL: &[&str] = &[
    "abort",
    "baseNameOf",
    "derivation",
    "derivationStrict",
    "dirOf",
    "fetchGit",
    "fetchMercurial",
    "fetchTarball",
    "fetchTree",
    "fromTOML",
    "isNull",
    "map",
    "placeholder",
    "removeAttrs",
    "scopedImport",
    "throw",
    "toString",
];

fn tables() -> impl Iterator<Item = &'static Builtin> {
    [
        control::TABLE,
        files::TABLE,
        flake_refs::TABLE,
        hash::TABLE,
        hash_format::TABLE,
        lists::TABLE,
        numbers::TABLE,
        patterns::TABLE,
        refused::TABLE,
        replace::TABLE,
        sets::TABLE,
        strings::TABLE,
        toml::TABLE,
        types::TABLE,
        versions::TABLE,
        xml::TABLE,
    ]
    .into_iter()
    .flatten()
}

fn by_name() -> &'static HashMap<&'static str, &'static Builtin> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Builtin>> = OnceLock::new();
    BY_NAME.get_or_init(|| tables().map(|builtin| (builtin.name, builtin)).collect())
}

/// The builtin that a name without `builtins.` means: one of [`GLOBAL`], or any
/// with `__` before its name.
pub(crate) fn global(name: &str) -> Option<&'static Builtin> {
    let bare = name.strip_prefix("__").or_else(|| GLOBAL.contains(&name).then_some(name))?;
    by_name().get(bare).copied()
}

/// The names of [`GLOBAL`].
pub(crate) fn globals() -> impl Iterator<Item = &'static str> {
    GLOBAL.iter().copied()
}

/// `builtins.name`, where every version of Nix has it.
pub(crate) fn get(name: &str) -> Option<Value> {
    match name {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        "builtins" => Some(Value::Root(Root::Builtins)),
        name => by_name()
            .get(name)
            .map(|builtin| Value::Builtin(builtin))
            .or_else(|| refused::constant(name)),
    }
}

/// Globals that Nix 2.8 does not have. There, a `with` further out may give the name a value.
const NEWER: &[&str] = &[
    "break",
    "convertHash",
    "flakeRefToString",
    "parseFlakeRef",
    "readFileType",
    "traceVerbose",
    "warn",
];

/// Whether only some versions of Nix have `builtins.name`.
pub(crate) fn is_newer(name: &str) -> bool {
    NEWER.contains(&name)
}

/// The names of the attributes of `builtins`.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ["true", "false", "null", "builtins"].into_iter().chain(tables().map(|builtin| builtin.name))
}

/// The names of the builtins that are not refused.
pub(crate) fn usable_names() -> impl Iterator<Item = &'static str> {
    names().filter(|name| !refused::TABLE.iter().any(|refused| refused.name == *name))
}

/// The arguments. A builtin is called only when it has all of them.
fn take<const N: usize>(args: &[Value], at: Place) -> Fallible<&[Value; N]> {
    args.try_into().map_err(|_| {
        Failure::new(jail_registry::Code::ParamCount, at, format!("{N} arguments are wanted"))
    })
}

/// A number of elements as a Nix integer.
pub(crate) fn count(length: usize) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}
