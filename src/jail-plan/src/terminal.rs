//! How the process that filters what a jail writes to its terminal is talked to ([`crate::HostOp::FilterTerminal`]): packets over a
//! pair of sockets. Only their form; no I/O.
//!
//! The stub sends a packet of what the jail has written, and waits for the answer before it sends the next one: [`ANSWER`], and what
//! of it, and of what was held before, the terminal gets.

use crate::ops::HostOp;

/// The argument that makes the helper this process.
pub const FILTER: &str = "filter-terminal";

/// The longest packet of the stub's. An answer is at most twice as long.
pub const PACKET_MAX: usize = 16 * 1024;

/// The first byte of every answer: an empty packet would be the end.
pub const ANSWER: u8 = b'A';

/// Whether the operation wants such a process.
#[must_use]
pub fn is_filter(op: &HostOp) -> bool {
    matches!(op, HostOp::FilterTerminal)
}
