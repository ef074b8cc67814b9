//! Diagnostics for programs: one JSON object a line (docs/diagnostics.md).

use std::borrow::Cow;

use jail_registry::{Diagnostic, Place, Severity};
use serde::Serialize;

use super::{Position, Sources, sanitise_json};

#[derive(Serialize)]
struct Message<'a> {
    code: &'static str,
    severity: &'static str,
    /// How bad a grant is.
    #[serde(skip_serializing_if = "Option::is_none")]
    danger: Option<&'static str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Span<'a>>,
    label: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'a str>,
    related: Vec<Related<'a>>,
    stack: Vec<Related<'a>>,
}

#[derive(Serialize)]
struct Related<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<Span<'a>>,
}

#[derive(Serialize)]
struct Span<'a> {
    file: Cow<'a, str>,
    start: u32,
    end: u32,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

/// The JSON of a diagnostic, without a line break.
///
/// # Errors
/// None that these types can give; the caller treats one as a bug.
pub fn json(diagnostic: &Diagnostic, sources: &dyn Sources) -> serde_json::Result<String> {
    let message = Message {
        code: diagnostic.code.as_str(),
        severity: match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        danger: diagnostic.danger.map(jail_policy::Severity::as_str),
        message: &diagnostic.message,
        place: diagnostic.primary.and_then(|place| span(place, sources)),
        label: &diagnostic.label,
        help: diagnostic.help.as_deref(),
        related: all(&diagnostic.secondary, sources),
        stack: all(&diagnostic.stack, sources),
    };
    Ok(sanitise_json(&serde_json::to_string(&message)?).into_owned())
}

fn all<'a>(places: &'a [(Place, String)], sources: &'a dyn Sources) -> Vec<Related<'a>> {
    places
        .iter()
        .map(|(place, message)| Related { message, place: span(*place, sources) })
        .collect()
}

fn span(place: Place, sources: &dyn Sources) -> Option<Span<'_>> {
    let (file, text) = sources.source(place.file)?;
    let first = Position::at_byte(text, place.start as usize);
    let last = Position::at_byte(text, place.end as usize);
    Some(Span {
        file,
        start: place.start,
        end: place.end,
        line: first.line,
        column: first.column,
        end_line: last.line,
        end_column: last.column,
    })
}
