//! The registry: the one table of combinators and agent builders, and the
//! lowering of terms to policies.
//!
//! A combinator's name appears only in its entry, its tests, the docs made from it and
//! the examples. Code that needs one refers to it by its constant in [`names`];
//! messages show how it is spelt.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod builders;
mod check;
mod diagnostic;
mod hosts;
mod keys;
mod lower;
pub mod nix_text;
mod packages;
mod page;
mod signature;
mod snippet;
mod suggest;
mod table;
mod term;
mod words;

pub use builders::{
    BUILDERS, Builder, CAGE_SUFFIX, COMMON_JAIL_OPTIONS, COMMON_PKGS, Executed, MOVABLE, Makes,
    Movable, Needs, PRESETS, Preset, State, UNFREE_AGENTS, Variable, VariableValue, builder,
    builder_meant, needs, unfree_agents_in,
};
pub use check::{
    PATH_ALONE, argument as check_argument, arguments as check_arguments, count_fault,
    describe_type, describe_value, unknown as unknown_argument,
};
pub use diagnostic::{Code, Diagnostic, Severity};
pub use hosts::{GROUP_MARK, GROUPS, HostGroup, KnownHost, group as host_group};
pub use keys::{KEYS, KnownKey, key};
pub use lower::{
    Call, Lowered, agent_of, combinators_in, danger_warning, is_every_programs, lower,
};
pub use packages::{Brings, Brought, Packages, Side, Symbolic};
pub use page::{combinators_page, heading, notes, type_words};
pub use signature::{Field, Param, Signature, Type};
pub use suggest::{nearest, respelt};
pub use table::caches::cache_at;
pub use table::{
    BASE_PERMISSIONS, CHAPTERS, Chapter, Combinator, Lower, combinator, combinators, names,
};
pub use term::{
    Applied, Built, FileId, Given, Jail, Made, PathValue, Place, Placed, TERM_VERSION, Term,
    TermError, Value, difference,
};
pub use words::{Word, Words};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
