//! The one writer of Nix values: whatever comes in, what comes out is a Nix literal that evaluates to it, laid out as nixfmt does.

use std::fmt::Write as _;

/// A value that is written as Nix.
#[derive(Clone, Debug, PartialEq)]
pub enum NixValue {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A string of parts.
    Text(Vec<Part>),
    /// An expression, written as it stands.
    Code(String),
    /// A list.
    List(Vec<NixValue>),
    /// An attribute set, in this order.
    Set(Vec<(String, NixValue)>),
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Characters.
    Literal(String),
    /// An expression in `${…}`.
    Code(String),
}

/// Words that cannot be attribute names without quotes.
const KEYWORDS: [&str; 10] =
    ["assert", "else", "if", "in", "inherit", "let", "or", "rec", "then", "with"];

/// nixfmt breaks longer lines.
const WIDTH: usize = 100;

impl NixValue {
    /// A string without expressions.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(vec![Part::Literal(text.into())])
    }

    /// The value as Nix, its further lines indented by `indent` spaces.
    #[must_use]
    pub fn to_nix(&self, indent: usize) -> String {
        let mut out = String::new();
        self.write(&mut out, indent);
        out
    }

    fn write(&self, out: &mut String, indent: usize) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(value) => _ = write!(out, "{value}"),
            Self::Integer(value) => _ = write!(out, "{value}"),
            Self::Text(parts) => write_text(parts, out, indent),
            Self::Code(code) => out.push_str(code),
            Self::List(values) => write_list(values, out, indent),
            Self::Set(fields) => write_set(fields, out, indent),
        }
    }

    /// As an element of a list, where an application needs parentheses.
    fn element(&self, indent: usize) -> String {
        match self {
            Self::Integer(value) if *value < 0 => format!("({value})"),
            Self::Code(code) => parenthesised(code),
            Self::Null
            | Self::Bool(_)
            | Self::Integer(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Set(_) => self.to_nix(indent),
        }
    }
}

/// An expression as an operand: in parentheses unless it is a name or a selection.
#[must_use]
pub fn parenthesised(code: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\'' | '.');
    if code.chars().all(plain) { code.to_owned() } else { format!("({code})") }
}

/// An attribute name: quoted where Nix wants it.
#[must_use]
pub fn name(name: &str) -> String {
    let mut characters = name.chars();
    let plain = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '\''))
        && !KEYWORDS.contains(&name);
    if plain { name.to_owned() } else { quoted(&[Part::Literal(name.into())]) }
}

fn write_list(values: &[NixValue], out: &mut String, indent: usize) {
    match values {
        [] => out.push_str("[ ]"),
        [only] => {
            let element = only.element(indent);
            if element.contains('\n') || indent + element.len() + 4 > WIDTH {
                write_elements(values, out, indent);
            } else {
                _ = write!(out, "[ {element} ]");
            }
        }
        _ => write_elements(values, out, indent),
    }
}

fn write_elements(values: &[NixValue], out: &mut String, indent: usize) {
    out.push_str("[\n");
    for value in values {
        _ = writeln!(out, "{:indent$}  {}", "", value.element(indent + 2));
    }
    _ = write!(out, "{:indent$}]", "");
}

fn write_set(fields: &[(String, NixValue)], out: &mut String, indent: usize) {
    if fields.is_empty() {
        out.push_str("{ }");
        return;
    }
    out.push_str("{\n");
    for (name, value) in fields {
        _ = writeln!(out, "{}", field(name, value, indent + 2));
    }
    _ = write!(out, "{:indent$}}}", "");
}

/// `a.b = value;` on lines of its own. Sets of one field become a path: `a = { b = 1; };` is harder to read.
#[must_use]
pub fn field(first: &str, value: &NixValue, indent: usize) -> String {
    let mut path = name(first);
    let mut value = value;
    while let NixValue::Set(fields) = value
        && let [(next, inner)] = fields.as_slice()
    {
        path.push('.');
        path.push_str(&name(next));
        value = inner;
    }
    format!("{:indent$}{path} = {};", "", value.to_nix(indent))
}

fn write_text(parts: &[Part], out: &mut String, indent: usize) {
    if is_block(parts) {
        write_block(parts, out, indent);
    } else {
        out.push_str(&quoted(parts));
    }
}

/// Whether the indented form (`''`) gives exactly this text. It strips what all lines share of spaces at their start, and lines of
/// spaces alone; and its escapes depend on what stands beside them. What comes near any of that is written in quotes.
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

fn write_block(parts: &[Part], out: &mut String, indent: usize) {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Literal(literal) => text.push_str(&literal.replace("${", "''${")),
            Part::Code(code) => _ = write!(text, "${{{code}}}"),
        }
    }
    out.push_str("''\n");
    for line in text.lines() {
        if line.is_empty() {
            out.push('\n');
        } else {
            _ = writeln!(out, "{:indent$}  {line}", "");
        }
    }
    _ = write!(out, "{:indent$}''", "");
}

fn quoted(parts: &[Part]) -> String {
    let mut out = String::from("\"");
    for part in parts {
        match part {
            Part::Literal(literal) => escape(literal, &mut out),
            Part::Code(code) => _ = write!(out, "${{{code}}}"),
        }
    }
    out.push('"');
    out
}

fn escape(literal: &str, out: &mut String) {
    let mut characters = literal.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Before a brace it would begin an expression, and `$$` would take the next one's meaning away.
            '$' if matches!(characters.peek(), None | Some('{' | '$')) => out.push_str("\\$"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests;
