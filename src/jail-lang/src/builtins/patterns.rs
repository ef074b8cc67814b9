//! `match` and `split`: POSIX extended regular expressions, run by the `regex` crate.

use jail_registry::{Code as DiagnosticCode, Place};
use regex::{Captures, Regex, RegexBuilder};

use super::{Builtin, builtin, take};
use crate::eval::Evaluator;
use crate::failure::{Failure, Fallible};
use crate::value::Value;

pub(super) const TABLE: &[Builtin] = &[
    builtin("match", 2, |evaluator, args, at| {
        let [pattern, text] = take(args, at)?;
        let regex = compile(evaluator, pattern, at, true)?;
        let text = evaluator.string(text, at)?;
        Ok(regex.captures(&text).map_or(Value::Null, |captures| groups(&captures)))
    }),
    builtin("split", 2, |evaluator, args, at| {
        let [pattern, text] = take(args, at)?;
        let regex = compile(evaluator, pattern, at, false)?;
        let text = evaluator.string(text, at)?;
        let mut parts = Vec::new();
        let mut end = 0;
        for captures in regex.captures_iter(&text) {
            let Some(whole) = captures.get(0) else { continue };
            parts.push(Value::string(text.get(end..whole.start()).unwrap_or("")));
            parts.push(groups(&captures));
            end = whole.end();
        }
        parts.push(Value::string(text.get(end..).unwrap_or("")));
        Ok(Value::list(parts))
    }),
];

fn groups(captures: &Captures<'_>) -> Value {
    let group = |group: Option<regex::Match<'_>>| {
        group.map_or(Value::Null, |group| Value::string(group.as_str()))
    };
    Value::list(captures.iter().skip(1).map(group).collect::<Vec<_>>())
}

/// The largest compiled pattern.
const SIZE_MAX: usize = 1 << 20;

fn compile(evaluator: &Evaluator<'_>, pattern: &Value, at: Place, whole: bool) -> Fallible<Regex> {
    let pattern = evaluator.string(pattern, at)?;
    let translated = translate(&pattern);
    let anchored = if whole { format!("^(?:{translated})$") } else { translated };
    let built =
        RegexBuilder::new(&anchored).dot_matches_new_line(true).size_limit(SIZE_MAX).build();
    built.map_err(|error| {
        let reason = error.to_string();
        let reason =
            reason.lines().next_back().unwrap_or("").trim_start_matches("error: ").to_owned();
        Failure::new(
            DiagnosticCode::Pattern,
            at,
            format!("`{pattern}` is no regular expression: {reason}"),
        )
        .label("extended POSIX syntax")
    })
}

/// From POSIX's syntax to the crate's: inside brackets a backslash and `[` are characters, and outside an escaped
/// character is that character.
fn translate(pattern: &str) -> String {
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some(next) => translated.push_str(&regex::escape(&next.to_string())),
                None => translated.push('\\'),
            },
            '[' => bracket(&mut chars, &mut translated),
            // A brace that begins no repetition is an error in both.
            char => translated.push(char),
        }
    }
    translated
}

fn bracket(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, translated: &mut String) {
    translated.push('[');
    if chars.next_if_eq(&'^').is_some() {
        translated.push('^');
    }
    let mut first = true;
    while let Some(char) = chars.next() {
        match char {
            ']' if !first => {
                translated.push(']');
                return;
            }
            '[' if chars.peek() == Some(&':') => {
                translated.push('[');
                for char in chars.by_ref() {
                    translated.push(char);
                    if char == ']' {
                        break;
                    }
                }
            }
            // Two of these in a row would be a set operation.
            '[' | ']' | '\\' | '&' | '~' => {
                translated.push('\\');
                translated.push(char);
            }
            '-' if first || chars.peek() == Some(&']') => translated.push_str("\\-"),
            char => translated.push(char),
        }
        first = false;
    }
}
