//! Nix source as a tree, so one printer writes brackets and line breaks.

use crate::ir::Op;

/// An expression to be printed.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A name or number.
    Atom(String),
    /// A name that is chosen when all others are known.
    Generated(usize),
    Text(Vec<TextSource>),
    List(Vec<Source>),
    Set(Vec<(Key, Source)>),
    Let(Vec<(Name, Source)>, Box<Source>),
    Lambda(Param, Box<Source>),
    Apply(Box<Source>, Vec<Source>),
    Select(Box<Source>, Vec<Key>, Option<Box<Source>>),
    Has(Box<Source>, Vec<Key>),
    If(Box<Source>, Box<Source>, Box<Source>),
    Assert(Box<Source>, Box<Source>),
    Binary(Op, Box<Source>, Box<Source>),
    Not(Box<Source>),
    Negate(Box<Source>),
}

#[derive(Clone, Debug)]
pub(super) enum TextSource {
    Literal(String),
    Code(Source),
}

/// A step of an attribute path.
#[derive(Clone, Debug)]
pub(super) enum Key {
    Name(String),
    Code(Source),
}

/// A bound name.
#[derive(Clone, Debug)]
pub(super) enum Name {
    Fixed(String),
    Generated(usize),
}

#[derive(Clone, Debug)]
pub(super) enum Param {
    Name(Name),
    Pattern { formals: Vec<(String, Option<Source>)>, open: bool, whole: Option<Name> },
}

impl Source {
    pub(super) fn select(self, name: impl Into<String>) -> Self {
        let key = Key::Name(name.into());
        match self {
            Self::Select(set, mut path, None) => {
                path.push(key);
                Self::Select(set, path, None)
            }
            set => Self::Select(Box::new(set), vec![key], None),
        }
    }

    pub(super) fn apply(self, arg: Self) -> Self {
        match self {
            Self::Apply(function, mut args) => {
                args.push(arg);
                Self::Apply(function, args)
            }
            function => Self::Apply(Box::new(function), vec![arg]),
        }
    }

    /// Whether it is better written at each use than bound to a name.
    pub(super) fn is_small(&self) -> bool {
        match self {
            Self::Atom(_) | Self::Generated(_) => true,
            Self::Text(parts) => match parts.as_slice() {
                [] => true,
                [TextSource::Literal(text)] => text.len() <= 40 && !text.contains('\n'),
                _ => false,
            },
            Self::List(items) => items.is_empty(),
            Self::Set(fields) => fields.is_empty(),
            Self::Negate(inner) => inner.is_small(),
            Self::Select(set, path, None) => {
                set.is_small() && path.iter().all(|key| matches!(key, Key::Name(_)))
            }
            _ => false,
        }
    }

    /// The name at the head of a small expression.
    pub(super) fn head(&self) -> Option<&str> {
        match self {
            Self::Atom(name) => Some(name),
            Self::Select(set, _, _) => set.head(),
            _ => None,
        }
    }

    /// Whether it can stand on one line at all: a `let` never does.
    pub(super) fn fits_on_a_line(&self) -> bool {
        let key = |key: &Key| match key {
            Key::Name(_) => true,
            Key::Code(code) => code.fits_on_a_line(),
        };
        match self {
            Self::Let(..) => false,
            Self::Atom(_) | Self::Generated(_) => true,
            Self::Text(parts) => parts.iter().all(|part| match part {
                TextSource::Literal(_) => true,
                TextSource::Code(code) => code.fits_on_a_line(),
            }),
            Self::List(items) => items.iter().all(Self::fits_on_a_line),
            Self::Set(fields) => {
                fields.iter().all(|(name, value)| key(name) && value.fits_on_a_line())
            }
            Self::Lambda(param, body) => {
                let default =
                    |default: &Option<Self>| default.as_ref().is_none_or(Self::fits_on_a_line);
                let formals = match param {
                    Param::Name(_) => true,
                    Param::Pattern { formals, .. } => {
                        formals.iter().all(|(_, value)| default(value))
                    }
                };
                formals && body.fits_on_a_line()
            }
            Self::Apply(function, args) => {
                function.fits_on_a_line() && args.iter().all(Self::fits_on_a_line)
            }
            Self::Select(set, path, default) => {
                let default = default.as_ref().is_none_or(|default| default.fits_on_a_line());
                set.fits_on_a_line() && path.iter().all(key) && default
            }
            Self::Has(set, path) => set.fits_on_a_line() && path.iter().all(key),
            Self::If(a, b, c) => a.fits_on_a_line() && b.fits_on_a_line() && c.fits_on_a_line(),
            Self::Assert(a, b) | Self::Binary(_, a, b) => a.fits_on_a_line() && b.fits_on_a_line(),
            Self::Not(a) | Self::Negate(a) => a.fits_on_a_line(),
        }
    }
}
