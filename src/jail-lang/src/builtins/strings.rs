//! Builtins on strings.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, count, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::print::json;
use crate::sources::SpecPath;
use crate::value::{TextValue, Value};

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
        // One slash at the end does not count.
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
        let mut text = TextValue::plain();
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
    builtin("replaceStrings", 3, replace_strings),
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
        let mut text = TextValue::plain();
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
fn divided(at: Place) -> Box<Failure> {
    Failure::new(DiagnosticCode::Encoding, at, "the string would be cut inside a character")
        .label("counted in bytes")
        .help("a letter outside of ASCII has several bytes")
}

/// Strings without package parts are joined at once.
fn joined_plainly(
    evaluator: &Evaluator<'_>,
    separator: &str,
    items: &[Value],
    at: Place,
) -> Fallible<Option<Value>> {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        let Value::Str(text) = evaluator.force(item, at)? else { return Ok(None) };
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&text);
    }
    Ok(Some(Value::string(joined)))
}

/// At each position the first string that fits is replaced. An empty one fits everywhere, also at the end.
fn replace_strings(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<Value> {
    let [from, to, text] = take(args, at)?;
    let (from, to) = (evaluator.list(from, at)?, evaluator.list(to, at)?);
    if from.items.len() != to.items.len() {
        let message = format!(
            "`replaceStrings` has {} strings to replace and {} replacements",
            from.items.len(),
            to.items.len()
        );
        return Err(Failure::new(DiagnosticCode::TypeMismatch, at, message)
            .label("the lists must be equally long"));
    }
    let mut wanted = Vec::new();
    for item in &from.items {
        wanted.push(evaluator.string(item, at)?);
    }
    let text = evaluator.force(text, at)?;
    let Value::Str(text) = &text else { return Err(evaluator.mismatch("a string", &text, at)) };
    if !text.is_ascii() && wanted.iter().any(|wanted| wanted.is_empty()) {
        return Err(divided(at));
    }
    let mut replaced = TextValue::plain();
    let mut pending = String::new();
    let mut rest: &str = text;
    loop {
        let found = wanted.iter().position(|wanted| rest.starts_with(&***wanted));
        let length = found.and_then(|index| wanted.get(index)).map_or(0, |wanted| wanted.len());
        if let Some(replacement) = found.and_then(|index| to.items.get(index)) {
            replaced.push_str(&std::mem::take(&mut pending));
            let replacement = evaluator.force(replacement, at)?;
            match &replacement {
                Value::Str(text) => replaced.push_str(text),
                Value::Text(_) | Value::Residual(_) => {
                    evaluator.append(&mut replaced, &replacement, at)?;
                }
                other => return Err(evaluator.mismatch("a string", other, at)),
            }
        }
        if length > 0 {
            rest = rest.get(length..).unwrap_or("");
            if rest.is_empty() && !wanted.iter().any(|wanted| wanted.is_empty()) {
                break;
            }
            continue;
        }
        let Some(char) = rest.chars().next() else { break };
        pending.push(char);
        rest = rest.get(char.len_utf8()..).unwrap_or("");
    }
    replaced.push_str(&pending);
    Ok(replaced.into_value())
}
