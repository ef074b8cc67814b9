//! How Nix writes names and strings. Residual code, emitted flakes, printed values and the help of
//! diagnostics are all written here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Words that cannot be attribute names or variables without quotes.
const KEYWORDS: [&str; 10] =
    ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

/// A part of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Characters that represent themselves.
    Literal(String),
    /// An expression in `${…}`.
    Code(String),
}

/// Which dollar signs are written as `\$`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dollars {
    /// Those before a brace, which would start an interpolation. Nix prints values this way.
    BeforeBrace,
    /// Also those before another one, which would change its meaning, and the last one, which a
    /// brace of the next part could follow.
    Safe,
}

/// Whether a name can be written without quotes.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name)
}

/// An attribute name, quoted where Nix needs it.
#[must_use]
pub fn name(name: &str) -> Cow<'_, str> {
    if is_name(name) {
        Cow::Borrowed(name)
    } else {
        Cow::Owned(between_quotes(&[Part::Literal(name.into())]))
    }
}

/// A string: between `''` if that gives exactly this text and is easier to read, else between
/// quotes. Its further lines are indented by `indent` spaces.
#[must_use]
pub fn string(parts: &[Part], indent: usize) -> String {
    if is_block(parts) { block(parts, indent) } else { between_quotes(parts) }
}

/// A text as you would write it in a spec: on one line, between quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut source = String::from("\"");
    escape(text, Dollars::BeforeBrace, &mut source);
    source.push('"');
    source
}

/// The characters of a literal between quotes.
pub fn escape(literal: &str, dollars: Dollars, into: &mut String) {
    let mut characters = literal.chars().peekable();
    while let Some(character) = characters.next() {
        let begins = match (dollars, characters.peek()) {
            (_, Some('{')) => true,
            (Dollars::Safe, next) => matches!(next, None | Some('$')),
            (Dollars::BeforeBrace, _) => false,
        };
        match character {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            '$' if begins => into.push_str("\\$"),
            other => into.push(other),
        }
    }
}

fn between_quotes(parts: &[Part]) -> String {
    let mut text = String::from("\"");
    for part in parts {
        match part {
            Part::Literal(literal) => escape(literal, Dollars::Safe, &mut text),
            // Writing to a string cannot fail.
            Part::Code(code) => _ = write!(text, "${{{code}}}"),
        }
    }
    text.push('"');
    text
}

/// Whether the indented form (`''`) gives exactly this text. It strips the indentation that all
/// lines share, and lines of spaces, and its escapes depend on their neighbours. A text that comes
/// near any of that is written in quotes.
fn is_block(parts: &[Part]) -> bool {
    let mut line_starts = true;
    let mut unindented = false;
    let mut lines = 0;
    for part in parts {
        let literal = match part {
            Part::Literal(literal) => literal,
            // Indenting its lines could change a string in it.
            Part::Code(code) if code.contains('\n') => return false,
            Part::Code(_) => {
                unindented |= line_starts;
                line_starts = false;
                continue;
            }
        };
        if ["''", "'$", "$'", "$$"].iter().any(|pair| literal.contains(pair))
            || literal.ends_with(['\'', '$'])
            || literal.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t'))
            || literal.split('\n').any(|line| !line.is_empty() && line.trim_matches(' ').is_empty())
        {
            return false;
        }
        for (index, line) in literal.split('\n').enumerate() {
            line_starts |= index > 0;
            lines += usize::from(index > 0);
            if !line.is_empty() {
                unindented |= line_starts && !line.starts_with(' ');
                line_starts = false;
            }
        }
    }
    let ends_in_line_break =
        matches!(parts.last(), Some(Part::Literal(literal)) if literal.ends_with('\n'));
    lines > 1 && unindented && ends_in_line_break
}

fn block(parts: &[Part], indent: usize) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(&literal.replace("${", "''${")),
            Part::Code(code) => _ = write!(text, "${{{code}}}"),
        }
    }
    let mut out = String::from("''\n");
    for line in text.lines() {
        if line.is_empty() {
            out.push('\n');
        } else {
            _ = writeln!(out, "{:indent$}  {line}", "");
        }
    }
    _ = write!(out, "{:indent$}''", "");
    out
}
