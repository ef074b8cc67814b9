//! Calls that are written differently in a spec.

use rnix::ast;
use rowan::ast::AstNode as _;

use super::sandbox::mentions;
use super::{Kept, Rewriter};
use crate::import::class::{Class, last_name};
use crate::import::gather::Factory;
use crate::import::left_out;
use crate::import::lookup::{
    BASE, Bound, COMBINATORS, Entry, Value, attribute, resolve, unwrapped,
};
use crate::import::sandbox;
use crate::import::write::BASE_NAME;
use crate::query::{call, ident_name};

/// The usual names of an argument that may be an empty set.
const OVERRIDES: [&str; 5] = ["args", "arguments", "attrs", "overrides", "opts"];

impl Rewriter<'_> {
    /// Writes a call that is another one in a spec. Returns whether it did.
    pub(super) fn call(&mut self, expr: &ast::Expr, kept: &mut Kept) -> bool {
        let ast::Expr::Apply(apply) = expr else { return false };
        if let Some(set) = sandbox::arguments(apply).filter(|_| sandbox::is_call(apply)) {
            self.sandbox(&set, kept);
            return true;
        }
        self.imported(apply, kept) || self.package(apply, kept) || self.permissions(apply, kept)
    }

    /// `import (…)`: the file is inserted here.
    fn imported(&mut self, apply: &ast::Apply, kept: &mut Kept) -> bool {
        let (Some(function), Some(argument)) = (apply.lambda(), apply.argument()) else {
            return false;
        };
        let is_file = matches!(
            unwrapped(&argument),
            ast::Expr::Lambda(_) | ast::Expr::LetIn(_) | ast::Expr::AttrSet(_) | ast::Expr::List(_)
        );
        if !is_file || !matches!(self.names.class(&function), Class::Import) {
            return false;
        }
        self.node(argument.syntax(), kept);
        true
    }

    /// `callPackage` of a function of the file: it is called with its own arguments,
    /// and packages for the rest.
    fn package(&mut self, apply: &ast::Apply, kept: &mut Kept) -> bool {
        let (function, arguments) = call(apply);
        let name = function.and_then(|function| last_name(&function));
        let (Some("callPackage"), [function, set]) = (name.as_deref(), arguments.as_slice()) else {
            return false;
        };
        let (ast::Expr::Lambda(lambda), ast::Expr::AttrSet(set)) =
            (unwrapped(function), unwrapped(set))
        else {
            return false;
        };
        let Some(ast::Param::Pattern(pattern)) = lambda.param() else { return false };
        let mut given = String::new();
        for formal in pattern.pat_entries() {
            let Some(name) = formal.ident().map(|ident| ident_name(&ident)) else { continue };
            let value = match attribute(&set, &name) {
                Some(value) => self.part(value.syntax(), kept),
                None if formal.default().is_some() => continue,
                None => match self.names.class_of_name(&name, &inside(&lambda)) {
                    Class::Counterpart(counterpart) => counterpart.text,
                    _ => "null".into(),
                },
            };
            given.push_str(&format!("{name} = {value}; "));
        }
        let function = self.part(lambda.syntax(), kept);
        kept.text.push_str(&format!("(({function}) {{ {given}}})"));
        true
    }

    /// The permissions of a jail, if the file adds combinators or permissions that
    /// all its jails start with.
    fn permissions(&mut self, apply: &ast::Apply, kept: &mut Kept) -> bool {
        let (has_combinators, has_base) = (self.names.has_combinators, self.names.has_base);
        if !has_combinators && !has_base {
            return false;
        }
        let (Some(function), Some(argument)) = (apply.lambda(), apply.argument()) else {
            return false;
        };
        if !matches!(self.names.class(&function), Class::Makes(1)) {
            return false;
        }
        let extension = extension_of(&function);
        self.node(function.syntax(), kept);
        let text = self.part(unwrapped(&argument).syntax(), kept);
        kept.text.push(' ');
        kept.text.push_str(&self.extended(&extension, &argument, &text));
        true
    }

    /// The permissions that an overlay gives to a package.
    pub(in crate::import) fn permissions_text(&mut self, permissions: &ast::Expr) -> String {
        let text = self.keep(permissions);
        let calls = permissions.syntax().ancestors().filter_map(ast::Apply::cast);
        let extension = calls.filter_map(|apply| made(&apply)).next();
        self.extended(&extension.unwrap_or(Extension::Unknown), permissions, &text)
    }

    /// The permissions of a jail, with what its own `extend` adds, and no other.
    fn extended(&mut self, extension: &Extension, permissions: &ast::Expr, text: &str) -> String {
        let of = |first: Option<usize>, name| match extension {
            Extension::Plain => Some(false),
            Extension::Set(set) if first == Some(crate::query::range(set.syntax()).start) => {
                Some(true)
            }
            Extension::Set(set) => (!mentions(set, name)).then_some(false),
            Extension::Unknown if first.is_none() => Some(false),
            Extension::Unknown => None,
        };
        let base = of(self.names.base_at, BASE);
        let combinators = of(self.names.combinators_at, COMBINATORS);
        let (Some(has_base), Some(has_combinators)) = (base, combinators) else {
            let message = "it is not known which `extend` makes this jail, so it is left out";
            let fault = left_out(self.file, permissions.syntax(), message)
                .help("write the jail into the spec with the permissions that it starts with");
            self.faults.push(fault);
            self.conflicts += 1;
            return "(throw \"it is not known what this jail starts with\")".into();
        };
        let text = match self.names.class(permissions) {
            Class::Function(_) if has_combinators => format!("(({text}) combinators)"),
            Class::Function(_) if has_base => format!("(({text}) jail.combinators)"),
            _ if text.starts_with('[') && text.ends_with(']') => text.to_owned(),
            _ => format!("({text})"),
        };
        match (has_base, text.as_str()) {
            (true, "(null)") => BASE_NAME.to_owned(),
            (true, text) => format!("({BASE_NAME} ++ {text})"),
            (false, text) => text.to_owned(),
        }
    }

    /// The counterpart of an argument of a function that the file itself calls.
    pub(in crate::import) fn argument_of(
        &mut self,
        name: &str,
        lambda: &ast::Lambda,
    ) -> Option<String> {
        match self.names.class_of_name(name, &inside(lambda)) {
            Class::Counterpart(counterpart) => {
                let range = crate::query::range(lambda.syntax());
                let mut kept = Kept { range, text: String::new(), is_open: false };
                self.counterpart(&counterpart, &mut kept);
                Some(kept.text)
            }
            Class::Input(_, path) if path.is_empty() => Some("null".into()),
            // A set that replaces the defaults: `args: makeAgent ({ … } // args)`.
            _ if OVERRIDES.contains(&name) => Some("{ }".into()),
            _ => None,
        }
    }

    /// Reports that a function is called with holes.
    pub(in crate::import) fn hole_arguments(&mut self, factory: &Factory) {
        let at = crate::query::range(&factory.entry.node).start;
        let mut lambda = Some(factory.lambda.clone());
        while let Some(current) = lambda {
            for name in required(&current) {
                if self.argument_of(&name, &current).is_none() {
                    self.needs.holes.entry(name).or_insert(at);
                }
            }
            lambda = match current.body().map(|body| unwrapped(&body)) {
                Some(ast::Expr::Lambda(inner)) => Some(inner),
                _ => None,
            };
        }
        let message = format!("nothing calls `{}`: its arguments become holes", factory.name);
        let fault = left_out(self.file, &factory.entry.node, message)
            .help("write the arguments to call it with");
        self.faults.push(fault);
    }
}

