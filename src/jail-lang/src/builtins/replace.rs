//! `replaceStrings`.

use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::strings::divided;
use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::{Chars, List, TextBuilder, Value};

pub(super) const TABLE: &[Builtin] = &[builtin("replaceStrings", 3, replace_strings)];

/// The strings to replace, by their first bytes: only a few are compared at each position.
struct Wanted {
    by_first: [Vec<(usize, Rc<Chars>)>; 256],
    /// The index of the first empty string, which matches at every position, also at the end.
    empty: Option<usize>,
}

/// A string that matches: its index and its length.
struct Fit {
    index: usize,
    len: usize,
}

impl Wanted {
    fn new(evaluator: &Evaluator<'_>, list: &List, at: Place) -> Fallible<Self> {
        let mut wanted = Self { by_first: [const { Vec::new() }; 256], empty: None };
        for (index, item) in list.items.iter().enumerate() {
            let text = evaluator.string(item, at)?;
            match text.as_bytes().first() {
                Some(first) => {
                    let others = wanted.by_first.get_mut(usize::from(*first));
                    others.into_iter().for_each(|others| others.push((index, text.clone())));
                }
                None => wanted.empty = wanted.empty.or(Some(index)),
            }
        }
        Ok(wanted)
    }

    /// The first string of the list that `rest` begins with.
    fn fit(&self, evaluator: &Evaluator<'_>, rest: &str, at: Place) -> Fallible<Option<Fit>> {
        let first = rest.as_bytes().first();
        let candidates = first.and_then(|first| self.by_first.get(usize::from(*first)));
        let candidates = candidates.map(Vec::as_slice).unwrap_or_default();
        evaluator.work(candidates.len() * CANDIDATE_COST, at)?;
        let found = candidates.iter().find(|(_, wanted)| rest.starts_with(&***wanted));
        let found = found.map(|(index, wanted)| Fit { index: *index, len: wanted.len() });
        let empty = self.empty.map(|index| Fit { index, len: 0 });
        Ok(match (found, empty) {
            (Some(found), Some(empty)) if empty.index < found.index => Some(empty),
            (found, empty) => found.or(empty),
        })
    }
}

/// The cost of comparing a string, in bytes copied.
const CANDIDATE_COST: usize = 8;

/// At each position, the first string that matches is replaced.
fn replace_strings(evaluator: &Evaluator<'_>, args: &[Value], at: Place) -> Fallible<Value> {
    let [from, to, text] = take(args, at)?;
    let (from, to) = (evaluator.list(from, at)?, evaluator.list(to, at)?);
    if from.items.len() != to.items.len() {
        return Err(unequal(from.items.len(), to.items.len(), at));
    }
    let wanted = Wanted::new(evaluator, &from, at)?;
    let text = evaluator.force(text, at)?;
    let Value::Str(text) = &text else { return Err(evaluator.mismatch("a string", &text, at)) };
    if wanted.empty.is_some() && !text.is_ascii() {
        return Err(divided(at));
    }
    evaluator.work(text.len().saturating_mul(CANDIDATE_COST), at)?;
    let mut replaced = TextBuilder::plain();
    let mut replacements = vec![None; to.items.len()];
    // The text between `kept` and `position` is copied unchanged.
    let (mut kept, mut position) = (0, 0);
    loop {
        let rest = text.get(position..).unwrap_or("");
        let fit = wanted.fit(evaluator, rest, at)?;
        if let Some(fit) = &fit {
            if kept < position {
                evaluator.append_str(&mut replaced, text.get(kept..position).unwrap_or(""), at)?;
            }
            evaluator.step(at)?;
            if let (Some(known), Some(of)) =
                (replacements.get_mut(fit.index), to.items.get(fit.index))
            {
                append_replacement(evaluator, &mut replaced, known, of, at)?;
            }
            kept = position + fit.len;
        }
        match (fit.map_or(0, |fit| fit.len), rest.chars().next()) {
            (0, None) => break,
            (0, Some(char)) => position += char.len_utf8(),
            (len, _) => position += len,
        }
    }
    evaluator.append_str(&mut replaced, text.get(kept..).unwrap_or(""), at)?;
    Ok(replaced.into_value())
}

/// Each replacement is evaluated when it is first needed.
fn append_replacement(
    evaluator: &Evaluator<'_>,
    replaced: &mut TextBuilder,
    known: &mut Option<Value>,
    of: &Value,
    at: Place,
) -> Fallible<()> {
    let replacement = match known {
        Some(replacement) => replacement,
        None => known.insert(evaluator.force(of, at)?),
    };
    match replacement {
        Value::Str(text) => evaluator.append_str(replaced, text, at),
        Value::Text(_) | Value::Residual(_) => evaluator.append(replaced, replacement, at),
        other => Err(evaluator.mismatch("a string", other, at)),
    }
}

fn unequal(from: usize, to: usize, at: Place) -> Box<Failure> {
    let message = format!("`replaceStrings` has {from} strings to replace and {to} replacements");
    Failure::new(DiagnosticCode::TypeMismatch, at, message).label("the lists must be equally long")
}
