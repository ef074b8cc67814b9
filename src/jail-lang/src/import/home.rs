//! The home folder: what a configuration calls it, and the strings that it stands in.
//!
//! A flake writes the folder out when it is built. A spec has `~`, which the launch expands
//! in what `noescape` marks.

use jail_registry::names;
use rnix::ast;
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::class::{Class, last_name};
use super::lookup::{Bound, Names, Value, resolve};
use crate::query::{attr_name, ident_name};

/// How many bindings are followed.
const STEPS_MAX: u32 = 16;

/// The folder that an attribute of a configuration names:
/// `config.home.homeDirectory`, `config.users.users.me.home`.
pub(super) fn attribute(path: &[String]) -> Option<&'static str> {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        [.., "home", "homeDirectory"] | [.., "users", "users", _, "home"] => Some("~"),
        [.., "xdg", "configHome"] => Some("~/.config"),
        [.., "xdg", "dataHome"] => Some("~/.local/share"),
        [.., "xdg", "stateHome"] => Some("~/.local/state"),
        [.., "xdg", "cacheHome"] => Some("~/.cache"),
        _ => None,
    }
}

impl Names {
    /// Whether a text starts with the home folder, or contains it elsewhere.
    pub(super) fn has_home(&self, expr: &ast::Expr) -> bool {
        self.has_home_within(expr, STEPS_MAX)
    }

    fn has_home_within(&self, expr: &ast::Expr, steps: u32) -> bool {
        let Some(steps) = steps.checked_sub(1) else { return false };
        match expr {
            ast::Expr::Paren(paren) => {
                paren.expr().is_some_and(|inner| self.has_home_within(&inner, steps))
            }
            ast::Expr::Str(string) => {
                let parts = string.syntax().children().filter_map(ast::Interpol::cast);
                parts.filter_map(|part| part.expr()).any(|part| self.has_home_within(&part, steps))
            }
            ast::Expr::BinOp(both) if both.operator() == Some(ast::BinOpKind::Add) => {
                let operands = both.lhs().into_iter().chain(both.rhs());
                operands.into_iter().any(|operand| self.has_home_within(&operand, steps))
            }
            ast::Expr::Ident(ident) => match resolve(&ident_name(ident), ident.syntax()) {
                Some(Bound::Value(entry)) => match entry.value {
                    Value::Expr(value) => self.has_home_within(&value, steps),
                    Value::From(_) | Value::Parts => self.is_home(expr),
                },
                Some(Bound::Argument(_) | Bound::Whole(_)) | None => false,
            },
            ast::Expr::Select(_) | ast::Expr::Apply(_) => self.is_home(expr),
            _ => false,
        }
    }

    fn is_home(&self, expr: &ast::Expr) -> bool {
        matches!(self.class(expr), Class::Home(_))
    }
}

/// How the home folder must be written at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// In `noescape`.
    Marked,
    /// Unchanged: what it is bound to or passed to marks it, or expands it anyway.
    Plain,
    /// In the text of a shell, which expands `$HOME`.
    Shell,
}

/// What expands its argument itself.
const SHELLS: [&str; 4] =
    [names::ADD_RUNTIME, names::ADD_CLEANUP, names::UNSAFE_ADD_RAW_ARGS, names::WRAP_ENTRY];

/// The arguments of builders whose texts are expanded.
const EXPANDED: [&str; 8] = [
    "configDirs",
    "configPaths",
    "extraReadonlyDirs",
    "extraReadwriteDirs",
    "roDirs",
    "roFiles",
    "rwDirs",
    "rwFiles",
];

/// How the home folder must be written in a text at `node`.
pub(super) fn standing(node: &SyntaxNode) -> Standing {
    let mut inner = node.clone();
    let mut is_whole = true;
    for around in node.ancestors().skip(1) {
        match around.kind() {
            SyntaxKind::NODE_PAREN => {}
            SyntaxKind::NODE_INTERPOL | SyntaxKind::NODE_BIN_OP if is_whole => {
                return Standing::Plain;
            }
            SyntaxKind::NODE_ATTRPATH_VALUE => return in_binding(&around, is_whole),
            SyntaxKind::NODE_APPLY => {
                if let Some(standing) = in_call(&around, &inner) {
                    return standing;
                }
                is_whole = false;
            }
            SyntaxKind::NODE_LAMBDA | SyntaxKind::NODE_LET_IN => return Standing::Marked,
            _ => is_whole = false,
        }
        inner = around;
    }
    Standing::Marked
}

fn in_binding(entry: &SyntaxNode, is_whole: bool) -> Standing {
    let names = ast::AttrpathValue::cast(entry.clone()).and_then(|entry| entry.attrpath());
    let name = names.and_then(|path| path.attrs().last()).and_then(|attr| attr_name(&attr));
    let is_let = entry.parent().is_some_and(|set| {
        matches!(set.kind(), SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_LEGACY_LET)
    });
    let expands = name.is_some_and(|name| EXPANDED.contains(&name.as_str()));
    if expands || is_let && is_whole { Standing::Plain } else { Standing::Marked }
}

fn in_call(apply: &SyntaxNode, argument: &SyntaxNode) -> Option<Standing> {
    let apply = ast::Apply::cast(apply.clone())?;
    if apply.argument()?.syntax() != argument {
        return None;
    }
    let (function, _) = crate::query::call(&apply);
    let function = function?;
    let is_of_packages = crate::query::path_of(&function)
        .is_some_and(|path| path.first().is_some_and(|it| it == "pkgs"));
    match last_name(&function)?.as_str() {
        names::NOESCAPE | names::ESCAPE => Some(Standing::Plain),
        name if SHELLS.contains(&name) || is_of_packages || name.starts_with("writeShell") => {
            Some(Standing::Shell)
        }
        _ => None,
    }
}

/// The parts of a string.
pub(super) enum StringPart {
    /// Characters as they are written, with the quotes.
    Written(String),
    /// An interpolation.
    Code(SyntaxNode),
}

pub(super) fn parts(string: &SyntaxNode) -> Vec<StringPart> {
    let part = |child: rnix::NodeOrToken<SyntaxNode, rnix::SyntaxToken>| match child {
        NodeOrToken::Node(node) => StringPart::Code(node),
        NodeOrToken::Token(token) => StringPart::Written(token.text().to_owned()),
    };
    string.children_with_tokens().map(part).collect()
}
