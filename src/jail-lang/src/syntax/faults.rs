//! All of a text's syntax errors that have nothing to do with each other.
//!
//! After an error the parser recovers somewhere, and what it reports of the text up to there is
//! about the same error. So only its first error is used; then the binding, list or parentheses
//! around it are blanked, and the rest is parsed again.

use std::ops::Range;

use jail_registry::{Code, Diagnostic, FileId};
use rnix::SyntaxKind::{self, *};
use rnix::ast;
use rnix::{Parse, ParseError, Root, SyntaxNode, TextRange};
use rowan::ast::AstNode as _;

use super::{bounds, span, unparsed};

/// The most errors that are reported. Each takes a parse.
const FAULTS_MAX: usize = 20;
/// The most that is parsed again, in bytes.
const REPARSED_MAX: usize = 4 << 20;

/// A syntax error.
pub(super) struct Fault {
    pub(super) diagnostic: Diagnostic,
    /// Whether the text ends in the middle of a construct: what follows the error is nothing, or
    /// cannot be distinguished from it.
    last: bool,
}

/// The first error of a text.
pub(super) fn first(file: FileId, text: &str, parsed: &Parse<Root>) -> Option<Fault> {
    let tree = parsed.syntax();
    let reported = parsed.errors().first().map(|error| Fault {
        diagnostic: unparsed::explain(file, text, &tree, error),
        last: is_last(error),
    });
    let open = open_parenthesis(file, &tree);
    let start = |fault: &Fault| fault.diagnostic.primary.map(|place| place.start);
    match (reported, open) {
        (Some(reported), Some(open)) if start(&open) < start(&reported) => Some(open),
        (Some(reported), _) => Some(reported),
        (None, open) => open,
    }
}

fn is_last(error: &ParseError) -> bool {
    match error {
        ParseError::UnexpectedEOF
        | ParseError::UnexpectedEOFWanted(_)
        | ParseError::UnexpectedExtra(_)
        | ParseError::RecursionLimitExceeded => true,
        ParseError::UnexpectedWanted(_, _, wanted) => wanted.contains(&TOKEN_STRING_END),
        _ => false,
    }
}

/// The parser accepts anything after an expression in parentheses as the closing one.
fn open_parenthesis(file: FileId, tree: &SyntaxNode) -> Option<Fault> {
    let wrong = |paren: &ast::Paren| {
        let last = paren.syntax().last_token()?;
        let is_wrong =
            paren.r_paren_token().is_none() && last.parent() == Some(paren.syntax().clone());
        is_wrong.then_some(last)
    };
    let parens = tree.descendants().filter_map(ast::Paren::cast);
    let (paren, found) = parens.filter_map(|paren| Some((paren.clone(), wrong(&paren)?))).next()?;
    let place = |range: TextRange| span(file, range.start().into(), range.end().into());
    let message = format!("unexpected `{}`, expected `)`", found.text());
    let mut diagnostic = Diagnostic::error(Code::Syntax, Some(place(found.text_range())), message)
        .label("before this, `)` is missing");
    if let Some(open) = paren.l_paren_token() {
        diagnostic = diagnostic.secondary(place(open.text_range()), "opened here");
    }
    Some(Fault { diagnostic, last: false })
}

/// The first error, and those of the rest of the text that do not follow from it.
pub(super) fn all(file: FileId, text: &str, first: Fault) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let mut text = text.to_owned();
    let mut fault = first;
    loop {
        let at = fault.diagnostic.primary.map_or(0, |place| place.start as usize);
        faults.push(fault.diagnostic);
        let within_bounds = faults.len() < FAULTS_MAX && faults.len() * text.len() < REPARSED_MAX;
        if fault.last || !within_bounds {
            return faults;
        }
        let Some(patch) = patch(&text, at) else { return faults };
        let end = patch.range.end;
        text = patch.applied(&text);
        if bounds::check(file, &text).is_err() {
            return faults;
        }
        match self::first(file, &text, &Root::parse(&text)) {
            Some(next)
                if next.diagnostic.primary.is_some_and(|place| place.start as usize >= end) =>
            {
                fault = next;
            }
            _ => return faults,
        }
    }
}

/// What replaces a faulty piece of text.
struct Patch {
    range: Range<usize>,
    /// Whether an expression must be there.
    expression: bool,
}

