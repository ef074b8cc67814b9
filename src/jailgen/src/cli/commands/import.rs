//! `import`: converts a flake or another tool's file to a spec, and reports line by line
//! what it could not convert.

use std::path::Path;

use super::{Context, given, no_such_folder, write_new};
use crate::cli::args::Import;
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::has_errors;
use crate::files::folder_of;
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
    let written = arguments.output.as_deref().filter(|path| *path != Path::new("-"));
    if let Some(path) = written.filter(|path| !folder_of(path).is_dir()) {
        return Err(no_such_folder(path));
    }
    let import = import::import(file, kind, &name, written.map(folder_of));
    let import = import.map_err(|error| failure(&error, &shown, file))?;
    for fault in &import.imported.diagnostics {
        context.console.diagnostic(&render::human(fault, &import, width()));
    }
    let (Some(spec), Some(compiled)) = (&import.imported.spec, &import.compiled) else {
        return Err(Failure::Findings);
    };
    match written {
        Some(path) => {
            write_new(path, spec)?;
            let shown = path.display().to_string();
            let shown = render::sanitise(&shown);
            context.console.note("wrote", &format!("{shown}: read it, then `jailgen run {shown}`"));
        }
        // A terminal would obey control sequences of an imported file.
        None if spec.chars().any(is_hidden) => {
            let message = "the spec has control characters, and is not printed";
            return Err(Failure::with_help(message, "write it to a file with `-o FILE`"));
        }
        None => {
            context.console.result(spec)?;
            if let (Some(named), true) = (import.imported.relative_path(), is_elsewhere(file)) {
                let note = format!("the spec belongs next to `{shown}`: it names `{named}` there");
                context.console.note("place", &render::sanitise(&note));
            }
        }
    }
    for fault in &compiled.diagnostics {
        context.console.diagnostic(&render::human(fault, compiled, width()));
    }
    if has_errors(&compiled.diagnostics) { Err(Failure::Findings) } else { Ok(()) }
}

fn failure(error: &ImportError, shown: &str, file: &Path) -> Failure {
    match error {
        ImportError::Read(error) => Failure::new(format!("`{shown}` cannot be read: {error}")),
        ImportError::Unknown => {
            let names: Vec<&str> = import::InputKind::ALL.iter().map(|(name, _)| *name).collect();
            Failure::with_help(
                format!("`{shown}` is not a kind of file that jailgen knows"),
                format!("name its kind with `--from KIND`: {}", names.join(", ")),
            )
        }
        ImportError::Link => Failure::with_help(
            format!("`{shown}` is a symbolic link"),
            "name the file that it leads to: what it imports is looked for next to that file",
        ),
        ImportError::Elsewhere(named) => Failure::with_help(
            format!("the spec names `{}`, which it could not read there", render::sanitise(named)),
            format!(
                "a spec reads files in and below its own folder: write it to `{}`",
                super::shown(&folder_of(file).join("NAME.jail"))
            ),
        ),
    }
}

/// Whether a file is not in the working folder.
fn is_elsewhere(file: &Path) -> bool {
    let folder = |path: &Path| path.canonicalize().ok();
    folder(folder_of(file)) != folder(Path::new("."))
}

/// Whether a character would not be shown as what it is.
fn is_hidden(character: char) -> bool {
    let is_layout = matches!(character, '\n' | '\t');
    let turns = matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() && !is_layout || turns
}
