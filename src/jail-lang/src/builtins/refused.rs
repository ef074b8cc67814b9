//! Builtins that need the store, the network, the clock or the environment, or that look at Nix
//! itself. They are refused with the reason.

use jail_registry::{Code as DiagnosticCode, Diagnostic, Place};

use super::{Builtin, concrete};
use crate::failure::{Failure, Fallible, LIBRARY};
use crate::ir::{Expr, Node};
use crate::value::{Frame, Thunk, Value};

pub(super) const TABLE: &[Builtin] = &[
    concrete("derivation", 1, |_, _, at| store("derivation", at)),
    concrete("derivationStrict", 1, |_, _, at| store("derivationStrict", at)),
    concrete("placeholder", 1, |_, _, at| store("placeholder", at)),
    concrete("toFile", 2, |_, _, at| store("toFile", at)),
    concrete("path", 1, |_, _, at| store("path", at)),
    concrete("filterSource", 2, |_, _, at| store("filterSource", at)),
    concrete("storePath", 1, |_, _, at| store("storePath", at)),
    concrete("appendContext", 2, |_, _, at| store("appendContext", at)),
    concrete("fetchGit", 1, |_, _, at| network("fetchGit", at)),
    concrete("fetchMercurial", 1, |_, _, at| network("fetchMercurial", at)),
    concrete("fetchTarball", 1, |_, _, at| network("fetchTarball", at)),
    concrete("fetchTree", 1, |_, _, at| network("fetchTree", at)),
    concrete("fetchurl", 1, |_, _, at| network("fetchurl", at)),
    concrete("getFlake", 1, |_, _, at| network("getFlake", at)),
    concrete("getEnv", 1, |_, _, at| {
        impure(
            "getEnv",
            "reads the environment of the build",
            "`(fwd-env \"NAME\")` passes a variable on at launch, and `(noescape \"$NAME\")` puts one into a text",
            at,
        )
    }),
    concrete("findFile", 2, |_, _, at| {
        impure("findFile", "looks paths up on the machine", "write the path", at)
    }),
    concrete("scopedImport", 2, |_, _, at| {
        impure("scopedImport", "changes the meaning of names", "use `import` with a function", at)
    }),
    concrete("toPath", 1, |_, _, at| {
        impure("toPath", "asks where the spec is", "write the path, or the string", at)
    }),
    concrete("unsafeGetAttrPos", 2, |_, _, at| {
        dependent(
            "unsafeGetAttrPos",
            "returns positions, which versions of Nix count differently",
            at,
        )
    }),
    concrete("tryEval", 1, |_, _, at| {
        dependent("tryEval", "depends on packages and on the order of evaluation", at)
    }),
    concrete("import", 1, |_, _, at| {
        Err(Failure::dependent(at, "`builtins.import` is not the `import` of a spec")
            .label("Nix would read the file without the combinators")
            .help("write `import`"))
    }),
];

/// Values that depend on the machine, or on the Nix that evaluates the spec.
const CONSTANTS: &[&str] =
    &["currentSystem", "currentTime", "langVersion", "nixPath", "nixVersion", "storeDir"];

/// One of [`CONSTANTS`]: an error where it is needed.
pub(super) fn constant(name: &str) -> Option<Value> {
    let name = CONSTANTS.iter().find(|known| **known == name)?;
    let place = Place { file: LIBRARY, start: 0, end: 0 };
    let help = match *name {
        "currentSystem" => "write `pkgs.stdenv.hostPlatform.system`, which Nix puts in",
        "nixPath" => "write `pkgs`, which is the nixpkgs that the lock file pins",
        "currentTime" => "a spec means the same at all times",
        _ => "a spec means the same to every Nix",
    };
    let on = match *name {
        "langVersion" | "nixVersion" => "the Nix that evaluates the spec",
        _ => "the machine",
    };
    let message = format!("`{name}` depends on {on}");
    let fault = Diagnostic::error(DiagnosticCode::Impure, Some(place), message)
        .label("a spec is evaluated without it")
        .help(help);
    let code = Node::new(Expr::Refused(Box::new(fault)), place);
    Some(Thunk::code(&code, &Frame::empty(None, 0)))
}

fn dependent(name: &str, reason: &str, at: Place) -> Fallible<Value> {
    Err(Failure::dependent(at, format!("`{name}` {reason}"))
        .label("evaluators of Nix would not agree on the spec"))
}

fn store(name: &str, at: Place) -> Fallible<Value> {
    impure(
        name,
        "needs Nix's store",
        "use a package of `pkgs` (`pkgs.writeText`, `pkgs.runCommand`), or write the jail in a flake",
        at,
    )
}

fn network(name: &str, at: Place) -> Fallible<Value> {
    impure(
        name,
        "needs the network",
        "declare it as an input: `{ inputs.x.url = \"…\"; outputs = { inputs, ... }: …; }`",
        at,
    )
}

fn impure(name: &str, reason: &str, help: &str, at: Place) -> Fallible<Value> {
    Err(Failure::new(DiagnosticCode::Impure, at, format!("`{name}` {reason}"))
        .label("a spec is evaluated without it")
        .help(help))
}
