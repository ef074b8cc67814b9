//! The policy: what a jail may do, grant by grant, in the order in which the spec gives and takes.
//!
//! Data and its algebra (merge, normalise, diff, display). No I/O, and nothing here knows how a
//! launch is done.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod concern;
mod danger;
mod diff;
mod exposure;
mod grant;
mod normalise;
mod policy;
mod text;
mod words;

pub use concern::{Concern, concern};
pub use danger::{Danger, DangerCode, Launch, cage_state, dangers, is_secret, writer};
pub use diff::{Difference, diff};
pub use exposure::{Exposure, Severity, Share, canonical_place, exposures, given, is_home};
pub use grant::{
    Argument, GitSettings, Grant, HostUse, IdKind, Limited, NetworkGrant, Phase, ProxyCredentials,
    Scope, Secret, SecretSocket, SecretSource, SecretTo, UpstreamProxy, Wall, Writes, Zone,
};
pub use jail_plan::{
    Access, LANDLOCK_ABI_NEWEST, Lifetime, Missing, Mode, Namespace, Reach, SecretPlace, Service,
    Spoken, Terminal,
};
pub use jail_seccomp::{Base as CallBase, OnDeny};
pub use normalise::{compose, normalise};
pub use policy::{BASE, Entry, Origin, Policy, VERSION};
pub use text::{Output, Package, Piece, StorePaths, Text};
pub use words::{
    DEV_SHELL, PACKAGES_OF, Sentence, Subject, default_layers, is_hosts_root, sentence,
    sentence_among,
};

#[cfg(test)]
mod tests;
