//! The brackets, strings and `let`s that are open at a place, from the tokens before it.

use std::ops::Range;

use rnix::SyntaxKind::{self, *};

use super::cursor::{Cursor, Slot, Step};

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
    /// Where the bracket goes as a value.
    slot: Option<Slot>,
    part: Part,
    /// The names of the binding whose value is being read.
    binding: Vec<String>,
    expression: Expression,
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
    fn new(kind: LevelKind, slot: Option<Slot>) -> Self {
        let part = match kind {
            LevelKind::Set | LevelKind::Let => Part::Name,
            LevelKind::File
            | LevelKind::Paren
            | LevelKind::Interpolation
            | LevelKind::List
            | LevelKind::Text
            | LevelKind::Indented => Part::Value,
        };
        let (given, path, binding) = (Vec::new(), Vec::new(), Vec::new());
        let expression = Expression::Start;
        Self { kind, slot, part, binding, expression, given, heads: 0, before: None, path }
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
        match self.part {
            Part::Name if is_joined => self.binding.push(text.to_owned()),
            Part::Name => {
                self.given.push(text.to_owned());
                self.binding = vec![text.to_owned()];
            }
            Part::Value if self.kind != LevelKind::List => self.expression.word(text, is_joined),
            Part::Value | Part::Inherit => {}
        }
    }

    /// Where a value that starts here goes.
    fn slot(&self) -> Option<Slot> {
        match (&self.expression, self.kind) {
            (Expression::Call { function, arguments }, _) => {
                Some(Slot { function: function.clone(), argument: *arguments, steps: Vec::new() })
            }
            (_, LevelKind::List) => Some(self.slot.clone()?.step(Step::Element)),
            (Expression::Start, LevelKind::Set) if self.part == Part::Value => {
                let names = self.binding.iter().map(|name| Step::Field(name.clone()));
                Some(names.fold(self.slot.clone()?, Slot::step))
            }
            (Expression::Start, LevelKind::Paren | LevelKind::Let) => self.slot.clone(),
            (Expression::Start | Expression::Operand | Expression::Other, _) => None,
        }
    }

    fn semicolon(&mut self) {
        if self.heads > 0 {
            self.heads -= 1;
            self.expression = Expression::Start;
        } else if self.has_bindings() {
            self.part = Part::Name;
        }
    }
}

/// How far the expression is that is being read.
enum Expression {
    /// Nothing of it is there: what comes is all of it, or an operand of `++` or `//`.
    Start,
    /// What comes is a part of it.
    Operand,
    /// A function, and the number of arguments after it.
    Call { function: String, arguments: usize },
    /// Something else.
    Other,
}

impl Expression {
    fn word(&mut self, text: &str, is_joined: bool) {
        match self {
            Self::Start | Self::Operand => {
                *self = Self::Call { function: text.to_owned(), arguments: 0 };
            }
            Self::Call { function, arguments: 0 } if is_joined => text.clone_into(function),
            Self::Call { arguments, .. } if !is_joined => *arguments += 1,
            Self::Call { .. } | Self::Other => {}
        }
    }

    /// A value that is not a name has ended.
    fn value(&mut self) {
        match self {
            Self::Call { arguments, .. } => *arguments += 1,
            Self::Start | Self::Operand | Self::Other => *self = Self::Other,
        }
    }
}

pub(super) struct Levels {
    /// Never empty: the first is the file.
    levels: Vec<Level>,
}

impl Levels {
    pub(super) fn new() -> Self {
        Self { levels: vec![Level::new(LevelKind::File, None)] }
    }

