//! The protocol of the process that filters what a jail writes to its terminal
//! ([`crate::HostOp::FilterTerminal`]): packets over a pair of sockets. Only their form; no I/O.
//!
//! The stub sends a packet with what the jail has written, and waits for the answer before
//! it sends the next one. The answer is [`ANSWER`], and the part of this and of earlier
//! packets that the terminal gets.

use crate::ops::HostOp;

/// The argument that starts the helper as this process.
pub const FILTER: &str = "filter-terminal";

/// The longest packet from the stub. An answer is at most twice as long.
pub const PACKET_MAX: usize = 16 * 1024;

/// The first byte of every answer: an empty packet would mean the end.
pub const ANSWER: u8 = b'A';

/// Whether the operation needs such a process.
#[must_use]
pub fn is_filter(op: &HostOp) -> bool {
    matches!(op, HostOp::FilterTerminal)
}
