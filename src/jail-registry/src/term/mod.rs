//! The term: what a spec evaluates to, still symbolic, each part with its place in the spec.
//!
//! Both front ends make it: `jail-lang` from a `.jail` file, nixlib (as JSON) from a flake.

mod agree;
mod json;
mod path;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use jail_policy::{Package, Text};

pub use agree::difference;
pub use json::{Given, TERM_VERSION, Term, TermError};
pub use path::PathValue;

/// A file of a compilation, by number. The driver knows the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A range of bytes in a file of the spec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The id of the file.
    pub file: FileId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last.
    pub end: u32,
}

/// One jail of a spec.
#[derive(Clone, Debug, PartialEq)]
pub struct Jail {
    /// What made it.
    pub made: Made,
    /// The call that made it. The Nix library has no places.
    pub place: Option<Place>,
}

/// How a jail was made.
#[derive(Clone, Debug, PartialEq)]
pub enum Made {
    /// `jail NAME ENTRY PERMISSIONS`.
    Plain {
        /// The command's name.
        name: String,
        /// A package (its main program) or a text (a path).
        entry: Placed,
        /// What is applied, in order.
        permissions: Vec<Applied>,
    },
    /// `makeJailedOpencode { … }` and the like. It is expanded in this crate, for both front ends.
    Built(Built),
}

/// An applied agent builder.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The builder's name, which is in the registry.
    pub builder: String,
    /// Its arguments as given.
    pub arguments: BTreeMap<String, Placed>,
}

/// A combinator with all its arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The combinator's name, which is in the registry.
    pub combinator: String,
    /// Its arguments, as many as its signature has.
    pub arguments: Vec<Placed>,
    /// The whole application; the Nix library has none.
    pub place: Option<Place>,
}

/// A value, and where it was written: diagnostics underline the argument or the
/// list element that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// The value itself, without its place.
    pub value: Value,
    /// Where it was written; the Nix library does not know.
    pub place: Option<Place>,
}

/// An argument, fully evaluated.
///
/// A lambda never occurs: where a signature asks for one ([`crate::Type::Script`]), the evaluator
/// applies it to [`jail_policy::Piece::Entry`] and passes the text on.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A string, or what `noescape` made of one.
    Text(Text),
    /// A package, which only Nix can build.
    Package(Package),
    /// A list of values, each with its place.
    List(Vec<Placed>),
    /// An attribute set.
    Attributes(BTreeMap<String, Placed>),
    /// An applied combinator that grants or takes something.
    Permission(Applied),
    /// A path value. No argument may be one: where Nix makes text of it, it copies
    /// the file into the store.
    Path(PathValue),
    /// A function where no function is expected. Only the Nix library passes it on, to report
    /// it with the other errors.
    Function,
}

impl Placed {
    /// A value without a place.
    #[must_use]
    pub fn nowhere(value: Value) -> Self {
        Self { value, place: None }
    }
}
