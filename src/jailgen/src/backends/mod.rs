//! Back ends: each writes the jails of specs as files that somebody else builds or runs. What all of them need of a jail, the plan
//! that its policy and its closure make, is in [`crate::seal`].

pub mod nix;
