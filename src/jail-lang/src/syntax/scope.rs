//! The frame and the slot of each name. All names are resolved before evaluation, except those
//! that only a `with` gives.

use std::collections::HashMap;

use jail_registry::{Diagnostic, Place, Signature, Type};

use super::portable;
use super::undefined::undefined;
use crate::ir::Expr;
use crate::symbols::{Symbol, Symbols};
use crate::value::Value;

/// The names that stand around every file, as by an enclosing `let`.
pub(crate) trait Globals {
    /// The meaning of a name: a constant, or something that is made for each mention.
    fn resolve(&self, name: &str) -> Option<Global>;
    /// All the names, for suggestions.
    fn names(&self) -> Vec<&str>;
    /// Whether the name belongs to a combinator or a builder.
    fn is_combinator(&self, name: &str) -> bool;
    /// The arguments that a name takes, if that is known before it is evaluated.
    fn signature(&self, name: &str) -> Option<Signature>;
}

/// The meaning of a name around the file.
pub(crate) enum Global {
    Constant(Value),
    Named,
}

enum Scope {
    Names(HashMap<Symbol, u32>),
    With,
}

/// The scopes around the expression that is being lowered, outermost first. Each is
/// one frame during evaluation.
#[derive(Default)]
pub(super) struct Scopes {
    scopes: Vec<Scope>,
}

impl Scopes {
    pub(super) fn push_names(&mut self, names: impl IntoIterator<Item = Symbol>) {
        let numbered = names.into_iter().zip(0..).collect();
        self.scopes.push(Scope::Names(numbered));
    }

    pub(super) fn push_with(&mut self) {
        self.scopes.push(Scope::With);
    }

    pub(super) fn pop(&mut self) {
        self.scopes.pop();
    }

    /// The variable `name`, looked up from `skip` frames further out (for `inherit`).
    pub(super) fn resolve(&self, name: Symbol, skip: usize) -> Resolved {
        let mut withs = Vec::new();
        for (up, scope) in (0..).zip(self.scopes.iter().rev()).skip(skip) {
            match scope {
                Scope::Names(names) => {
                    if let Some(slot) = names.get(&name) {
                        return Resolved::Local { up, slot: *slot };
                    }
                }
                Scope::With => withs.push(up),
            }
        }
        Resolved::Outside { withs }
    }

    fn names(&self) -> impl Iterator<Item = Symbol> {
        self.scopes.iter().flat_map(|scope| match scope {
            Scope::Names(names) => names.keys().copied().collect::<Vec<_>>(),
            Scope::With => Vec::new(),
        })
    }
}

pub(super) enum Resolved {
    Local { up: u32, slot: u32 },
    Outside { withs: Vec<u32> },
}

/// The expression for a mention of `name`. `wanted` is what belongs there, for the message.
pub(super) fn variable(
    scopes: &Scopes,
    symbols: &Symbols,
    globals: &dyn Globals,
    (name, skip): (&str, usize),
    place: Place,
    wanted: impl FnOnce() -> Option<Type>,
) -> Result<Expr, Box<Diagnostic>> {
    let symbol = symbols.intern(name);
    match scopes.resolve(symbol, skip) {
        Resolved::Local { up, slot } => Ok(Expr::Local { up, slot, name: symbol }),
        Resolved::Outside { withs } => match globals.resolve(name) {
            Some(Global::Constant(value)) => Ok(Expr::Const(value)),
            Some(Global::Named) => Ok(Expr::Global(symbol)),
            // A newer Nix may have a builtin of this name, which then comes before any `with`.
            None if portable::is_unsure(name) => Err(Box::new(portable::reserved(name, place))),
            None if !withs.is_empty() => Ok(Expr::Dynamic { name: symbol, scopes: withs.into() }),
            None => {
                let local: Vec<_> = scopes.names().map(|name| symbols.name(name)).collect();
                let local = local.iter().map(AsRef::as_ref);
                Err(Box::new(undefined(name, place, globals, local, wanted())))
            }
        },
    }
}
