//! Integration tests of the command `jailgen`, in one binary: one link step instead of many.

#![expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")]
// Tells clippy that helpers are parts of tests too, and fail as tests do.
#![cfg(test)]

mod agent_state;
mod approval;
mod audit;
mod bounds;
mod budget;
mod builds;
mod cages;
mod check;
mod cli;
mod closures;
mod combinators;
mod completions;
mod diff;
mod doctor;
mod emitted;
mod emitted_links;
mod escapes;
mod eval;
mod explain;
mod first_hour;
mod first_project;
mod formatting;
mod front_ends;
mod handoff;
mod harness;
mod host_hooks;
mod import;
mod install;
mod linked_specs;
mod links;
mod lsp;
mod many;
mod modules;
mod nix_docs;
mod nix_front_end;
mod nix_places;
mod nixlib;
mod own_flake;
mod playground;
mod projects;
mod prose;
mod real_nix;
mod recipes;
mod report;
mod repositories;
mod sessions;
mod settings;
mod stage;
mod starters;
mod store;
mod store_copies;
mod terminal;
mod tidy;
mod trace;
mod trace_files;
mod two_readings;
mod users;
mod watch;
mod worktrees;
mod wrappers;
