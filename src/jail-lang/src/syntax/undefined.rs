//! Names that have no value, and what their author probably meant.

use jail_registry::{Code, Diagnostic, Place, Type, builder_meant, respelt};

use super::scope::Globals;
use crate::suggest::nearest;
use crate::term::wants;

/// The error for a name that has no value. `wanted` is what belongs in its place, if that is known.
pub(crate) fn undefined<'a>(
    name: &'a str,
    place: Place,
    globals: &'a dyn Globals,
    local: impl Iterator<Item = &'a str>,
    wanted: Option<Type>,
) -> Diagnostic {
    let local: Vec<&str> = local.collect();
    let is_wanted = |such: &dyn Fn(Type) -> bool| wanted.is_some_and(|ty| wants(ty, such));
    let variable = |help: String| {
        let message = format!("undefined variable `{name}`");
        Diagnostic::error(Code::UndefinedVariable, Some(place), message)
            .label("nothing gives it a value")
            .help(help)
    };
    let meant = |near: &str| match globals.is_combinator(near) {
        true => unknown(Code::UnknownCombinator, "combinator", name, place)
            .help(format!("did you mean `{near}`?")),
        false => variable(format!("did you mean `{near}`?")),
    };
    if name == "inputs" {
        return variable("take it as an argument: `{ inputs, ... }:` before the spec".into());
    }
    if let Some(same) = respelt(name, local.iter().copied()) {
        return meant(same);
    }
    if let Some(help) = builder_meant(name) {
        return unknown(Code::UnknownBuilder, "builder", name, place).help(help);
    }
    if let Some(same) = respelt(name, globals.names()) {
        return meant(same);
    }
    if let Some(near) = nearest(name, local.iter().copied()) {
        return meant(near);
    }
    if is_wanted(&|ty| matches!(ty, Type::Package | Type::Entry)) {
        return variable(format!("write `pkgs.{name}` for the package"));
    }
    if is_wanted(&|ty| matches!(ty, Type::Text | Type::Literal | Type::Word(_)))
        || is_in_capitals(name)
    {
        return variable(quoted(name, is_wanted(&|ty| matches!(ty, Type::Text))));
    }
    if let Some(near) = nearest(name, globals.names()) {
        return meant(near);
    }
    variable(match is_wanted(&|ty| matches!(ty, Type::Permission)) {
        true => format!("write `(add-pkg-deps [ pkgs.{name} ])` for the package on PATH"),
        false => format!("write a package as `pkgs.{name}`"),
    })
}

fn unknown(code: Code, what: &str, name: &str, place: Place) -> Diagnostic {
    let message = format!("unknown {what} `{name}`");
    Diagnostic::error(code, Some(place), message).label("not in the registry")
}

/// Looks like the name of an environment variable.
fn is_in_capitals(name: &str) -> bool {
    let capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    name.len() > 1 && name.chars().all(capital)
}

fn quoted(name: &str, is_expandable: bool) -> String {
    match (is_in_capitals(name), is_expandable) {
        (true, true) => format!(
            "write `\"{name}\"` for the name of the variable, or `(noescape \"${name}\")` for the value that it has at launch"
        ),
        (true, false) => format!("write `\"{name}\"`: names of variables are strings"),
        (false, _) => format!("write `\"{name}\"` for a string"),
    }
}
