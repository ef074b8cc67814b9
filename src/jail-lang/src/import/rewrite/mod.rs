//! The text of an expression as a spec writes it, and what else of the file it needs.

mod bindings;
mod calls;
mod hole;
mod sandbox;
mod texts;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jail_registry::{Diagnostic, FileId};
use rnix::ast;
use rnix::{NodeOrToken, SyntaxKind, SyntaxNode};
use rowan::ast::AstNode as _;

use super::class::{Class, last_name};
use super::left_out;
use super::library::{Counterpart, Library};
use super::lookup::{Bound, Entry, Names, resolve, unwrapped, withs};
use super::sandbox::{COMMON_TOOLS, TOOLS};
use crate::query::{attr_name, globals, ident_name, range};

pub(super) use hole::{HOLE, default_of};

/// Texts of bindings, by where they are and the name that they bind.
pub(super) type Bindings = BTreeMap<(usize, String), String>;

/// What the kept texts need.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Bindings by place and name, each with its text once that is known.
    pub(super) bindings: Bindings,
    /// Bindings around the whole spec, because its settings need them.
    pub(super) outer: Bindings,
    /// Inputs of the flake besides those that every spec has.
    pub(super) inputs: BTreeSet<String>,
    /// What a spec gets only as arguments of a function: `agents`, `inputs`, `system`.
    pub(super) arguments: BTreeSet<&'static str>,
    /// What only the surroundings of the file know, and its place.
    pub(super) holes: BTreeMap<String, usize>,
}

/// Rewrites the expressions of one file.
pub(super) struct Rewriter<'a> {
    names: &'a Names,
    file: FileId,
    globals: BTreeSet<String>,
    pub(super) needs: Needs,
    pub(super) faults: Vec<Diagnostic>,
    /// How many names had two meanings: what needs such a name cannot be translated.
    pub(super) conflicts: usize,
}

/// One kept text.
struct Kept {
    /// Its place in the file. Names bound inside it are copied with it.
    range: Range<usize>,
    text: String,
    /// Whether it uses a name that only a `with` can give.
    is_open: bool,
}

impl<'a> Rewriter<'a> {
    pub(super) fn new(names: &'a Names, file: FileId) -> Self {
        let globals = globals().into_iter().collect();
        let needs = Needs::default();
        Self { names, file, globals, needs, faults: Vec::new(), conflicts: 0 }
    }

    /// The text of `expr`, with the `with`s around it that it needs.
    pub(super) fn keep(&mut self, expr: &ast::Expr) -> String {
        let expr = unwrapped(expr);
        let kept = self.kept(expr.syntax());
        if !kept.is_open {
            return kept.text;
        }
        // Innermost first, so each is written before what is there already.
        withs(expr.syntax()).iter().fold(kept.text, |text, namespace| {
            if matches!(self.names.class(namespace), Class::Input(..)) {
                return text;
            }
            format!("with {}; {text}", self.kept(namespace.syntax()).text)
        })
    }

    /// The file that the places of faults refer to.
    pub(super) fn file(&self) -> FileId {
        self.file
    }

    /// Copies a binding that the spec itself uses.
    pub(super) fn need_entry(&mut self, entry: &Entry) {
        self.need(entry, &entry.node);
    }

    fn kept(&mut self, node: &SyntaxNode) -> Kept {
        let mut kept = Kept { range: range(node), text: String::new(), is_open: false };
        self.node(node, &mut kept);
        kept
    }

    /// The text of a part of what is kept.
    fn part(&mut self, node: &SyntaxNode, kept: &mut Kept) -> String {
        let mut part = Kept { range: kept.range.clone(), text: String::new(), is_open: false };
        self.node(node, &mut part);
        kept.is_open |= part.is_open;
        part.text
    }

    fn node(&mut self, node: &SyntaxNode, kept: &mut Kept) {
        if let Some(inherit) = ast::Inherit::cast(node.clone()) {
            self.inherit(&inherit, kept);
            return;
        }
        if self.is_needless(node) {
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
        if let ast::Expr::Ident(ident) = expr
            && is_own_argument(&ident_name(ident), node, kept)
        {
            kept.text.push_str(&ident_name(ident));
            return;
        }
        if let Some(platform) = self.platform(expr) {
            kept.text.push_str(platform);
            return;
        }
        if self.is_common_tools(expr) {
            kept.text.push_str(COMMON_TOOLS);
            return;
        }
        if self.home(expr, kept) || self.call(expr, kept) || self.is_emptied(expr, kept) {
            return;
        }
        let is_reference =
            matches!(expr, ast::Expr::Ident(_) | ast::Expr::Select(_) | ast::Expr::Apply(_));
        match self.names.class(expr) {
            Class::Counterpart(counterpart) if is_reference => self.counterpart(&counterpart, kept),
            Class::Input(library, _) if is_reference => self.input(&library, node, kept),
            Class::Free(lambda) if is_reference && self.is_outside(lambda.as_ref(), kept) => {
                self.free(expr, lambda.as_ref(), kept);
            }
            _ => match expr {
                ast::Expr::Ident(ident) => self.variable(&ident_name(ident), node, kept),
                ast::Expr::Select(select) => self.select(select, kept),
                _ => self.children(node, kept),
            },
        }
    }

    /// The value of a condition on the platform: jails run on Linux alone.
    fn platform(&self, expr: &ast::Expr) -> Option<&'static str> {
        let ast::Expr::Select(select) = expr else { return None };
        let is_of_packages = self.names.class(&select.expr()?).is_packages();
        match last_name(expr)?.as_str() {
            "isLinux" if is_of_packages => Some("true"),
            "isDarwin" if is_of_packages => Some("false"),
            _ => None,
        }
    }

