//! `seal`: the builder of the derivations that jailgen and its Nix library make. Nix runs it in the
//! build's folder.

use std::borrow::Cow;
use std::path::Path;

use jail_registry::{Diagnostic, FileId};

use super::Context;
use crate::backends::nix::builder::{self, BuildError};
use crate::cli::console::width;
use crate::cli::failure::Failure;
use crate::render::{self, Sources};

pub(in crate::cli) fn run(context: Context) -> Result<(), Failure> {
    match builder::build(Path::new(".")) {
        Ok(report) => {
            print(&report.warnings, &NoSources, context);
            report.left_out.iter().for_each(|what| context.console.note("note", what));
            Ok(())
        }
        // The message names the line of the spec itself, and Nix shows it as it is.
        Err(BuildError::Seal(error)) => Err(Failure::new(error.to_string())),
        Err(BuildError::Term(faults)) => {
            print(&faults, &NoSources, context);
            Err(Failure::Findings)
        }
        Err(BuildError::Spec(disagreement)) => {
            print(&disagreement.faults, &disagreement.compiled, context);
            Err(Failure::with_help(disagreement.to_string(), disagreement.help()))
        }
    }
}

fn print(diagnostics: &[Diagnostic], sources: &dyn Sources, context: Context) {
    for diagnostic in diagnostics {
        context.console.diagnostic(&render::human(diagnostic, sources, width()));
    }
}

/// A term of the Nix library has no places.
struct NoSources;

impl Sources for NoSources {
    fn source(&self, _file: FileId) -> Option<(Cow<'_, str>, &str)> {
        None
    }
}
