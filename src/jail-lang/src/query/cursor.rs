//! What may be typed at a place. It is found from the tokens before it, because text that is being
//! typed rarely parses to a tree.

use rnix::SyntaxKind::{self, *};

/// What may be typed at a place. The word that is being typed starts at `start`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// Text, a comment, a number, or a name that only the author can choose.
    Nothing,
    /// A place where an expression, or its first name, starts.
    Value {
        /// Where the word begins.
        start: usize,
    },
    /// The `name` of `base.name`.
    Attribute {
        /// The names before the last dot; empty when it is more than names.
        base: Vec<String>,
        /// Where the word begins.
        start: usize,
    },
    /// The name of an argument in the set that a function is called with.
    Argument {
        /// The function's name.
        function: String,
        /// The number of arguments before it.
        given: Vec<String>,
        /// Where the word begins.
        start: usize,
    },
}

/// What may be typed at a byte of a text.
#[must_use]
pub fn cursor(text: &str, offset: usize) -> Cursor {
    let mut levels = Levels::new();
    let mut at = 0;
    for (kind, token) in rnix::tokenize(text) {
        let end = at + token.len();
        if end >= offset {
            return levels.at(kind, token, at, offset);
        }
        levels.take(kind, token);
        at = end;
    }
    levels.here(offset)
}

