//! The real broker, with this program in the stub's place: namespaces, sockets and servers are
//! real, and nothing leaves the machine. `JAIL_BROKER` names another broker than the one that cargo
//! built, such as the released.

#![expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")]
#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod clients;
mod jail;
mod origin;
mod programs;
mod servers;
mod world;

mod addresses;
mod bounds;
mod confined;
mod desktop;
mod dns;
mod endings;
mod frames;
mod live;
mod names;
mod passing;
mod ports;
mod proxies;
mod refusals;
mod requests;
mod secrets;
mod speed;
mod spoken;
mod upstreams;
