//! A policy as a Nix file: one grant after the other, package references as Nix expressions.

use std::fmt::Write as _;

use jail_policy::{Entry, Policy, sentence_among};
use minijinja::context;
use serde_json::Value;

use super::checked::{self, Parser};
use super::value::{NixValue, Part, parenthesised};
use super::{EmitError, JAIL, Spec, comment, file_name, header, render_template};

/// Where the elements of the list of grants stand in the template. Nothing above it can hold this
/// line.
const GRANTS: &str = "\n  grants = [\n";

/// The file of one jail, read by our parser.
pub(super) fn render(
    spec: &Spec,
    policy: &Policy,
    parser: &mut Parser,
) -> Result<String, EmitError> {
    let mut text = render_template(
        JAIL,
        &context! {
            header => header(&[spec]),
            version => NixValue::Integer(policy.version.into()).to_nix(0),
            name => NixValue::text(&policy.name).to_nix(0),
        },
    )?;
    let file = file_name(&policy.name);
    checked::whole(&file, &text)?;
    let lost = || EmitError::Template("the list of grants has no place".into());
    let at = text.find(GRANTS).ok_or_else(lost)? + GRANTS.len();
    text.insert_str(at, &grants(policy, &file, parser)?);
    Ok(text)
}

/// The elements of the list of grants. A comment above each explains it, and names the combinator
/// if that is not the one of the grant before.
fn grants(policy: &Policy, file: &str, parser: &mut Parser) -> Result<String, EmitError> {
    let mut text = String::new();
    let mut last = None;
    for entry in &policy.grants {
        if last != Some(&entry.by) {
            let blank = if last.is_some() { "\n" } else { "" };
            _ = writeln!(text, "{blank}    # {}:", comment(&entry.by.combinator));
            last = Some(&entry.by);
        }
        _ = writeln!(
            text,
            "    # {}",
            comment(&sentence_among(&entry.grant, &policy.grants).to_string())
        );
        let fields = vec![
            ("by".to_owned(), NixValue::text(entry.by.to_string())),
            ("grant".to_owned(), grant(entry)?),
        ];
        let set = NixValue::Set(fields).to_nix(4);
        parser.set(file, &set)?;
        _ = writeln!(text, "    {set}");
    }
    Ok(text)
}

/// A grant in its JSON form, which Nix turns into JSON again. One without fields is a string there.
fn grant(entry: &Entry) -> Result<NixValue, EmitError> {
    let json = serde_json::to_value(&entry.grant)
        .map_err(|error| EmitError::Text(format!("`{}`: {error}", entry.by)))?;
    value(json)
}

fn value(json: Value) -> Result<NixValue, EmitError> {
    Ok(match json {
        Value::Null => NixValue::Null,
        Value::Bool(value) => NixValue::Bool(value),
        Value::Number(number) => {
            NixValue::Integer(number.as_i64().ok_or_else(|| {
                EmitError::Text(format!("the number {number} is too large for Nix"))
            })?)
        }
        Value::String(text) => NixValue::text(text),
        Value::Array(values) => {
            NixValue::List(values.into_iter().map(value).collect::<Result<_, _>>()?)
        }
        Value::Object(mut fields) => match fields.remove("pieces") {
            Some(Value::Array(pieces)) => {
                with_packages(&pieces, fields.get("expand") == Some(&Value::Bool(true)))?
            }
            Some(_) => return Err(EmitError::Text("`pieces` is not a list".into())),
            None => NixValue::Set(
                fields
                    .into_iter()
                    .map(|(name, field)| Ok((name, value(field)?)))
                    .collect::<Result<_, EmitError>>()?,
            ),
        },
    })
}

/// A text with package parts becomes a string with expressions, so that what Nix sees has no parts
/// any more.
fn with_packages(pieces: &[Value], expand: bool) -> Result<NixValue, EmitError> {
    let parts = pieces.iter().map(part).collect::<Result<Vec<_>, _>>()?;
    let text = match parts.as_slice() {
        // `lib.getExe` gives a string already.
        [Part::Code(code)] if code.starts_with("lib.getExe ") => NixValue::Code(code.clone()),
        _ => NixValue::Text(parts),
    };
    Ok(if expand { NixValue::Set(vec![("expand".into(), text)]) } else { text })
}

fn part(piece: &Value) -> Result<Part, EmitError> {
    if let Some(literal) = piece.as_str() {
        return Ok(Part::Literal(literal.into()));
    }
    let field = |name| piece.get(name).and_then(Value::as_str);
    match (field("nix"), field("output")) {
        (Some(nix), Some("out")) => Ok(Part::Code(nix.into())),
        (Some(nix), Some("bin")) => Ok(Part::Code(format!("lib.getBin {}", parenthesised(nix)))),
        (Some(nix), Some("program")) => {
            Ok(Part::Code(format!("lib.getExe {}", parenthesised(nix))))
        }
        _ => Err(EmitError::Text(format!("`{piece}` is not a part that Nix could resolve"))),
    }
}

/// The origin of the grant at a line of an emitted file, counted from 1: Nix's
/// own messages name lines.
#[must_use]
pub fn origin_at(nix: &str, line: usize) -> Option<&str> {
    let before = nix.lines().take(line).collect::<Vec<_>>();
    before
        .into_iter()
        .rev()
        .find_map(|line| line.trim().strip_prefix("by = \"")?.strip_suffix("\";"))
}
