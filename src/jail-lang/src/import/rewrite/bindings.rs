//! Bindings: those that are copied, and those that a spec has anyway.

use rnix::ast::{self, HasEntry as _};
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::{Kept, Rewriter, contains};
use crate::import::class::Class;
use crate::import::lookup::{Bound, Entry, Value, resolve};
use crate::query::attr_name;

impl Rewriter<'_> {
    /// Whether an entry of a `let` binds a name to what the spec calls by that name anyway:
    /// `jail = jail;` would refer to itself.
    pub(super) fn is_needless(&self, node: &SyntaxNode) -> bool {
        let Some(entry) = ast::AttrpathValue::cast(node.clone()) else { return false };
        let (Some(path), Some(value)) = (entry.attrpath(), entry.value()) else { return false };
        let mut attrs = path.attrs();
        let (Some(first), None) = (attrs.next(), attrs.next()) else { return false };
        let Class::Counterpart(counterpart) = self.names.class(&value) else { return false };
        binds_itself(node) && attr_name(&first).as_deref() == Some(counterpart.text.as_str())
    }

    /// Writes the body of a `let` that binds only what a spec has anyway. Returns whether it did.
    pub(super) fn is_emptied(&mut self, expr: &ast::Expr, kept: &mut Kept) -> bool {
        let ast::Expr::LetIn(set) = expr else { return false };
        let is_empty = set.inherits().next().is_none()
            && set.attrpath_values().all(|entry| self.is_needless(entry.syntax()));
        let Some(body) = set.body().filter(|_| is_empty) else { return false };
        self.node(body.syntax(), kept);
        true
    }

    /// `inherit a b;`: a name that is another one in a spec becomes `a = …;`.
    pub(super) fn inherit(&mut self, inherit: &ast::Inherit, kept: &mut Kept) {
        let mut plain = Vec::new();
        for name in inherit.attrs().filter_map(|attr| attr_name(&attr)) {
            let text = match inherit.from().and_then(|from| from.expr()) {
                Some(from) => self.inherited_from(&name, &from, inherit.syntax(), kept),
                None => self.inherited(&name, inherit, kept),
            };
            match text {
                Some(text) if text == name && binds_itself(inherit.syntax()) => {}
                Some(text) if text == name && inherit.from().is_none() => plain.push(name),
                Some(text) => kept.text.push_str(&format!("{name} = {text}; ")),
                None => plain.push(name),
            }
        }
        if plain.is_empty() {
            return;
        }
        let from = match inherit.from().and_then(|from| from.expr()) {
            Some(from) => format!(" ({})", self.part(from.syntax(), kept)),
            None => String::new(),
        };
        kept.text.push_str(&format!("inherit{from} {};", plain.join(" ")));
    }

    /// The counterpart of a name that a set gives. `None` where it stays an attribute of the set.
    fn inherited_from(
        &mut self,
        name: &str,
        from: &ast::Expr,
        node: &SyntaxNode,
        kept: &mut Kept,
    ) -> Option<String> {
        let mut part = Kept { range: kept.range.clone(), text: String::new(), is_open: false };
        match self.names.inherited(name, from) {
            Class::Counterpart(counterpart) => self.counterpart(&counterpart, &mut part),
            Class::Free(lambda) if self.is_outside(lambda.as_ref(), kept) => {
                let what = format!("{}.{name}", from.syntax().text());
                self.named_hole(&what, node, &mut part);
            }
            _ => return None,
        }
        Some(part.text)
    }

    fn inherited(&mut self, name: &str, inherit: &ast::Inherit, kept: &mut Kept) -> Option<String> {
        let around = inherit.syntax().parent()?;
        let mut part = Kept { range: kept.range.clone(), text: String::new(), is_open: false };
        match self.names.class_of_name(name, &around) {
            Class::Counterpart(counterpart) => self.counterpart(&counterpart, &mut part),
            // A library that is passed on: all that is called with it has a
            // name of its own in a spec.
            Class::Input(_, path) if path.is_empty() => part.text.push_str("null"),
            Class::Free(lambda) if self.is_free_argument(name, &around, lambda.as_ref(), kept) => {
                self.named_hole(name, inherit.syntax(), &mut part);
            }
            _ => self.variable(name, &around, &mut part),
        }
        kept.is_open |= part.is_open;
        Some(part.text)
    }

    fn is_free_argument(
        &self,
        name: &str,
        node: &SyntaxNode,
        lambda: Option<&ast::Lambda>,
        kept: &Kept,
    ) -> bool {
        !matches!(resolve(name, node), Some(Bound::Value(_))) && self.is_outside(lambda, kept)
    }

    pub(super) fn binding(&mut self, entry: &Entry) -> String {
        let name = &entry.name;
        match &entry.value {
            Value::Expr(value) => format!("{name} = {};", self.keep(value)),
            Value::From(set) => {
                let range = crate::query::range(&entry.node);
                let mut kept = Kept { range, text: String::new(), is_open: false };
                match self.inherited_from(name, set, &entry.node, &mut kept) {
                    Some(text) => format!("{name} = {text};"),
                    None => format!("inherit ({}) {name};", self.keep(set)),
                }
            }
            Value::Parts => {
                let siblings = entry.node.parent().into_iter().flat_map(|set| set.children());
                let parts = siblings.filter(|node| first_name(node).as_ref() == Some(name));
                let parts: Vec<_> = parts.collect();
                parts.iter().map(|part| self.kept(part).text + "\n").collect()
            }
        }
    }

    /// Whether a function is outside what is kept: its arguments are not known there.
    pub(super) fn is_outside(&self, lambda: Option<&ast::Lambda>, kept: &Kept) -> bool {
        lambda.is_none_or(|lambda| !contains(&kept.range, lambda.syntax()))
    }
}

/// Whether the entries of the set around an entry can refer to one another.
fn binds_itself(entry: &SyntaxNode) -> bool {
    entry.parent().is_some_and(|set| match set.kind() {
        SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_LEGACY_LET => true,
        _ => ast::AttrSet::cast(set).is_some_and(|set| set.rec_token().is_some()),
    })
}

fn first_name(node: &SyntaxNode) -> Option<String> {
    let path = ast::AttrpathValue::cast(node.clone())?.attrpath()?;
    attr_name(&path.attrs().next()?)
}

/// The comments directly above a node.
pub(super) fn comments_before(node: &SyntaxNode) -> String {
    let mut lines = Vec::new();
    let mut token = node.prev_sibling_or_token();
    while let Some(NodeOrToken::Token(found)) = token {
        match found.kind() {
            SyntaxKind::TOKEN_COMMENT => lines.push(format!("{}\n", found.text())),
            SyntaxKind::TOKEN_WHITESPACE if found.text().matches('\n').count() < 2 => {}
            _ => break,
        }
        token = found.prev_sibling_or_token();
    }
    lines.reverse();
    lines.concat()
}
