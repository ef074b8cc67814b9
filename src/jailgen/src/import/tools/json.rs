//! Settings in JSON, with comments and trailing commas, as these tools take them.

use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::node::{Field, Node, Shape, TextRange};

/// No settings are nested deeper; the parser's own stack is not bounded.
const DEPTH_MAX: usize = 64;

/// Reads a text, or says what is wrong with it and where.
pub(super) fn read(text: &str) -> Result<Node, (String, Option<TextRange>)> {
    if let Some(at) = too_deep(text) {
        return Err((
            format!("the file is nested deeper than {DEPTH_MAX} levels"),
            Some(at..at + 1),
        ));
    }
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    let parsed = parsed.map_err(|error| {
        let range = error.range();
        (format!("this is not JSON: {}", error.kind()), Some(range.start..range.end))
    })?;
    match &parsed.value {
        Some(value) => Ok(node(value)),
        None => Err(("the file is empty".into(), None)),
    }
}

fn node(value: &Value<'_>) -> Node {
    let range = value.range();
    let shape = match value {
        Value::NullKeyword(_) => Shape::Null,
        Value::BooleanLit(it) => Shape::Bool(it.value),
        Value::NumberLit(it) => Shape::Number(it.value.to_owned()),
        Value::StringLit(it) => Shape::Text(it.value.to_string()),
        Value::Array(it) => Shape::List(it.elements.iter().map(node).collect()),
        Value::Object(it) => {
            let field = |property: &jsonc_parser::ast::ObjectProp<'_>| {
                let name = property.name.range();
                Field {
                    name: property.name.as_str().to_owned(),
                    range: name.start..name.end,
                    value: node(&property.value),
                }
            };
            Shape::Fields(it.properties.iter().map(field).collect())
        }
    };
    Node { range: range.start..range.end, shape }
}

/// Where a text opens more brackets than are read.
fn too_deep(text: &str) -> Option<usize> {
    let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Some(at);
                }
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}
