//! Holes: what only the surroundings of a file know. The spec names each, and an evaluation
//! that needs one reports it.

use jail_registry::nix_text::quoted;
use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::{Kept, Rewriter, range};
use crate::import::left_out;
use crate::import::lookup::{Bound, resolve};
use crate::query::ident_name;

/// The function that stands for what is not known.
pub(in crate::import) const HOLE: &str = "hole";

/// The longest name of a hole, in characters.
const NAME_MAX: usize = 80;

impl Rewriter<'_> {
    /// An expression that only the surroundings of the file know.
    pub(super) fn free(&mut self, expr: &ast::Expr, lambda: Option<&ast::Lambda>, kept: &mut Kept) {
        let node = expr.syntax();
        if let ast::Expr::Ident(ident) = expr {
            let name = ident_name(ident);
            match resolve(&name, node) {
                Some(Bound::Value(_)) => return self.variable(&name, node, kept),
                // No call in the file passes it, so it has its default.
                Some(Bound::Argument(_)) => {
                    if let Some(default) = lambda.and_then(|it| default_of(it, &name)) {
                        let text = self.part(default.syntax(), kept);
                        kept.text.push_str(&format!("({text})"));
                        return;
                    }
                }
                Some(Bound::Whole(_)) | None => {}
            }
        }
        self.hole(node, kept);
    }

    /// A hole in place of `node`.
    pub(super) fn hole(&mut self, node: &SyntaxNode, kept: &mut Kept) {
        self.named_hole(&node.text().to_string(), node, kept);
    }

    /// A hole for what the file calls `what`.
    pub(super) fn named_hole(&mut self, what: &str, node: &SyntaxNode, kept: &mut Kept) {
        let name = one_line(what);
        let written = format!("({HOLE} {})", quoted(&name));
        if !self.needs.holes.contains_key(&name) {
            let message = format!("`{name}` becomes a hole in the spec");
            let fault = left_out(self.file, node, message)
                .label("only the surroundings of this file know it")
                .help(format!("write its value in the place of `{written}`"));
            self.faults.push(fault);
            self.needs.holes.insert(name, range(node).start);
        }
        kept.text.push_str(&written);
    }
}

/// The default of an argument.
pub(in crate::import) fn default_of(lambda: &ast::Lambda, name: &str) -> Option<ast::Expr> {
    let ast::Param::Pattern(pattern) = lambda.param()? else { return None };
    let is = |entry: &ast::PatEntry| entry.ident().is_some_and(|it| ident_name(&it) == name);
    pattern.pat_entries().find(is)?.default()
}

/// An expression on one line, shortened if it is long.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(NAME_MAX) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or(&line)),
        None => line,
    }
}
