//! The spec as a text.

use jail_registry::nix_text;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::class::Several;
use super::extension;
use super::gather::{Factory, Gathered, JailSource, MadeBy, named_factory};
use super::left_out;
use super::lookup::{Names, unwrapped};
use super::rewrite::{Bindings, HOLE, Rewriter, default_of};
use super::settings::Settings;
use crate::query::ident_name;

/// The name in a spec of the permissions that all jails start with.
pub(super) const BASE_NAME: &str = "basePermissions";

/// The jails of a spec, as texts.
#[derive(Default)]
struct Jails {
    /// Names and texts.
    single: Vec<(String, String)>,
    /// Sets of jails.
    sets: Vec<String>,
}

/// Writes the spec of what was gathered, and adds the faults that come up. `None` if no jail is
/// left. `line` gives the place of a byte of the text: `flake.nix:12`.
pub(super) fn spec(
    file_name: &str,
    names: &Names,
    root: &ast::Expr,
    gathered: &mut Gathered,
    line: &dyn Fn(usize) -> String,
) -> Option<String> {
    let mut rewriter = Rewriter::new(names, gathered.file);
    let settings = Settings::taken_over(&mut rewriter, names, root);
    rewriter.needs.outer = std::mem::take(&mut rewriter.needs.bindings);
    let (before, mut faults) = extension::bindings(&mut rewriter, names, root);
    let jails = jails(&mut rewriter, gathered);
    gathered.faults.append(&mut rewriter.faults);
    gathered.faults.append(&mut faults);
    let body = jails.body()?;
    let body = with_bindings(&before, &rewriter.needs.bindings, body);
    let body = with_inputs(names, &rewriter, &settings, body);
    let body = with_holes(&rewriter, line, body);
    let text = format!("# Imported from {}.\n{body}\n", file_name.escape_debug());
    // What the formatter does not understand stays as it is; the compiler will
    // say whether it is a spec.
    Some(nixfmt_rs::format(&text).unwrap_or(text))
}

fn jails(rewriter: &mut Rewriter<'_>, gathered: &mut Gathered) -> Jails {
    let mut jails = Jails::default();
    for found in &gathered.jails {
        let (needs, conflicts) = (rewriter.needs.clone(), rewriter.conflicts);
        let text = jail(rewriter, found);
        if rewriter.conflicts > conflicts {
            rewriter.needs = needs;
            continue;
        }
        match &found.made {
            MadeBy::Several(..) => jails.sets.push(text),
            // A file that is imported twice makes the same jails twice.
            MadeBy::Expr(_) | MadeBy::Overlay(..)
                if jails.single.iter().any(|(_, known)| is_same(known, &text)) => {}
            MadeBy::Expr(_) | MadeBy::Overlay(..) => jails.single.push((found.name.clone(), text)),
        }
    }
    for factory in &gathered.factories {
        let is_alone = jails.single.is_empty() && jails.sets.is_empty();
        match call(rewriter, factory, is_alone) {
            Some(call) => {
                let name = named_factory(&factory.name).unwrap_or_else(|| factory.name.clone());
                let is_used = jails.single.iter().any(|(known, _)| *known == name);
                let name = if is_used { factory.name.clone() } else { name };
                jails.single.push((name, call));
            }
            None => {
                let message = format!("the function `{}` is kept, but not called", factory.name);
                let fault = left_out(gathered.file, &factory.entry.node, message)
                    .label("this file does not call it")
                    .help("call it among the jails of the spec");
                gathered.faults.push(fault);
            }
        }
    }
    jails
}

fn jail(rewriter: &mut Rewriter<'_>, found: &JailSource) -> String {
    match &found.made {
        MadeBy::Expr(expr) | MadeBy::Several(Several::Set, expr) => rewriter.keep(expr),
        MadeBy::Several(Several::List, expr) => {
            let list = rewriter.keep(expr);
            format!(
                "lib.listToAttrs (lib.imap0 (index: jail: {{ name = \"{}-${{toString index}}\"; value = jail; }}) ({list}))",
                found.name
            )
        }
        MadeBy::Overlay(package, permissions) => {
            let permissions = rewriter.permissions_text(permissions);
            let package_name = nix_text::name(package);
            format!("jail {} pkgs.{package_name} {permissions}", nix_text::quoted(package))
        }
    }
}

/// Whether two texts are the same apart from white space.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().collect::<String>() == other.split_whitespace().collect::<String>()
}

