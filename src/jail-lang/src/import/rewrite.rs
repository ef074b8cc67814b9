//! The text of an expression as it stands in a spec, and what else of the file it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jail_registry::{Diagnostic, FileId};
use rnix::ast;
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::class::Class;
use super::left_out;
use super::library::{Library, Ours};
use super::lookup::{Bound, Entry, Names, Value, resolve, unwrapped, withs};
use crate::query::{attr_name, globals, ident_name, range};

/// What the kept texts need.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Bindings by where they stand, with their texts once these are known.
    pub(super) bindings: BTreeMap<usize, (String, String)>,
    /// Inputs of the flake beside those that every spec has.
    pub(super) inputs: BTreeSet<String>,
    /// What a spec gets only as a function: `agents`, `inputs`, `system`.
    pub(super) arguments: BTreeSet<&'static str>,
}

/// Rewrites the expressions of one file.
pub(super) struct Rewriter<'a> {
    names: &'a Names,
    file: FileId,
    globals: BTreeSet<String>,
    pub(super) needs: Needs,
    pub(super) faults: Vec<Diagnostic>,
}

/// One kept text.
struct Kept {
    /// Where it stands in the file: names bound in there come along.
    range: Range<usize>,
    text: String,
    /// Whether it uses a name that only a `with` can give.
    is_open: bool,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(names: &'a Names, file: FileId) -> Self {
        let globals = globals().into_iter().collect();
        Self { names, file, globals, needs: Needs::default(), faults: Vec::new() }
    }

    /// The text of `expr`, with the `with`s around it that it needs.
    pub(super) fn keep(&mut self, expr: &ast::Expr) -> String {
        let expr = unwrapped(expr);
        let kept = self.kept(expr.syntax());
        if !kept.is_open {
            return kept.text;
        }
        // Innermost first, so that each goes in front of what is there.
        withs(expr.syntax()).iter().fold(kept.text, |text, namespace| {
            if matches!(self.names.class(namespace), Class::Input(..)) {
                return text;
            }
            format!("with {}; {text}", self.kept(namespace.syntax()).text)
        })
    }

    fn kept(&mut self, node: &SyntaxNode) -> Kept {
        let mut kept = Kept { range: range(node), text: String::new(), is_open: false };
        self.node(node, &mut kept);
        kept
    }

    fn node(&mut self, node: &SyntaxNode, kept: &mut Kept) {
        if let Some(inherit) = ast::Inherit::cast(node.clone()).filter(|it| it.from().is_none()) {
            self.inherit(&inherit, kept);
            return;
        }
        let is_attribute = node.parent().is_some_and(|parent| {
            matches!(parent.kind(), SyntaxKind::NODE_ATTRPATH | SyntaxKind::NODE_INHERIT)
        });
        match ast::Expr::cast(node.clone()).filter(|_| !is_attribute) {
            Some(expr) => self.expr(&expr, kept),
            None => self.children(node, kept),
        }
    }

    fn children(&mut self, node: &SyntaxNode, kept: &mut Kept) {
        for child in node.children_with_tokens() {
            match child {
                NodeOrToken::Node(node) => self.node(&node, kept),
                NodeOrToken::Token(token) => kept.text.push_str(token.text()),
            }
        }
    }

    fn expr(&mut self, expr: &ast::Expr, kept: &mut Kept) {
        let node = expr.syntax();
        let is_reference =
            matches!(expr, ast::Expr::Ident(_) | ast::Expr::Select(_) | ast::Expr::Apply(_));
        match self.names.class(expr) {
            Class::Ours(ours) if is_reference => self.ours(&ours, kept),
            Class::Input(library, _) if is_reference => self.input(&library, node, kept),
            _ => match expr {
                ast::Expr::Ident(ident) => self.variable(&ident_name(ident), node, kept),
                ast::Expr::Select(select) => self.select(select, kept),
                _ => self.children(node, kept),
            },
        }
    }

    fn ours(&mut self, ours: &Ours, kept: &mut Kept) {
        for name in ["agents", "system"] {
            if ours.text == name {
                self.needs.arguments.insert(name);
            }
        }
        kept.text.push_str(&ours.text);
    }

    /// A library of which a spec has no such part; other inputs are taken over.
    fn input(&mut self, library: &Library, node: &SyntaxNode, kept: &mut Kept) {
        if let Library::Other(name) = library {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(name.clone());
            self.children(node, kept);
            return;
        }
        let what = node.text().to_string();
        let fault = left_out(self.file, node, format!("a spec has nothing like `{}`", what.trim()));
        self.faults.push(match library {
            Library::Itself => fault.help("a spec knows nothing of the flake that it came from"),
            _ => fault.help("write out what it stands for"),
        });
    }

