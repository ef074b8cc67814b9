//! The plan: what a wrapper contains and the stub carries out, step by step.
//!
//! This crate is the only thing that the compiler and the runtime share. It holds data, its JSON
//! form and the bounds that are checked when it is read. It performs no I/O and takes no decision.
#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod amount;
mod change;
mod effect;
pub mod errand;
mod expand;
pub mod follow;
pub mod git;
pub mod handoff;
pub mod helper;
mod json;
mod landlock;
mod limits;
pub mod mask;
mod network;
mod ops;
mod order;
mod own;
mod path;
mod plan;
pub mod private;
pub mod raw;
mod record;
mod requests;
pub mod search;
mod service;
mod shown;
pub mod stage;
pub mod star;
pub mod terminal;
pub mod trust;
mod wrapper;

pub use amount::{Bytes, Seconds};
pub use change::Change;
pub use effect::{Changes, HostUse, Layers, Place};
pub use expand::{Expansion, ExpansionError, HostText, Lookup, Unset, folder_name, folder_of_name};
pub use landlock::{
    Beneath, FoundAtLaunch, Handled, LANDLOCK_ABI_NEWEST, Landlock, LandlockRule, Reach,
    landlock_abi_since,
};
pub use limits::{Cgroup, CgroupLimit, Controlled, Limit, Otherwise, Resource, TimeLimit};
pub use network::{
    Ask, Credentials, Egress, EgressRule, Exposed, HostPort, Listener, Network, Purpose, Spoken,
    Transport, Upstream,
};
pub use ops::{
    Access, Accounts, AfterOp, Bind, BindArguments, BindVariable, Bus, Channel, Copy, Deep,
    Directory, EnvOp, File, Folder, Forward, Git, GitChanges, HandOff, HostOp, InsideOp,
    KeptOverlay, Mask, Missing, Mode, Origin, Overlay, PrivateCopies, Protect, RefuseFolder,
    Script, Session, Set, SharedFile, Stage, StateDirectory, StateFile, StateLink, Step, Symlink,
    Tmpfs,
};
pub use order::sort;
pub use own::{KEPT, OWN_SETTINGS, OWN_STATE, TRUSTED_STATE, is_own_state};
pub use path::{JailPath, PathError};
pub use plan::{
    Argument, Closure, DedicatedUser, Host, Ids, Lifetime, Namespace, Plan, SeccompProgram,
    ShownIds, StartIn, Terminal, VERSION,
};
pub use requests::{
    Content, Given, GivenTo, RequestRule, Secret, SecretPlace, SecretSocket, SecretSource,
};
pub use service::Service;
pub use shown::one_line;
pub use wrapper::{EXIT_LINE, PLAN_BYTES_MAX, Places, Wrapper, WrapperError, WrapperText, encode};

#[cfg(test)]
mod tests;
