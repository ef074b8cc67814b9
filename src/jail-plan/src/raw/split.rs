//! Splits a text into words as a shell would, if that does not require running anything.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::str::Chars;

use crate::expand::{Expansion, ExpansionError, HostText};

/// Why a text cannot be split.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SplitError {
    /// A quote without its pair.
    UnclosedQuote(char),
    /// A character that has a meaning in a shell.
    Shell(char),
    /// A part that is to be expanded, and cannot.
    Expansion(ExpansionError),
}

/// The words of `text`: quotes and backslashes work as in a shell; `~`, `$NAME` and
/// `${NAME:-default}` are expanded at launch, and the result is never split again. There are no
/// patterns and no commands.
///
/// # Errors
/// See [`SplitError`].
pub fn split(text: &str) -> Result<Vec<HostText>, SplitError> {
    let mut splitter = Splitter { rest: text.chars().peekable(), words: Vec::new(), word: None };
    while let Some(next) = splitter.rest.next() {
        splitter.unquoted(next)?;
    }
    splitter.end()?;
    Ok(splitter.words)
}

/// A word so far: in the expansion language, and literally.
#[derive(Default)]
struct SplitWord {
    source: String,
    plain: String,
    expands: bool,
}

struct Splitter<'a> {
    rest: Peekable<Chars<'a>>,
    words: Vec<HostText>,
    word: Option<SplitWord>,
}

impl Splitter<'_> {
    fn unquoted(&mut self, next: char) -> Result<(), SplitError> {
        match next {
            ' ' | '\t' | '\n' | '\r' => return self.end(),
            '\'' => return self.single(),
            '"' => return self.double(),
            '$' => return self.dollar(),
            '`' => return Err(SplitError::Expansion(ExpansionError::CommandSubstitution)),
            '\\' => match self.rest.next() {
                // A backslash before the end of a line continues it.
                Some('\n') | None => {}
                Some(other) => self.push(other),
            },
            '~' if self.word.is_none() => {
                let word = self.word.get_or_insert_default();
                word.source.push('~');
                word.expands = true;
            }
            ';' | '&' | '|' | '<' | '>' | '(' | ')' | '*' | '?' | '[' => {
                return Err(SplitError::Shell(next));
            }
            '#' if self.word.is_none() => return Err(SplitError::Shell(next)),
            other => self.push(other),
        }
        Ok(())
    }

    fn single(&mut self) -> Result<(), SplitError> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                Some('\'') => return Ok(()),
                Some(other) => self.push(other),
                None => return Err(SplitError::UnclosedQuote('\'')),
            }
        }
    }

    fn double(&mut self) -> Result<(), SplitError> {
        self.word.get_or_insert_default();
        loop {
            match self.rest.next() {
                Some('"') => return Ok(()),
                Some('$') => self.dollar()?,
                Some('`') => {
                    return Err(SplitError::Expansion(ExpansionError::CommandSubstitution));
                }
                Some('\\') => match self.rest.next() {
                    Some('\n') => {}
                    Some(special @ ('"' | '\\' | '$' | '`')) => self.push(special),
                    Some(other) => {
                        self.push('\\');
                        self.push(other);
                    }
                    None => return Err(SplitError::UnclosedQuote('"')),
                },
                Some(other) => self.push(other),
                None => return Err(SplitError::UnclosedQuote('"')),
            }
        }
    }

    /// A variable, copied as it is written. The expansion language checks it
    /// when the word is complete.
    fn dollar(&mut self) -> Result<(), SplitError> {
        let word = self.word.get_or_insert_default();
        word.expands = true;
        word.source.push('$');
        if self.rest.peek() != Some(&'{') {
            return match self.rest.peek() {
                Some('(') => Err(SplitError::Expansion(ExpansionError::CommandSubstitution)),
                Some(next) if next.is_ascii_alphabetic() || *next == '_' => self.name(),
                Some(next) => {
                    Err(SplitError::Expansion(ExpansionError::NotAVariable(String::from(*next))))
                }
                None => Err(SplitError::Expansion(ExpansionError::NotAVariable(String::new()))),
            };
        }
        let mut depth = 0;
        for next in self.rest.by_ref() {
            word.source.push(next);
            match next {
                '{' => depth += 1,
                '}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Ok(());
            }
        }
        Err(SplitError::Expansion(ExpansionError::Unclosed(String::new())))
    }

    /// When the quotes in between are dropped, what follows a name must not become part
    /// of it, so it gets braces.
    fn name(&mut self) -> Result<(), SplitError> {
        let word = self.word.get_or_insert_default();
        word.source.push('{');
        while let Some(next) =
            self.rest.next_if(|next| next.is_ascii_alphanumeric() || *next == '_')
        {
            word.source.push(next);
        }
        word.source.push('}');
        Ok(())
    }

    fn push(&mut self, character: char) {
        let word = self.word.get_or_insert_default();
        word.plain.push(character);
        if matches!(character, '\\' | '"' | '$' | '`' | '~') {
            word.source.push('\\');
        }
        word.source.push(character);
    }

    fn end(&mut self) -> Result<(), SplitError> {
        let Some(word) = self.word.take() else { return Ok(()) };
        self.words.push(if word.expands {
            HostText::Expand(Expansion::parse(&word.source).map_err(SplitError::Expansion)?)
        } else {
            HostText::Literal(word.plain)
        });
        Ok(())
    }
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedQuote(quote) => write!(f, "a quote {quote} is not closed"),
            Self::Shell(character) => {
                write!(f, "`{character}` has a meaning in a shell, but no shell reads this")
            }
            Self::Expansion(error) => error.fmt(f),
        }
    }
}