    pub(super) fn take(&mut self, kind: SyntaxKind, text: &str) {
        match kind {
            TOKEN_WHITESPACE | TOKEN_COMMENT | TOKEN_STRING_CONTENT | TOKEN_REC => return,
            TOKEN_L_BRACE => return self.open(LevelKind::Set),
            TOKEN_L_PAREN => return self.open(LevelKind::Paren),
            TOKEN_L_BRACK => return self.open(LevelKind::List),
            TOKEN_INTERPOL_START => return self.push(LevelKind::Interpolation),
            TOKEN_STRING_START if text == "''" => return self.open(LevelKind::Indented),
            TOKEN_STRING_START => return self.open(LevelKind::Text),
            TOKEN_LET => return self.open(LevelKind::Let),
            TOKEN_IN => self.close_let(),
            TOKEN_R_BRACE | TOKEN_R_PAREN | TOKEN_R_BRACK | TOKEN_INTERPOL_END
            | TOKEN_STRING_END => self.close(),
            _ => {}
        }
        let Some(level) = self.levels.last_mut() else { return };
        match kind {
            TOKEN_IDENT => level.word(text),
            TOKEN_DOT => {}
            TOKEN_ASSIGN => {
                level.part = Part::Value;
                level.expression = Expression::Start;
            }
            TOKEN_INHERIT => level.part = Part::Inherit,
            TOKEN_WITH | TOKEN_ASSERT => {
                level.heads += 1;
                level.expression = Expression::Operand;
            }
            TOKEN_SEMICOLON => level.semicolon(),
            TOKEN_CONCAT | TOKEN_UPDATE | TOKEN_COLON | TOKEN_THEN | TOKEN_ELSE => {
                level.expression = Expression::Start;
            }
            TOKEN_IN => {}
            _ if is_end_of_value(kind) => level.expression.value(),
            _ => level.expression = Expression::Operand,
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
        let slot = self.levels.last().and_then(Level::slot);
        self.levels.push(Level::new(kind, slot));
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
    pub(super) fn at(
        mut self,
        kind: SyntaxKind,
        text: &str,
        start: usize,
        offset: usize,
    ) -> Cursor {
        let is_word = text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        match kind {
            TOKEN_STRING_CONTENT if start < offset => self.text(start..start + text.len()),
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
    pub(super) fn here(&self, start: usize) -> Cursor {
        let Some(level) = self.levels.last() else { return Cursor::Nothing };
        let after_dot = level.before == Some(TOKEN_DOT);
        match level.part {
            _ if level.is_text() => self.text(start..start),
            Part::Value if after_dot => Cursor::Attribute { base: level.path.clone(), start },
            Part::Value | Part::Inherit => Cursor::Value { start },
            Part::Name => match &level.slot {
                Some(slot) if matches!(level.before, None | Some(TOKEN_SEMICOLON)) => {
                    let (slot, given) = (slot.clone(), level.given.clone());
                    Cursor::Argument { slot, given, start }
                }
                Some(_) | None => Cursor::Nothing,
            },
        }
    }

    /// The answer in a string, whose content is at `place` if it is the first of it.
    fn text(&self, place: Range<usize>) -> Cursor {
        match self.levels.last() {
            Some(Level { kind: LevelKind::Text, slot: Some(slot), before: None, .. }) => {
                Cursor::Text { slot: slot.clone(), place }
            }
            Some(_) | None => Cursor::Nothing,
        }
    }

    /// The call that the end of the tokens is in, the innermost one.
    pub(super) fn call(&self) -> Option<Slot> {
        self.levels.iter().rev().find_map(|level| match &level.expression {
            Expression::Call { .. } => level.slot(),
            Expression::Start | Expression::Operand | Expression::Other => {
                level.slot.clone().map(|around| level.slot().unwrap_or(around))
            }
        })
    }

    /// Writes what is missing at the end.
    pub(super) fn complete(&self, text: &mut String) {
        // A name is appended to the word that is being typed, if there is one.
        if self.levels.last().is_some_and(|level| level.part == Part::Value && !level.is_text()) {
            text.push('x');
        }
        self.levels.iter().rev().for_each(|level| level.close(text));
    }
}

fn is_end_of_value(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        TOKEN_R_BRACE
            | TOKEN_R_PAREN
            | TOKEN_R_BRACK
            | TOKEN_STRING_END
            | TOKEN_INTEGER
            | TOKEN_FLOAT
            | TOKEN_URI
            | TOKEN_PATH_ABS
            | TOKEN_PATH_HOME
            | TOKEN_PATH_REL
            | TOKEN_PATH_SEARCH
    )
}
