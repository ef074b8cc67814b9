//! The description of the word under the pointer.

use gen_lsp_types::{Hover, MarkupContent, MarkupKind};
use jail_lang::query::{self, Slot, TargetKind, Tree};
use jail_registry::combinator;

use super::documents::Document;
use super::{language, position, slots};

/// A binding's value is shown up to so many lines.
const LINES_MAX: usize = 8;

pub(super) fn hover(document: &Document, offset: usize) -> Option<Hover> {
    let text = &document.text;
    let (page, place) = query::read(text, |tree| {
        let target = tree.target(offset)?;
        Some((page(text, tree, &target.kind, offset)?, target.place))
    })??;
    let range = Some(position::range(text, &place));
    Some(Hover {
        contents: MarkupContent { kind: MarkupKind::Markdown, value: page }.into(),
        range,
    })
}

fn page(text: &str, tree: &Tree, kind: &TargetKind, offset: usize) -> Option<String> {
    match kind {
        TargetKind::Variable { name, is_bound: true } => binding(text, tree, name, offset),
        TargetKind::Variable { name, is_bound: false } => language::describe(name).or_else(|| {
            let opened = &tree.scope(offset).withs;
            opened.iter().any(|set| set == "pkgs").then(|| package("pkgs", name))
        }),
        TargetKind::Attribute { base, name } => {
            let base: Vec<_> = base.iter().map(String::as_str).collect();
            match base.as_slice() {
                ["combinators"] | ["jail", "combinators"] => {
                    combinator(name).map(language::of_combinator)
                }
                [set @ ("pkgs" | "agents")] => Some(package(set, name)),
                _ => None,
            }
        }
        TargetKind::Argument { function, name } => {
            let slot = Slot { function: function.clone(), argument: 0, steps: Vec::new() };
            let mut fields = slots::fields(&slot).into_iter();
            fields.find(|field| field.name == name).map(language::of_field)
        }
        TargetKind::Path(_) => None,
    }
}

fn binding(text: &str, tree: &Tree, name: &str, offset: usize) -> Option<String> {
    let scope = tree.scope(offset);
    let binding = scope.bindings.iter().find(|binding| binding.name == name)?;
    let value = binding.value.as_ref().and_then(|place| text.get(place.clone()));
    let Some(value) = value else { return Some(format!("```nix\n{name}\n```")) };
    let mut lines = value.lines();
    let mut shown: Vec<_> = lines.by_ref().take(LINES_MAX).collect();
    if lines.next().is_some() {
        shown.push("…");
    }
    Some(format!("```nix\n{name} = {};\n```", shown.join("\n")))
}

fn package(set: &str, name: &str) -> String {
    let (_, _, about) =
        language::WORDS.iter().find(|(word, ..)| *word == set).unwrap_or(&("", "", ""));
    format!("```nix\n{set}.{name}\n```\n\n{about}")
}
