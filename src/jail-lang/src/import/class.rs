//! Finds what an expression means for jails, by following names and without evaluating anything.

use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::library::{APPLIED, Counterpart, IMPORTED, Library, counterpart};
use super::lookup::{BASE, Bound, COMBINATORS, Names, Value};
use super::lookup::{attribute, called_with, resolve, unwrapped, withs};
use super::{home, sandbox};
use crate::query::{attr_name, call, ident_name, path_of};

/// How many names are followed: a binding may refer to itself.
const STEPS_MAX: u32 = 64;

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Class {
    /// A jail, or what makes one with this many more arguments.
    Makes(usize),
    /// Several jails, which an expression makes together.
    Several(Several),
    /// Something that has a name in a spec.
    Counterpart(Counterpart),
    /// An attribute of an input, without the system.
    Input(Library, Vec<String>),
    /// All inputs.
    Inputs,
    /// `import`.
    Import,
    /// A function of the file.
    Function(ast::Lambda),
    /// A set of the file.
    Set(ast::AttrSet),
    /// The home folder, or a folder in it.
    Home(&'static str),
    /// Something that only the surroundings of the file know: an argument of this function, or
    /// a file that is not read.
    Free(Option<ast::Lambda>),
    /// Anything else.
    Other,
}

/// How an expression holds several jails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Several {
    Set,
    List,
}

impl Class {
    /// Whether it is a finished jail.
    pub(super) fn is_jail(&self) -> bool {
        matches!(self, Self::Makes(0))
            || matches!(self, Self::Counterpart(counterpart) if counterpart.wants == Some(0))
    }

    /// Whether it is the packages of nixpkgs.
    pub(super) fn is_packages(&self) -> bool {
        matches!(self, Self::Counterpart(counterpart) if counterpart.text == "pkgs")
    }

    fn input(library: Library, path: Vec<String>) -> Self {
        match counterpart(&library, &path) {
            Some(counterpart) => Self::Counterpart(counterpart),
            None => Self::Input(library, path),
        }
    }
}

impl Names {
    /// What `expr` is.
    pub(super) fn class(&self, expr: &ast::Expr) -> Class {
        self.class_within(expr, STEPS_MAX)
    }

    /// What `a`, `a.b` and `a.b.c` are in `a.b.c`.
    pub(super) fn classes_along(&self, select: &ast::Select) -> Vec<Class> {
        self.along(select, STEPS_MAX)
    }

    fn along(&self, select: &ast::Select, steps: u32) -> Vec<Class> {
        let mut set = select.expr().map_or(Class::Other, |set| self.class_within(&set, steps));
        let mut classes = vec![set.clone()];
        let mut path = Vec::new();
        for attr in select.attrpath().iter().flat_map(|path| path.attrs()) {
            let name = attr_name(&attr);
            path.push(name.clone().unwrap_or_default());
            set = match (&set, home::attribute(&path)) {
                (Class::Free(_), Some(folder)) => Class::Home(folder),
                _ => self.selected(set, name, steps),
            };
            classes.push(set.clone());
        }
        classes
    }

    /// What a variable at `node` is.
    pub(super) fn class_of_name(&self, name: &str, node: &SyntaxNode) -> Class {
        self.named(name, node, STEPS_MAX)
    }

    fn class_within(&self, expr: &ast::Expr, steps: u32) -> Class {
        let Some(steps) = steps.checked_sub(1) else { return Class::Other };
        let class = |expr: Option<ast::Expr>| {
            expr.map_or(Class::Other, |expr| self.class_within(&expr, steps))
        };
        match expr {
            ast::Expr::Paren(paren) => class(paren.expr()),
            ast::Expr::Ident(ident) => self.named(&ident_name(ident), ident.syntax(), steps),
            ast::Expr::LetIn(set) => class(set.body()),
            ast::Expr::With(with) => class(with.body()),
            ast::Expr::Assert(assert) => {
                class(assert.syntax().children().filter_map(ast::Expr::cast).last())
            }
            ast::Expr::IfElse(branches) => class(branches.body()),
            ast::Expr::Lambda(lambda) => Class::Function(lambda.clone()),
            ast::Expr::AttrSet(set) => Class::Set(set.clone()),
            ast::Expr::Apply(apply) => self.call(apply, steps),
            ast::Expr::Select(select) => self.along(select, steps).pop().unwrap_or(Class::Other),
            _ => Class::Other,
        }
    }

