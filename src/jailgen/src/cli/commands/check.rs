//! `check`: compiles specs and prints what is wrong with them.

use std::path::Path;

use jail_registry::{Diagnostic, Severity};

use super::{Context, compile_here, folder_of, judged};
use crate::cli::args::{Check, Deny, MessageFormat};
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::compile::Compiled;
use crate::render;

pub(in crate::cli) fn run(arguments: &Check, context: Context) -> Result<(), Failure> {
    let mut counts = Counts { errors: 0, warnings: 0 };
    for path in &arguments.specs.specs {
        let mut compiled = match compiled(path, arguments.message_format) {
            Err(Failure::Error { message, help }) => {
                context.console.error(&message, help.as_deref());
                counts.errors += 1;
                continue;
            }
            compiled => compiled?,
        };
        compiled.diagnostics.retain(|diagnostic| !is_allowed(diagnostic, &arguments.allow));
        for diagnostic in &compiled.diagnostics {
            match diagnostic.severity {
                Severity::Error => counts.errors += 1,
                Severity::Warning => counts.warnings += 1,
            }
        }
        print(&compiled, arguments.message_format, context)?;
    }
    let denied = match arguments.deny {
        Some(Deny::Warnings) => counts.errors + counts.warnings,
        None => counts.errors,
    };
    if arguments.message_format == MessageFormat::Human {
        context.console.note("checked", &counts.words(arguments.specs.specs.len()));
    }
    if denied > 0 { Err(Failure::Findings) } else { Ok(()) }
}

/// An error is never allowed.
fn is_allowed(diagnostic: &Diagnostic, allowed: &[String]) -> bool {
    let is_named = allowed.iter().any(|code| code == diagnostic.code.as_str());
    is_named && diagnostic.severity == Severity::Warning
}

/// With JSON output every error is a diagnostic, also that a file is not a spec.
fn compiled(path: &Path, format: MessageFormat) -> Result<Compiled, Failure> {
    match format {
        MessageFormat::Human => compile_here(path),
        MessageFormat::Json => folder_of(path).map(|folder| judged(&folder)),
    }
}

struct Counts {
    errors: usize,
    warnings: usize,
}

impl Counts {
    fn words(&self, specs: usize) -> String {
        let number = |count, word| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
        let (errors, warnings) = (number(self.errors, "error"), number(self.warnings, "warning"));
        format!("{}: {errors}, {warnings}", number(specs, "spec"))
    }
}

/// JSON is the result of the command; what people read are messages.
fn print(compiled: &Compiled, format: MessageFormat, context: Context) -> Result<(), Failure> {
    for diagnostic in &compiled.diagnostics {
        match format {
            MessageFormat::Human => {
                context.console.diagnostic(&render::human(diagnostic, compiled, width()));
            }
            MessageFormat::Json => {
                let line = render::json(diagnostic, compiled).map_err(|error| {
                    Failure::new(format!("a diagnostic cannot be written: {error}"))
                })?;
                context.console.result(&(line + "\n"))?;
            }
        }
    }
    Ok(())
}
