//! `add-kit` and `describe-kit`: the ends of `make kit` and `make install`.

use std::path::Path;

use super::Context;
use crate::cli::failure::Failure;
use crate::kit::{self, KitError, Manifest};

/// Adds a kit that was put together to the store, and records it next to this program.
pub(in crate::cli) fn add(folder: &Path, context: Context) -> Result<(), Failure> {
    let nix = context.nix().map_err(Failure::from)?;
    let kit = kit::add(&nix, folder, &context.program()?).map_err(|error| failed(&error))?;
    context.console.note("kit", &kit.url);
    Ok(())
}

/// Prints the manifest that is installed next to a kit.
pub(in crate::cli) fn describe(folder: &Path, context: Context) -> Result<(), Failure> {
    let manifest = Manifest::for_kit(folder).map_err(|error| failed(&error))?;
    let text = serde_json::to_string_pretty(&manifest)
        .map_err(|error| failed(&KitError::CompiledIn(error)))?;
    context.console.result(&format!("{text}\n"))
}

fn failed(error: &KitError) -> Failure {
    Failure::from_parts(error.to_string(), error.help())
}
