//! The jails of a file: found from its outputs, through the names that they use.

use std::collections::BTreeSet;

use jail_registry::{Diagnostic, FileId};
use rnix::SyntaxNode;
use rnix::ast::{self, HasEntry};
use rowan::ast::AstNode as _;

use super::class::{Class, Several, last_name, result, value_of};
use super::left_out;
use super::lookup::{Bound, Entry, Names, Value, attribute, resolve, unwrapped};
use crate::query::{attr_name, call, ident_name, plain, range};

/// What a file makes.
pub(super) struct Gathered {
    pub(super) jails: Vec<JailSource>,
    /// Functions that make jails, and that the file itself does not call for one.
    pub(super) factories: Vec<Factory>,
    pub(super) file: FileId,
    pub(super) faults: Vec<Diagnostic>,
}

/// A jail of the file, or several.
pub(super) struct JailSource {
    /// Its name in the spec.
    pub(super) name: String,
    pub(super) made: MadeBy,
}

/// How the file makes a jail.
pub(super) enum MadeBy {
    /// An expression.
    Expr(ast::Expr),
    /// An expression that makes several.
    Several(Several, ast::Expr),
    /// An overlay, of the package of this name.
    Overlay(String, ast::Expr),
}

/// A function that makes a jail.
pub(super) struct Factory {
    pub(super) name: String,
    pub(super) entry: Entry,
    pub(super) lambda: ast::Lambda,
}

pub(super) fn gather(names: &Names, root: &ast::Expr, file: FileId) -> Gathered {
    let (jails, factories, faults) = (Vec::new(), Vec::new(), Vec::new());
    let gathered = Gathered { jails, factories, file, faults };
    let mut walk = Walk { names, gathered, seen: BTreeSet::new(), called: BTreeSet::new() };
    let start = match unwrapped(root) {
        ast::Expr::AttrSet(set) => attribute(&set, "outputs").unwrap_or_else(|| root.clone()),
        _ => root.clone(),
    };
    walk.visit(&start, None);
    let Walk { mut gathered, called, .. } = walk;
    gathered.factories.retain(|it| !called.contains(&range(it.lambda.syntax()).start));
    gathered
}

struct Walk<'a> {
    names: &'a Names,
    gathered: Gathered,
    /// The places of the bindings and jails that were visited.
    seen: BTreeSet<usize>,
    /// The places of the functions that the file calls for a jail.
    called: BTreeSet<usize>,
}

