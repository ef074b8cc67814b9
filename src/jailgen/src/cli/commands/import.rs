//! `import`: writes the spec that a flake amounts to, and says line by line what it could not take
//! over.

use std::path::Path;

use super::{Context, given, write_new};
use crate::cli::args::Import;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::has_errors;
use crate::{import, render};

pub(in crate::cli) fn run(arguments: &Import, context: Context) -> Result<(), Failure> {
    let file = &arguments.file;
    given::check(file, given::Wanted::Nix)?;
    let name = arguments.output.as_deref().unwrap_or(file).with_extension("jail");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let import = import::import(file, &name)
        .map_err(|error| Failure::new(format!("`{}` cannot be read: {error}", file.display())))?;
    for fault in &import.imported.diagnostics {
        context.console.diagnostic(&render::human(fault, &import, width()));
    }
    let (Some(spec), Some(compiled)) = (&import.imported.spec, &import.compiled) else {
        return Err(Failure::Findings);
    };
    match arguments.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            write_new(path, spec)?;
            let shown = path.display().to_string();
            let shown = render::sanitise(&shown);
            context.console.note("wrote", &format!("{shown}: read it, then `jailgen run {shown}`"));
        }
        None => context.console.result(spec)?,
    }
    for fault in &compiled.diagnostics {
        context.console.diagnostic(&render::human(fault, compiled, width()));
    }
    if has_errors(&compiled.diagnostics) { Err(Failure::Findings) } else { Ok(()) }
}