    fn call(&self, apply: &ast::Apply, steps: u32) -> Class {
        if sandbox::is_call(apply) {
            return Class::Makes(0);
        }
        if let Some(class) = self.known_call(apply, steps) {
            return class;
        }
        let function = apply.lambda().map_or(Class::Other, |it| self.class_within(&it, steps));
        let argument = apply.argument();
        match self.applied(function, argument.as_ref(), steps) {
            // Such a function makes one value for each system: `forAllSystems (system: …)`.
            Class::Other => match argument.as_ref().map(unwrapped) {
                Some(ast::Expr::Lambda(lambda)) if is_of_system(&lambda) => {
                    match lambda.body().map(|body| self.class_within(&body, steps)) {
                        Some(Class::Counterpart(counterpart)) if counterpart.wants != Some(0) => {
                            Class::Counterpart(counterpart)
                        }
                        _ => Class::Other,
                    }
                }
                _ => Class::Other,
            },
            class => class,
        }
    }

    /// A call that is known by its function's name alone, whatever the name belongs to.
    fn known_call(&self, apply: &ast::Apply, steps: u32) -> Option<Class> {
        let (function, arguments) = call(apply);
        let name = last_name(&function?)?;
        let is_packages = |expr: &ast::Expr| self.class_within(expr, steps).is_packages();
        match (name.as_str(), arguments.as_slice()) {
            ("init", [pkgs]) if is_packages(pkgs) => Some(Class::Counterpart(Counterpart::jail())),
            ("init" | "extend", [set]) if takes_packages(set) => {
                Some(Class::Counterpart(Counterpart::jail()))
            }
            ("getEnv", [ast::Expr::Str(string)]) => {
                let is_home = crate::query::plain(string).as_deref() == Some("HOME");
                is_home.then_some(Class::Home("~"))
            }
            ("callPackage", [function, _]) => match unwrapped(function) {
                ast::Expr::Lambda(lambda) => {
                    lambda.body().map(|body| self.class_within(&body, steps))
                }
                _ => None,
            },
            ("mapAttrs", [function, _]) | ("genAttrs", [_, function]) => {
                self.makes_jail(function, steps).then_some(Class::Several(Several::Set))
            }
            ("map" | "mapAttrsToList" | "imap0" | "imap1", [function, _])
            | ("forEach", [_, function]) => {
                self.makes_jail(function, steps).then_some(Class::Several(Several::List))
            }
            ("mapAttrs'", [function, _]) => {
                self.makes_pair(function, steps).then_some(Class::Several(Several::Set))
            }
            ("listToAttrs", [list]) => match unwrapped(list) {
                ast::Expr::Apply(apply) => {
                    let (_, arguments) = call(&apply);
                    let makes = arguments.iter().any(|it| self.makes_pair(it, steps));
                    makes.then_some(Class::Several(Several::Set))
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether a function gives a jail.
    fn makes_jail(&self, function: &ast::Expr, steps: u32) -> bool {
        match self.class_within(function, steps) {
            Class::Function(lambda) => {
                result(&lambda).is_some_and(|body| self.class_within(&body, steps).is_jail())
            }
            Class::Makes(wants) => wants > 0,
            _ => false,
        }
    }

    /// Whether a function gives a name and a jail.
    fn makes_pair(&self, function: &ast::Expr, steps: u32) -> bool {
        let Class::Function(lambda) = self.class_within(function, steps) else { return false };
        let value = match result(&lambda).map(|body| unwrapped(&body)) {
            Some(ast::Expr::AttrSet(set)) => attribute(&set, "value"),
            Some(ast::Expr::Apply(apply)) => {
                let (function, mut arguments) = call(&apply);
                let name = function.and_then(|it| last_name(&it));
                if name.as_deref() == Some("nameValuePair") { arguments.pop() } else { None }
            }
            _ => None,
        };
        value.is_some_and(|value| self.class_within(&value, steps).is_jail())
    }

    fn applied(&self, function: Class, argument: Option<&ast::Expr>, steps: u32) -> Class {
        match function {
            Class::Makes(wants) | Class::Counterpart(Counterpart { wants: Some(wants), .. }) => {
                wants.checked_sub(1).map_or(Class::Other, Class::Makes)
            }
            Class::Input(library, mut path) => {
                path.push(APPLIED.into());
                Class::input(library, path)
            }
            Class::Import => self.imported(argument, steps),
            Class::Function(lambda) => {
                lambda.body().map_or(Class::Other, |body| self.class_within(&body, steps))
            }
            Class::Free(lambda) => Class::Free(lambda),
            Class::Counterpart(_)
            | Class::Inputs
            | Class::Set(_)
            | Class::Several(_)
            | Class::Home(_)
            | Class::Other => Class::Other,
        }
    }

    fn imported(&self, argument: Option<&ast::Expr>, steps: u32) -> Class {
        let packages = || Class::Input(Library::Nixpkgs, vec![IMPORTED.into()]);
        match argument.map(unwrapped) {
            // A file below the folder of the first one is inserted here.
            Some(
                file @ (ast::Expr::Lambda(_)
                | ast::Expr::LetIn(_)
                | ast::Expr::AttrSet(_)
                | ast::Expr::List(_)),
            ) => self.class_within(&file, steps),
            Some(ast::Expr::PathSearch(path)) if path.syntax().text() == "<nixpkgs>" => packages(),
            Some(ast::Expr::PathSearch(_) | ast::Expr::PathRel(_) | ast::Expr::PathAbs(_)) => {
                Class::Free(None)
            }
            Some(argument) => match self.class_within(&argument, steps) {
                Class::Input(library, path) if path.is_empty() => {
                    Class::input(library, vec![IMPORTED.into()])
                }
                _ if last_name(&argument).as_deref() == Some("nixpkgs") => packages(),
                _ => Class::Free(None),
            },
            None => Class::Other,
        }
    }

    fn selected(&self, set: Class, name: Option<String>, steps: u32) -> Class {
        match (set, name) {
            (Class::Inputs, Some(name)) => match self.inputs.library(&name) {
                Some(Library::Other(name)) if !self.inputs.declares(&name) => Class::Free(None),
                Some(library) => Class::input(library, Vec::new()),
                None => Class::Free(None),
            },
            // The system, which a spec does not name.
            (Class::Input(library, path), name) if name.as_deref().is_none_or(is_system) => {
                Class::input(library, path)
            }
            (Class::Input(library, mut path), Some(name)) => {
                path.push(name);
                Class::input(library, path)
            }
            (Class::Counterpart(of), name) if name.as_deref().is_none_or(is_system) => {
                Class::Counterpart(of)
            }
            (Class::Counterpart(of), Some(name))
                if of.text == "jail" && name == "combinators" && self.has_combinators =>
            {
                Class::Counterpart(Counterpart::value("combinators"))
            }
            (Class::Counterpart(of), Some(name)) if of.text == "pkgs" && name == "lib" => {
                Class::Counterpart(Counterpart::value("lib"))
            }
            (Class::Set(set), Some(name)) => {
                attribute(&set, &name).map_or(Class::Other, |it| self.class_within(&it, steps))
            }
            (Class::Free(lambda), _) => Class::Free(lambda),
            _ => Class::Other,
        }
    }

    fn named(&self, name: &str, node: &SyntaxNode, steps: u32) -> Class {
        match resolve(name, node) {
            Some(Bound::Value(entry)) => {
                let class = match entry.value {
                    Value::Expr(value) => self.class_within(&value, steps),
                    Value::From(set) => {
                        let set = self.class_within(&set, steps);
                        self.selected(set, Some(name.into()), steps)
                    }
                    Value::Parts => Class::Other,
                };
                match class {
                    // However it is made, it is a set of packages.
                    Class::Other | Class::Free(_) if name == "pkgs" => {
                        Class::Counterpart(Counterpart::value(name))
                    }
                    class => class,
                }
            }
            Some(Bound::Argument(lambda)) => self.argument(name, &lambda),
            Some(Bound::Whole(lambda)) if is_outputs(&lambda) => Class::Inputs,
            Some(Bound::Whole(lambda)) if takes_combinators(&lambda) => {
                let text = if self.has_combinators { "combinators" } else { "jail.combinators" };
                Class::Counterpart(Counterpart::value(text))
            }
            Some(Bound::Whole(lambda)) => self.argument(name, &lambda),
            None if name == "import" => Class::Import,
            None => self.with_in_scope(name, node, steps),
        }
    }

    /// What an argument of a function is, if its name alone says so.
    fn argument(&self, name: &str, lambda: &ast::Lambda) -> Class {
        match name {
            "inputs" | "inputs'" => Class::Inputs,
            "pkgs" | "lib" | "system" => Class::Counterpart(Counterpart::value(name)),
            "final" | "prev" => Class::Counterpart(Counterpart::value("pkgs")),
            "jail" => Class::Counterpart(Counterpart::jail()),
            name => match self.inputs.library(name) {
                Some(Library::Other(name)) if is_outputs(lambda) => {
                    Class::Input(Library::Other(name), Vec::new())
                }
                Some(Library::Other(_)) | None => self.other_argument(name, lambda),
                Some(library) => Class::input(library, Vec::new()),
            },
        }
    }

    fn other_argument(&self, name: &str, lambda: &ast::Lambda) -> Class {
        let is_package = called_with(lambda).is_some_and(|call| call.is_package);
        if is_package && super::rewrite::default_of(lambda, name).is_none() {
            return Class::Counterpart(Counterpart::value(&format!("pkgs.{name}")));
        }
        Class::Free(Some(lambda.clone()))
    }

    fn with_in_scope(&self, name: &str, node: &SyntaxNode, steps: u32) -> Class {
        let namespaces = withs(node);
        let classes = namespaces.iter().map(|namespace| self.class_within(namespace, steps));
        let found = classes.map(|set| match set {
            set @ (Class::Input(..) | Class::Inputs | Class::Set(_)) => {
                self.selected(set, Some(name.into()), steps)
            }
            _ => Class::Other,
        });
        found.into_iter().find(|class| !matches!(class, Class::Other)).unwrap_or(Class::Other)
    }

    /// What `name` is after `inherit (from) name;`.
    pub(super) fn inherited(&self, name: &str, from: &ast::Expr) -> Class {
        let set = self.class_within(from, STEPS_MAX);
        self.selected(set, Some(name.into()), STEPS_MAX)
    }

    /// Whether a name that is an argument of the flake's outputs is one of its inputs.
    pub(super) fn other_input(&self, name: &str, node: &SyntaxNode) -> Option<String> {
        let Some(Bound::Argument(lambda)) = resolve(name, node) else { return None };
        let outputs = is_outputs(&lambda);
        match self.inputs.library(name) {
            Some(Library::Other(name)) if outputs => Some(name),
            _ => None,
        }
    }
}

/// What a function returns after all its arguments.
pub(super) fn result(lambda: &ast::Lambda) -> Option<ast::Expr> {
    let mut body = lambda.body()?;
    while let ast::Expr::Lambda(inner) = unwrapped(&body) {
        body = inner.body()?;
    }
    Some(body)
}

/// The last name of what is called: `init` of `(import jail).init`.
pub(super) fn last_name(function: &ast::Expr) -> Option<String> {
    match function {
        ast::Expr::Select(select) => {
            select.attrpath()?.attrs().last().and_then(|attr| attr_name(&attr))
        }
        other => path_of(other)?.pop(),
    }
}

/// Whether an argument is a set with packages: `{ inherit pkgs; … }`.
fn takes_packages(argument: &ast::Expr) -> bool {
    use ast::HasEntry as _;
    let ast::Expr::AttrSet(set) = unwrapped(argument) else { return false };
    let mut inherited = set.inherits().flat_map(|inherit| inherit.attrs());
    attribute(&set, "pkgs").is_some()
        || inherited.any(|attr| attr_name(&attr).as_deref() == Some("pkgs"))
}

/// Whether a function takes only the system.
fn is_of_system(lambda: &ast::Lambda) -> bool {
    match lambda.param() {
        Some(ast::Param::IdentParam(param)) => {
            param.ident().is_some_and(|ident| ident_name(&ident) == "system")
        }
        Some(ast::Param::Pattern(_)) | None => false,
    }
}

/// Whether a function has the form of a flake's `outputs`.
fn is_outputs(lambda: &ast::Lambda) -> bool {
    value_of(lambda).as_deref() == Some("outputs")
}

/// Whether a function of `extend` or `mkOverlay` is called with the combinators.
fn takes_combinators(lambda: &ast::Lambda) -> bool {
    [COMBINATORS, BASE, "packages"].contains(&value_of(lambda).unwrap_or_default().as_str())
        && matches!(lambda.param(), Some(ast::Param::IdentParam(_)))
}

/// The attribute whose value a function is.
pub(super) fn value_of(lambda: &ast::Lambda) -> Option<String> {
    let entry = lambda.syntax().ancestors().find_map(ast::AttrpathValue::cast)?;
    let is_value = entry.value().is_some_and(|it| unwrapped(&it).syntax() == lambda.syntax());
    let last = entry.attrpath()?.attrs().last()?;
    if is_value { attr_name(&last) } else { None }
}

fn is_system(name: &str) -> bool {
    ["-linux", "-darwin"].iter().any(|end| name.ends_with(end))
}
