//! Refuses, before parsing, what Nix reads differently than our parser, or one version of Nix
//! differently than another: a spec must mean the same here as when Nix evaluates it.

use jail_registry::{Code, Diagnostic, FileId};
use rnix::SyntaxKind::{self, *};

use super::{at_byte, span};

/// The prefix of variables that are Nix's own: some versions look operators up by such names.
const OWN: &str = "__";

/// Attributes that Nix, or a derivation, looks up in a set. In a `rec` set they are also variables,
/// which have no meaning of their own.
const ATTRIBUTES: &[&str] = &[
    "__contentAddressed",
    "__functionArgs",
    "__functor",
    "__ignoreNulls",
    "__impure",
    "__impureHostDeps",
    "__json",
    "__noChroot",
    "__structuredAttrs",
    "__toString",
];

/// Refuses characters and tokens that are read in more than one way.
pub(super) fn check(file: FileId, text: &str) -> Result<(), Box<Diagnostic>> {
    if let Some(at) = lone_carriage_return(text) {
        return Err(Box::new(carriage_return(file, text, at)));
    }
    let mut at = 0;
    for (kind, token) in rnix::tokenize(text) {
        let end = at + token.len();
        if let Some(fault) = token_fault(file, kind, token, at) {
            return Err(Box::new(fault));
        }
        at = end;
    }
    Ok(())
}

fn lone_carriage_return(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    text.match_indices('\r').map(|(at, _)| at).find(|at| bytes.get(at + 1) != Some(&b'\n'))
}

fn carriage_return(file: FileId, text: &str, at: usize) -> Diagnostic {
    let message = "the file holds a carriage return without a line feed";
    Diagnostic::error(Code::Encoding, Some(at_byte(file, text, at)), message)
        .label("Nix ends a comment here, but editors do not show it")
        .help("save the file with Unix line endings")
}

fn token_fault(file: FileId, kind: SyntaxKind, token: &str, at: usize) -> Option<Diagnostic> {
    let whole = span(file, at, at + token.len());
    match kind {
        TOKEN_WHITESPACE => {
            let (start, space) = token.char_indices().find(|(_, char)| !is_space(*char))?;
            let place = span(file, at + start, at + start + space.len_utf8());
            let message = format!("the character U+{:04X} is not a space", u32::from(space));
            let fault = Diagnostic::error(Code::Encoding, Some(place), message);
            Some(fault.label("Nix does not read this").help("write a plain space"))
        }
        // Nix reads this as the number 0 and a selection.
        TOKEN_FLOAT if token.starts_with("0.") && !has_digit_at(token, 2) => {
            let message = format!("`{token}` is not a number");
            let fault = Diagnostic::error(Code::Syntax, Some(whole), message);
            Some(fault.label("a digit is missing after the point").help("write `0.0`"))
        }
        _ => None,
    }
}

const fn is_space(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\r' | '\n')
}

fn has_digit_at(token: &str, at: usize) -> bool {
    token.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}

/// Whether a spec must not bind or look up a variable of this name.
pub(super) fn is_reserved(name: &str) -> bool {
    name.starts_with(OWN) && !ATTRIBUTES.contains(&name)
}

/// Whether only some versions of Nix have a global variable of this name.
pub(super) fn is_unsure(name: &str) -> bool {
    is_reserved(name) || name == "break"
}

/// The fault of binding such a variable.
pub(super) fn reserved(name: &str, place: jail_registry::Place) -> Diagnostic {
    let message = format!("the variable `{name}` has a name that Nix reserves");
    Diagnostic::error(Code::EvaluatorDependent, Some(place), message)
        .label("some versions of Nix give such names a meaning")
        .help("choose another name")
}
