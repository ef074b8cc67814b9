//! The launcher: reads a plan and carries it out, operation by operation, or stops and says why.
//!
//! It decides nothing: the plan says what is granted (jail-plan). It uses neither the standard
//! library nor libc, so it starts quickly and has no other code in it; see `start.rs` for how
//! the released program starts.
//!
//! Three processes: the supervisor outside (`supervisor/`), the jail's init (`first.rs`,
//! then `init/`), the payload.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod aside;
mod base64;
mod caller;
mod cgroup;
mod confine;
mod dedicated;
mod ending;
mod errno;
mod failure;
mod first;
mod handoff;
mod host;
mod init;
mod inside;
mod launch;
mod message;
mod namespaces;
mod network;
mod payload;
mod process;
mod reading;
mod resolve;
mod signal;
mod sources;
mod spawn;
mod standard;
mod steps;
mod subreaper;
mod supervisor;
#[expect(unsafe_code, reason = "the system calls that rustix lacks are made here and nowhere else")]
pub mod sys;
mod terminal;

pub use launch::run;
