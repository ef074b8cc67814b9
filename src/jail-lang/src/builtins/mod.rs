//! Nix's builtins: the pure ones, each with its strictness. What needs the store, the network, the clock or the
//! environment is there too, and says why it is refused.

mod control;
mod files;
mod hash;
mod lists;
mod numbers;
mod patterns;
mod refused;
mod sets;
mod strings;
mod toml;
mod types;
mod versions;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use jail_registry::Place;

use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(crate) use patterns::Pattern;

/// A function in Rust.
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    /// The set it is found in: `builtins` or `lib`.
    pub(crate) home: &'static str,
    pub(crate) arity: usize,
    pub(crate) run: fn(&Evaluator<'_>, &[Value], Place) -> Fallible<Value>,
    /// Whether a call becomes source when it needs a value that only Nix knows.
    pub(crate) symbolic: bool,
}

type Run = fn(&Evaluator<'_>, &[Value], Place) -> Fallible<Value>;

const fn builtin(name: &'static str, arity: usize, run: Run) -> Builtin {
    Builtin { name, home: "builtins", arity, run, symbolic: true }
}

/// One that must give its value here, whatever it is called with.
const fn concrete(name: &'static str, arity: usize, run: Run) -> Builtin {
    Builtin { name, home: "builtins", arity, run, symbolic: false }
}

/// Those that are in scope without `builtins.`, as in Nix.
const GLOBAL: &[&str] = &[
    "abort",
    "baseNameOf",
    "break",
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
        hash::TABLE,
        lists::TABLE,
        numbers::TABLE,
        patterns::TABLE,
        refused::TABLE,
        sets::TABLE,
        strings::TABLE,
        toml::TABLE,
        types::TABLE,
        versions::TABLE,
    ]
    .into_iter()
    .flatten()
}

fn by_name() -> &'static HashMap<&'static str, &'static Builtin> {
    static BY_NAME: OnceLock<HashMap<&'static str, &'static Builtin>> = OnceLock::new();
    BY_NAME.get_or_init(|| tables().map(|builtin| (builtin.name, builtin)).collect())
}

/// The builtin that a name without `builtins.` means: one of [`GLOBAL`], or any with `__` before its name.
pub(crate) fn global(name: &str) -> Option<&'static Builtin> {
    let bare = name.strip_prefix("__").or_else(|| GLOBAL.contains(&name).then_some(name))?;
    by_name().get(bare).copied()
}

/// The names of [`GLOBAL`].
pub(crate) fn globals() -> impl Iterator<Item = &'static str> {
    GLOBAL.iter().copied()
}

/// The set `builtins`.
pub(crate) fn set(evaluator: &Evaluator<'_>) -> Value {
    let functions = tables().map(|builtin| (builtin.name, Value::Builtin(builtin)));
    let constants = [
        ("true", Value::Bool(true)),
        ("false", Value::Bool(false)),
        ("null", Value::Null),
        ("import", Value::Root(crate::value::Root::Import)),
        ("langVersion", Value::Int(6)),
        ("nixVersion", Value::string("2.18.0")),
        ("storeDir", Value::string("/nix/store")),
    ];
    let impure = refused::CONSTANTS.iter().map(|name| (*name, refused::constant(name)));
    let pairs = functions.chain(constants).chain(impure);
    Value::Attrs(Rc::new(Attrs::of(
        pairs.map(|(name, value)| (evaluator.symbols.intern(name), value)),
    )))
}

/// The arguments; a builtin is only ever called with as many as it takes.
fn take<const N: usize>(args: &[Value], at: Place) -> Fallible<&[Value; N]> {
    args.try_into().map_err(|_| {
        Failure::new(jail_registry::Code::ParamCount, at, format!("{N} arguments are wanted"))
    })
}

/// The number of elements as Nix has numbers.
fn count(length: usize) -> Value {
    Value::Int(i64::try_from(length).unwrap_or(i64::MAX))
}