/// The call of a function that makes a jail, with the arguments that its defaults and the spec
/// give. `None` where it needs more, unless it `is_alone`: the rest are holes then.
fn call(rewriter: &mut Rewriter<'_>, factory: &Factory, is_alone: bool) -> Option<String> {
    let mut lambda = Some(factory.lambda.clone());
    let mut text = factory.name.clone();
    let mut is_known = true;
    rewriter.need_entry(&factory.entry);
    while let Some(current) = lambda {
        match current.param()? {
            ast::Param::IdentParam(param) => {
                let name = param.ident().map(|it| ident_name(&it)).unwrap_or_default();
                let value = rewriter.argument_of(&name, &current);
                is_known &= value.is_some();
                text.push_str(&format!(" {}", value.unwrap_or_else(|| hole(&name))));
            }
            ast::Param::Pattern(pattern) => {
                let mut fields = String::new();
                for entry in pattern.pat_entries() {
                    let name = entry.ident().map(|it| ident_name(&it)).unwrap_or_default();
                    if default_of(&current, &name).is_some() {
                        continue;
                    }
                    let value = rewriter.argument_of(&name, &current);
                    is_known &= value.is_some();
                    let value = value.unwrap_or_else(|| hole(&name));
                    fields.push_str(&format!("{name} = {value}; "));
                }
                text.push_str(&format!(" {{ {fields}}}"));
            }
        }
        lambda = match current.body().map(|body| unwrapped(&body)) {
            Some(ast::Expr::Lambda(inner)) => Some(inner),
            _ => None,
        };
    }
    if !is_known {
        if !is_alone {
            return None;
        }
        rewriter.hole_arguments(factory);
    }
    Some(text)
}

fn hole(name: &str) -> String {
    format!("({HOLE} {})", nix_text::quoted(name))
}

impl Jails {
    fn body(&self) -> Option<String> {
        let entry =
            |(name, text): &(String, String)| format!("{} = {text};\n", nix_text::name(name));
        let entries = || self.single.iter().map(entry).collect::<String>();
        Some(match (self.single.as_slice(), self.sets.as_slice()) {
            ([], []) => return None,
            ([(_, text)], []) | ([], [text]) => text.clone(),
            (_, []) => format!("{{\n{}}}", entries()),
            ([], sets) => joined(sets),
            (_, sets) => format!("{{\n{}}}\n// {}", entries(), joined(sets)),
        })
    }
}

fn joined(sets: &[String]) -> String {
    sets.iter().map(|set| format!("({set})")).collect::<Vec<_>>().join(" // ")
}

fn with_bindings(before: &[String], bindings: &Bindings, body: String) -> String {
    if before.is_empty() && bindings.is_empty() {
        return body;
    }
    let own = before.iter().map(String::as_str);
    let lines: Vec<&str> = own.chain(bindings.values().map(String::as_str)).collect();
    format!("let\n{}\nin\n{body}", lines.join("\n\n"))
}

/// The spec as a function, and with inputs and settings, if it needs them.
fn with_inputs(
    names: &Names,
    rewriter: &Rewriter<'_>,
    settings: &Settings,
    body: String,
) -> String {
    let needs = &rewriter.needs;
    let arguments: String = needs.arguments.iter().map(|name| format!("{name}, ")).collect();
    let body = if arguments.is_empty() { body } else { format!("{{ {arguments}... }}:\n{body}") };
    let inputs: Vec<String> =
        needs.inputs.iter().filter_map(|name| names.inputs.declaration(name)).collect();
    if inputs.is_empty() && settings.overlays.is_none() && settings.config.is_empty() {
        return body;
    }
    let overlays = settings.overlays.as_ref().map_or_else(String::new, |list| {
        let argument = if needs.arguments.contains("inputs") { "inputs: " } else { "" };
        format!("overlays = {argument}{list};\n")
    });
    let outputs = if arguments.is_empty() { format!("_:\n{body}") } else { body };
    let entries: String =
        inputs.iter().chain(&settings.config).map(|entry| format!("{entry}\n")).collect();
    let set = format!("{{\n{entries}{overlays}outputs = {outputs};\n}}");
    with_bindings(&[], &needs.outer, set)
}

/// The function that represents holes, with the line of each.
fn with_holes(rewriter: &Rewriter<'_>, line: &dyn Fn(usize) -> String, body: String) -> String {
    let holes = &rewriter.needs.holes;
    if holes.is_empty() {
        return body;
    }
    let entry = |(name, at): (&String, &usize)| {
        format!("{} = {};\n", nix_text::quoted(name), nix_text::quoted(&line(*at)))
    };
    let lines: String = holes.iter().map(entry).collect();
    format!(
        "let\n# What only the surroundings of the imported file know. Write a value in the place of each hole.\n\
         {HOLE} = name: let places = {{\n{lines}}}; in throw \"the import left a hole for `${{name}}` (${{places.${{name}}}}): write its value\";\n\
         in\n{body}"
    )
}

pub(super) fn applications(root: &ast::Expr) -> impl Iterator<Item = ast::Apply> + use<> {
    root.syntax().descendants().filter_map(ast::Apply::cast)
}
