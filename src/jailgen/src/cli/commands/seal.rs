//! `seal`: the builder of the derivations that jailgen emits. Nix runs it in the build's folder.

use std::path::Path;

use crate::cli::failure::Failure;
use crate::seal;

pub(in crate::cli) fn run() -> Result<(), Failure> {
    // The message names the line of the spec itself, and Nix shows it as it is.
    seal::build(Path::new(".")).map_err(|error| Failure::new(error.to_string()))
}
