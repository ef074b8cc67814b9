//! The names that are bound around a place.

use std::ops::Range;

use rnix::ast::{self, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::{Tree, attr_name, ident_name, range};

/// The names that are visible at a place, besides those around every file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Innermost first. An outer binding that an inner one hides is included.
    pub bindings: Vec<Binding>,
    /// The sets of the `with`s around the place, innermost first, as they are written.
    pub withs: Vec<String>,
}

/// A name and where it is bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// The range of the name.
    pub name: String,
    /// Where the name stands.
    pub place: Range<usize>,
    /// What binds it.
    pub kind: BindingKind,
    /// Its value, or the default of an argument, as it is written.
    pub value: Option<Range<usize>>,
    /// The set that it is inherited from, where one is named.
    pub from: Option<Range<usize>>,
    /// Whether the value is a function.
    pub is_function: bool,
}

/// What binds a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindingKind {
    /// `let`, or `rec { }`.
    Let,
    /// `inherit name;` at this place: the name is that of an outer binding.
    Inherited,
    /// A function's argument.
    Argument,
}

impl Tree {
    /// What is in scope at a byte.
    #[must_use]
    pub fn scope(&self, offset: usize) -> Scope {
        let Some(token) = self.token(offset) else { return Scope::default() };
        let mut scope = Scope::default();
        for node in token.parent_ancestors() {
            add(&node, offset, &mut scope);
        }
        scope
    }

    /// The binding that a variable at a byte refers to. `inherit` is followed to
    /// where the value is given.
    pub(super) fn binding(&self, name: &str, offset: usize) -> Option<Binding> {
        let mut bindings = self.scope(offset).bindings.into_iter().filter(|it| it.name == name);
        let mut last = None;
        for binding in bindings.by_ref() {
            let is_final = binding.kind != BindingKind::Inherited;
            last = Some(binding);
            if is_final {
                break;
            }
        }
        last
    }
}

fn add(node: &SyntaxNode, offset: usize, scope: &mut Scope) {
    match node.kind() {
        SyntaxKind::NODE_LET_IN => {
            ast::LetIn::cast(node.clone()).iter().for_each(|set| entries(set, scope));
        }
        SyntaxKind::NODE_LEGACY_LET => {
            ast::LegacyLet::cast(node.clone()).iter().for_each(|set| entries(set, scope));
        }
        SyntaxKind::NODE_ATTR_SET => {
            let set = ast::AttrSet::cast(node.clone()).filter(|set| set.rec_token().is_some());
            set.iter().for_each(|set| entries(set, scope));
        }
        SyntaxKind::NODE_LAMBDA => {
            let param = ast::Lambda::cast(node.clone()).and_then(|lambda| lambda.param());
            param.iter().for_each(|param| arguments(param, scope));
        }
        SyntaxKind::NODE_WITH => {
            let namespace = ast::With::cast(node.clone()).and_then(|with| with.namespace());
            let before = |namespace: &ast::Expr| range(namespace.syntax()).end < offset;
            if let Some(namespace) = namespace.filter(before) {
                scope.withs.push(namespace.syntax().text().to_string());
            }
        }
        _ => {}
    }
}

fn entries(set: &impl HasEntry, scope: &mut Scope) {
    for entry in set.attrpath_values() {
        let Some(first) = entry.attrpath().and_then(|path| path.attrs().next()) else { continue };
        let Some(name) = attr_name(&first) else { continue };
        let value = entry.value();
        scope.bindings.push(Binding {
            name,
            place: range(first.syntax()),
            kind: BindingKind::Let,
            value: value.as_ref().map(|value| range(value.syntax())),
            from: None,
            is_function: matches!(value, Some(ast::Expr::Lambda(_))),
        });
    }
    for inherit in set.inherits() {
        let from = inherit.from().and_then(|from| from.expr());
        let from = from.map(|set| range(set.syntax()));
        let kind = if from.is_some() { BindingKind::Let } else { BindingKind::Inherited };
        for attr in inherit.attrs() {
            if let Some(name) = attr_name(&attr) {
                let place = range(attr.syntax());
                let from = from.clone();
                let binding = Binding { name, place, kind, value: None, from, is_function: false };
                scope.bindings.push(binding);
            }
        }
    }
}

fn arguments(param: &ast::Param, scope: &mut Scope) {
    let mut add = |ident: Option<ast::Ident>, default: Option<ast::Expr>| {
        let Some(ident) = ident else { return };
        scope.bindings.push(Binding {
            name: ident_name(&ident),
            place: range(ident.syntax()),
            kind: BindingKind::Argument,
            value: default.as_ref().map(|value| range(value.syntax())),
            from: None,
            is_function: matches!(default, Some(ast::Expr::Lambda(_))),
        });
    };
    match param {
        ast::Param::IdentParam(param) => add(param.ident(), None),
        ast::Param::Pattern(pattern) => {
            pattern.pat_entries().for_each(|entry| add(entry.ident(), entry.default()));
            add(pattern.pat_bind().and_then(|bind| bind.ident()), None);
        }
    }
}