    /// Whether this is agent-sandbox.nix's list of tools, and not one of the file's own.
    fn is_common_tools(&self, expr: &ast::Expr) -> bool {
        let ast::Expr::Select(select) = expr else { return false };
        let is_own = matches!(self.names.classes_along(select).first(), Some(Class::Set(_)));
        !is_own && last_name(expr).as_deref() == Some(TOOLS)
    }

    fn counterpart(&mut self, counterpart: &Counterpart, kept: &mut Kept) {
        if counterpart.text == "agents" {
            self.needs.arguments.insert("agents");
        }
        if counterpart.text == "system" || counterpart.text.contains("${system}") {
            self.needs.arguments.insert("system");
        }
        if let Some(input) = &counterpart.input {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(input.clone());
        }
        kept.text.push_str(&counterpart.text);
    }

    /// A library that has no such part in a spec. Other inputs are copied.
    fn input(&mut self, library: &Library, node: &SyntaxNode, kept: &mut Kept) {
        if let Library::Other(name) | Library::OtherNixpkgs(name) = library {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(name.clone());
            match ast::Ident::cast(node.clone()) {
                Some(ident) => self.variable(&ident_name(&ident), node, kept),
                None => self.children(node, kept),
            }
            return;
        }
        self.hole(node, kept);
    }

    /// The longest prefix of `a.b.c` that has a name in a spec is replaced by
    /// that name; the rest stays.
    fn select(&mut self, select: &ast::Select, kept: &mut Kept) {
        let attrs: Vec<_> = select.attrpath().iter().flat_map(|path| path.attrs()).collect();
        let classes = self.names.classes_along(select);
        let known = classes.iter().enumerate().skip(1).rev();
        let found = known.filter_map(|(index, class)| match class {
            Class::Counterpart(counterpart) => Some((index, counterpart)),
            _ => None,
        });
        let Some((used, counterpart)) = found.into_iter().next() else {
            if let Some(Class::Inputs) = classes.first()
                && let Some(name) = attrs.first().and_then(attr_name)
            {
                self.needs.arguments.insert("inputs");
                self.needs.inputs.insert(name);
            }
            self.children(select.syntax(), kept);
            return;
        };
        self.counterpart(counterpart, kept);
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

    /// An argument of a function around what is kept.
    fn argument(&mut self, name: &str, node: &SyntaxNode, kept: &mut Kept) {
        if let Some(input) = self.names.other_input(name, node) {
            self.needs.arguments.insert("inputs");
            self.needs.inputs.insert(input);
            kept.text.push_str("inputs.");
        } else if matches!(self.names.class_of_name(name, node), Class::Inputs) {
            self.needs.arguments.insert("inputs");
            kept.text.push_str("inputs");
            return;
        } else {
            self.hole(node, kept);
            return;
        }
        kept.text.push_str(name);
    }

    /// Copies a binding, with all that it needs itself.
    fn need(&mut self, entry: &Entry, user: &SyntaxNode) {
        let key = (range(&entry.node).start, entry.name.clone());
        let (inner, outer) = (&self.needs.bindings, &self.needs.outer);
        if inner.contains_key(&key) || outer.contains_key(&key) {
            return;
        }
        if inner.keys().chain(outer.keys()).any(|(_, name)| *name == entry.name) {
            let message = format!("`{}` has two meanings in this file", entry.name);
            let fault = left_out(self.file, user, message).help("rename one of them");
            self.faults.push(fault);
            self.conflicts += 1;
            return;
        }
        // It is recorded before its text is known, since it may need itself.
        self.needs.bindings.insert(key.clone(), String::new());
        let text = self.binding(entry);
        let text = format!("{}{text}", bindings::comments_before(&entry.node));
        self.needs.bindings.insert(key, text);
    }
}

/// Whether a name is an argument of a function that is kept, or declares one.
fn is_own_argument(name: &str, node: &SyntaxNode, kept: &Kept) -> bool {
    let declares = node.parent().is_some_and(|parent| match parent.kind() {
        SyntaxKind::NODE_IDENT_PARAM | SyntaxKind::NODE_PAT_BIND => true,
        SyntaxKind::NODE_PAT_ENTRY => parent.first_child().as_ref() == Some(node),
        _ => false,
    });
    declares
        || match resolve(name, node) {
            Some(Bound::Argument(lambda) | Bound::Whole(lambda)) => {
                contains(&kept.range, lambda.syntax())
            }
            Some(Bound::Value(_)) | None => false,
        }
}

fn contains(outer: &Range<usize>, node: &SyntaxNode) -> bool {
    let inner = range(node);
    outer.start <= inner.start && inner.end <= outer.end
}
