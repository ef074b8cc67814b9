//! The driver: from a spec to a wrapper, step by step. Only `cli` prints, reads the environment or
//! exits.
#![forbid(unsafe_code)]

pub mod audit;
pub mod backends;
#[expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment and starts jails, Nix and the helper"
)]
pub mod cli;
pub mod closure;
pub mod compile;
pub mod doc;
pub mod doctor;
pub mod explain;
pub mod files;
pub mod findings;
pub mod forward;
pub mod import;
pub mod init;
pub mod kit;
pub mod lsp;
pub mod many;
pub mod nix;
pub mod parallel;
pub mod render;
pub mod report;
pub mod revision;
pub mod seal;
pub mod session;
pub mod settings;
pub mod state;
pub mod surroundings;
pub mod trace;
pub mod watch;
pub mod worktree;
