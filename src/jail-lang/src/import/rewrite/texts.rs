//! Texts with the home folder in them.

use rnix::ast;
use rnix::{SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::{Kept, Rewriter};
use crate::import::class::Class;
use crate::import::home::{Standing, StringPart, parts, standing};

impl Rewriter<'_> {
    /// Writes an expression that contains the home folder. Returns whether it did.
    pub(super) fn home(&mut self, expr: &ast::Expr, kept: &mut Kept) -> bool {
        let is_text = matches!(
            expr,
            ast::Expr::Str(_)
                | ast::Expr::BinOp(_)
                | ast::Expr::Ident(_)
                | ast::Expr::Select(_)
                | ast::Expr::Apply(_)
        );
        if !is_text || !self.names.has_home(expr) {
            return false;
        }
        let standing = standing(expr.syntax());
        let is_marked = standing == Standing::Marked;
        kept.text.push_str(if is_marked { "(noescape " } else { "" });
        self.home_text(expr, standing, kept);
        kept.text.push_str(if is_marked { ")" } else { "" });
        true
    }

    fn home_text(&mut self, expr: &ast::Expr, standing: Standing, kept: &mut Kept) {
        if let Class::Home(folder) = self.names.class(expr) {
            kept.text.push_str(&format!("\"{}\"", written(folder, standing == Standing::Shell)));
            return;
        }
        match expr {
            ast::Expr::Str(string) => self.home_string(string.syntax(), standing, kept),
            ast::Expr::Ident(ident) => {
                self.variable(&crate::query::ident_name(ident), ident.syntax(), kept);
            }
            other if standing == Standing::Marked => {
                kept.text.push('(');
                self.children(other.syntax(), kept);
                kept.text.push(')');
            }
            other => self.children(other.syntax(), kept),
        }
    }

    fn home_string(&mut self, string: &SyntaxNode, standing: Standing, kept: &mut Kept) {
        let mut is_start = standing != Standing::Shell;
        for part in parts(string) {
            match part {
                StringPart::Written(text) => {
                    is_start &= matches!(text.as_str(), "\"" | "''");
                    kept.text.push_str(&text);
                }
                StringPart::Code(node) => {
                    let inner = ast::Interpol::cast(node.clone()).and_then(|part| part.expr());
                    match inner.map(|inner| self.names.class(&inner)) {
                        Some(Class::Home(folder)) => {
                            kept.text.push_str(&written(folder, !is_start));
                        }
                        _ => self.node(&node, kept),
                    }
                    is_start = false;
                }
            }
        }
        debug_assert_eq!(string.kind(), SyntaxKind::NODE_STRING);
    }
}

/// A folder in the home folder: `~` is expanded only at the start of a text.
fn written(folder: &str, within: bool) -> String {
    match folder.strip_prefix('~').filter(|_| within) {
        Some(rest) => format!("$HOME{rest}"),
        None => folder.to_owned(),
    }
}
