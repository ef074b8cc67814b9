//! The outline of a text: its jails, and what it binds.

use std::ops::Range;

use jail_registry::{Builder, builder};
use rnix::SyntaxNode;
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::{Tree, attr_name, call, path_of, plain, range};

/// The name of the function that makes a jail of its parts.
const JAIL: &str = "jail";

/// An entry of the outline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name. That of a jail is its command's, if the text contains it.
    pub name: String,
    /// What it is.
    pub kind: ItemKind,
    /// All of it.
    pub place: Range<usize>,
    /// Its name, or its text if it has none.
    pub name_place: Range<usize>,
    /// What stands inside.
    pub children: Vec<Item>,
}

/// What an entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A call that makes a jail.
    Jail,
    /// A binding of a `let`.
    Binding,
    /// A binding whose value is a function.
    Function,
    /// An attribute of the set that the spec is.
    Output,
}

impl Tree {
    /// The jails and bindings, in the order of the text.
    #[must_use]
    pub fn outline(&self) -> Vec<Item> {
        let mut items = Vec::new();
        below(&self.root, true, &mut items);
        items
    }
}

/// The outline of an expression. `is_output` means that the spec makes it, and that it is not
/// a part of something else.
fn expression(expr: &ast::Expr, is_output: bool, into: &mut Vec<Item>) {
    match expr {
        ast::Expr::LetIn(set) => {
            entries(set, ItemKind::Binding, into);
            set.body().iter().for_each(|body| expression(body, is_output, into));
        }
        ast::Expr::AttrSet(set) if is_output => entries(set, ItemKind::Output, into),
        ast::Expr::Apply(apply) => applied(apply, into),
        ast::Expr::Lambda(_) | ast::Expr::Paren(_) | ast::Expr::With(_) => {
            below(expr.syntax(), is_output, into);
        }
        expr => below(expr.syntax(), false, into),
    }
}

fn below(node: &SyntaxNode, is_output: bool, into: &mut Vec<Item>) {
    for child in node.children() {
        match ast::Expr::cast(child.clone()) {
            Some(expr) => expression(&expr, is_output, into),
            None => below(&child, false, into),
        }
    }
}

fn entries(set: &impl HasEntry, kind: ItemKind, into: &mut Vec<Item>) {
    for entry in set.attrpath_values() {
        let Some(path) = entry.attrpath() else { continue };
        let value = entry.value();
        let mut children = Vec::new();
        value.iter().for_each(|value| expression(value, false, &mut children));
        let is_function = matches!(value, Some(ast::Expr::Lambda(_)));
        into.push(Item {
            name: path.syntax().text().to_string(),
            kind: if is_function { ItemKind::Function } else { kind },
            place: range(entry.syntax()),
            name_place: range(path.syntax()),
            children,
        });
    }
}

fn applied(apply: &ast::Apply, into: &mut Vec<Item>) {
    let mut children = Vec::new();
    let (function, arguments) = call(apply);
    function.iter().chain(&arguments).for_each(|part| expression(part, false, &mut children));
    let place = range(apply.syntax());
    match function.as_ref().and_then(|function| jail(function, &arguments)) {
        Some((name, name_place)) => {
            into.push(Item { name, kind: ItemKind::Jail, place, name_place, children });
        }
        None => into.append(&mut children),
    }
}

/// The name of the jail that a call makes, if it makes one.
fn jail(function: &ast::Expr, arguments: &[ast::Expr]) -> Option<(String, Range<usize>)> {
    let called = path_of(function)?.pop()?;
    let argument = arguments.first()?;
    if called == JAIL {
        return named(argument).or_else(|| Some((called, range(function.syntax()))));
    }
    let builder = builder(&called)?;
    let ast::Expr::AttrSet(set) = argument else { return Some(by_default(builder, function)) };
    let mut given = set.attrpath_values().filter(|entry| {
        let mut path = entry.attrpath().into_iter().flat_map(|path| path.attrs());
        path.next().and_then(|first| attr_name(&first)).as_deref() == Some("name")
    });
    let name = given.next().and_then(|entry| named(&entry.value()?));
    Some(name.unwrap_or_else(|| by_default(builder, function)))
}

fn by_default(builder: &Builder, function: &ast::Expr) -> (String, Range<usize>) {
    let name = builder.preset.map_or(builder.name, |preset| preset.command);
    (name.to_owned(), range(function.syntax()))
}

/// A literal name, or one with its interpolations as they are written.
fn named(expr: &ast::Expr) -> Option<(String, Range<usize>)> {
    let ast::Expr::Str(string) = expr else { return None };
    let text = plain(string).unwrap_or_else(|| string.syntax().text().to_string());
    // Entries without a name are of no use to an editor.
    (!text.is_empty()).then(|| (text, range(string.syntax())))
}
