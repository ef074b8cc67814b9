//! From text to expressions: checks on bytes and tokens, rnix, and the lowering of its tree.
//!
//! Nothing outside this module knows rnix or rowan.

mod bounds;
mod faults;
mod literals;
mod lower;
mod portable;
mod scope;
mod sets;
mod undefined;
mod unparsed;
mod wanted;

#[cfg(test)]
mod tests;

use jail_registry::{Code as DiagnosticCode, Diagnostic, FileId, Place};
use rnix::Root;
use rnix::ast::Expr;

use crate::ir::Code;
use crate::symbols::Symbols;

pub(crate) use scope::{Global, Globals};
pub(crate) use undefined::undefined;

/// What the lowering of a file must know about its surroundings.
pub(crate) struct Context<'a> {
    pub(crate) file: FileId,
    /// The folder that relative paths start from.
    pub(crate) folder: &'a str,
    pub(crate) symbols: &'a Symbols,
    pub(crate) globals: &'a dyn Globals,
}

/// The text of a file's bytes.
pub(crate) fn decode(file: FileId, bytes: Vec<u8>) -> Result<String, Box<(String, Diagnostic)>> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text),
        // An excerpt of such a file would tell the reader nothing.
        Err(error) if error.as_bytes().contains(&0) => {
            let message = "the file is not a text file";
            let place = Some(span(file, 0, 0));
            let fault = Diagnostic::error(DiagnosticCode::Encoding, place, message);
            Err(Box::new((
                String::new(),
                fault.label("a binary file").help("give the path of a spec"),
            )))
        }
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let place = at_byte(file, &text, at);
            let diagnostic =
                Diagnostic::error(DiagnosticCode::Encoding, Some(place), "the file is not UTF-8")
                    .label("this byte is not part of a character")
                    .help("save the file as UTF-8");
            Err(Box::new((text, diagnostic)))
        }
    }
}

/// Parses and lowers a file. It runs on the evaluator's own stack.
///
/// Faults in names are returned with the code. The code then fails silently
/// where it needs these names.
pub(crate) fn parse(
    context: &Context<'_>,
    text: &str,
) -> Result<(Code, Vec<Diagnostic>), Vec<Diagnostic>> {
    check_text(context.file, text).map_err(|diagnostic| vec![*diagnostic])?;
    let parsed = Root::parse(text);
    match faults::first(context.file, text, &parsed) {
        Some(first) => Err(faults::all(context.file, text, first)),
        None => lower::file(context, &parsed.tree(), text).map_err(|fault| vec![*fault]),
    }
}

/// Whether `text` is a Nix expression, without looking at its variables.
pub(crate) fn check(text: &str) -> Result<(), Box<Diagnostic>> {
    checked(text).map(|_| ())
}

/// Whether `text` is one set, `{ … }`, and nothing else.
pub(crate) fn check_set(text: &str) -> Result<(), Box<Diagnostic>> {
    match checked(text)?.expr() {
        Some(Expr::AttrSet(_)) => Ok(()),
        _ => {
            let place = Some(beginning(FileId(0), text));
            Err(Box::new(Diagnostic::error(DiagnosticCode::Syntax, place, "this is not a set")))
        }
    }
}

fn checked(text: &str) -> Result<Root, Box<Diagnostic>> {
    let file = FileId(0);
    check_text(file, text)?;
    let parsed = Root::parse(text);
    match faults::first(file, text, &parsed) {
        Some(fault) => Err(Box::new(fault.diagnostic)),
        None => Ok(parsed.tree()),
    }
}

fn check_text(file: FileId, text: &str) -> Result<(), Box<Diagnostic>> {
    if let Some(at) = text.find('\0') {
        let message = "the file holds a NUL byte";
        let place = Some(at_byte(file, text, at));
        let fault = Diagnostic::error(DiagnosticCode::Encoding, place, message);
        return Err(Box::new(fault.label("this byte").help("a spec is a text file")));
    }
    bounds::check(file, text)?;
    portable::check(file, text)
}

fn at_byte(file: FileId, text: &str, at: usize) -> Place {
    let length = text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    span(file, at, at + length)
}

/// The place of the first character, if the fault is the whole file's.
fn beginning(file: FileId, text: &str) -> Place {
    at_byte(file, text, 0)
}

fn span(file: FileId, start: usize, end: usize) -> Place {
    let narrow = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Place { file, start: narrow(start), end: narrow(end) }
}