impl Walk<'_> {
    /// Looks for jails in what `expr` may evaluate to. `called` is the name that it has there.
    fn visit(&mut self, expr: &ast::Expr, called: Option<&str>) {
        // A function that is called in place, such as an imported file. Its
        // body is searched for jails.
        if let Some(body) = called_body(expr) {
            self.visit(&body, called);
            return;
        }
        match self.names.class(expr) {
            class if class.is_jail() => return self.found(expr, called),
            Class::Several(several) => return self.several(several, expr, called),
            _ => {}
        }
        match expr {
            ast::Expr::Ident(ident) => self.follow(&ident_name(ident), ident.syntax()),
            ast::Expr::LetIn(set) => self.visit_all(set.body(), called),
            ast::Expr::LegacyLet(set) => self.entries(set),
            ast::Expr::AttrSet(set) => self.entries(set),
            ast::Expr::With(with) => self.visit_all(with.body(), called),
            ast::Expr::Paren(paren) => self.visit_all(paren.expr(), called),
            ast::Expr::Lambda(lambda) => match self.factory(lambda) {
                Some(factory) => self.gathered.factories.push(factory),
                None => self.visit_all(lambda.body(), called),
            },
            ast::Expr::Apply(apply) => match self.overlay(apply) {
                Some(packages) => self.jailed(&packages),
                None => self.visit_all(apply.lambda().into_iter().chain(apply.argument()), called),
            },
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
        self.mark_called(&target);
        let name = match &target {
            ast::Expr::Ident(ident) => Some(ident_name(ident)),
            other => written_name(other).or_else(|| called.map(str::to_owned)),
        };
        let name = name.or_else(|| factory(&target)).unwrap_or_else(|| "jail".into());
        let name = self.unused(name);
        self.gathered.jails.push(JailSource { name, made: MadeBy::Expr(target) });
    }

    fn several(&mut self, several: Several, expr: &ast::Expr, called: Option<&str>) {
        if !self.seen.insert(range(expr.syntax()).start) {
            return;
        }
        expr.syntax()
            .descendants()
            .filter_map(ast::Expr::cast)
            .for_each(|it| self.mark_called(&it));
        let name = self.unused(called.unwrap_or("jails").to_owned());
        let made = MadeBy::Several(several, expr.clone());
        self.gathered.jails.push(JailSource { name, made });
    }

    /// Remembers the function that makes a jail for a call, and the functions that it calls itself.
    fn mark_called(&mut self, call: &ast::Expr) {
        let mut function = unwrapped(call);
        while let ast::Expr::Apply(apply) = &function {
            let Some(next) = apply.lambda() else { return };
            function = unwrapped(&next);
        }
        let Class::Function(lambda) = self.names.class(&function) else { return };
        if self.called.insert(range(lambda.syntax()).start)
            && let Some(body) = result(&lambda)
        {
            self.mark_called(&body);
        }
    }

    /// A function that returns a jail, where it is bound to a name.
    fn factory(&mut self, lambda: &ast::Lambda) -> Option<Factory> {
        let name = value_of(lambda).filter(|name| name != "outputs" && name != "default")?;
        let body = result(lambda)?;
        if !self.names.class(&body).is_jail() {
            return None;
        }
        let entry = lambda.syntax().ancestors().find_map(ast::AttrpathValue::cast)?;
        let (node, value) = (entry.syntax().clone(), Value::Expr(entry.value()?));
        if self.gathered.factories.iter().any(|known| known.name == name) {
            return None;
        }
        // If a function only calls another one, it is the one that people
        // call; the other is left out.
        self.mark_called(&body);
        let entry = Entry { name: name.clone(), node, value };
        Some(Factory { name, entry, lambda: lambda.clone() })
    }

    /// The packages that an overlay of jail.nix puts into jails.
    fn overlay(&self, apply: &ast::Apply) -> Option<ast::Expr> {
        let is_overlay = last_name(&unwrapped(&apply.lambda()?)).as_deref() == Some("mkOverlay");
        match apply.argument().as_ref().map(unwrapped) {
            Some(ast::Expr::AttrSet(set)) if is_overlay => attribute(&set, "packages"),
            _ => None,
        }
    }

    fn jailed(&mut self, packages: &ast::Expr) {
        match unwrapped(packages) {
            ast::Expr::Lambda(lambda) => {
                if let Some(body) = lambda.body() {
                    self.jailed(&body);
                }
            }
            ast::Expr::With(with) => {
                if let Some(body) = with.body() {
                    self.jailed(&body);
                }
            }
            ast::Expr::LetIn(set) => {
                if let Some(body) = set.body() {
                    self.jailed(&body);
                }
            }
            ast::Expr::AttrSet(set) => {
                for entry in set.attrpath_values() {
                    let name = entry.attrpath().and_then(|path| path.attrs().next());
                    let name = name.and_then(|name| attr_name(&name));
                    if let (Some(name), Some(value)) = (name, entry.value()) {
                        let made = MadeBy::Overlay(name.clone(), value);
                        let name = self.unused(name);
                        self.gathered.jails.push(JailSource { name, made });
                    }
                }
            }
            other => {
                let message = "these packages are not written out";
                let fault = left_out(self.gathered.file, other.syntax(), message)
                    .help("write a jail for each: `jail \"NAME\" pkgs.NAME [ … ]`");
                self.gathered.faults.push(fault);
            }
        }
    }

    /// The jail that a variable refers to, at its binding: it may be used in many places.
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

/// The body of a function that is called in place.
fn called_body(expr: &ast::Expr) -> Option<ast::Expr> {
    let ast::Expr::Apply(apply) = expr else { return None };
    let (function, arguments) = call(apply);
    let function = unwrapped(&function?);
    let lambda = match (&function, arguments.as_slice()) {
        (ast::Expr::Lambda(lambda), [_]) => lambda.clone(),
        // `import (…)`, with or without an argument for what it gives.
        (ast::Expr::Ident(ident), [file, ..]) if ident_name(ident) == "import" => {
            match unwrapped(file) {
                ast::Expr::Lambda(lambda) => lambda,
                body @ (ast::Expr::LetIn(_) | ast::Expr::AttrSet(_)) => return Some(body),
                _ => return None,
            }
        }
        (function, [file, _]) if last_name(function).as_deref() == Some("callPackage") => {
            match unwrapped(file) {
                ast::Expr::Lambda(lambda) => lambda,
                _ => return None,
            }
        }
        _ => return None,
    };
    lambda.body()
}

/// `go` for `makeJailedGo { }`.
fn factory(expr: &ast::Expr) -> Option<String> {
    let mut function = unwrapped(expr);
    while let ast::Expr::Apply(apply) = &function {
        function = unwrapped(&apply.lambda()?);
    }
    named_factory(&last_name(&function)?)
}

/// `go` for `makeJailedGo`.
pub(super) fn named_factory(name: &str) -> Option<String> {
    let prefixes = ["makeJailed", "mkJailed", "make", "mk"];
    let rest = prefixes.iter().find_map(|prefix| name.strip_prefix(prefix))?;
    Some(rest.to_ascii_lowercase()).filter(|rest| !rest.is_empty())
}

/// The command's name, where the call contains it: `jail "name" …`,
/// `makeJailedPi { name = "name"; }`.
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
        ast::Expr::AttrSet(set) => {
            match attribute(set, "name").or_else(|| attribute(set, "outName"))? {
                ast::Expr::Str(string) => plain(&string),
                _ => None,
            }
        }
        _ => None,
    }
}