/// The text up to a byte, with everything closed that is open there. Parsed to a tree, it has the
/// scopes that the place has.
#[must_use]
pub fn completed(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let mut levels = Levels::new();
    rnix::tokenize(before).for_each(|(kind, token)| levels.take(kind, token));
    let mut completed = before.to_owned();
    // A name is appended to the word that is being typed, if there is one.
    if levels.levels.last().is_some_and(|level| level.part == Part::Value && !level.is_text()) {
        completed.push('x');
    }
    levels.levels.iter().rev().for_each(|level| level.close(&mut completed));
    completed
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LevelKind {
    File,
    /// `( … )`
    Paren,
    /// `${ … }`
    Interpolation,
    /// `[ … ]`
    List,
    /// `{ … }`
    Set,
    /// `let … in`
    Let,
    /// `" … "`
    Text,
    /// `'' … ''`
    Indented,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Name,
    Inherit,
    Value,
}

/// An open bracket, string or `let`.
struct Level {
    kind: LevelKind,
    /// The function that the content of the bracket is passed to.
    function: Option<String>,
    part: Part,
    /// The names that the set has so far.
    given: Vec<String>,
    /// `with` and `assert` that still wait for their semicolon.
    heads: usize,
    /// The last token that is not a space or a comment.
    before: Option<SyntaxKind>,
    /// The names of `a.b` while it is being read.
    path: Vec<String>,
}

impl Level {
    fn new(kind: LevelKind, function: Option<String>) -> Self {
        let part = match kind {
            LevelKind::Set | LevelKind::Let => Part::Name,
            LevelKind::File | LevelKind::Paren | LevelKind::Interpolation | LevelKind::List => {
                Part::Value
            }
            LevelKind::Text | LevelKind::Indented => Part::Value,
        };
        let (given, path) = (Vec::new(), Vec::new());
        Self { kind, function, part, given, heads: 0, before: None, path }
    }

    fn is_text(&self) -> bool {
        matches!(self.kind, LevelKind::Text | LevelKind::Indented)
    }

    fn has_bindings(&self) -> bool {
        matches!(self.kind, LevelKind::Set | LevelKind::Let)
    }

    /// Writes what is missing at the end.
    fn close(&self, into: &mut String) {
        (0..self.heads).for_each(|_| into.push_str("; x"));
        match self.part {
            Part::Name if matches!(self.before, None | Some(TOKEN_SEMICOLON)) => {}
            Part::Name => into.push_str(" = x;"),
            Part::Inherit | Part::Value if self.has_bindings() => into.push(';'),
            Part::Inherit | Part::Value => {}
        }
        into.push_str(match self.kind {
            LevelKind::File => "",
            LevelKind::Paren => ")",
            LevelKind::Interpolation | LevelKind::Set => "}",
            LevelKind::List => "]",
            LevelKind::Let => " in x",
            LevelKind::Text => "\"",
            LevelKind::Indented => "''",
        });
    }

    fn word(&mut self, text: &str) {
        let is_joined = self.before == Some(TOKEN_DOT);
        if !is_joined {
            self.path.clear();
        }
        // After something that is not a name, such as `(f x).y`, the base is not known.
        if !is_joined || !self.path.is_empty() {
            self.path.push(text.to_owned());
        }
        if self.part == Part::Name && !is_joined {
            self.given.push(text.to_owned());
        }
    }

    fn semicolon(&mut self) {
        if self.heads > 0 {
            self.heads -= 1;
        } else if self.has_bindings() {
            self.part = Part::Name;
        }
    }

    /// What a bracket that opens here is an argument of.
    fn callee(&self) -> Option<String> {
        match self.before {
            Some(TOKEN_IDENT) if self.part == Part::Value => self.path.last().cloned(),
            None | Some(TOKEN_UPDATE) if self.kind == LevelKind::Paren => self.function.clone(),
            _ => None,
        }
    }
}

struct Levels {
    /// Never empty: the first is the file.
    levels: Vec<Level>,
}

impl Levels {
    fn new() -> Self {
        Self { levels: vec![Level::new(LevelKind::File, None)] }
    }

    fn take(&mut self, kind: SyntaxKind, text: &str) {
        match kind {
            TOKEN_WHITESPACE | TOKEN_COMMENT | TOKEN_STRING_CONTENT | TOKEN_REC => return,
            TOKEN_L_BRACE => self.open(LevelKind::Set),
            TOKEN_L_PAREN => self.open(LevelKind::Paren),
            TOKEN_L_BRACK => self.push(LevelKind::List),
            TOKEN_INTERPOL_START => self.push(LevelKind::Interpolation),
            TOKEN_STRING_START if text == "''" => self.push(LevelKind::Indented),
            TOKEN_STRING_START => self.push(LevelKind::Text),
            TOKEN_LET => self.push(LevelKind::Let),
            TOKEN_IN => self.close_let(),
            TOKEN_R_BRACE | TOKEN_R_PAREN | TOKEN_R_BRACK | TOKEN_INTERPOL_END
            | TOKEN_STRING_END => self.close(),
            _ => {}
        }
        let Some(level) = self.levels.last_mut() else { return };
        if opens(kind) {
            return;
        }
        match kind {
            TOKEN_IDENT => level.word(text),
            TOKEN_DOT => {}
            TOKEN_ASSIGN => level.part = Part::Value,
            TOKEN_INHERIT => level.part = Part::Inherit,
            TOKEN_WITH | TOKEN_ASSERT => level.heads += 1,
            TOKEN_SEMICOLON => level.semicolon(),
            _ => level.path.clear(),
        }
        if kind != TOKEN_IDENT && kind != TOKEN_DOT {
            level.path.clear();
        }
        level.before = Some(kind);
    }

    fn push(&mut self, kind: LevelKind) {
        self.levels.push(Level::new(kind, None));
    }

    fn open(&mut self, kind: LevelKind) {
        let function = self.levels.last().and_then(Level::callee);
        self.levels.push(Level::new(kind, function));
    }

    fn close(&mut self) {
        while self.levels.len() > 1
            && self.levels.last().is_some_and(|it| it.kind == LevelKind::Let)
        {
            self.levels.pop();
        }
        if self.levels.len() > 1 {
            self.levels.pop();
        }
    }

    fn close_let(&mut self) {
        if self.levels.last().is_some_and(|level| level.kind == LevelKind::Let) {
            self.levels.pop();
        }
    }

    /// The answer if the token `kind` covers the byte before `offset`.
    fn at(mut self, kind: SyntaxKind, text: &str, start: usize, offset: usize) -> Cursor {
        let is_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        match kind {
            TOKEN_COMMENT | TOKEN_STRING_CONTENT | TOKEN_INTEGER | TOKEN_FLOAT | TOKEN_URI
            | TOKEN_PATH_ABS | TOKEN_PATH_HOME | TOKEN_PATH_REL | TOKEN_PATH_SEARCH => {
                // Between two tokens, the second has not started.
                if start < offset { Cursor::Nothing } else { self.here(offset) }
            }
            TOKEN_WHITESPACE => self.here(offset),
            _ if is_word => self.here(start),
            kind => {
                self.take(kind, text);
                self.here(offset)
            }
        }
    }

    /// The answer if a word starts at `start`.
    fn here(&self, start: usize) -> Cursor {
        let Some(level) = self.levels.last() else { return Cursor::Nothing };
        let after_dot = level.before == Some(TOKEN_DOT);
        match level.part {
            _ if level.is_text() => Cursor::Nothing,
            Part::Value if after_dot => Cursor::Attribute { base: level.path.clone(), start },
            Part::Value | Part::Inherit => Cursor::Value { start },
            Part::Name => match &level.function {
                Some(function) if matches!(level.before, None | Some(TOKEN_SEMICOLON)) => {
                    let (function, given) = (function.clone(), level.given.clone());
                    Cursor::Argument { function, given, start }
                }
                Some(_) | None => Cursor::Nothing,
            },
        }
    }
}

fn opens(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_L_BRACE
            | TOKEN_L_PAREN
            | TOKEN_L_BRACK
            | TOKEN_INTERPOL_START
            | TOKEN_STRING_START
            | TOKEN_LET
    )
}
