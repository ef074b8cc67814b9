//! Which binding a name of the file means.

use rnix::ast::{self, HasEntry};
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::extension::extensions;
use super::library::Inputs;
use crate::query::{attr_name, ident_name, path_of};

/// The names of a file.
pub(super) struct Names {
    /// Its inputs, if it is a flake.
    pub(super) inputs: Inputs,
    /// Whether it adds combinators of its own.
    pub(super) has_combinators: bool,
    /// Whether it sets permissions that all its jails start with.
    pub(super) has_base: bool,
    /// Where the set with the combinators starts, and the one with the permissions.
    pub(super) combinators_at: Option<usize>,
    pub(super) base_at: Option<usize>,
}

/// What a name is bound to.
#[derive(Clone, Debug)]
pub(super) enum Bound {
    /// An entry of a `let` or of a recursive set.
    Value(Entry),
    /// An argument of this function.
    Argument(ast::Lambda),
    /// The whole argument of a function: `args` in `{ a, ... }@args:` or `args:`.
    Whole(ast::Lambda),
}

/// An entry of a set of bindings.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The node of the file that binds it.
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
    pub(super) fn from_root(root: &ast::Expr) -> Self {
        let sets = |name| {
            let entries = root.syntax().descendants().filter_map(ast::AttrpathValue::cast);
            entries
                .filter_map(|entry| entry.attrpath()?.attrs().last())
                .any(|last: ast::Attr| attr_name(&last).as_deref() == Some(name))
        };
        let first = |name| {
            let set = extensions(root).find(|set| attribute(set, name).is_some())?;
            Some(crate::query::range(set.syntax()).start)
        };
        Self {
            inputs: Inputs::from_root(root),
            has_combinators: sets(COMBINATORS),
            has_base: sets(BASE),
            combinators_at: first(COMBINATORS),
            base_at: first(BASE),
        }
    }
}

/// The argument of `extend` with further combinators.
pub(super) const COMBINATORS: &str = "additionalCombinators";

/// The argument of `extend` with the permissions that all jails start with.
pub(super) const BASE: &str = "basePermissions";

/// The binding of `name` at `node`. `None` where nothing around it binds the name.
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
            // `inherit name;` refers to the binding around the set, also from
            // inside of that very line.
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
                let given = called_with(&lambda).and_then(|call| given(&call.set, name));
                Some(given.unwrap_or(Bound::Argument(lambda)))
            } else {
                let whole = pattern.pat_bind().is_some_and(|bind| is(bind.ident()));
                whole.then_some(Bound::Whole(lambda))
            }
        }
    }
}

/// The call of a function in place: `({ a }: …) { a = 1; }`, as with an imported file.
pub(super) struct DirectCall {
    /// The arguments of the call.
    pub(super) set: ast::AttrSet,
    /// Whether `callPackage` calls it, which passes packages for what the set does not have.
    pub(super) is_package: bool,
}

/// The call of a function in place, if there is one.
pub(super) fn called_with(lambda: &ast::Lambda) -> Option<DirectCall> {
    let around = |node: &SyntaxNode| {
        node.ancestors().skip(1).find(|node| node.kind() != SyntaxKind::NODE_PAREN)
    };
    let outer = ast::Apply::cast(around(lambda.syntax())?)?;
    let is_lambda = |expr: Option<ast::Expr>| {
        expr.is_some_and(|expr| unwrapped(&expr).syntax() == lambda.syntax())
    };
    let set = |apply: &ast::Apply| match unwrapped(&apply.argument()?) {
        ast::Expr::AttrSet(set) => Some(set),
        _ => None,
    };
    if is_lambda(outer.lambda()) {
        return Some(DirectCall { set: set(&outer)?, is_package: false });
    }
    let caller = path_of(&outer.lambda()?)?.pop()?;
    if !is_lambda(outer.argument()) || !caller.starts_with("callPackage") {
        return None;
    }
    let call = ast::Apply::cast(around(outer.syntax())?)?;
    Some(DirectCall { set: set(&call)?, is_package: true })
}

/// The value that a set gives for an argument.
fn given(set: &ast::AttrSet, name: &str) -> Option<Bound> {
    if attribute(set, name).is_some() {
        return entry(set, name, set.syntax());
    }
    let inherits = |inherit: &ast::Inherit| {
        inherit.attrs().any(|attr| attr_name(&attr).as_deref() == Some(name))
    };
    let inherit = set.inherits().find(inherits)?;
    match inherit.from() {
        Some(_) => entry(set, name, set.syntax()),
        None => resolve(name, set.syntax()),
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
