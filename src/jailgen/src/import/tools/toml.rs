//! Settings in TOML.

use toml_edit::{Document, Item, Value};

use super::node::{Field, Node, Shape, TextRange};

/// Reads a text, or says what is wrong with it and where.
pub(super) fn read(text: &str) -> Result<Node, (String, Option<TextRange>)> {
    let document = Document::parse(text)
        .map_err(|error| (format!("this is not TOML: {}", error.message()), error.span()))?;
    Ok(item(document.as_item(), 0..text.len()))
}

fn item(item: &Item, around: TextRange) -> Node {
    let range = item.span().unwrap_or(around);
    match item {
        Item::None => Node { range, shape: Shape::Null },
        Item::Value(it) => value(it, range),
        Item::Table(table) => {
            let fields = table.iter().filter_map(|(name, _)| {
                let (key, inner) = table.get_key_value(name)?;
                let at = key.span().unwrap_or_else(|| range.clone());
                Some(Field {
                    name: name.to_owned(),
                    range: at.clone(),
                    value: self::item(inner, at),
                })
            });
            Node { shape: Shape::Fields(fields.collect()), range }
        }
        Item::ArrayOfTables(tables) => {
            let tables = tables.iter().map(|table| {
                self::item(
                    &Item::Table(table.clone()),
                    table.span().unwrap_or_else(|| range.clone()),
                )
            });
            Node { shape: Shape::List(tables.collect()), range }
        }
    }
}

fn value(value: &Value, around: TextRange) -> Node {
    let range = value.span().unwrap_or(around);
    let shape = match value {
        Value::String(it) => Shape::Text(it.value().clone()),
        Value::Integer(it) => Shape::Number(it.value().to_string()),
        Value::Float(it) => Shape::Number(it.value().to_string()),
        Value::Boolean(it) => Shape::Bool(*it.value()),
        Value::Datetime(it) => Shape::Text(it.value().to_string()),
        Value::Array(it) => {
            Shape::List(it.iter().map(|each| self::value(each, range.clone())).collect())
        }
        Value::InlineTable(table) => {
            let field = |(name, inner): (&str, &Value)| Field {
                name: name.to_owned(),
                range: inner.span().unwrap_or_else(|| range.clone()),
                value: self::value(inner, range.clone()),
            };
            Shape::Fields(table.iter().map(field).collect())
        }
    };
    Node { range, shape }
}
