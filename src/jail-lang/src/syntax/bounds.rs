//! Bounds on nesting and on chains, counted on tokens before the parser sees them.
//!
//! The parser recurses for each level and takes time that grows with the square of a chain's
//! length, so neither may be large. The count is an upper bound of the tree's depth. Brackets that
//! do not belong together are found on the way: the parser would take `(1 ]` for `(1)`.

use jail_registry::{Code, Diagnostic, FileId};
use rnix::SyntaxKind::{self, *};

/// The greatest depth of a syntax tree.
const DEPTH_MAX: usize = 4_000;
/// The most brackets that are open at once.
const BRACKETS_MAX: usize = 500;

/// The most characters without a space: at each of them the tokenizer
/// searches to the end for a path.
const WORD_MAX: usize = 2_000;

/// One open bracket, string or interpolation.
#[derive(Default)]
struct Level {
    /// The bracket and its place.
    open: Option<(SyntaxKind, usize)>,
    /// Inside a string, up to the next interpolation, there are no words.
    string: bool,
    /// Inside `[ … ]`, elements are separate and make no chain.
    list: bool,
    /// The nesting of the current expression so far.
    chain: usize,
    /// `with` and `assert` that still wait for their semicolon.
    heads: usize,
    /// Whether the token before joins its neighbours (`.`, `or`).
    joined: bool,
}

/// Refuses a text that is nested too deeply, or one in which a bracket closes
/// what another one opened.
pub(super) fn check(file: FileId, text: &str) -> Result<(), Box<Diagnostic>> {
    let mut mismatch = None;
    let mut levels = vec![Level::default()];
    // The depth of all levels except the innermost.
    let mut outer = 0;
    let (mut at, mut word_end) = (0, 0);
    let mut tokens = rnix::tokenize(text);
    loop {
        if at >= word_end && !levels.last().is_some_and(|level| level.string) {
            word_end = at + word_length(text.get(at..).unwrap_or(""));
            if word_end - at > WORD_MAX {
                return Err(Box::new(too_long(file, text, at)));
            }
        }
        let Some((kind, token)) = tokens.next() else { return mismatch.map_or(Ok(()), Err) };
        let end = at + token.len();
        if opens(kind) {
            outer += levels.last().map_or(0, |level| level.chain) + 1;
            let (list, string) = (kind == TOKEN_L_BRACK, kind == TOKEN_STRING_START);
            levels.push(Level { open: Some((kind, at)), list, string, ..Level::default() });
        } else if closes(kind) {
            if let Some((open, start)) = levels.last().and_then(|level| level.open)
                && mismatch.is_none()
                && closer(open) != Some(kind)
            {
                mismatch = Some(Box::new(mismatched(file, text, (start, open), (at, end))));
            }
            close(&mut levels, &mut outer);
        } else if let Some(level) = levels.last_mut() {
            level.count(kind);
        }
        let chain = levels.last().map_or(0, |level| level.chain);
        if levels.len() > BRACKETS_MAX || outer + chain > DEPTH_MAX {
            return Err(Box::new(too_deep(file, at, end, levels.len() > BRACKETS_MAX)));
        }
        at = end;
    }
}

/// The length of the text up to the first space, counted up to just over the bound.
fn word_length(text: &str) -> usize {
    let apart = |byte: &u8| byte.is_ascii_whitespace() || br#"()[]{}"';,#"#.contains(byte);
    text.bytes().take(WORD_MAX + 1).take_while(|byte| !apart(byte)).count()
}

fn too_long(file: FileId, text: &str, start: usize) -> Diagnostic {
    let message = format!("more than {WORD_MAX} characters without a space");
    Diagnostic::error(Code::TooNested, Some(super::at_byte(file, text, start)), message)
        .label("from here")
        .help("split the expression with `let`")
}

pub(super) fn opens(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_L_BRACK | TOKEN_L_BRACE | TOKEN_L_PAREN | TOKEN_INTERPOL_START | TOKEN_STRING_START
    )
}

pub(super) fn closes(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_R_BRACK | TOKEN_R_BRACE | TOKEN_R_PAREN | TOKEN_INTERPOL_END | TOKEN_STRING_END
    )
}

const fn closer(open: SyntaxKind) -> Option<SyntaxKind> {
    match open {
        TOKEN_L_BRACK => Some(TOKEN_R_BRACK),
        TOKEN_L_BRACE => Some(TOKEN_R_BRACE),
        TOKEN_L_PAREN => Some(TOKEN_R_PAREN),
        TOKEN_INTERPOL_START => Some(TOKEN_INTERPOL_END),
        TOKEN_STRING_START => Some(TOKEN_STRING_END),
        _ => None,
    }
}

fn mismatched(
    file: FileId,
    text: &str,
    (opened, open): (usize, SyntaxKind),
    (start, end): (usize, usize),
) -> Diagnostic {
    let (shown, wanted) = match open {
        TOKEN_L_BRACK => ("[", "]"),
        TOKEN_L_PAREN => ("(", ")"),
        TOKEN_INTERPOL_START => ("${", "}"),
        _ => ("{", "}"),
    };
    let found = text.get(start..end).unwrap_or("");
    let message = format!("unexpected `{found}`, expected `{wanted}`");
    Diagnostic::error(Code::Syntax, Some(super::span(file, start, end)), message)
        .label(format!("`{shown}` is still open here"))
        .secondary(super::span(file, opened, opened + shown.len()), "opened here")
}

fn close(levels: &mut Vec<Level>, outer: &mut usize) {
    // The parser reports a closing bracket too many.
    if levels.len() > 1 {
        levels.pop();
        let chain = levels.last().map_or(0, |level| level.chain);
        *outer = outer.saturating_sub(chain + 1);
        if let Some(level) = levels.last_mut() {
            level.atom();
        }
    }
}

impl Level {
    fn count(&mut self, kind: SyntaxKind) {
        match kind {
            TOKEN_WHITESPACE | TOKEN_COMMENT | TOKEN_STRING_CONTENT => {}
            TOKEN_COMMA => self.chain = 0,
            TOKEN_SEMICOLON if self.heads > 0 => self.heads -= 1,
            TOKEN_SEMICOLON => self.chain = 0,
            TOKEN_WITH | TOKEN_ASSERT => {
                self.heads += 1;
                self.chain += 1;
            }
            TOKEN_DOT | TOKEN_OR => {
                self.joined = true;
                self.chain += 1;
            }
            TOKEN_IDENT | TOKEN_INTEGER | TOKEN_FLOAT | TOKEN_URI | TOKEN_PATH_ABS
            | TOKEN_PATH_REL | TOKEN_PATH_HOME | TOKEN_PATH_SEARCH => self.atom(),
            // Operators, keywords and colons: each may nest what follows.
            _ => self.chain += 1,
        }
    }

    /// A whole operand: the next one after it is an argument, or the next element.
    fn atom(&mut self) {
        if self.list && !self.joined {
            self.chain = 0;
        } else {
            self.chain += 1;
        }
        self.joined = false;
    }
}

fn too_deep(file: FileId, start: usize, end: usize, brackets: bool) -> Diagnostic {
    let message = if brackets {
        format!("more than {BRACKETS_MAX} brackets are open at once")
    } else {
        format!("an expression is nested more than {DEPTH_MAX} levels deep")
    };
    Diagnostic::error(Code::TooNested, Some(super::span(file, start, end)), message)
        .label("this level is too deep")
        .help("split the expression with `let`")
}
