//! `import`: writes the spec that a flake or another tool's file amounts to, and says line by line
//! what it could not take over.

use std::path::Path;

use super::{Context, given, write_new};
use crate::cli::args::Import;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::has_errors;
use crate::import::ImportError;
use crate::{import, render};

pub(in crate::cli) fn run(arguments: &Import, context: Context) -> Result<(), Failure> {
    let file = &arguments.file;
    given::check(file, given::Wanted::Import)?;
    let name = arguments.output.as_deref().unwrap_or(file).with_extension("jail");
    let name = name.file_name().unwrap_or_default().to_string_lossy();
    let shown = super::shown(file);
    let kinds = import::InputKind::ALL;
    let named = |wanted: &String| kinds.iter().find(|(name, _)| *name == wanted.as_str());
    let kind = arguments.from.as_ref().and_then(named).map(|(_, kind)| *kind);
    let import = import::import(file, kind, &name).map_err(|error| match error {
        ImportError::Read(error) => Failure::new(format!("`{shown}` cannot be read: {error}")),
        ImportError::Unknown => {
            let names: Vec<&str> = kinds.iter().map(|(name, _)| *name).collect();
            Failure::with_help(
                format!("`{shown}` is no file that is known here"),
                format!("say what it is with `--from KIND`: {}", names.join(", ")),
            )
        }
    })?;
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
        // A terminal would obey what an imported file says to it.
        None if spec.chars().any(is_hidden) => {
            let message = "the spec has control characters, and is not printed";
            return Err(Failure::with_help(message, "write it to a file with `-o FILE`"));
        }
        None => context.console.result(spec)?,
    }
    for fault in &compiled.diagnostics {
        context.console.diagnostic(&render::human(fault, compiled, width()));
    }
    if has_errors(&compiled.diagnostics) { Err(Failure::Findings) } else { Ok(()) }
}

/// Whether a character would not be shown as what it is.
fn is_hidden(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() && !is_layout || turns
}
