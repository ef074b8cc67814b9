//! What may be typed at a place.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use gen_lsp_types::{
    CompletionItem, CompletionItemKind as ItemKind, InsertTextFormat, MarkupContent, MarkupKind,
    TextEdit,
};
use jail_lang::query::{self, BindingKind, Cursor, Scope, Slot, Tree};
use jail_registry::{BUILDERS, COMMON_PKGS, PRESETS, Words, combinators};

use super::documents::Document;
use super::{Insert, language, position, slots};

pub(super) fn complete(document: &Document, offset: usize, insert: Insert) -> Vec<CompletionItem> {
    let text = &*document.text;
    // A text beyond the bounds of the language is not analysed any further.
    let Some(named) = query::read(text, Tree::packages) else { return Vec::new() };
    let (start, mut offers) = match query::cursor(text, offset) {
        Cursor::Nothing => return Vec::new(),
        Cursor::Text { slot, place } => return texts(text, &slot, place, offset),
        Cursor::Argument { slot, given, start } => {
            let own = match slot.steps.as_slice() {
                [] => in_completed(text, offset, |tree| tree.parameters(&slot.function, offset)),
                _ => Vec::new(),
            };
            (start, arguments(&slot, &own, &given))
        }
        Cursor::Attribute { base, start } => {
            let own = in_completed(text, offset, |tree| tree.attributes(&base, offset));
            (start, attributes(&base, &own, named))
        }
        Cursor::Value { start } => (start, values(&scope(text, offset), named)),
    };
    // The word that is being typed is not a package that the spec names.
    let word = text.get(start..offset).unwrap_or_default();
    offers.names.remove(word);
    if insert == Insert::Names || has_arguments(text, offset) {
        offers.names.values_mut().for_each(|offer| offer.snippet = None);
    }
    offers.items(position::range(text, &(start..offset)))
}

/// What is offered, by its name: the nearest meaning of a name comes first.
#[derive(Default)]
struct Offers {
    names: BTreeMap<String, Offer>,
}

struct Offer {
    kind: ItemKind,
    /// What is shown next to the name.
    detail: String,
    docs: Option<String>,
    /// Offers are sorted by it, then by name.
    rank: char,
    /// The call that is put in, instead of the name.
    snippet: Option<String>,
}

impl Offers {
    fn add(&mut self, name: &str, kind: ItemKind, rank: char, detail: impl Into<String>) {
        self.add_with(name, kind, rank, detail, None);
    }

    fn add_with(
        &mut self,
        name: &str,
        kind: ItemKind,
        rank: char,
        detail: impl Into<String>,
        docs: Option<String>,
    ) {
        let offer = || Offer { kind, detail: detail.into(), docs, rank, snippet: None };
        self.names.entry(name.to_owned()).or_insert_with(offer);
    }

    /// The call of what was added by this name, unless a nearer meaning of the name was there
    /// before.
    fn call(&mut self, name: &str, rank: char, snippet: Option<String>) {
        if let Some(offer) = self.names.get_mut(name).filter(|offer| offer.rank == rank) {
            offer.snippet = snippet;
        }
    }

    fn items(self, range: gen_lsp_types::Range) -> Vec<CompletionItem> {
        let item = |(name, offer): (String, Offer)| {
            let docs = offer.docs.map(|value| MarkupContent { kind: MarkupKind::Markdown, value });
            CompletionItem {
                sort_text: Some(format!("{}{name}", offer.rank)),
                // Editors disagree about what a word is; names have hyphens here.
                insert_text_format: offer.snippet.as_ref().map(|_| InsertTextFormat::Snippet),
                text_edit: Some(
                    TextEdit { range, new_text: offer.snippet.unwrap_or_else(|| name.clone()) }
                        .into(),
                ),
                label: name,
                kind: Some(offer.kind),
                detail: Some(offer.detail),
                documentation: docs.map(Into::into),
                ..CompletionItem::default()
            }
        };
        self.names.into_iter().map(item).collect()
    }
}

/// Whether something follows on the line that may be what the word is called with, where one word
/// is put in the place of another.
fn has_arguments(text: &str, offset: usize) -> bool {
    let line = text.get(offset..).and_then(|rest| rest.lines().next()).unwrap_or_default();
    let word = |c: char| c.is_ascii_alphanumeric() || "_-'".contains(c);
    let next = line.trim_start_matches(word).trim_start().chars().next();
    next.is_some_and(|next| !matches!(next, ')' | ']' | '}' | ';' | '#'))
}

/// Asks the text up to a place, completed: it has all the scopes that are open there.
fn in_completed<T: Default + Send>(
    text: &str,
    offset: usize,
    ask: impl FnOnce(&Tree) -> T + Send,
) -> T {
    query::read(&query::completed(text, offset), ask).unwrap_or_default()
}

