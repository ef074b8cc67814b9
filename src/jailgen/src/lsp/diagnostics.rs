//! Diagnostics as the protocol has them, file by file.

use std::collections::BTreeMap;

use gen_lsp_types::{
    Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, Range, Uri,
};
use jail_lang::Files;
use jail_registry::{self as registry, Code, FileId, Place, Severity};
use serde_json::Value;

use super::{fixes, position};

/// What is found in a file by itself: the rest depends on what a spec makes of it.
const OF_THE_TEXT: &[Code] = &[
    Code::DuplicateAttribute,
    Code::Encoding,
    Code::Syntax,
    Code::TooLarge,
    Code::TooNested,
    Code::UndefinedVariable,
    Code::UnknownCombinator,
];

/// Whether a diagnostic is about a file that is not a spec by itself.
pub(super) fn is_of_the_text(diagnostic: &registry::Diagnostic) -> bool {
    OF_THE_TEXT.contains(&diagnostic.code)
}

/// The diagnostics of a compilation, by the URIs of the files that they are about.
pub(super) fn by_file(
    diagnostics: &[registry::Diagnostic],
    files: &Files,
    uri_of: &dyn Fn(&str) -> Uri,
) -> BTreeMap<String, Vec<Diagnostic>> {
    let map = Map { files, uri_of };
    let mut by_file: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::new();
    for diagnostic in diagnostics {
        let location = diagnostic.primary.and_then(|place| map.location(place));
        let location = location.or_else(|| map.beginning());
        let Some(Location { uri, range }) = location else { continue };
        let all = by_file.entry(uri.0).or_default();
        all.push(map.diagnostic(diagnostic, range));
    }
    by_file
}

struct Map<'a> {
    files: &'a Files,
    uri_of: &'a dyn Fn(&str) -> Uri,
}

impl Map<'_> {
    fn location(&self, place: Place) -> Option<Location> {
        let file = self.files.get(place.file)?;
        let range = position::range(&file.text, &(place.start as usize..place.end as usize));
        Some(Location { uri: (self.uri_of)(&file.name), range })
    }

    /// Where a diagnostic without a place is shown.
    fn beginning(&self) -> Option<Location> {
        let file = self.files.get(FileId(0))?;
        Some(Location { uri: (self.uri_of)(&file.name), range: Range::default() })
    }

    fn fixes(&self, diagnostic: &registry::Diagnostic) -> Option<Value> {
        let file = self.files.get(diagnostic.primary?.file)?;
        fixes::data(&fixes::fixes(diagnostic, &file.text))
    }

    fn diagnostic(&self, diagnostic: &registry::Diagnostic, range: Range) -> Diagnostic {
        let severity = match diagnostic.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        };
        let related = diagnostic.secondary.iter().chain(&diagnostic.stack);
        let related = related.filter_map(|(place, message)| {
            let (location, message) = (self.location(*place)?, message.clone());
            Some(DiagnosticRelatedInformation { location, message })
        });
        Diagnostic {
            range,
            severity: Some(severity),
            code: Some(diagnostic.code.as_str().to_owned().into()),
            source: Some("jailgen".into()),
            message: message(diagnostic).into(),
            related_information: Some(related.collect()),
            data: self.fixes(diagnostic),
            ..Diagnostic::default()
        }
    }
}

/// Editors show nothing but the message: label and help are part of it.
fn message(diagnostic: &registry::Diagnostic) -> String {
    let mut message = diagnostic.message.clone();
    if !diagnostic.label.is_empty() {
        message = format!("{message}: {}", diagnostic.label);
    }
    match &diagnostic.help {
        Some(help) => format!("{message}\nhelp: {help}"),
        None => message,
    }
}
