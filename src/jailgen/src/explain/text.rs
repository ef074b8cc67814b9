//! An explanation as text: one screen, the origin of each line at the right.

use std::fmt::Write as _;

use clap::builder::styling::{AnsiColor, Style};

use super::{Explanation, Line};
use crate::render::sanitise;

const TITLE: Style = Style::new().bold();
const WIDE: Style = AnsiColor::Yellow.on_default();
const FAINT: Style = Style::new().dimmed();

/// The text of an explanation, at most about `width` columns wide.
#[must_use]
pub fn render(explanation: &Explanation, width: usize) -> String {
    let layout = Layout::of(explanation, width);
    let mut text = format!("{TITLE}{}{TITLE:#}\n", sanitise(&explanation.name));
    for group in &explanation.groups {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{TITLE}{}{TITLE:#}", group.title);
        for line in &group.lines {
            layout.line(&mut text, line);
        }
    }
    let _ = writeln!(text, "\n{TITLE}Not there{TITLE:#}");
    let room = width.saturating_sub(INDENT);
    for line in wrapped(list(&explanation.absent, room), room) {
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    text
}

const INDENT: usize = 2;
/// What stands in the middle is not squeezed below this, however narrow the terminal is.
const MIDDLE_MIN: usize = 24;

struct Layout {
    how: usize,
    middle: usize,
}

impl Layout {
    fn of(explanation: &Explanation, width: usize) -> Self {
        let lines = || explanation.groups.iter().flat_map(|group| &group.lines);
        let how = lines().map(|line| line.how.len()).max().unwrap_or_default() + 2;
        let right = lines().map(|line| origin(line).chars().count()).max().unwrap_or_default();
        let middle = width.saturating_sub(INDENT + how + 2 + right).max(MIDDLE_MIN);
        Self { how, middle }
    }

    fn line(&self, text: &mut String, line: &Line) {
        let Self { how, middle } = *self;
        let style = if is_wide(line) { WIDE } else { Style::new() };
        let left = format!("{:INDENT$}{style}{:<how$}{style:#}", "", line.how);
        let next = format!("{:1$}", "", INDENT + how);
        let note = line.note.map(|note| format!("({note})"));
        let note = note.iter().flat_map(|note| note.split(' ')).map(str::to_owned);
        for (index, part) in
            wrapped(list(&line.what, middle).chain(note), middle).iter().enumerate()
        {
            if index == 0 {
                let origin = origin(line);
                let _ = writeln!(text, "{left}{part:<middle$}  {FAINT}{origin}{FAINT:#}");
            } else {
                let _ = writeln!(text, "{next}{part}");
            }
        }
    }
}

/// What lets the program change or reach the host stands out.
fn is_wide(line: &Line) -> bool {
    matches!(line.how, "read-write" | "device" | "the host's" | "shared")
}

fn origin(line: &Line) -> String {
    match (&line.place, &line.combinator) {
        (Some(place), Some(combinator)) => {
            format!("{}  {}", sanitise(place), sanitise(combinator))
        }
        (Some(_) | None, _) => "by default".into(),
    }
}

/// The items with commas between them. An item stays in one piece if `width` allows it.
fn list(items: &[impl AsRef<str>], width: usize) -> impl Iterator<Item = String> {
    let last = items.len().saturating_sub(1);
    items.iter().enumerate().flat_map(move |(index, item)| {
        let comma = if index < last { "," } else { "" };
        let item = format!("{}{comma}", sanitise(item.as_ref()));
        if item.chars().count() <= width {
            return vec![item];
        }
        item.split(' ').map(str::to_owned).collect()
    })
}

/// The words in lines of at most `width` columns, where a word allows it.
fn wrapped(words: impl Iterator<Item = impl AsRef<str>>, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words {
        let word = word.as_ref();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.into()),
        }
    }
    lines
}
