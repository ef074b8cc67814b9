//! The spec as a text.

use rnix::ast;
use rowan::ast::AstNode as _;

use super::class::Class;
use super::gather::Gathered;
use super::left_out;
use super::library::{IMPORTED, Library};
use super::lookup::{Names, attribute};
use super::rewrite::Rewriter;
use crate::nix_text;

/// The spec of what was gathered; faults that come up are added to it. `None` if no jail is left.
pub(super) fn spec(
    file_name: &str,
    names: &Names,
    root: &ast::Expr,
    gathered: &mut Gathered,
) -> Option<String> {
    let mut rewriter = Rewriter::new(names, gathered.file);
    let mut jails = Vec::new();
    for jail in &gathered.jails {
        let (needs, faults) = (rewriter.needs.clone(), rewriter.faults.len());
        let text = rewriter.keep(&jail.expr);
        if rewriter.faults.len() == faults {
            jails.push((jail.name.as_str(), text));
        } else {
            rewriter.needs = needs;
        }
    }
    let overlays = pkgs_arguments(names, root, "overlays").map(|list| rewriter.keep(&list));
    gathered.faults.append(&mut rewriter.faults);
    gathered.faults.extend(not_extended(names, root, gathered.file));
    let body = match jails.as_slice() {
        [] => return None,
        [(_, text)] => text.clone(),
        several => {
            let entry =
                |(name, text): &(&str, String)| format!("{} = {text};\n", nix_text::name(name));
            format!("{{\n{}}}", several.iter().map(entry).collect::<String>())
        }
    };
    let text = with_inputs(names, &rewriter, overlays, with_bindings(&rewriter, body));
    let text = format!("# Imported from {}.\n{text}\n", file_name.escape_debug());
    // What the formatter does not understand stays as it is; whether it is a spec is for the compiler to say.
    Some(nixfmt_rs::format(&text).unwrap_or(text))
}

fn with_bindings(rewriter: &Rewriter<'_>, body: String) -> String {
    let bindings = &rewriter.needs.bindings;
    if bindings.is_empty() {
        return body;
    }
    let lines: Vec<&str> = bindings.values().map(|(_, text)| text.as_str()).collect();
    format!("let\n{}\nin\n{body}", lines.join("\n\n"))
}

/// The spec as a function, and with inputs and overlays, where it needs them.
fn with_inputs(
    names: &Names,
    rewriter: &Rewriter<'_>,
    overlays: Option<String>,
    body: String,
) -> String {
    let needs = &rewriter.needs;
    let arguments: String = needs.arguments.iter().map(|name| format!("{name}, ")).collect();
    let body = if arguments.is_empty() { body } else { format!("{{ {arguments}... }}:\n{body}") };
    let inputs: Vec<String> =
        needs.inputs.iter().filter_map(|name| names.inputs.declaration(name)).collect();
    if inputs.is_empty() && overlays.is_none() {
        return body;
    }
    let overlays = overlays.map_or_else(String::new, |list| {
        let argument = if needs.arguments.contains("inputs") { "inputs: " } else { "" };
        format!("overlays = {argument}{list};\n")
    });
    let outputs = if arguments.is_empty() { format!("_:\n{body}") } else { body };
    format!("{{\n{}\n{overlays}outputs = {outputs};\n}}", inputs.join("\n"))
}

/// An argument of `import nixpkgs { … }`.
fn pkgs_arguments(names: &Names, root: &ast::Expr, name: &str) -> Option<ast::Expr> {
    applications(root).find_map(|apply| {
        let function = names.class(&apply.lambda()?);
        let Class::Input(Library::Nixpkgs, path) = function else { return None };
        let ast::Expr::AttrSet(set) = apply.argument()? else { return None };
        attribute(&set, name).filter(|_| path == [IMPORTED])
    })
}

/// What `extend` of jail.nix adds for all jails has no place in a spec.
fn not_extended(
    names: &Names,
    root: &ast::Expr,
    file: jail_registry::FileId,
) -> Vec<jail_registry::Diagnostic> {
    let mut faults = Vec::new();
    for apply in applications(root) {
        let function = apply.lambda().map(|function| names.class(&function));
        let (Some(Class::Input(Library::JailNix, path)), Some(ast::Expr::AttrSet(set))) =
            (function, apply.argument())
        else {
            continue;
        };
        if path != ["lib", "extend"] {
            continue;
        }
        for (name, help) in EXTENSIONS {
            if let Some(value) = attribute(&set, name) {
                let message = format!("`{name}` is not taken over");
                faults.push(left_out(file, value.syntax(), message).help(*help));
            }
        }
    }
    faults
}

const EXTENSIONS: &[(&str, &str)] = &[
    (
        "additionalCombinators",
        "write each as a function in a `let` of the spec, and name it where it was used",
    ),
    ("basePermissions", "begin each jail's list with `reset` and what these permissions are"),
    ("bubblewrapPackage", "no bubblewrap is used: it can go"),
];

fn applications(root: &ast::Expr) -> impl Iterator<Item = ast::Apply> {
    root.syntax().descendants().filter_map(ast::Apply::cast)
}
