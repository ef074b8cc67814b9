//! What an editor asks of a text: what stands at a place, which names are in scope, an outline.
//!
//! The text may be broken: answers are then as good as the parser's recovery. Nothing is evaluated,
//! and everything that comes out is plain data with byte ranges.

mod cursor;
mod definition;
mod levels;
mod outline;
mod packages;
mod permissions;
mod scope;
mod target;

#[cfg(test)]
mod tests;

use std::ops::Range;

use jail_registry::Code;
use rnix::ast;
use rnix::{NodeOrToken, Root, SyntaxNode, SyntaxToken, TokenAtOffset};
use rowan::ast::AstNode as _;

use crate::eval::Names;
use crate::library;
use crate::sources::FILE_BYTES_MAX;
use crate::stack::if_large_stack;
use crate::syntax::{self, Globals as _};
use crate::vocabulary::Vocabulary;

pub use cursor::{Cursor, Slot, Step, completed, cursor, open_call};
pub use definition::Definition;
pub use outline::{Item, ItemKind};
pub use permissions::Permissions;
pub use scope::{Binding, BindingKind, Scope};
pub use target::{Target, TargetKind};

/// A text with its tree.
pub struct Tree {
    pub(crate) root: SyntaxNode,
}

/// Parses `text` and asks something of its tree. `None` when the text is beyond the bounds of the
/// language, or no thread can be had.
pub fn read<T: Send>(text: &str, ask: impl FnOnce(&Tree) -> T + Send) -> Option<T> {
    if text.len() as u64 > FILE_BYTES_MAX {
        return None;
    }
    let run = || {
        if let Err(fault) = syntax::check(text)
            && matches!(fault.code, Code::TooNested | Code::Encoding)
        {
            return None;
        }
        Some(ask(&Tree { root: Root::parse(text).syntax() }))
    };
    if_large_stack(run).flatten()
}

/// The names that stand around every spec: those of the registry, of the spec language and of Nix.
#[must_use]
pub fn globals() -> Vec<String> {
    let names = Names { vocabulary: Vocabulary::registry() };
    names.names().into_iter().map(str::to_owned).collect()
}

/// The names of `builtins` that a spec may use.
#[must_use]
pub fn builtins() -> Vec<&'static str> {
    let mut names: Vec<_> = crate::builtins::usable_names().collect();
    names.sort_unstable();
    names
}

/// The names of `lib` and how they are called; those of one of its groups alone have the
/// group's name before them.
pub fn library() -> impl Iterator<Item = (&'static str, String)> {
    library::names().map(|name| (name, library::form(name)))
}

impl Tree {
    /// The token at a byte. Where two tokens meet and the second is not a word, it is the first.
    fn token(&self, offset: usize) -> Option<SyntaxToken> {
        let end = usize::from(self.root.text_range().end());
        let offset = u32::try_from(offset.min(end)).ok()?;
        match self.root.token_at_offset(offset.into()) {
            TokenAtOffset::None => None,
            TokenAtOffset::Single(token) => Some(token),
            TokenAtOffset::Between(left, right) => {
                Some(if is_word(right.text()) && !is_word(left.text()) { right } else { left })
            }
        }
    }
}

impl Tree {
    /// The words of all comments, in their order. Layout does not change them.
    #[must_use]
    pub fn comments(&self) -> Vec<String> {
        let tokens = self.root.descendants_with_tokens().filter_map(NodeOrToken::into_token);
        let comments = tokens.filter(|token| token.kind() == rnix::SyntaxKind::TOKEN_COMMENT);
        let words = |token: SyntaxToken| {
            let text =
                token.text().trim_start_matches(['#', '/', '*']).trim_end_matches(['/', '*']);
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        comments.flat_map(words).collect()
    }
}

/// Whether a token is a name, a number or a path.
fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphanumeric() || c == '_')
        || token.len() > 1 && token.starts_with(['.', '/']) && !token.starts_with("...")
}

pub(crate) fn range(node: &SyntaxNode) -> Range<usize> {
    node.text_range().start().into()..node.text_range().end().into()
}

/// The name that an attribute has, when it is not computed.
pub(crate) fn attr_name(attr: &ast::Attr) -> Option<String> {
    match attr {
        ast::Attr::Ident(ident) => Some(ident_name(ident)),
        ast::Attr::Str(string) => plain(string),
        ast::Attr::Dynamic(_) => None,
    }
}

pub(crate) fn ident_name(ident: &ast::Ident) -> String {
    ident.syntax().text().to_string()
}

/// The text of a string without interpolations; its escapes are left as they are.
pub(crate) fn plain(string: &ast::Str) -> Option<String> {
    let mut text = String::new();
    for child in string.syntax().children_with_tokens() {
        match child {
            NodeOrToken::Node(_) => return None,
            NodeOrToken::Token(token) if token.kind() == rnix::SyntaxKind::TOKEN_STRING_CONTENT => {
                text.push_str(token.text());
            }
            NodeOrToken::Token(_) => {}
        }
    }
    Some(text)
}

/// `a.b.c` as its names, when it begins with a variable and nothing in it is computed.
pub(crate) fn path_of(expr: &ast::Expr) -> Option<Vec<String>> {
    match expr {
        ast::Expr::Ident(ident) => Some(vec![ident_name(ident)]),
        ast::Expr::Paren(paren) => path_of(&paren.expr()?),
        ast::Expr::Select(select) => {
            let mut path = path_of(&select.expr()?)?;
            for attr in select.attrpath()?.attrs() {
                path.push(attr_name(&attr)?);
            }
            Some(path)
        }
        _ => None,
    }
}

/// The function of `f a b`, and its arguments in order.
pub(crate) fn call(apply: &ast::Apply) -> (Option<ast::Expr>, Vec<ast::Expr>) {
    let mut arguments: Vec<_> = apply.argument().into_iter().collect();
    let mut function = apply.lambda();
    while let Some(ast::Expr::Apply(inner)) = &function {
        arguments.extend(inner.argument());
        function = inner.lambda();
    }
    arguments.reverse();
    (function, arguments)
}

/// The last name of the function that is called: `makeJailedCrush` of `jails.makeJailedCrush { }`.
pub(crate) fn callee(apply: &ast::Apply) -> Option<String> {
    path_of(&call(apply).0?)?.pop()
}
