//! What an expression is, as far as jails are concerned: found by following names, without evaluating anything.

use rnix::SyntaxNode;
use rnix::ast;
use rowan::ast::AstNode as _;

use super::library::{APPLIED, IMPORTED, Library, Ours, ours};
use super::lookup::{Bound, Names, Value, attribute, resolve, unwrapped, withs};
use crate::query::{attr_name, ident_name};

/// Names are followed no further than this: a binding may lead to itself.
const STEPS_MAX: u32 = 64;

/// What an expression is.
#[derive(Clone, Debug)]
pub(super) enum Class {
    /// A jail, or what makes one after so many more arguments.
    Makes(usize),
    /// Something that a spec has a name for.
    Ours(Ours),
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
    /// Anything else.
    Other,
}

impl Class {
    /// Whether it is a finished jail.
    pub(super) fn is_jail(&self) -> bool {
        matches!(self, Self::Makes(0)) || matches!(self, Self::Ours(ours) if ours.wants == Some(0))
    }

    fn input(library: Library, path: Vec<String>) -> Self {
        match ours(&library, &path) {
            Some(ours) => Self::Ours(ours),
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
        for attr in select.attrpath().iter().flat_map(|path| path.attrs()) {
            set = self.selected(set, attr_name(&attr), steps);
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
            ast::Expr::Apply(apply) => {
                let (function, argument) = (class(apply.lambda()), apply.argument());
                self.applied(function, argument.as_ref(), steps)
            }
            ast::Expr::Select(select) => self.along(select, steps).pop().unwrap_or(Class::Other),
            _ => Class::Other,
        }
    }

    fn applied(&self, function: Class, argument: Option<&ast::Expr>, steps: u32) -> Class {
        match function {
            Class::Makes(wants) | Class::Ours(Ours { wants: Some(wants), .. }) => {
                wants.checked_sub(1).map_or(Class::Other, Class::Makes)
            }
            Class::Input(library, mut path) => {
                path.push(APPLIED.into());
                Class::input(library, path)
            }
            Class::Import => match argument.map(|it| self.class_within(it, steps)) {
                Some(Class::Input(library, path)) if path.is_empty() => {
                    Class::Input(library, vec![IMPORTED.into()])
                }
                _ => Class::Other,
            },
            Class::Function(lambda) => {
                lambda.body().map_or(Class::Other, |body| self.class_within(&body, steps))
            }
            Class::Ours(_) | Class::Inputs | Class::Set(_) | Class::Other => Class::Other,
        }
    }

    fn selected(&self, set: Class, name: Option<String>, steps: u32) -> Class {
        match (set, name) {
            (Class::Inputs, Some(name)) => {
                self.inputs.library(&name).map_or(Class::Other, |it| Class::input(it, Vec::new()))
            }
            // The system, which a spec does not name.
            (Class::Input(library, path), name) if name.as_deref().is_none_or(is_system) => {
                Class::input(library, path)
            }
            (Class::Input(library, mut path), Some(name)) => {
                path.push(name);
                Class::input(library, path)
            }
            (Class::Ours(of), name) if name.as_deref().is_none_or(is_system) => Class::Ours(of),
            (Class::Set(set), Some(name)) => {
                attribute(&set, &name).map_or(Class::Other, |it| self.class_within(&it, steps))
            }
            _ => Class::Other,
        }
    }

    fn named(&self, name: &str, node: &SyntaxNode, steps: u32) -> Class {
        match resolve(name, node) {
            Some(Bound::Value(entry)) => match entry.value {
                Value::Expr(value) => self.class_within(&value, steps),
                Value::From(set) => {
                    let set = self.class_within(&set, steps);
                    self.selected(set, Some(name.into()), steps)
                }
                Value::Parts => Class::Other,
            },
            Some(Bound::Argument(_)) => self.argument(name),
            Some(Bound::Whole(_)) if self.inputs.is_flake && name == "inputs" => Class::Inputs,
            Some(Bound::Whole(_)) => self.argument(name),
            None if name == "import" => Class::Import,
            None => self.with_in_scope(name, node, steps),
        }
    }

    /// What an argument of a function is, which its name alone tells.
    fn argument(&self, name: &str) -> Class {
        match name {
            "inputs" | "inputs'" => Class::Inputs,
            "pkgs" | "lib" | "system" => Class::Ours(Ours::value(name)),
            "jail" => Class::Ours(Ours::jail()),
            name => match self.inputs.library(name) {
                // Only the outputs of a flake are called with its inputs.
                Some(Library::Other(_)) | None => Class::Other,
                Some(library) => Class::input(library, Vec::new()),
            },
        }
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

/// Whether a function is what a flake's `outputs` are.
fn is_outputs(lambda: &ast::Lambda) -> bool {
    let entry = lambda.syntax().ancestors().find_map(ast::AttrpathValue::cast);
    let Some(entry) = entry else { return false };
    let name = entry.attrpath().and_then(|path| path.attrs().next());
    let is_value = entry.value().is_some_and(|value| unwrapped(&value).syntax() == lambda.syntax());
    is_value && name.and_then(|name| attr_name(&name)).as_deref() == Some("outputs")
}

fn is_system(name: &str) -> bool {
    ["-linux", "-darwin"].iter().any(|end| name.ends_with(end))
}