impl Patch {
    /// The text with spaces in place of the piece: all other places stay the same.
    fn applied(&self, text: &str) -> String {
        let blank = |(at, char): (usize, char)| {
            if !self.range.contains(&at) || char == '\n' {
                return char.to_string();
            }
            let filler = if self.expression && at == self.range.start { "0" } else { " " };
            format!("{filler}{}", " ".repeat(char.len_utf8() - 1))
        };
        text.char_indices().map(blank).collect()
    }
}

/// A bracket, string, interpolation or `let` that is open.
#[derive(Clone)]
struct Open {
    kind: SyntaxKind,
    /// Where its content starts: all of it, or the binding that is being read.
    start: usize,
    /// `with` and `assert` that still wait for their semicolon.
    heads: usize,
}

impl Open {
    const fn new(kind: SyntaxKind, start: usize) -> Self {
        Self { kind, start, heads: 0 }
    }

    const fn holds_bindings(&self) -> bool {
        matches!(self.kind, TOKEN_L_BRACE | TOKEN_LET)
    }
}

/// The smallest piece around a fault that can be left out.
fn patch(text: &str, fault: usize) -> Option<Patch> {
    let around = around(text, fault)?;
    (1..around.len()).rev().find_map(|level| {
        let open = around.get(level)?;
        let expression = match open.kind {
            TOKEN_L_BRACE | TOKEN_LET | TOKEN_L_BRACK => false,
            TOKEN_L_PAREN | TOKEN_INTERPOL_START => true,
            _ => return None,
        };
        let range = open.start..end_of(text, fault, level)?;
        let holds_something = !text.get(range.clone())?.trim().is_empty();
        holds_something.then_some(Patch { range, expression })
    })
}

/// What is open at the fault, outermost first. The first of them is the text itself.
fn around(text: &str, fault: usize) -> Option<Vec<Open>> {
    let mut reader = Reader::new(text);
    while reader.at < fault {
        reader.advance()?;
    }
    Some(reader.open)
}

/// Where the piece that holds the fault ends, seen from this many levels in.
fn end_of(text: &str, fault: usize, level: usize) -> Option<usize> {
    let mut reader = Reader::new(text);
    loop {
        let start = reader.at;
        let before = reader.open.get(level).map(|open| open.start);
        reader.advance()?;
        if start < fault {
            continue;
        }
        match reader.open.get(level) {
            None => return Some(start),
            Some(open) if open.holds_bindings() && Some(open.start) != before => {
                return Some(reader.at);
            }
            Some(_) => {}
        }
    }
}

/// Reads tokens, and keeps track of what is open after each.
struct Reader<'a> {
    tokens: Box<dyn Iterator<Item = rnix::Token<'a>> + 'a>,
    at: usize,
    open: Vec<Open>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            tokens: Box::new(rnix::tokenize(text)),
            at: 0,
            open: vec![Open::new(TOKEN_ERROR, 0)],
        }
    }

    fn advance(&mut self) -> Option<()> {
        let (kind, token) = self.tokens.next()?;
        self.at += token.len();
        match kind {
            kind if bounds::opens(kind) => self.open.push(Open::new(kind, self.at)),
            TOKEN_LET => self.open.push(Open::new(kind, self.at)),
            TOKEN_IN => _ = self.close_let(),
            kind if bounds::closes(kind) => {
                while self.close_let() {}
                if self.open.len() > 1 {
                    self.open.pop();
                }
            }
            TOKEN_WITH | TOKEN_ASSERT => self.last(|open, _| open.heads += 1),
            TOKEN_SEMICOLON => self.last(|open, at| match open.heads {
                0 => open.start = at,
                heads => open.heads = heads - 1,
            }),
            _ => {}
        }
        Some(())
    }

    fn last(&mut self, change: impl FnOnce(&mut Open, usize)) {
        let at = self.at;
        if let Some(open) = self.open.last_mut() {
            change(open, at);
        }
    }

    /// Whether a `let` that was open is now closed.
    fn close_let(&mut self) -> bool {
        let is_let = self.open.last().is_some_and(|open| open.kind == TOKEN_LET);
        if is_let {
            self.open.pop();
        }
        is_let
    }
}
