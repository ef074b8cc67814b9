//! The real broker, with this program in the stub's place: namespaces, sockets and servers are real, and nothing leaves the machine.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]
#![expect(dead_code, reason = "some helpers are there before the tests that need them")]

mod clients;
mod jail;
mod servers;
mod world;

mod addresses;
mod names;
mod spoken;
