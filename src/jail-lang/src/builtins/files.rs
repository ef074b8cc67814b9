//! Builtins that read files: those of the spec's folder, nothing else.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, concrete, take};
use crate::attrs::Attrs;
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::sources::{SourceError, SpecPath};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    concrete("pathExists", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let path = path_of(evaluator, path, at)?;
        let kind = evaluator.sources.kind(&path.0);
        kind.map(|kind| Value::Bool(kind.is_some()))
            .map_err(|error| fault(evaluator, &error, &path, at))
    }),
    concrete("readDir", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let path = path_of(evaluator, path, at)?;
        let entries = evaluator.sources.list(&path.0);
        let entries = entries.map_err(|error| fault(evaluator, &error, &path, at))?;
        let pairs = entries
            .into_iter()
            .map(|(name, kind)| (evaluator.symbols.intern(&name), Value::string(kind.as_str())));
        Ok(Value::Attrs(Rc::new(Attrs::without_places(pairs))))
    }),
    concrete("readFileType", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let path = path_of(evaluator, path, at)?;
        let kind = evaluator.sources.kind(&path.0);
        let kind =
            kind.and_then(|kind| kind.ok_or_else(|| SourceError::Missing(path.0.to_string())));
        kind.map(|kind| Value::string(kind.as_str()))
            .map_err(|error| fault(evaluator, &error, &path, at))
    }),
    concrete("readFile", 1, |evaluator, args, at| {
        let [path] = take(args, at)?;
        let path = path_of(evaluator, path, at)?;
        let bytes = evaluator.sources.read(&path.0);
        let bytes = bytes.map_err(|error| fault(evaluator, &error, &path, at))?;
        evaluator.charge(bytes.len(), at)?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let message = format!("`{}` is not UTF-8", evaluator.shown(&path));
            Failure::new(DiagnosticCode::Encoding, at, message).label("only text files can be read")
        })?;
        if text.contains('\0') {
            let message = format!("`{}` holds a NUL byte", evaluator.shown(&path));
            return Err(Failure::new(DiagnosticCode::Encoding, at, message)
                .label("only text files can be read"));
        }
        Ok(Value::string(text))
    }),
    concrete("hashFile", 2, |evaluator, args, at| {
        let [kind, path] = take(args, at)?;
        let kind = evaluator.string(kind, at)?;
        let path = path_of(evaluator, path, at)?;
        let bytes = evaluator.sources.read(&path.0);
        let bytes = bytes.map_err(|error| fault(evaluator, &error, &path, at))?;
        evaluator.work(bytes.len().saturating_mul(super::hash::DIGEST_COST), at)?;
        super::hash::digest(&kind, &bytes, at).map(Value::string)
    }),
];

fn path_of(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<Rc<SpecPath>> {
    match evaluator.force(value, at)? {
        Value::Path(path) => Ok(path),
        other => {
            let text = evaluator.plain_text(&other, at)?;
            if text.starts_with('/') {
                return Ok(Rc::new(SpecPath::new("/", &text)));
            }
            Err(Failure::new(
                DiagnosticCode::TypeMismatch,
                at,
                format!("`{text}` is not an absolute path"),
            )
            .label("a string is a path only when it starts with `/`")
            .help(format!("write `./{text}` without quotes for a file next to the spec")))
        }
    }
}

fn fault(
    evaluator: &Evaluator<'_>,
    error: &SourceError,
    path: &SpecPath,
    at: Place,
) -> Box<Failure> {
    Failure::from_diagnostic(evaluator.unreadable(error, path, Some(at)))
}
