//! Back ends: each writes the jails of specs as files that another program builds or runs. It is a
//! function from [`Spec`]s, whose policies say what each jail may do, to a [`Folder`], and does no
//! more than that: writing and comparing are here, for all of them. What a jail is once its
//! packages are known, the plan that its policy and its closure make, is in [`crate::seal`].

mod copied;
mod error;
mod folder;
pub mod nix;
mod spec;

pub use error::EmitError;
pub use folder::{Change, Difference, File, Folder, Mark, check, write};
pub use spec::{Answer, Copied, Spec, SpecFile, nixpkgs_settings};