/// The words that a string at a place is usually one of. They replace all of the string.
fn texts(text: &str, slot: &Slot, place: Range<usize>, offset: usize) -> Vec<CompletionItem> {
    let bound = in_completed(text, offset, |tree| tree.scope(offset)).bindings;
    if bound.iter().any(|binding| binding.name == slot.function) {
        return Vec::new();
    }
    let mut offers = Offers::default();
    for word in slots::words(slot).into_iter().flat_map(Words::all) {
        offers.add(&word.text, ItemKind::EnumMember, '0', word.about);
    }
    offers.items(position::range(text, &place))
}

/// `own` are the parameters of the function where the text itself binds it.
fn arguments(slot: &Slot, own: &[String], given: &[String]) -> Offers {
    let mut offers = Offers::default();
    for name in own.iter().filter(|name| !given.contains(name)) {
        offers.add(name, ItemKind::Field, '0', "argument");
    }
    let fields = slots::fields(slot).into_iter();
    for field in fields.filter(|field| given.iter().all(|given| given != field.name)) {
        let rank = if field.required { '0' } else { '1' };
        let detail = jail_registry::describe_type(field.ty);
        offers.add_with(field.name, ItemKind::Field, rank, detail, Some(language::of_field(field)));
    }
    offers
}

/// `own` are the attributes of the set where the text itself spells it out.
fn attributes(base: &[String], own: &[String], named: BTreeSet<String>) -> Offers {
    let mut offers = Offers::default();
    own.iter().for_each(|name| offers.add(name, ItemKind::Property, '0', "attribute"));
    let base: Vec<_> = base.iter().map(String::as_str).collect();
    match base.as_slice() {
        ["pkgs"] => packages(named, &mut offers),
        ["agents"] => {
            PRESETS
                .iter()
                .for_each(|preset| offers.add(preset.package, ItemKind::Module, '0', "agent"));
        }
        ["builtins"] => query::builtins().iter().for_each(|name| {
            offers.add(name, ItemKind::Function, '0', "Nix");
        }),
        ["lib"] | ["pkgs", "lib"] => library(None, &mut offers),
        ["lib", group] | ["pkgs", "lib", group] => library(Some(group), &mut offers),
        ["combinators"] | ["jail", "combinators"] => registry(&mut offers),
        ["jail"] => offers.add("combinators", ItemKind::Module, '0', "all combinators"),
        _ => {}
    }
    offers
}

fn values(scope: &Scope, named: BTreeSet<String>) -> Offers {
    let mut offers = Offers::default();
    for binding in &scope.bindings {
        let detail = match binding.kind {
            BindingKind::Let | BindingKind::Inherited => "let",
            BindingKind::Argument => "argument",
        };
        let kind = if binding.is_function { ItemKind::Function } else { ItemKind::Variable };
        offers.add(&binding.name, kind, '0', detail);
    }
    registry(&mut offers);
    for builder in BUILDERS {
        let docs = language::of_builder(builder);
        offers.add_with(builder.name, ItemKind::Constructor, '2', builder.summary, Some(docs));
        offers.call(builder.name, '2', builder.snippet());
    }
    for (name, form, _) in language::WORDS {
        offers.add_with(name, ItemKind::Keyword, '2', *form, language::describe(name));
    }
    // Names of the language are not hidden by `with`, so packages come after them.
    if scope.withs.iter().any(|set| set == "pkgs") {
        packages(named, &mut offers);
    }
    for name in query::globals() {
        offers.add(&name, ItemKind::Keyword, '4', "Nix");
    }
    offers
}

fn registry(offers: &mut Offers) {
    for combinator in combinators() {
        let takes_nothing = combinator.signature.params.is_empty();
        let kind = if takes_nothing { ItemKind::Constant } else { ItemKind::Function };
        let docs = language::of_combinator(combinator);
        let detail = language::form(combinator.name, combinator.signature);
        offers.add_with(combinator.name, kind, '1', detail, Some(docs));
        offers.call(combinator.name, '1', combinator.snippet());
    }
}

/// What `lib` has, or one of its groups: the groups have the functions of `lib`, and some of their
/// own.
fn library(group: Option<&str>, offers: &mut Offers) {
    let mut all: Vec<_> = query::library().collect();
    all.sort();
    for (name, form) in all {
        match name.split_once('.') {
            None => offers.add(name, ItemKind::Function, '1', form),
            Some((of, name)) if group == Some(of) => {
                offers.add(name, ItemKind::Function, '0', form);
            }
            Some(_) => {}
        }
    }
}

fn packages(named: BTreeSet<String>, offers: &mut Offers) {
    for name in named {
        offers.add(&name, ItemKind::Module, '0', "package, named in this spec");
    }
    for name in COMMON_PKGS.iter().chain(language::PACKAGES) {
        offers.add(name, ItemKind::Module, '3', "package");
    }
}

/// What is bound around the place. The text up to there, completed, has all scopes that are open,
/// and the whole text the bindings that follow.
fn scope(text: &str, offset: usize) -> Scope {
    let mut scope = in_completed(text, offset, |tree| tree.scope(offset));
    let whole = query::read(text, |tree| tree.scope(offset)).unwrap_or_default();
    scope.bindings.extend(whole.bindings);
    scope.withs.extend(whole.withs);
    scope
}
