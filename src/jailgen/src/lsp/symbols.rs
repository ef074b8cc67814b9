//! The outline of a document: its jails and its bindings.

use gen_lsp_types::{DocumentSymbol, SymbolKind};
use jail_lang::query::{self, Item, ItemKind, Tree};

use super::documents::Document;
use super::position;

pub(super) fn symbols(document: &Document) -> Vec<DocumentSymbol> {
    let outline = query::read(&document.text, Tree::outline).unwrap_or_default();
    outline.iter().map(|item| symbol(&document.text, item)).collect()
}

#[expect(deprecated, reason = "a field that is deprecated must be named all the same")]
fn symbol(text: &str, item: &Item) -> DocumentSymbol {
    let kind = match item.kind {
        ItemKind::Jail => SymbolKind::Object,
        ItemKind::Binding => SymbolKind::Variable,
        ItemKind::Function => SymbolKind::Function,
        ItemKind::Output => SymbolKind::Property,
    };
    let children = item.children.iter().map(|child| symbol(text, child)).collect();
    DocumentSymbol {
        name: item.name.clone(),
        detail: (item.kind == ItemKind::Jail).then(|| "jail".into()),
        kind,
        tags: None,
        deprecated: None,
        range: position::range(text, &item.place),
        selection_range: position::range(text, &item.name_place),
        children: Some(children),
    }
}
