//! Translates a flake that uses jail.nix, jailed-agents, ai-cage or agent-sandbox.nix to a spec.
//!
//! Nothing is evaluated, and nothing is read but the file and what it imports below its folder. The
//! jails of a file are found by following its names from its outputs; what they need of the file is
//! kept as it is written, comments included, and what stands for one of the two libraries, for
//! nixpkgs or for the system becomes the name that a spec has for it.

mod class;
mod extension;
mod gather;
mod home;
mod inline;
mod library;
mod lookup;
mod rewrite;
mod sandbox;
mod settings;
mod write;

#[cfg(test)]
mod tests;

use jail_registry::{Code, Diagnostic, FileId, Place};
use rnix::{SyntaxNode, ast};
use rowan::ast::AstNode as _;

use crate::files::Files;
use crate::query;
use crate::sources::Sources;
use crate::syntax;

/// The result of importing a file.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The spec, if at least one jail of the file could be translated.
    pub spec: Option<String>,
    /// What could not be translated, each with its line.
    pub diagnostics: Vec<Diagnostic>,
    /// The file, for the places of the diagnostics.
    pub files: Files,
}

/// Reads `text`, a flake or another Nix file called `name`, and writes the spec that corresponds to
/// it. Imports below its folder are read from `sources`, if that is given. `within` is the path of
/// that folder from the spec's folder; it is empty if they are the same.
#[must_use]
pub fn import(name: &str, text: &str, sources: Option<&dyn Sources>, within: &str) -> Imported {
    let mut files = Files::default();
    let file = files.add(name, text);
    let failed = |fault| (None, vec![fault]);
    let (spec, diagnostics) = if let Err(fault) = syntax::check(text) {
        failed(*fault)
    } else {
        let expanded = inline::expand(text, file, sources, within, &mut files);
        let line = |at| {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let place = expanded.origin(Place { file, start: at, end: at.saturating_add(1) });
            let name = files.get(place.file).map_or("?", |file| file.name.as_str());
            format!("{name}:{}", files.line_column(place).0)
        };
        let take = |tree: &query::Tree| taken_over(name, file, &tree.root, &line);
        let read = query::read(&expanded.text, take);
        let (spec, mut faults) = read.unwrap_or_else(|| failed(too_large(name)));
        for fault in &mut faults {
            fault.primary = fault.primary.map(|place| expanded.origin(place));
        }
        (spec, faults)
    };
    Imported { spec, diagnostics, files }
}

impl Imported {
    /// The first path of the spec that is relative to its folder.
    #[must_use]
    pub fn relative_path(&self) -> Option<&str> {
        inline::relative_path(self.spec.as_deref()?)
    }
}

fn taken_over(
    name: &str,
    file: FileId,
    root: &SyntaxNode,
    line: &dyn Fn(usize) -> String,
) -> (Option<String>, Vec<Diagnostic>) {
    let Some(expr) = ast::Root::cast(root.clone()).and_then(|root| root.expr()) else {
        return (None, Vec::new());
    };
    let names = lookup::Names::from_root(&expr);
    let mut gathered = gather::gather(&names, &expr, file);
    let spec = write::spec(name, &names, &expr, &mut gathered, line);
    if spec.is_none() && gathered.faults.is_empty() {
        let message = format!("`{name}` does not make a jail");
        let fault = Diagnostic::error(Code::NoJail, None, message).help(
            "`jailgen import` takes Nix files that call `jail NAME PACKAGE PERMISSIONS` of jail.nix, a builder of jailed-agents, `cage` of ai-cage or `mkSandbox` of agent-sandbox.nix",
        );
        gathered.faults.push(fault);
    }
    gathered.faults.sort_by_key(|fault| fault.primary);
    gathered.faults.dedup();
    (spec, gathered.faults)
}

fn too_large(name: &str) -> Diagnostic {
    Diagnostic::error(Code::TooNested, None, format!("`{name}` is too large"))
}

/// A warning about something that the spec leaves out.
fn left_out(file: FileId, node: &SyntaxNode, message: impl Into<String>) -> Diagnostic {
    let range = query::range(node);
    let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
    let place = Place { file, start: narrow(range.start), end: narrow(range.end) };
    Diagnostic::warning(Code::NotImported, Some(place), message)
}
