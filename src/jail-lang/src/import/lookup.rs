//! Which binding a name of the file means.

use rnix::ast::{self, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::library::Inputs;
use crate::query::{attr_name, ident_name};

/// The names of a file.
pub(super) struct Names {
    /// Its inputs, where it is a flake.
    pub(super) inputs: Inputs,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// An entry of a `let` or of a recursive set.
    Value(Entry),
    /// An argument of this function.
    Argument(ast::Lambda),
    /// What a function's argument is as a whole: `args` in `{ a, ... }@args:` or `args:`.
    Whole(ast::Lambda),
}

/// An entry of a set of bindings.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// What stands in the file for it.
    pub(super) node: SyntaxNode,
    pub(super) value: Value,
}

/// The value of an entry.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `name = value;`.
    Expr(ast::Expr),
    /// `inherit (set) name;`.
    From(ast::Expr),
    /// `name.a.b = value;`.
    Parts,
}

impl Names {
    pub(super) fn of(root: &ast::Expr) -> Self {
        Self { inputs: Inputs::of(root) }
    }
}

/// What `name` means at `node`; `None` where nothing around it binds it.
pub(super) fn resolve(name: &str, node: &SyntaxNode) -> Option<Bound> {
    let mut inner = node.clone();
    for node in node.ancestors().skip(1) {
        let found = match node.kind() {
            SyntaxKind::NODE_LET_IN => {
                ast::LetIn::cast(node.clone()).and_then(|set| entry(&set, name, &inner))
            }
            SyntaxKind::NODE_LEGACY_LET => {
                ast::LegacyLet::cast(node.clone()).and_then(|set| entry(&set, name, &inner))
            }
            SyntaxKind::NODE_ATTR_SET => ast::AttrSet::cast(node.clone())
                .filter(|set| set.rec_token().is_some())
                .and_then(|set| entry(&set, name, &inner)),
            SyntaxKind::NODE_LAMBDA => {
                ast::Lambda::cast(node.clone()).and_then(|lambda| argument(lambda, name))
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
        inner = node;
    }
    None
}

/// The namespaces of the `with`s around a node, innermost first.
pub(super) fn withs(node: &SyntaxNode) -> Vec<ast::Expr> {
    let mut inner = node.clone();
    let mut found = Vec::new();
    for node in node.ancestors().skip(1) {
        if let Some(with) = ast::With::cast(node.clone())
            && let Some(namespace) = with.namespace()
            && *namespace.syntax() != inner
        {
            found.push(namespace);
        }
        inner = node;
    }
    found
}

fn entry(set: &impl HasEntry, name: &str, from: &SyntaxNode) -> Option<Bound> {
    for entry in set.attrpath_values() {
        let Some(path) = entry.attrpath() else { continue };
        let mut attrs = path.attrs();
        if attrs.next().and_then(|attr| attr_name(&attr)).as_deref() != Some(name) {
            continue;
        }
        let node = entry.syntax().clone();
        let value = match (attrs.next(), entry.value()) {
            (None, Some(value)) => Value::Expr(value),
            (Some(_), _) | (None, None) => Value::Parts,
        };
        return Some(Bound::Value(Entry { name: name.into(), node, value }));
    }
    for inherit in set.inherits() {
        let named = inherit.attrs().any(|attr| attr_name(&attr).as_deref() == Some(name));
        if !named {
            continue;
        }
        let node = inherit.syntax().clone();
        return match inherit.from() {
            Some(from) => {
                let value = Value::From(from.expr()?);
                Some(Bound::Value(Entry { name: name.into(), node, value }))
            }
            // `inherit name;` binds what the name means around the set. From inside of that very line too.
            None if *from == node => None,
            None => inherit.syntax().parent().and_then(|set| resolve(name, &set)),
        };
    }
    None
}

fn argument(lambda: ast::Lambda, name: &str) -> Option<Bound> {
    let is = |ident: Option<ast::Ident>| ident.is_some_and(|ident| ident_name(&ident) == name);
    match lambda.param()? {
        ast::Param::IdentParam(param) => is(param.ident()).then_some(Bound::Whole(lambda)),
        ast::Param::Pattern(pattern) => {
            if pattern.pat_entries().any(|entry| is(entry.ident())) {
                Some(Bound::Argument(lambda))
            } else {
                let whole = pattern.pat_bind().is_some_and(|bind| is(bind.ident()));
                whole.then_some(Bound::Whole(lambda))
            }
        }
    }
}

/// The value of an attribute that is set by its own name.
pub(super) fn attribute(set: &ast::AttrSet, name: &str) -> Option<ast::Expr> {
    let named = |entry: &ast::AttrpathValue| {
        let names: Vec<_> = entry
            .attrpath()
            .iter()
            .flat_map(|path| path.attrs())
            .map(|it| attr_name(&it))
            .collect();
        names.as_slice() == [Some(name.to_owned())]
    };
    set.attrpath_values().find(named)?.value()
}

/// An expression without the parentheses around it.
pub(super) fn unwrapped(expr: &ast::Expr) -> ast::Expr {
    match expr {
        ast::Expr::Paren(paren) => {
            paren.expr().map_or_else(|| expr.clone(), |inner| unwrapped(&inner))
        }
        other => other.clone(),
    }
}
