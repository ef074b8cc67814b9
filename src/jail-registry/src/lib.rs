//! The registry: the one table of combinators and agent builders, and the lowering of terms to policies.
//!
//! Nobody writes a combinator's name outside its entry, its tests, the docs made from it and the examples.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod diagnostic;
mod signature;
mod term;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use signature::{Field, Param, Signature, Type};
pub use term::{Applied, Built, FileId, Jail, Made, Place, Placed, Value};
