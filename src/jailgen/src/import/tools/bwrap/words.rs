//! The words of a command line, as a shell would split them, each with its place. Nothing is run.

use crate::import::tools::node::TextRange;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Word {
    /// Its characters without quotes. A character that a shell would take literally has a
    /// backslash, if it would otherwise be expanded at launch.
    pub(super) text: String,
    /// Whether a variable or the home folder is in it.
    pub(super) expands: bool,
    /// Whether a shell would run a command for it, or put an array in its place.
    pub(super) is_computed: bool,
    /// Whether a shell may make no word or several of it: what is expanded outside of double
    /// quotes, and `"$@"`.
    pub(super) splits: bool,
    pub(super) range: TextRange,
}

impl Word {
    /// The text, where nothing in it is expanded.
    pub(super) fn literal(&self) -> Option<&str> {
        (!self.expands && !self.is_computed).then_some(self.text.as_str())
    }

    /// Whether it is the folder that the command is started in.
    pub(super) fn is_project(&self) -> bool {
        matches!(self.text.as_str(), "$PWD" | "${PWD}" | "$(pwd)" | "`pwd`" | "." | "./")
    }

    /// Whether a shell may make no word or several of it. The folders that every shell knows are
    /// one.
    pub(super) fn is_uncertain(&self) -> bool {
        let known = ["$HOME", "${HOME}", "$USER", "${USER}"];
        self.splits && !self.is_project() && !known.contains(&self.text.as_str())
    }
}

/// The words of the command that a text begins with, up to its end.
pub(super) fn words(text: &str) -> Vec<Word> {
    let mut splitter = Splitter { text, at: 0 };
    let mut words = Vec::new();
    while let Some(word) = splitter.next_word() {
        words.push(word);
    }
    words
}

struct Splitter<'a> {
    text: &'a str,
    at: usize,
}

impl Splitter<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at..).and_then(|rest| rest.chars().next())
    }

    fn take(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// The next word of the command; `None` at its end.
    fn next_word(&mut self) -> Option<Word> {
        loop {
            match self.peek()? {
                ' ' | '\t' | '\r' => {
                    self.take();
                }
                '\\' if self.follows("\\\n") => self.at += 2,
                '\\' if self.follows("\\\r\n") => self.at += 3,
                // A comment in the middle of a command ends it, as a shell has it.
                '\n' | ';' | '|' | '&' | '<' | '>' | '#' => return None,
                _ => {
                    let word = self.word();
                    // The number of a descriptor belongs to what opens it: `10< file`.
                    let is_number = word.text.chars().all(|it| it.is_ascii_digit());
                    let opens = matches!(self.peek(), Some('<' | '>'));
                    return (!is_number || !opens).then_some(word);
                }
            }
        }
    }

    fn follows(&self, text: &str) -> bool {
        self.text.get(self.at..).is_some_and(|rest| rest.starts_with(text))
    }

    fn word(&mut self) -> Word {
        let start = self.at;
        let mut word = Word {
            text: String::new(),
            expands: false,
            is_computed: false,
            splits: false,
            range: start..start,
        };
        word.expands = self.peek() == Some('~');
        let mut quote = None;
        while let Some(next) = self.peek() {
            if quote.is_none()
                && matches!(next, ' ' | '\t' | '\r' | '\n' | ';' | '|' | '&' | '<' | '>')
            {
                break;
            }
            self.take();
            word.splits |=
                quote.is_none() && matches!(next, '$' | '`' | '{' | '*' | '?' | '[' | '(');
            match (next, quote) {
                ('\'', None) | ('"', None) => quote = Some(next),
                (end, Some(open)) if end == open => quote = None,
                ('\\', None | Some('"')) => match self.take() {
                    Some('\n') | None => {}
                    Some(escaped) => push_literal(&mut word.text, escaped),
                },
                ('$', None | Some('"')) => self.dollar(&mut word),
                ('`', None | Some('"')) => {
                    word.is_computed = true;
                    word.text.push('`');
                }
                (character, Some('\'')) => push_literal(&mut word.text, character),
                (character, _) => word.text.push(character),
            }
        }
        word.range = start..self.at;
        word
    }

    /// `$NAME`, `${NAME}`, or a command in `$(…)`.
    fn dollar(&mut self, word: &mut Word) {
        word.text.push('$');
        match self.peek() {
            Some('(') => {
                word.is_computed = true;
                let mut depth = 0usize;
                while let Some(next) = self.take() {
                    word.text.push(next);
                    match next {
                        '(' => depth += 1,
                        ')' => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            Some('{') => {
                word.expands = true;
                while let Some(next) = self.take() {
                    word.text.push(next);
                    word.is_computed |= matches!(next, '@' | '*' | '[' | '#' | '%' | '!');
                    word.splits |= matches!(next, '@' | '*' | '[' | ':' | '+' | '-');
                    if next == '}' {
                        break;
                    }
                }
            }
            Some(next) if next.is_ascii_alphabetic() || next == '_' => word.expands = true,
            Some(next @ ('@' | '*' | '0'..='9' | '#' | '?' | '!' | '-' | '$')) => {
                word.is_computed = true;
                word.splits |= next == '@';
            }
            _ => {}
        }
    }
}

/// A character that represents itself even if a variable of the same word is expanded.
fn push_literal(text: &mut String, character: char) {
    if matches!(character, '$' | '`' | '\\') {
        text.push('\\');
    }
    text.push(character);
}
