//! What `~`, `$HOME` and `$ORIG_HOME` mean in a cage's arguments.
//!
//! There are two homes. In paths of the host, all three mean the real one. In the program's
//! arguments and variables, `~` and `$HOME` mean the home that it sees, which is the cage's own.

use jail_policy::{Piece, Text};

/// The real home folder, as the stub expands it.
const REAL: &str = "${HOME}";

/// The folder of a cage's own state.
pub(super) fn state(name: &str) -> String {
    format!("~/.local/state/jailgen/{name}")
}

/// A path of the host, expanded. `$ORIG_HOME` is another name for the home folder.
pub(super) fn of_the_host(text: &Text) -> Text {
    let mut text = renamed(text, &|name| (name == "ORIG_HOME").then(|| REAL.to_owned()));
    text.expand = true;
    text
}

/// What the program gets. A plain word is expanded only if it names one of the homes and is valid
/// as an expansion: otherwise the program interprets it.
pub(super) fn in_the_cage(text: &Text, name: &str) -> Text {
    let own = format!("{REAL}{}/home", state(name).trim_start_matches('~'));
    let rename = |variable: &str| match variable {
        "ORIG_HOME" => Some(REAL.to_owned()),
        "HOME" => Some(own.clone()),
        _ => None,
    };
    let mut renamed = renamed(text, &rename);
    if renamed == *text {
        return renamed;
    }
    renamed.expand = true;
    let source = renamed.to_string();
    let understood = jail_plan::Expansion::parse(&source).is_ok();
    if text.expand || understood { renamed } else { text.clone() }
}

/// The part of a host path below the home folder.
pub(super) fn below_home(path: &Text) -> Option<String> {
    let text = path.as_str()?;
    let below = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|home| text.strip_prefix(home))?;
    (path.expand && !below.contains(['$', '`'])).then(|| below.trim_end_matches('/').to_owned())
}

/// The text, with references to variables replaced by what `rename` gives.
fn renamed(text: &Text, rename: &dyn Fn(&str) -> Option<String>) -> Text {
    let pieces = text.pieces().iter().enumerate().map(|(index, piece)| match piece {
        Piece::Literal(literal) => Piece::Literal(in_literal(literal, index == 0, rename)),
        Piece::Package { .. } | Piece::Entry { .. } => piece.clone(),
    });
    Text::new(text.expand, pieces)
}

fn in_literal(literal: &str, is_first: bool, rename: &dyn Fn(&str) -> Option<String>) -> String {
    let mut done = String::new();
    let mut rest = literal;
    if is_first
        && let Some(after) = rest.strip_prefix('~')
        && (after.is_empty() || after.starts_with('/'))
        && let Some(new) = rename("HOME")
    {
        done.push_str(&new);
        rest = after;
    }
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        done.push_str(before);
        let (reference, after) = variable(from, rename);
        done.push_str(&reference);
        rest = after;
    }
    done.push_str(rest);
    done
}

/// The reference at the start of `from`, possibly renamed, and what follows it.
fn variable<'a>(from: &'a str, rename: &dyn Fn(&str) -> Option<String>) -> (String, &'a str) {
    let after = from.get(1..).unwrap_or_default();
    let (name_from, braced) = match after.strip_prefix('{') {
        Some(inner) => (inner, true),
        None => (after, false),
    };
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let length = name_from.find(|c| !is_name(c)).unwrap_or(name_from.len());
    let (name, following) = name_from.split_at(length);
    match (rename(name), braced, following.strip_prefix('}')) {
        (Some(new), false, _) => (new, following),
        (Some(new), true, Some(following)) => (new, following),
        // The home itself: a default is never used for a home, which is always set.
        (Some(new), true, None) => match following.find('}') {
            Some(end) => (new, following.get(end + 1..).unwrap_or_default()),
            None => ("$".to_owned(), after),
        },
        (None, _, _) => ("$".to_owned(), after),
    }
}
