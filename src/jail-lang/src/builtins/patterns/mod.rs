//! `match` and `split`: POSIX extended regular expressions over bytes, as the C++ library that
//! Nix uses understands them.

mod pattern;
mod syntax;

use std::ops::Range;
use std::rc::Rc;

use jail_registry::{Code as DiagnosticCode, Place};

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

use pattern::Groups;
pub(crate) use pattern::Pattern;

pub(super) const TABLE: &[Builtin] = &[
    builtin("match", 2, |evaluator, args, at| {
        let [pattern, text] = take(args, at)?;
        let pattern = compile(evaluator, pattern, at)?;
        let text = evaluator.string(text, at)?;
        evaluator.work(pattern.cost(text.len()), at)?;
        match pattern.whole(text.as_bytes()) {
            Some(found) => groups(&text, &found, at),
            None => Ok(Value::Null),
        }
    }),
    builtin("split", 2, |evaluator, args, at| {
        let [pattern, text] = take(args, at)?;
        let pattern = compile(evaluator, pattern, at)?;
        let text = evaluator.string(text, at)?;
        let mut parts = Vec::new();
        evaluator.work(pattern.cost(text.len()), at)?;
        let (mut end, mut from) = (0, 0);
        while let Some(found) = pattern.find(text.as_bytes(), from) {
            let Some(whole) = found.first().cloned().flatten() else { break };
            // Each search for the next match may scan to the end of the text.
            evaluator.work((text.len() - whole.end).saturating_mul(LOOK_COST), at)?;
            evaluator.step(at)?;
            parts.push(part(&text, end..whole.start, at)?);
            parts.push(groups(&text, &found, at)?);
            end = whole.end;
            // After an empty match, the search goes on behind the next character.
            from = end + usize::from(whole.is_empty());
            if from > text.len() {
                break;
            }
        }
        parts.push(part(&text, end..text.len(), at)?);
        Ok(Value::list(parts))
    }),
];

fn groups(text: &str, found: &Groups, at: Place) -> Fallible<Value> {
    let group = |group: &Option<Range<usize>>| match group {
        Some(range) => part(text, range.clone(), at),
        None => Ok(Value::Null),
    };
    Ok(Value::list(found.iter().skip(1).map(group).collect::<Fallible<Vec<_>>>()?))
}

fn part(text: &str, range: Range<usize>, at: Place) -> Fallible<Value> {
    let part = text.get(range).ok_or_else(|| {
        let message = "the pattern splits a character: it matches bytes, and strings are UTF-8";
        Failure::new(DiagnosticCode::Pattern, at, message)
            .label("read here")
            .help("name the characters: `(ä|ö)` instead of `[äö]`")
    })?;
    Ok(Value::string(part))
}

/// The cost of looking at a byte, in bytes copied.
const LOOK_COST: usize = 4;

/// How many compiled patterns are kept: each may take megabytes.
const PATTERNS_MAX: usize = 32;

/// The longest pattern, in bytes. No person writes a longer one.
const PATTERN_BYTES_MAX: usize = 64 << 10;

/// The least that the compilation of a pattern costs, in bytes copied.
const COMPILE_COST: usize = 256 << 10;

/// The cost of each state of the automaton, in bytes matched: a short pattern may
/// have thousands of states.
const COMPILE_LOOKS: usize = 64;

/// Compiles a pattern, once for each text.
fn compile(evaluator: &Evaluator<'_>, pattern: &Value, at: Place) -> Fallible<Rc<Pattern>> {
    let text = evaluator.string(pattern, at)?;
    if text.len() > PATTERN_BYTES_MAX {
        let message = format!("a regular expression of more than {} KB", PATTERN_BYTES_MAX >> 10);
        return Err(Failure::new(DiagnosticCode::Pattern, at, message).label("too long"));
    }
    if let Some(pattern) = evaluator.patterns.borrow().get(&**text) {
        return Ok(Rc::clone(pattern));
    }
    let compiled = Pattern::new(&text).map_err(|reason| {
        let message = format!("`{text}` is not a regular expression: {reason}");
        Failure::new(DiagnosticCode::Pattern, at, message).label("expected extended POSIX syntax")
    })?;
    let compiled = Rc::new(compiled);
    evaluator.work(COMPILE_COST.saturating_add(compiled.cost(COMPILE_LOOKS)), at)?;
    if evaluator.patterns.borrow().len() >= PATTERNS_MAX {
        evaluator.patterns.borrow_mut().clear();
    }
    evaluator.patterns.borrow_mut().insert(text.to_string().into(), Rc::clone(&compiled));
    Ok(compiled)
}
