//! `add-kit`: adds a kit that was put together to the store, and records it beside this program (`make kit`).

use std::path::Path;

use super::Context;
use crate::cli::failure::Failure;
use crate::kit;

pub(in crate::cli) fn run(folder: &Path, context: Context) -> Result<(), Failure> {
    let nix = context.nix().map_err(Failure::from)?;
    let kit = kit::add(&nix, folder, &context.program()?)
        .map_err(|error| Failure::from_parts(error.to_string(), error.help()))?;
    context.console.note("kit", &kit.url);
    Ok(())
}
