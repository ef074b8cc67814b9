//! Bounds on nesting and on chains, counted on tokens before the parser sees them.
//!
//! The parser recurses for each level and takes time that grows with the square of a chain's length, so neither may be
//! large. The count is an upper bound of the tree's depth.

use jail_registry::{Code, Diagnostic, FileId};
use rnix::SyntaxKind::{self, *};

/// The depth that a syntax tree may have.
const DEPTH_MAX: usize = 4_000;
/// The brackets that may be open at once.
const BRACKETS_MAX: usize = 500;

/// One open bracket, string or interpolation.
#[derive(Default)]
struct Level {
    /// Inside `[ … ]`, elements stand beside each other and make no chain.
    list: bool,
    /// What the current expression has nested so far.
    chain: usize,
    /// `with` and `assert` that still wait for their semicolon.
    heads: usize,
    /// Whether the token before was one that joins (`.`, `or`).
    joined: bool,
}

/// Refuses a text that is nested too deeply.
pub(super) fn check(file: FileId, text: &str) -> Result<(), Diagnostic> {
    let mut levels = vec![Level::default()];
    // The depth of all levels but the innermost.
    let mut outer = 0;
    let mut at = 0;
    for (kind, token) in rnix::tokenize(text) {
        let end = at + token.len();
        if opens(kind) {
            outer += levels.last().map_or(0, |level| level.chain) + 1;
            levels.push(Level { list: kind == TOKEN_L_BRACK, ..Level::default() });
        } else if closes(kind) {
            close(&mut levels, &mut outer);
        } else if let Some(level) = levels.last_mut() {
            level.count(kind);
        }
        let chain = levels.last().map_or(0, |level| level.chain);
        if levels.len() > BRACKETS_MAX || outer + chain > DEPTH_MAX {
            return Err(too_deep(file, at, end, levels.len() > BRACKETS_MAX));
        }
        at = end;
    }
    Ok(())
}

fn opens(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_L_BRACK | TOKEN_L_BRACE | TOKEN_L_PAREN | TOKEN_INTERPOL_START | TOKEN_STRING_START
    )
}

fn closes(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_R_BRACK | TOKEN_R_BRACE | TOKEN_R_PAREN | TOKEN_INTERPOL_END | TOKEN_STRING_END
    )
}

fn close(levels: &mut Vec<Level>, outer: &mut usize) {
    // A bracket too many is the parser's to report.
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
            // Operators, keywords, colons: each may nest what follows.
            _ => self.chain += 1,
        }
    }

    /// Something that stands for a whole operand: the next one beside it is an argument, or the next element.
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
        .label("here it becomes too deep")
        .help("split the expression with `let`")
}
