//! The difference between the project and a stage, in the form of diff(1). What a file holds comes
//! from a jail too: control characters are escaped, so it is for reading and not for patch(1).

use std::fmt::Write as _;
use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

use super::change::{Act, Change};
use super::layer::Layer;
use super::place::{Kind, Tree};
use super::show::{modes, pair_renames, word};
use crate::handoff::report::shown;

/// A comparison of one file takes no longer; what is not compared by then counts as changed.
const PATIENCE: Duration = Duration::from_millis(100);
/// All of it has no more bytes.
const BYTES_MAX: usize = 64 << 20;
/// A longer line goes on in the next one, so that nothing of it is out of sight.
const LINE_MAX: usize = 2000;
/// What stands before the rest of it.
const GOES_ON: &str = "\\ goes on: ";

/// How much a file changes.
#[derive(Clone, Copy)]
pub(super) enum Counts {
    Lines { more: usize, fewer: usize },
    Bytes { before: u64, after: u64 },
}

/// The two contents of a change: of the project, and of the stage.
enum Contents {
    Text(String, String),
    Binary { before: u64, after: u64 },
}

fn contents(change: &Change, layer: &Layer, project: &Tree) -> Option<Contents> {
    match change.act {
        Act::New | Act::Replace | Act::Delete | Act::Aside | Act::Kept => {}
        Act::NewFolder
        | Act::Mode
        | Act::DeleteFolder
        | Act::Same
        | Act::Dropped(_)
        | Act::Refused(_)
        | Act::Git(_) => return None,
    }
    let before = change.from.as_ref().unwrap_or(&change.path);
    let theirs = match (&change.from, change.act) {
        (Some(_), _) | (_, Act::Aside) => project.found(before).ok().flatten(),
        _ => change.theirs.clone(),
    };
    let side = |found: Option<&super::place::Found>, tree: &Tree, path: &[u8]| match found {
        None => Some(Vec::new()),
        Some(found) if found.kind == Kind::Link => {
            tree.target(path).ok().map(|target| [b"link to ", target.as_slice(), b"\n"].concat())
        }
        Some(found) if found.kind == Kind::File => tree.text(path).ok().flatten(),
        Some(_) => Some(Vec::new()),
    };
    let size = |found: Option<&super::place::Found>| found.map_or(0, |found| found.size);
    let (one, other) = (
        side(theirs.as_ref(), project, before),
        side(change.ours.as_ref(), layer.tree(), &change.path),
    );
    let text = |bytes: Vec<u8>| match bytes.contains(&0) {
        true => None,
        // One byte that is no text must not hide the rest.
        false => Some(String::from_utf8_lossy(&bytes).into_owned()),
    };
    match (one.and_then(text), other.and_then(text)) {
        (Some(one), Some(other)) => Some(Contents::Text(one, other)),
        _ => Some(Contents::Binary {
            before: size(theirs.as_ref()),
            after: size(change.ours.as_ref()),
        }),
    }
}

/// How much a change is.
pub(super) fn counts(change: &Change, layer: &Layer, project: &Tree) -> Option<Counts> {
    match contents(change, layer, project)? {
        Contents::Binary { before, after } => Some(Counts::Bytes { before, after }),
        Contents::Text(one, other) => {
            let diff = TextDiff::configure()
                .algorithm(Algorithm::Myers)
                .timeout(PATIENCE)
                .diff_lines(&one, &other);
            let count = |tag| diff.iter_all_changes().filter(|line| line.tag() == tag).count();
            Some(Counts::Lines { more: count(ChangeTag::Insert), fewer: count(ChangeTag::Delete) })
        }
    }
}

/// All changes.
pub(super) fn all(changes: &[Change], layer: &Layer, project: &Tree) -> String {
    let mut changes = changes.to_vec();
    pair_renames(&mut changes, layer, project);
    let mut text = String::new();
    for change in &changes {
        one(change, layer, project, &mut text);
        if text.len() > BYTES_MAX {
            text.push_str("The rest is too long; name paths\n");
            break;
        }
    }
    text
}

fn one(change: &Change, layer: &Layer, project: &Tree, text: &mut String) {
    let name = shown(&change.path);
    match change.act {
        Act::Same => return,
        Act::Git(count) => {
            let _ = writeln!(text, "git {name}: {count} files");
            return;
        }
        Act::Dropped(why) | Act::Refused(why) => {
            let _ = writeln!(text, "{} {name}: {why}", word(change));
            return;
        }
        Act::New
        | Act::NewFolder
        | Act::Replace
        | Act::Mode
        | Act::Delete
        | Act::DeleteFolder
        | Act::Aside
        | Act::Kept => {}
    }
    let _ = write!(text, "{} {name}", word(change));
    if let Some(from) = &change.from {
        let _ = write!(text, " from {}", shown(from));
    }
    if let Some((before, after)) = modes(change) {
        let _ = write!(text, " mode {before:03o} -> {after:03o}");
    } else if let (Act::New, Some(ours)) = (change.act, &change.ours)
        && ours.kind == Kind::File
    {
        let _ = write!(text, " mode {:03o}", change.mode);
    }
    text.push('\n');
    match contents(change, layer, project) {
        None => {}
        Some(Contents::Binary { before, after }) => {
            let _ = writeln!(text, "  not text: {before} -> {after} bytes");
        }
        Some(Contents::Text(one, other)) => {
            let before = change.from.as_ref().map_or_else(|| name.clone(), |from| shown(from));
            unified(&before, &name, &one, &other, text);
        }
    }
}

fn unified(before: &str, after: &str, one: &str, other: &str, text: &mut String) {
    let diff =
        TextDiff::configure().algorithm(Algorithm::Myers).timeout(PATIENCE).diff_lines(one, other);
    let mut unified = diff.unified_diff();
    let unified = unified.context_radius(3).header(before, after).to_string();
    for line in unified.split_inclusive('\n') {
        printable(line.strip_suffix('\n').unwrap_or(line), text);
        if text.len() > BYTES_MAX {
            return;
        }
    }
}

/// A line as it can be shown: what a terminal would obey, and what a reader would not see, is
/// escaped.
fn printable(line: &str, text: &mut String) {
    for (number, character) in line.chars().enumerate() {
        if number > 0 && number.is_multiple_of(LINE_MAX) {
            text.push('\n');
            text.push_str(GOES_ON);
        }
        match character {
            '\t' => text.push('\t'),
            '\'' | '"' | '\\' => text.push(character),
            other => text.extend(other.escape_debug()),
        }
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_without_what_a_terminal_would_obey() {
        for (line, expected) in [
            ("+\ta\\n \"b\" 'ü'", "+\ta\\n \"b\" 'ü'"),
            ("\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}"),
            ("a\rb\u{202e}", "a\\rb\\u{202e}"),
        ] {
            let mut text = String::new();
            printable(line, &mut text);
            assert_eq!(text, format!("{expected}\n"));
        }
    }

    #[test]
    fn nothing_of_a_long_line_is_out_of_sight() {
        let line = "x".repeat(LINE_MAX * 2) + "end";
        let mut text = String::new();
        printable(&line, &mut text);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], "\\ goes on: end");
    }
}