/// What makes a jail.
enum Extension {
    /// The library itself.
    Plain,
    /// `extend` and the like, with this set.
    Set(ast::AttrSet),
    /// Something that is not followed.
    Unknown,
}

/// Where the function of a jail comes from: its names are followed to
/// `extend { … }` or `init pkgs`.
fn extension_of(function: &ast::Expr) -> Extension {
    let mut function = unwrapped(function);
    for _ in 0..64 {
        let next = match &function {
            ast::Expr::Apply(apply) => match made(apply) {
                Some(extension) => return extension,
                None => apply.lambda(),
            },
            ast::Expr::Ident(ident) => match resolve(&ident_name(ident), ident.syntax()) {
                Some(Bound::Value(Entry { value: Value::Expr(value), .. })) => Some(value),
                _ => None,
            },
            ast::Expr::With(with) => with.body(),
            ast::Expr::LetIn(set) => set.body(),
            ast::Expr::Lambda(lambda) => lambda.body(),
            _ => None,
        };
        let Some(next) = next else { break };
        function = unwrapped(&next);
    }
    Extension::Unknown
}

/// What a call of `extend`, `init` or `mkOverlay` makes.
fn made(apply: &ast::Apply) -> Option<Extension> {
    let name = last_name(&unwrapped(&apply.lambda()?))?;
    if !["extend", "mkOverlay", "init"].contains(&name.as_str()) {
        return None;
    }
    match unwrapped(&apply.argument()?) {
        ast::Expr::AttrSet(set) => Some(Extension::Set(set)),
        _ if name == "init" => Some(Extension::Plain),
        _ => Some(Extension::Unknown),
    }
}

/// The arguments of a function that have no default.
fn required(lambda: &ast::Lambda) -> Vec<String> {
    match lambda.param() {
        Some(ast::Param::IdentParam(param)) => {
            param.ident().map(|it| ident_name(&it)).into_iter().collect()
        }
        Some(ast::Param::Pattern(pattern)) => pattern
            .pat_entries()
            .filter(|entry| entry.default().is_none())
            .filter_map(|entry| entry.ident().map(|it| ident_name(&it)))
            .collect(),
        None => Vec::new(),
    }
}

/// A node that is in the scope of a function's arguments.
fn inside(lambda: &ast::Lambda) -> rnix::SyntaxNode {
    lambda.body().map_or_else(|| lambda.syntax().clone(), |body| body.syntax().clone())
}
