//! Terminals: which of standard input, output and error are one, and the jail's own,
//! which takes their place.
//!
//! A process that holds the launcher's terminal reads from it for ever, whatever job is
//! in the foreground, once it has left the session (escapes.md E25). So the payload
//! holds a pseudo-terminal of the jail's, and the supervisor passes on what is typed,
//! while it may read it itself.

mod filter;
mod given;
mod own;

pub(crate) use filter::OutputFilter;
pub(crate) use given::Given;
pub(crate) use own::{Own, with_modes};
