//! What a file adds for all its jails with `extend`: combinators, and permissions to begin with.

use jail_registry::Diagnostic;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::class::{Class, last_name};
use super::left_out;
use super::lookup::{BASE, COMBINATORS, Names, attribute, unwrapped};
use super::rewrite::Rewriter;
use super::write::{BASE_NAME, applications};

/// The bindings of a spec for what the file adds, and the faults of what a spec cannot express.
pub(super) fn bindings(
    rewriter: &mut Rewriter<'_>,
    names: &Names,
    root: &ast::Expr,
) -> (Vec<String>, Vec<Diagnostic>) {
    let (mut bindings, mut faults) = (Vec::new(), Vec::new());
    let mut seen: Vec<&str> = Vec::new();
    for set in extensions(root) {
        for name in [COMBINATORS, BASE] {
            let Some(value) = attribute(&set, name) else { continue };
            if seen.contains(&name) {
                let message = format!("a second `{name}` is not taken over");
                faults.push(
                    left_out(rewriter.file(), value.syntax(), message).help(
                        "a spec has one set of combinators; add what this one has to the first",
                    ),
                );
                continue;
            }
            seen.push(name);
            bindings.push(binding(rewriter, names, name, &value));
        }
        if let Some(package) = attribute(&set, "bubblewrapPackage") {
            let message = "`bubblewrapPackage` is not taken over";
            let fault = left_out(rewriter.file(), package.syntax(), message);
            faults.push(fault.help("jailgen does not use bubblewrap, so remove it"));
        }
    }
    (bindings, faults)
}

fn binding(rewriter: &mut Rewriter<'_>, names: &Names, name: &str, value: &ast::Expr) -> String {
    let is_function = matches!(names.class(value), Class::Function(_));
    let text = rewriter.keep(&unwrapped(value));
    if name == COMBINATORS {
        let set =
            if is_function { format!("({text}) jail.combinators") } else { format!("({text})") };
        return format!(
            "# The combinators that the flake adds.\ncombinators = jail.combinators // {set};"
        );
    }
    let combinators = if names.has_combinators { "combinators" } else { "jail.combinators" };
    let list = if is_function { format!("({text}) {combinators}") } else { format!("({text})") };
    format!("# What all jails begin with.\n{BASE_NAME} = [ jail.combinators.reset ] ++ {list};")
}

/// The sets that `extend` and `mkOverlay` are called with.
pub(super) fn extensions(root: &ast::Expr) -> impl Iterator<Item = ast::AttrSet> {
    applications(root).filter_map(|apply| {
        let name = last_name(&unwrapped(&apply.lambda()?))?;
        match unwrapped(&apply.argument()?) {
            ast::Expr::AttrSet(set) if ["extend", "mkOverlay", "init"].contains(&name.as_str()) => {
                Some(set)
            }
            _ => None,
        }
    })
}
