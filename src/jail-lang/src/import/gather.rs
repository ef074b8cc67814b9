//! The jails of a file: found from its outputs, through the names that they use.

use std::collections::BTreeSet;

use jail_registry::{Diagnostic, FileId};
use rnix::SyntaxNode;
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::lookup::{Bound, Names, Value, attribute, resolve, unwrapped};
use crate::query::{attr_name, ident_name, plain, range};

/// What a file makes.
pub(super) struct Gathered {
    pub(super) jails: Vec<Found>,
    pub(super) file: FileId,
    pub(super) faults: Vec<Diagnostic>,
}

/// A jail of the file.
pub(super) struct Found {
    /// What it is to be called in the spec.
    pub(super) name: String,
    pub(super) expr: ast::Expr,
}

pub(super) fn gather(names: &Names, root: &ast::Expr, file: FileId) -> Gathered {
    let gathered = Gathered { jails: Vec::new(), file, faults: Vec::new() };
    let mut walk = Walk { names, gathered, seen: BTreeSet::new() };
    let start = match root {
        ast::Expr::AttrSet(set) => attribute(set, "outputs").unwrap_or_else(|| root.clone()),
        _ => root.clone(),
    };
    walk.visit(&start, None);
    walk.gathered
}

struct Walk<'a> {
    names: &'a Names,
    gathered: Gathered,
    /// Where the bindings and the jails stand that were looked at.
    seen: BTreeSet<usize>,
}

impl Walk<'_> {
    /// Looks for jails in what `expr` may give. `called` is what it is called where it stands.
    fn visit(&mut self, expr: &ast::Expr, called: Option<&str>) {
        if self.names.class(expr).is_jail() {
            self.found(expr, called);
            return;
        }
        match expr {
            ast::Expr::Ident(ident) => self.follow(&ident_name(ident), ident.syntax()),
            ast::Expr::LetIn(set) => self.visit_all(set.body(), called),
            ast::Expr::LegacyLet(set) => self.entries(set),
            ast::Expr::AttrSet(set) => self.entries(set),
            ast::Expr::With(with) => self.visit_all(with.body(), called),
            ast::Expr::Paren(paren) => self.visit_all(paren.expr(), called),
            ast::Expr::Lambda(lambda) => self.visit_all(lambda.body(), called),
            ast::Expr::Apply(apply) => {
                self.visit_all(apply.lambda().into_iter().chain(apply.argument()), called);
            }
            ast::Expr::List(list) => self.visit_all(list.items(), None),
            ast::Expr::BinOp(both) => {
                self.visit_all(both.lhs().into_iter().chain(both.rhs()), called);
            }
            ast::Expr::Select(select) => self.visit_all(select.expr(), None),
            ast::Expr::IfElse(branches) => {
                self.visit_all(branches.body().into_iter().chain(branches.else_body()), called);
            }
            ast::Expr::Str(string) => {
                let parts = string.syntax().children().filter_map(ast::Interpol::cast);
                self.visit_all(parts.filter_map(|part| part.expr()), None);
            }
            other => self.visit_all(other.syntax().children().filter_map(ast::Expr::cast), called),
        }
    }

    fn visit_all(&mut self, parts: impl IntoIterator<Item = ast::Expr>, called: Option<&str>) {
        parts.into_iter().for_each(|part| self.visit(&part, called));
    }

    fn entries(&mut self, set: &impl HasEntry) {
        for entry in set.attrpath_values() {
            let attrs: Vec<_> = entry.attrpath().iter().flat_map(|path| path.attrs()).collect();
            let name = attrs.iter().rev().filter_map(attr_name).find(|name| name != "default");
            if let Some(value) = entry.value() {
                self.visit(&value, name.as_deref());
            }
        }
        for inherit in set.inherits().filter(|inherit| inherit.from().is_none()) {
            for name in inherit.attrs().filter_map(|attr| attr_name(&attr)) {
                self.inherited(&name, &inherit);
            }
        }
    }

    fn inherited(&mut self, name: &str, inherit: &ast::Inherit) {
        let Some(around) = inherit.syntax().parent() else { return };
        if let Some(Bound::Value(entry)) = resolve(name, &around)
            && let Value::Expr(value) = entry.value
        {
            if self.names.class(&value).is_jail() {
                self.found(&value, Some(name));
            } else {
                self.follow(name, &around);
            }
        }
    }

    fn follow(&mut self, name: &str, node: &SyntaxNode) {
        if let Some(Bound::Value(entry)) = resolve(name, node)
            && self.seen.insert(range(&entry.node).start)
            && let Value::Expr(value) = entry.value
        {
            self.visit(&value, Some(name));
        }
    }

    fn found(&mut self, expr: &ast::Expr, called: Option<&str>) {
        let target = self.named_jail(expr);
        if !self.seen.insert(range(target.syntax()).start) {
            return;
        }
        let name = match &target {
            ast::Expr::Ident(ident) => Some(ident_name(ident)),
            other => written_name(other).or_else(|| called.map(str::to_owned)),
        };
        let name = name.or_else(|| factory(&target)).unwrap_or_else(|| "jail".into());
        let name = self.unused(name);
        self.gathered.jails.push(Found { name, expr: target });
    }

    /// The jail that a variable names, where it is bound: it may be used in many places.
    fn named_jail(&self, expr: &ast::Expr) -> ast::Expr {
        let ast::Expr::Ident(ident) = expr else { return expr.clone() };
        match resolve(&ident_name(ident), ident.syntax()) {
            Some(Bound::Value(entry)) => match entry.value {
                Value::Expr(value) => self.named_jail(&value),
                Value::From(_) | Value::Parts => expr.clone(),
            },
            Some(Bound::Argument(_) | Bound::Whole(_)) | None => expr.clone(),
        }
    }

    fn unused(&self, name: String) -> String {
        let is_used = |name: &str| self.gathered.jails.iter().any(|jail| jail.name == name);
        if !is_used(&name) {
            return name;
        }
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        numbered.into_iter().find(|name| !is_used(name)).unwrap_or(name)
    }
}

/// `go` for `makeJailedGo { }`.
fn factory(expr: &ast::Expr) -> Option<String> {
    let mut function = unwrapped(expr);
    while let ast::Expr::Apply(apply) = &function {
        function = unwrapped(&apply.lambda()?);
    }
    let ast::Expr::Ident(ident) = function else { return None };
    let name = ident_name(&ident);
    let prefixes = ["makeJailed", "mkJailed", "make", "mk"];
    let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    Some(rest.to_ascii_lowercase()).filter(|rest| !rest.is_empty())
}

/// The command's name, where it stands in the call: `jail "name" …`, `makeJailedPi { name = "name"; }`.
fn written_name(expr: &ast::Expr) -> Option<String> {
    let mut arguments = Vec::new();
    let mut function = expr.clone();
    loop {
        function = match function {
            ast::Expr::Paren(paren) => paren.expr()?,
            ast::Expr::With(with) => with.body()?,
            ast::Expr::LetIn(set) => set.body()?,
            ast::Expr::Apply(apply) => {
                arguments.push(apply.argument()?);
                apply.lambda()?
            }
            _ => break,
        };
    }
    match arguments.last()? {
        ast::Expr::Str(string) => plain(string).filter(|name| !name.is_empty()),
        ast::Expr::AttrSet(set) => match attribute(set, "name")? {
            ast::Expr::Str(string) => plain(&string),
            _ => None,
        },
        _ => None,
    }
}
