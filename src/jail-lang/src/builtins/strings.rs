//! Builtins on strings.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, count, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::print::json;
use crate::sources::SpecPath;
use crate::value::{TextBuilder, Value};

pub(super) const TABLE: &[Builtin] = &[
    builtin("baseNameOf", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let value = evaluator.force(path, at)?;
        if let Value::Path(path) = &value
            && let Some(name) = evaluator.name_in_folder(path)
        {
            return Ok(Value::string(name));
        }
        let text = evaluator.plain_text(&value, at)?;
        // A single slash at the end does not count.
        let trimmed = text.strip_suffix('/').unwrap_or(&text);
        Ok(Value::string(trimmed.rsplit('/').next().unwrap_or("")))
    }),
    builtin("dirOf", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let value = evaluator.force(path, at)?;
        if let Value::Path(path) = &value {
            return Ok(Value::Path(Rc::new(SpecPath(path.parent().into()))));
        }
        let text = evaluator.plain_text(&value, at)?;
        if text.contains("//") {
            return Err(Failure::dependent(
                at,
                format!("`dirOf` of `{text}`, which has two slashes in a row"),
            )
            .label("versions of Nix drop one of them, or both"));
        }
        Ok(Value::string(match text.rsplit_once('/') {
            None => ".",
            Some(("", _)) => "/",
            Some((folder, _)) => folder,
        }))
    }),
    builtin("concatStringsSep", 2, |evaluator, args, at| {
        let [separator, list] = take(args, at)?;
        let separator = evaluator.force(separator, at)?;
        if !matches!(separator, Value::Str(_) | Value::Text(_) | Value::Residual(_)) {
            return Err(evaluator.mismatch("a string", &separator, at));
        }
        let list = evaluator.list(list, at)?;
        if let Value::Str(separator) = &separator
            && let Some(joined) = joined_plainly(evaluator, separator, &list.items, at)?
        {
            return Ok(joined);
        }
        let mut text = TextBuilder::plain();
        for (index, item) in list.items.iter().enumerate() {
            if index > 0 {
                evaluator.append(&mut text, &separator, at)?;
            }
            evaluator.append(&mut text, item, list.place_of(index).unwrap_or(at))?;
        }
        Ok(text.into_value())
    }),
    builtin("fromJSON", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        json::read(evaluator, &evaluator.string(text, at)?, at)
    }),
    builtin("stringLength", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        Ok(count(evaluator.plain_text(text, at)?.len()))
    }),
    builtin("substring", 3, |evaluator, args, at| {
        let [start, length, text] = take(args, at)?;
        let (start, length) = (evaluator.integer(start, at)?, evaluator.integer(length, at)?);
        let text = evaluator.plain_text(text, at)?;
        let Ok(start) = usize::try_from(start) else {
            return Err(Failure::new(
                DiagnosticCode::OutOfBounds,
                at,
                "`substring` from a negative index",
            )
            .label("counted from 0"));
        };
        let start = start.min(text.len());
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let end = start.saturating_add(length).min(text.len());
        evaluator.charge(end - start, at)?;
        match text.get(start..end) {
            Some(part) => Ok(Value::string(part)),
            None => Err(divided(at)),
        }
    }),
    builtin("toJSON", 1, |evaluator, args, at| {
        let [value] = take(args, at)?;
        json::write_portably(evaluator, value, at).map(Value::string)
    }),
    builtin("toString", 1, |evaluator, args, at| {
        let [value] = take(args, at)?;
        let mut text = TextBuilder::plain();
        let value = evaluator.force(value, at)?;
        evaluator.to_string(&value, &mut text, at)?;
        Ok(text.into_value())
    }),
    builtin("unsafeDiscardStringContext", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        Ok(Value::Str(evaluator.plain_text(text, at)?))
    }),
    builtin("unsafeDiscardOutputDependency", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        Ok(Value::Str(evaluator.plain_text(text, at)?))
    }),
    builtin("hasContext", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        evaluator.string(text, at).map(|_| Value::Bool(false))
    }),
    builtin("getContext", 1, |evaluator, args, at| {
        let [text] = take(args, at)?;
        evaluator.string(text, at)?;
        Ok(Value::Attrs(Rc::default()))
    }),
];

/// Nix counts bytes, and its strings may hold a part of a character.
pub(super) fn divided(at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::Encoding, at, "the string would be cut inside a character")
        .label("counted in bytes")
        .help("a character outside ASCII takes several bytes")
}

/// Strings without package parts are joined at once.
fn joined_plainly(
    evaluator: &Evaluator<'_>,
    separator: &str,
    items: &[Value],
    at: Place,
) -> Fallible<Option<Value>> {
    let mut joined = TextBuilder::plain();
    for (index, item) in items.iter().enumerate() {
        let Value::Str(text) = evaluator.force(item, at)? else { return Ok(None) };
        if index > 0 {
            evaluator.append_str(&mut joined, separator, at)?;
        }
        evaluator.append_str(&mut joined, &text, at)?;
    }
    Ok(Some(joined.into_value()))
}
