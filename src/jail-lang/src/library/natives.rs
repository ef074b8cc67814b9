//! The functions of `lib` that are better written in Rust than in Nix: those that would recurse for
//! each element, those that compare paths, and those that compare parts of strings, which Nix cuts
//! at any byte.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::packages::function;
use crate::builtins::{Builtin, count};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::limits::DELAYED;
use crate::sources::SpecPath;
use crate::value::{Chars, Thunk, Value};

pub(super) const TABLE: &[Builtin] = &[
    function("foldr", 3, |evaluator, args, at| {
        let [step, end, list] = args else { return Ok(Value::Null) };
        let list = evaluator.list(list, at)?;
        evaluator.charge_elements(list.items.len(), DELAYED, at)?;
        let rest = |rest: Value, item: &Value| Thunk::apply(step.clone(), [item.clone(), rest], at);
        let folded = list.items.iter().rev().fold(end.clone(), rest);
        evaluator.force(&folded, at)
    }),
    function("lists.findFirstIndex", 3, |evaluator, args, at| {
        let [test, default, list] = args else { return Ok(Value::Null) };
        let test = evaluator.force(test, at)?;
        for (index, item) in evaluator.list(list, at)?.items.iter().enumerate() {
            let holds = evaluator.apply(&test, std::slice::from_ref(item), at)?;
            if evaluator.boolean(&holds, at)? {
                return Ok(count(index));
            }
        }
        evaluator.force(default, at)
    }),
    function("hasPrefix", 2, |evaluator, args, at| {
        has_affix(evaluator, args, at, |text, prefix| text.starts_with(prefix))
    }),
    function("hasSuffix", 2, |evaluator, args, at| {
        has_affix(evaluator, args, at, |text, suffix| text.ends_with(suffix))
    }),
    function("strings.commonPrefixLength", 2, |evaluator, args, at| {
        let [a, b] = texts(evaluator, args, at)?;
        Ok(count(equal_from_start(a.bytes().zip(b.bytes()))))
    }),
    function("strings.commonSuffixLength", 2, |evaluator, args, at| {
        let [a, b] = texts(evaluator, args, at)?;
        Ok(count(equal_from_start(a.bytes().rev().zip(b.bytes().rev()))))
    }),
    function("path.hasPrefix", 2, |evaluator, args, at| {
        let [prefix, path] = paths(evaluator, args, at)?;
        Ok(Value::Bool(path.below(&prefix.0).is_some()))
    }),
    function("path.removePrefix", 2, |evaluator, args, at| {
        let [prefix, path] = paths(evaluator, args, at)?;
        match path.below(&prefix.0) {
            Some(rest) => Ok(Value::string(format!("./{rest}"))),
            None => Err(Failure::new(
                DiagnosticCode::Thrown,
                at,
                "the first path is not a folder above the second",
            )
            .label("`lib.path.removePrefix` fails here")),
        }
    }),
];

/// Two paths that are both in the spec's folder, or both outside of it. Their relation is then the
/// same wherever Nix evaluates the spec.
fn paths(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<[Rc<SpecPath>; 2]> {
    let [a, b] = args else { return Err(evaluator.mismatch("a path", &Value::Null, at)) };
    let (a, b) = (path(evaluator, a, at)?, path(evaluator, b, at)?);
    let is_inside = |path: &SpecPath| path.below(evaluator.sources.root()).is_some();
    if is_inside(&a) == is_inside(&b) {
        return Ok([a, b]);
    }
    Err(Failure::dependent(at, "one path is in the spec's folder, and the other is not")
        .label("Nix evaluates a copy of the spec, which is elsewhere"))
}

fn texts(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<[Rc<Chars>; 2]> {
    let [a, b] = args else { return Err(evaluator.mismatch("a string", &Value::Null, at)) };
    Ok([evaluator.plain_text(a, at)?, evaluator.plain_text(b, at)?])
}

/// Nix compares a prefix or suffix with `==`, so a set that only becomes a string is neither.
fn has_affix(
    evaluator: &Evaluator<'_>,
    args: &[Value],
    at: Place,
    has: fn(&str, &str) -> bool,
) -> Fallible<Value> {
    let [affix, text] = args else { return Err(evaluator.mismatch("a string", &Value::Null, at)) };
    let found = has(&evaluator.plain_text(text, at)?, &evaluator.plain_text(affix, at)?);
    Ok(Value::Bool(found && matches!(evaluator.force(affix, at)?, Value::Str(_))))
}

fn equal_from_start(pairs: impl Iterator<Item = (u8, u8)>) -> usize {
    pairs.take_while(|(a, b)| a == b).count()
}

fn path(evaluator: &Evaluator<'_>, value: &Value, at: Place) -> Fallible<Rc<SpecPath>> {
    match evaluator.force(value, at)? {
        Value::Path(path) => Ok(path),
        other => Err(evaluator.mismatch("a path", &other, at)),
    }
}
