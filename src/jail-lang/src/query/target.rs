//! What is at a place, and where it is defined.

use std::ops::Range;

use rnix::SyntaxKind;
use rnix::ast::{self, HasEntry as _};
use rnix::{SyntaxNode, SyntaxToken};
use rowan::ast::AstNode as _;

use super::{Tree, attr_name, callee, path_of, range};

/// A word of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Where it stands.
    pub place: Range<usize>,
}

/// What a word is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// The name of a variable, where it is used.
    Variable {
        /// The name that identifies it.
        name: String,
        /// Whether the file itself binds it.
        is_bound: bool,
    },
    /// The `name` of `base.name`.
    Attribute {
        /// The names before it: `pkgs` of `pkgs.git`.
        base: Vec<String>,
        /// The range of the name.
        name: String,
    },
    /// The name of an argument in the set that a function is called with.
    Argument {
        /// The function's name.
        function: String,
        /// The argument's name.
        name: String,
    },
    /// A path relative to the file, as it is written.
    Path(String),
}

impl Tree {
    /// The word at a byte.
    #[must_use]
    pub fn target(&self, offset: usize) -> Option<Target> {
        let token = self.token(offset)?;
        let node = token.parent()?;
        match node.kind() {
            SyntaxKind::NODE_IDENT => self.ident(&node, offset),
            SyntaxKind::NODE_PATH_REL => {
                let text = node.text().to_string();
                let kind = (!text.contains("${")).then_some(TargetKind::Path(text))?;
                Some(Target { kind, place: range(&node) })
            }
            _ => None,
        }
    }

    fn ident(&self, node: &SyntaxNode, offset: usize) -> Option<Target> {
        let name = node.text().to_string();
        let place = range(node);
        let attribute = node.parent().and_then(ast::Attrpath::cast);
        let kind = match attribute {
            Some(path) => attribute_kind(&path, name, &place)?,
            None => {
                let is_bound = self.binding(&name, offset).is_some();
                TargetKind::Variable { name, is_bound }
            }
        };
        Some(Target { kind, place })
    }

    /// The names that may follow `base.` at a byte, where `base` is bound to a literal set.
    #[must_use]
    pub fn attributes(&self, base: &[String], offset: usize) -> Vec<String> {
        let names = || {
            let (variable, rest) = base.split_first()?;
            let value = self.binding(variable, offset)?.value?;
            let set = set_at(self.expression(&value)?, rest)?;
            let given = set.attrpath_values().filter_map(|entry| entry.attrpath()?.attrs().next());
            let inherited = set.inherits().flat_map(|inherit| inherit.attrs());
            Some(given.chain(inherited).filter_map(|attr| attr_name(&attr)).collect())
        };
        names().unwrap_or_default()
    }

    /// The names in the pattern of a function, where the text binds the
    /// function to a lambda with one.
    #[must_use]
    pub fn parameters(&self, function: &str, offset: usize) -> Vec<String> {
        let pattern = || {
            let value = self.binding(function, offset)?.value?;
            self.pattern_at(&value)
        };
        let idents = pattern().into_iter().flat_map(|pattern| pattern.pat_entries());
        idents.filter_map(|entry| Some(entry.ident()?.syntax().text().to_string())).collect()
    }

    pub(super) fn pattern_at(&self, place: &Range<usize>) -> Option<ast::Pattern> {
        let ast::Expr::Lambda(lambda) = self.expression(place)? else { return None };
        match lambda.param()? {
            ast::Param::Pattern(pattern) => Some(pattern),
            ast::Param::IdentParam(_) => None,
        }
    }

    pub(super) fn expression(&self, place: &Range<usize>) -> Option<ast::Expr> {
        let token = self.inside(place)?;
        let mut around = token.parent_ancestors();
        around
            .find(|node| range(node) == *place && ast::Expr::can_cast(node.kind()))
            .and_then(ast::Expr::cast)
    }

    fn inside(&self, place: &Range<usize>) -> Option<SyntaxToken> {
        let start = u32::try_from(place.start).ok()?;
        self.root.token_at_offset(start.into()).right_biased()
    }
}

/// The set that `path` leads to in a literal set.
fn set_at(expr: ast::Expr, path: &[String]) -> Option<ast::AttrSet> {
    let ast::Expr::AttrSet(set) = expr else { return None };
    let Some((first, rest)) = path.split_first() else { return Some(set) };
    let is_it = |entry: &ast::AttrpathValue| {
        let mut attrs = entry.attrpath().into_iter().flat_map(|path| path.attrs());
        let name = attrs.next().and_then(|attr| attr_name(&attr));
        name.as_ref() == Some(first) && attrs.next().is_none()
    };
    set_at(set.attrpath_values().find(is_it)?.value()?, rest)
}

fn attribute_kind(path: &ast::Attrpath, name: String, place: &Range<usize>) -> Option<TargetKind> {
    let parent = path.syntax().parent()?;
    if let Some(select) = ast::Select::cast(parent.clone()) {
        let mut base = path_of(&select.expr()?)?;
        let before = path.attrs().take_while(|attr| range(attr.syntax()) != *place);
        for attr in before {
            base.push(attr_name(&attr)?);
        }
        return Some(TargetKind::Attribute { base, name });
    }
    let entry = ast::AttrpathValue::cast(parent)?;
    let first = path.attrs().next()?;
    if range(first.syntax()) != *place {
        return None;
    }
    let around = entry.syntax().parent()?;
    match given_to(&around) {
        Some(function) => Some(TargetKind::Argument { function, name }),
        // The name of a binding represents the binding.
        None if is_scope(&around) => Some(TargetKind::Variable { name, is_bound: true }),
        None => None,
    }
}

fn is_scope(node: &SyntaxNode) -> bool {
    let is_rec = |set: ast::AttrSet| set.rec_token().is_some();
    matches!(node.kind(), SyntaxKind::NODE_LET_IN | SyntaxKind::NODE_LEGACY_LET)
        || ast::AttrSet::cast(node.clone()).is_some_and(is_rec)
}

/// The function that a set is an argument of, through parentheses and `//`.
fn given_to(set: &SyntaxNode) -> Option<String> {
    let mut node = ast::AttrSet::cast(set.clone())?.syntax().clone();
    loop {
        let parent = node.parent()?;
        match parent.kind() {
            SyntaxKind::NODE_PAREN | SyntaxKind::NODE_BIN_OP => node = parent,
            SyntaxKind::NODE_APPLY => return callee(&ast::Apply::cast(parent)?),
            _ => return None,
        }
    }
}
