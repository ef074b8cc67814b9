//! Strings as Nix reads them: escapes, and the exact rule for the indentation of `''…''`.

/// A part of a string literal, not yet lowered.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<T> {
    Text(String),
    Code(T),
}

/// The characters of the raw content of a `"…"` string.
pub(super) fn unescape(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '\\' => text.extend(chars.next().map(escaped)),
            // A carriage return counts as a line feed, alone or before one.
            '\r' => {
                chars.next_if_eq(&'\n');
                text.push('\n');
            }
            char => text.push(char),
        }
    }
    text
}

const fn escaped(char: char) -> char {
    match char {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        char => char,
    }
}

/// A chunk of an indented string, as Nix's lexer splits it. Only plain
/// characters count as indentation.
enum Chunk<T> {
    Plain(String),
    Escaped(String),
    Code(T),
}

/// The parts of an indented string, from the raw contents between its interpolations.
pub(super) fn indented<T>(pieces: Vec<Piece<T>>) -> Vec<Piece<T>> {
    let mut chunks = Vec::new();
    for (index, piece) in pieces.into_iter().enumerate() {
        match piece {
            Piece::Code(code) => chunks.push(Chunk::Code(code)),
            Piece::Text(raw) if index == 0 => split(without_first_line(&raw), &mut chunks),
            Piece::Text(raw) => split(&raw, &mut chunks),
        }
    }
    let indentation = least_indentation(&chunks);
    strip(chunks, indentation)
}

/// Spaces and a line feed right after the opening quotes are dropped.
fn without_first_line(raw: &str) -> &str {
    raw.trim_start_matches(' ').strip_prefix('\n').unwrap_or(raw)
}

fn split<T>(raw: &str, chunks: &mut Vec<Chunk<T>>) {
    let mut rest = raw;
    let mut plain = String::new();
    while let Some(first) = rest.chars().next() {
        let (escape, length) = escape_at(rest);
        let (taken, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        rest = after;
        match escape {
            None => plain.push_str(taken),
            Some(text) => {
                if !plain.is_empty() {
                    chunks.push(Chunk::Plain(std::mem::take(&mut plain)));
                }
                chunks.push(Chunk::Escaped(text));
            }
        }
        debug_assert!(length >= first.len_utf8(), "every step takes a character");
    }
    if !plain.is_empty() {
        chunks.push(Chunk::Plain(plain));
    }
}

/// The escape at the start of `rest`, if there is one, and its length in bytes.
fn escape_at(rest: &str) -> (Option<String>, usize) {
    let mut chars = rest.chars();
    let first = chars.next().unwrap_or_default();
    let second = chars.next();
    let third = chars.next();
    match (first, second, third) {
        ('\'', Some('\''), Some('$')) => (Some("$".into()), 3),
        ('\'', Some('\''), Some('\'')) => (Some("''".into()), 3),
        ('\'', Some('\''), Some('\\')) => match chars.next() {
            Some(char) => (Some(escaped(char).into()), 3 + char.len_utf8()),
            None => (Some(String::new()), 3),
        },
        ('$', Some(next), _) if next != '{' && next != '\'' => (None, 1 + next.len_utf8()),
        ('$', _, _) => (Some("$".into()), 1),
        ('\'', Some(next), _) if next != '\'' && next != '$' => (None, 1 + next.len_utf8()),
        ('\'', _, _) => (Some("'".into()), 1),
        (char, _, _) => (None, char.len_utf8()),
    }
}

fn least_indentation<T>(chunks: &[Chunk<T>]) -> usize {
    let mut least = usize::MAX;
    let (mut at_start, mut current) = (true, 0);
    for chunk in chunks {
        let Chunk::Plain(text) = chunk else {
            if at_start {
                at_start = false;
                least = least.min(current);
            }
            continue;
        };
        for char in text.chars() {
            match char {
                '\n' => (at_start, current) = (true, 0),
                ' ' if at_start => current += 1,
                _ if at_start => {
                    at_start = false;
                    least = least.min(current);
                }
                _ => {}
            }
        }
    }
    least
}

fn strip<T>(chunks: Vec<Chunk<T>>, indentation: usize) -> Vec<Piece<T>> {
    let last = chunks.len().wrapping_sub(1);
    let mut pieces: Vec<Piece<T>> = Vec::new();
    let (mut at_start, mut dropped) = (true, 0);
    for (index, chunk) in chunks.into_iter().enumerate() {
        let (Chunk::Plain(text) | Chunk::Escaped(text)) = chunk else {
            (at_start, dropped) = (false, 0);
            if let Chunk::Code(code) = chunk {
                pieces.push(Piece::Code(code));
            }
            continue;
        };
        let mut stripped = String::with_capacity(text.len());
        for char in text.chars() {
            let keep = !(at_start && char == ' ' && dropped < indentation);
            match char {
                '\n' => (at_start, dropped) = (true, 0),
                ' ' if at_start => dropped += 1,
                _ => (at_start, dropped) = (false, 0),
            }
            if keep {
                stripped.push(char);
            }
        }
        if index == last {
            drop_last_line(&mut stripped);
        }
        match pieces.last_mut() {
            Some(Piece::Text(before)) => before.push_str(&stripped),
            _ => pieces.push(Piece::Text(stripped)),
        }
    }
    pieces
}

/// The last line is dropped if it contains only spaces; its line feed stays.
fn drop_last_line(text: &mut String) {
    if let Some(at) = text.rfind('\n')
        && text.get(at + 1..).is_some_and(|line| line.chars().all(|char| char == ' '))
    {
        text.truncate(at + 1);
    }
}
