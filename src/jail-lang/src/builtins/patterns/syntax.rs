//! Translates POSIX's syntax to that of the `regex` crate. What C++ refuses is refused here too,
//! where the crate would give it another meaning.

use std::iter::Peekable;
use std::str::Chars;

/// The characters that Nix allows behind a backslash.
const SPECIAL: &str = ".[\\()*+?{|^$";

const CLASSES: [&str; 15] = [
    "alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "xdigit", "d", "s", "w",
];

/// The pattern in the crate's syntax.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut chars = pattern.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => match chars.next() {
                Some(next) if SPECIAL.contains(next) => {
                    translated.push('\\');
                    translated.push(next);
                }
                Some(next) => return Err(format!("`\\{next}` means nothing")),
                None => return Err("it ends in a backslash".into()),
            },
            '[' => bracket(&mut chars, &mut translated)?,
            '^' | '$' if matches!(chars.peek(), Some('*' | '+' | '?' | '{')) => {
                return Err(format!("`{char}` cannot be repeated"));
            }
            // The crate would read this as the start of another construct.
            '(' if chars.peek() == Some(&'?') => return Err("nothing is repeated by `?`".into()),
            char => push(char, &mut translated),
        }
    }
    Ok(translated)
}

/// Writes a character as its bytes. A repetition after it applies to the last byte, as in C++.
fn push(char: char, translated: &mut String) {
    if char.is_ascii() {
        translated.push(char);
        return;
    }
    for byte in char.encode_utf8(&mut [0; 4]).bytes() {
        translated.push_str(&format!("\\x{byte:02X}"));
    }
}

fn bracket(chars: &mut Peekable<Chars<'_>>, translated: &mut String) -> Result<(), String> {
    translated.push('[');
    if chars.next_if_eq(&'^').is_some() {
        translated.push('^');
    }
    let mut first = true;
    while let Some(char) = chars.next() {
        match char {
            ']' if !first => {
                translated.push(']');
                return Ok(());
            }
            '[' if matches!(chars.peek(), Some(':' | '.' | '=')) => named(chars, translated)?,
            // Two of these in a row would be a set operation.
            '[' | ']' | '\\' | '&' | '~' | '^' => {
                translated.push('\\');
                translated.push(char);
            }
            '-' if first || chars.peek() == Some(&']') => translated.push_str("\\-"),
            char => push(char, translated),
        }
        first = false;
    }
    Err("a bracket is not closed".into())
}

/// `[:alpha:]`, and `[.a.]` and `[=a=]`, which are the character itself.
fn named(chars: &mut Peekable<Chars<'_>>, translated: &mut String) -> Result<(), String> {
    let kind = chars.next().unwrap_or(':');
    let mut name = String::new();
    loop {
        match chars.next() {
            Some(char) if char == kind && chars.next_if_eq(&']').is_some() => break,
            Some(char) => name.push(char),
            None => return Err("a bracket is not closed".into()),
        }
    }
    match (kind, name.as_str()) {
        (':', "d") => translated.push_str("[:digit:]"),
        (':', "s") => translated.push_str("[:space:]"),
        (':', "w") => translated.push_str("[:word:]"),
        (':', name) if CLASSES.contains(&name) => translated.push_str(&format!("[:{name}:]")),
        ('.' | '=', name) if name.len() == 1 && name.chars().all(char::is_alphanumeric) => {
            translated.push_str(name);
        }
        _ => return Err(format!("`[{kind}{name}{kind}]` is not a character class")),
    }
    Ok(())
}
