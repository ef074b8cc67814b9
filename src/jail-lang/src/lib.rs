//! The spec language: Nix, lazily evaluated and pure, with symbolic packages.
//!
//! [`evaluate`] makes a term of a `.jail` file. Only [`Sources`] reads files,
//! and nothing here prints.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod attrs;
mod builtins;
mod deferred_drop;
mod eval;
mod failure;
mod files;
mod import;
mod ir;
mod library;
mod limits;
mod outcome;
mod print;
pub mod query;
mod residual;
mod sources;
mod spec;
mod stack;
mod suggest;
mod symbols;
mod syntax;
mod term;
mod value;
mod vocabulary;

#[cfg(test)]
mod tests;

pub use files::{File, Files};
pub use import::{Imported, import};
// The registry, beneath this crate, also writes Nix in the help of its diagnostics.
pub use jail_registry::nix_text;
pub use limits::Limits;
pub use outcome::{
    Evaluated, Expression, Outcome, SyntaxError, check_set_syntax, check_syntax, eval_expression,
    evaluate, parse_expression,
};
pub use print::Form;
pub use sources::{
    Bounds, EntryKind, FILE_BYTES_MAX, FileSources, MemorySources, Query, SourceError, Sources,
    Tree,
};
pub use spec::{Input, Spec};
pub use stack::on_large_stack;
