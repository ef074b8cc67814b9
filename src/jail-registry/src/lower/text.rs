//! Checks of texts: expansions, and strings that look as if they were meant to be.

use jail_plan::{Expansion, ExpansionError};
use jail_policy::{Piece, Text};

use crate::diagnostic::{Code, Diagnostic};
use crate::nix_text::quoted;
use crate::term::Place;

/// A text that is used as a value: a variable, an argument, a part of a path.
pub(super) fn value(
    text: &Text,
    place: Option<Place>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Text> {
    let text = contents(text, place, diagnostics)?;
    if text.expand {
        return expansion(&text, place, diagnostics).then_some(text);
    }
    if looks_expanded(&text) {
        diagnostics.push(looks_expanded_warning(&text, place));
    }
    Some(text)
}

/// A text that is never expanded, such as the contents of a file.
pub(super) fn contents(
    text: &Text,
    place: Option<Place>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Text> {
    let nul = text.pieces().iter().any(|piece| match piece {
        Piece::Literal(literal) => literal.contains('\0'),
        Piece::Package { .. } | Piece::Entry { .. } => false,
    });
    if nul {
        let message = "the text contains a NUL byte, at which the kernel would stop reading";
        diagnostics.push(Diagnostic::error(Code::NulByte, place, message));
        return None;
    }
    Some(text.clone())
}

/// Whether the stub will understand the text as an expansion.
pub(super) fn expansion(
    text: &Text,
    place: Option<Place>,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let source = source(text);
    let Err(error) = Expansion::parse(&source) else { return true };
    let code = match error {
        ExpansionError::CommandSubstitution => Code::CommandSubstitution,
        ExpansionError::NotAVariable(_)
        | ExpansionError::Unclosed(_)
        | ExpansionError::OtherHome
        | ExpansionError::UnclosedQuote
        | ExpansionError::TooDeep => Code::BadExpansion,
    };
    let message = format!("`{text}` cannot be expanded: {error}");
    diagnostics.push(Diagnostic::error(code, place, message).help(expansion_help(code)));
    false
}

fn expansion_help(code: Code) -> &'static str {
    if code == Code::CommandSubstitution {
        "run it with `add-runtime`: write `(add-runtime \"NAME=$(…)\")` before this, and `(noescape \"$NAME\")` here"
    } else {
        "these are expanded: `~`, `$NAME`, `${NAME}` and `${NAME:-default}`; a backslash keeps the next character as it is"
    }
}

/// What the stub will see. A store path contains nothing that has a meaning in an expansion, so a
/// letter can represent it.
fn source(text: &Text) -> String {
    text.pieces()
        .iter()
        .map(|piece| match piece {
            Piece::Literal(literal) => literal.as_str(),
            Piece::Package { .. } | Piece::Entry { .. } => "/p",
        })
        .collect()
}

/// A plain string that its author probably wanted expanded. A string with blanks is a script or a
/// sentence, in which another program interprets a dollar sign.
pub(super) fn looks_expanded(text: &Text) -> bool {
    let Some(literal) = text.as_str() else { return false };
    literal.starts_with("~/")
        || literal == "~"
        || (has_variable(literal) && !literal.contains(char::is_whitespace))
}

/// A dollar sign before something that could be expanded.
fn has_variable(literal: &str) -> bool {
    literal.split('$').skip(1).any(|rest| {
        let next = rest.trim_start_matches('{').chars().next();
        next.is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
    })
}

fn looks_expanded_warning(text: &Text, place: Option<Place>) -> Diagnostic {
    let message = format!("`{text}` is taken literally: nothing in it is expanded");
    let source = text.to_string();
    let (expanded, kept) = (quoted(&source), quoted(&kept(&source)));
    let help = format!(
        "write `(noescape {expanded})` to have it expanded at launch, or `(noescape {kept})` if you mean it literally"
    );
    Diagnostic::warning(Code::LiteralExpansion, place, message).label("a plain string").help(help)
}

/// The expansion that results in these characters.
pub(super) fn kept(text: &str) -> String {
    let mut source = String::new();
    for (index, character) in text.chars().enumerate() {
        if matches!(character, '$' | '\\' | '"' | '`') || (index == 0 && character == '~') {
            source.push('\\');
        }
        source.push(character);
    }
    source
}
