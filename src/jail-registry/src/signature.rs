//! Signatures: what a combinator takes, as data. The evaluator can then say which
//! argument is wrong, and where.

use crate::words::Words;

/// What a combinator or builder takes, in order. It is applied when it has all of its arguments;
/// one that takes none is a permission by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The parameters, in order.
    pub params: &'static [Param],
}

/// A parameter of a combinator or builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name, for messages and docs.
    pub name: &'static str,
    /// What it may be.
    pub ty: Type,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// `null`, as one of several alternatives.
    Null,
    /// A string or a `noescape` text.
    Text,
    /// A string without expansion: it is needed when the jail is compiled.
    Literal,
    /// A plain string, one of these words in most specs.
    Word(Words),
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Bool,
    /// A package of an input, such as `pkgs.git`.
    Package,
    /// A package, or a text that is a path.
    Entry,
    /// A permission; a list of permissions counts as one, as in `compose`.
    Permission,
    /// A lambda from the entry (a string) to a shell script, or a string that is the script.
    Script,
    /// A derivation, for the environment that `nix develop` gives for it.
    Shell,
    /// A list of elements of this type.
    List(&'static Type),
    /// An attribute set with these fields and no others.
    Fields(&'static [Field]),
    /// An attribute set with any names, and values of this type.
    Map(&'static Type),
    /// One of several types; the first that fits is used.
    Either(&'static [Type]),
}

impl Type {
    /// The fields of an attribute set that has no others.
    #[must_use]
    pub const fn fields(self) -> Option<&'static [Field]> {
        match self {
            Self::Fields(fields) => Some(fields),
            Self::Null
            | Self::Text
            | Self::Literal
            | Self::Word(_)
            | Self::Integer
            | Self::Bool
            | Self::Package
            | Self::Entry
            | Self::Permission
            | Self::Script
            | Self::Shell
            | Self::List(_)
            | Self::Map(_)
            | Self::Either(_) => None,
        }
    }
}

/// A field of an attribute set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name, as specs write it.
    pub name: &'static str,
    /// What it may be.
    pub ty: Type,
    /// Whether it is mandatory.
    pub required: bool,
    /// What it does, in one sentence for the author of a spec.
    pub doc: &'static str,
}