    /// The longest beginning of `a.b.c` that a spec has a name for is called so; the rest stays.
    fn select(&mut self, select: &ast::Select, kept: &mut Kept) {
        let attrs: Vec<_> = select.attrpath().iter().flat_map(|path| path.attrs()).collect();
        let classes = self.names.classes_along(select);
        if let Some(Class::Inputs) = classes.first()
            && let Some(name) = attrs.first().and_then(attr_name)
        {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(name);
        }
        let known = classes.iter().enumerate().skip(1).rev();
        let found = known.filter_map(|(index, class)| match class {
            Class::Ours(ours) => Some((index, ours)),
            _ => None,
        });
        let Some((used, ours)) = found.into_iter().next() else {
            self.children(select.syntax(), kept);
            return;
        };
        self.ours(ours, kept);
        for attr in attrs.iter().skip(used) {
            kept.text.push('.');
            self.children(attr.syntax(), kept);
        }
        if let Some(default) = select.default_expr() {
            kept.text.push_str(" or ");
            self.node(default.syntax(), kept);
        }
    }

    fn variable(&mut self, name: &str, node: &SyntaxNode, kept: &mut Kept) {
        match resolve(name, node) {
            Some(Bound::Value(entry)) => {
                if !contains(&kept.range, &entry.node) {
                    self.need(&entry, node);
                }
            }
            Some(Bound::Argument(lambda) | Bound::Whole(lambda)) => {
                if !contains(&kept.range, lambda.syntax()) {
                    self.argument(name, node, kept);
                    return;
                }
            }
            None => kept.is_open |= !self.globals.contains(name),
        }
        kept.text.push_str(name);
    }

    fn argument(&mut self, name: &str, node: &SyntaxNode, kept: &mut Kept) {
        if let Some(input) = self.names.other_input(name, node) {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(input);
            kept.text.push_str("inputs.");
        } else if matches!(self.names.class_of_name(name, node), Class::Inputs) {
            self.needs.arguments.insert("inputs");
        } else {
            let message = format!("`{name}` is an argument of a function around this jail");
            let fault = left_out(self.file, node, message)
                .label("only the caller of that function knows it")
                .help("put the function in a `let` of the spec and call it there");
            self.faults.push(fault);
        }
        kept.text.push_str(name);
    }

    /// `inherit a b;`: what is called otherwise in a spec becomes `a = …;`.
    fn inherit(&mut self, inherit: &ast::Inherit, kept: &mut Kept) {
        let Some(around) = inherit.syntax().parent() else { return };
        let mut plain = Vec::new();
        for name in inherit.attrs().filter_map(|attr| attr_name(&attr)) {
            let mut one = Kept { range: kept.range.clone(), text: String::new(), is_open: false };
            self.inherited(&name, &around, &mut one);
            kept.is_open |= one.is_open;
            if one.text == name {
                plain.push(name);
            } else {
                kept.text.push_str(&format!("{name} = {}; ", one.text));
            }
        }
        if !plain.is_empty() {
            kept.text.push_str(&format!("inherit {};", plain.join(" ")));
        }
    }

    fn inherited(&mut self, name: &str, around: &SyntaxNode, kept: &mut Kept) {
        match self.names.class_of_name(name, around) {
            Class::Ours(ours) => self.ours(&ours, kept),
            _ => self.variable(name, around, kept),
        }
    }

    /// Takes a binding over, with all that it needs itself.
    fn need(&mut self, entry: &Entry, user: &SyntaxNode) {
        let at = range(&entry.node).start;
        if self.needs.bindings.contains_key(&at) {
            return;
        }
        if self.needs.bindings.values().any(|(name, _)| *name == entry.name) {
            let message = format!("`{}` means two things in this file", entry.name);
            let fault = left_out(self.file, user, message).help("give one of them another name");
            self.faults.push(fault);
            return;
        }
        // Known before its text is, since it may need itself.
        self.needs.bindings.insert(at, (entry.name.clone(), String::new()));
        let text = self.binding(entry);
        let text = format!("{}{text}", comments_before(&entry.node));
        self.needs.bindings.insert(at, (entry.name.clone(), text));
    }

    fn binding(&mut self, entry: &Entry) -> String {
        let name = &entry.name;
        match &entry.value {
            Value::Expr(value) => format!("{name} = {};", self.keep(value)),
            Value::From(set) => format!("inherit ({}) {name};", self.keep(set)),
            Value::Parts => {
                let siblings = entry.node.parent().into_iter().flat_map(|set| set.children());
                let parts = siblings.filter(|node| first_name(node).as_ref() == Some(name));
                let parts: Vec<_> = parts.collect();
                parts.iter().map(|part| self.kept(part).text + "\n").collect()
            }
        }
    }
}

fn contains(outer: &Range<usize>, node: &SyntaxNode) -> bool {
    let inner = range(node);
    outer.start <= inner.start && inner.end <= outer.end
}

fn first_name(node: &SyntaxNode) -> Option<String> {
    let path = ast::AttrpathValue::cast(node.clone())?.attrpath()?;
    attr_name(&path.attrs().next()?)
}

/// The comments that stand directly above something.
fn comments_before(node: &SyntaxNode) -> String {
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
