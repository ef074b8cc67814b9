//! Runs real jails and looks at what happens inside and outside. Every grant is tested twice:
//! what it allows, and what is refused without it; and what a probe does in a jail counts only
//! together with a control outside.
//!
//! The jails use the host's own programs, so nothing but a kernel with user namespaces is needed.
//! As root every test runs as root and as an ordinary user. `JAIL_STUB` names another stub than the
//! one that cargo built, such as the released.

#![expect(clippy::disallowed_methods, reason = "tests start programs, and variables say how")]
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "helpers of tests fail by panicking, as tests do"
)]

mod bad_input;
mod by_name;
mod cage;
mod caller;
mod confinement;
mod dedicated;
mod descriptors;
mod files;
mod folder;
mod followed;
mod follower;
mod git;
mod git_apart;
mod groups;
mod handoff;
mod ids;
mod jail;
mod kept;
mod killed;
mod killed_anywhere;
mod landlock;
mod limits;
mod mask;
mod named_programs;
mod network;
mod news;
mod order;
mod overlay;
mod own_settings;
mod own_state;
mod own_terminal;
mod pinned;
mod places;
mod private;
mod process;
mod programs;
mod pty;
mod quota;
mod root;
mod sandboxes;
mod screen;
mod sessions;
mod set_id;
mod shared;
mod stage;
mod standard;
mod stopping;
mod store_links;
mod terminal;
mod terminal_filter;
mod trust;
mod unsaid;
mod watched;
mod watched_files;
mod watched_much;
mod watched_rights;
mod worktree;
mod wrapper;
