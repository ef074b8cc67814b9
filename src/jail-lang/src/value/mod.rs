//! What expressions evaluate to.
//!
//! A value is two words, so lists and frames hold it directly; anything larger is behind a
//! reference count. An element that has not been needed yet is a [`Thunk`].

mod frame;
mod list;
mod text;
mod thunk;
mod weight;

use std::rc::Rc;

use jail_registry::{Place, Signature};

use crate::attrs::Attrs;
use crate::builtins::Builtin;
use crate::library::{Group, LibraryFunction};
use crate::residual::Residual;
use crate::sources::SpecPath;
use crate::vocabulary::WordKind;

pub(crate) use frame::{Closure, Env, Frame};
pub(crate) use list::{List, Origin};
pub(crate) use text::{Chars, MadeBy, TextBuilder, TextPart, TextValue};
pub(crate) use thunk::{Mapping, Pending, Thunk};
use weight::FixedWeight;
pub(crate) use weight::{Weight, live};

/// A value, or a thunk that becomes one.
#[derive(Clone)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    /// A string without package parts.
    Str(Rc<Chars>),
    /// A string with package parts, or what `noescape` made.
    Text(Rc<TextValue>),
    Path(Rc<SpecPath>),
    List(Rc<List>),
    Attrs(Rc<Attrs>),
    Lambda(Rc<Closure>),
    /// A lambda or builtin with some of its arguments.
    Partial(Rc<Partial>),
    Builtin(&'static Builtin),
    /// A function of `lib`.
    Library(Rc<LibraryFunction>),
    Root(Root),
    /// A combinator or builder that still wants arguments.
    Combinator(Rc<Combinator>),
    /// A combinator that has them all.
    Permission(Rc<Permission>),
    Jail(Rc<JailCall>),
    /// What only Nix can know.
    Residual(Rc<Residual>),
    Thunk(Rc<Thunk>),
}

/// The names in scope that are neither plain values nor in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    /// `lib`, or `lib.lists` and the like.
    Library(Option<Group>),
    /// `jail`
    Jail,
    /// `import`
    Import,
    /// `builtins`, which has more in newer versions of Nix.
    Builtins,
}

pub(crate) struct Partial {
    pub(crate) function: Value,
    pub(crate) args: Vec<Value>,
    /// The same with their places, if the function is `jail`.
    pub(crate) placed: Vec<Argument>,
    _weight: FixedWeight<PARTIAL>,
}

/// The approximate size of a function with some of its arguments.
const PARTIAL: usize = 128;

impl Partial {
    pub(crate) fn value(function: Value, args: Vec<Value>, placed: Vec<Argument>) -> Value {
        let _weight = FixedWeight::new();
        Value::Partial(Rc::new(Self { function, args, placed, _weight }))
    }
}

/// A combinator or an agent builder that is waiting for its arguments.
#[derive(Clone)]
pub(crate) struct Combinator {
    pub(crate) kind: WordKind,
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) args: Vec<Argument>,
    /// Where it is mentioned. `None` if a computed name took it out of a set.
    pub(crate) place: Option<Place>,
}

/// An argument as it was given, and its place.
#[derive(Clone)]
pub(crate) struct Argument {
    pub(crate) value: Value,
    pub(crate) place: Place,
}

pub(crate) struct Permission {
    pub(crate) name: &'static str,
    pub(crate) signature: Signature,
    pub(crate) args: Vec<Argument>,
    pub(crate) place: Option<Place>,
}

/// A call that makes a jail; the arguments are checked when the spec's jails are collected.
pub(crate) enum JailCall {
    Plain { args: [Argument; 3], place: Place },
    Built { name: &'static str, signature: Signature, args: Vec<Argument>, place: Place },
}

impl Value {
    pub(crate) fn string(text: impl Into<Box<str>>) -> Self {
        Self::Str(Rc::new(Chars::from(text)))
    }

    pub(crate) fn list(items: impl Into<Box<[Self]>>) -> Self {
        List::with_origin(items, Origin::None)
    }

    pub(crate) fn residual(residual: Residual) -> Self {
        Self::Residual(Rc::new(residual))
    }

    /// The type's name with its article, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a float",
            Self::Str(_) | Self::Text(_) => "a string",
            Self::Path(_) => "a path",
            Self::List(_) => "a list",
            Self::Attrs(_) => "a set",
            Self::Lambda(_) | Self::Partial(_) | Self::Builtin(_) | Self::Library(_) => {
                "a function"
            }
            Self::Root(Root::Library(_)) => "the library `lib`",
            Self::Root(Root::Builtins) => "the set `builtins`",
            Self::Root(_) => "a function",
            Self::Combinator(it) if it.kind == WordKind::Builder => {
                "a builder without its argument"
            }
            Self::Combinator(_) => "a combinator without all its arguments",
            Self::Permission(_) => "a permission",
            Self::Jail(_) => "a jail",
            Self::Residual(_) => "a package",
            Self::Thunk(_) => "something not evaluated yet",
        }
    }

    /// Whether it is a function of the language.
    pub(crate) const fn is_function(&self) -> bool {
        matches!(self, Self::Lambda(_) | Self::Partial(_) | Self::Builtin(_) | Self::Library(_))
    }

    /// Whether it belongs to the spec language or to Nix itself. What it consists of then
    /// depends on what evaluates it.
    pub(crate) fn is_opaque(&self) -> bool {
        match self {
            Self::Root(_) | Self::Combinator(_) | Self::Permission(_) | Self::Jail(_) => true,
            Self::Text(text) => text.made_by != MadeBy::Language,
            _ => false,
        }
    }

    /// The place where an element or argument was written, if that is known.
    pub(crate) fn written_at(&self) -> Option<Place> {
        match self {
            Self::Thunk(thunk) => {
                let place = thunk.code.as_ref().map(|code| code.place);
                place.filter(|place| place.file != crate::failure::LIBRARY)
            }
            Self::Permission(permission) => permission.place,
            Self::Combinator(combinator) => combinator.place,
            Self::Jail(call) => Some(call.place()),
            _ => None,
        }
    }
}

impl JailCall {
    pub(crate) const fn place(&self) -> Place {
        match self {
            Self::Plain { place, .. } | Self::Built { place, .. } => *place,
        }
    }
}
