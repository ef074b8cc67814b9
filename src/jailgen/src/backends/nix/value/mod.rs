//! Values as Nix literals that evaluate to them, laid out as nixfmt does.

use std::fmt::Write as _;

use jail_lang::nix_text::string;
pub use jail_lang::nix_text::{Part, name};

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
    /// An expression, written unchanged.
    Code(String),
    List(Vec<NixValue>),
    /// An attribute set, in this order.
    Set(Vec<(String, NixValue)>),
}

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
            Self::Text(parts) => out.push_str(&string(parts, indent)),
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

/// `a.b = value;` on lines of its own. Sets of one field become a path: `a = { b = 1; };` is harder
/// to read.
#[must_use]
pub fn field(first: &str, value: &NixValue, indent: usize) -> String {
    let mut path = name(first).into_owned();
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

#[cfg(test)]
mod tests;
